"""Names in the data directory of ``priorauth up``: apart from what runs it, so that a command may read them at no cost."""

from typing import Final

CONSOLE_READER: Final = "operator"
"""Who the console's generated token lets in."""
CONSOLE_FILE: Final = "console.token"
