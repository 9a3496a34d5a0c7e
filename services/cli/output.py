"""What commands print: one JSON document, or lines for people."""

import sys
from typing import Any

import msgspec
from rich.console import Console

stdout = Console(highlight=False, soft_wrap=True)
stderr = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(document: Any) -> None:
    """Writes one JSON document, indented, and nothing else."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")


def print_lines(*lines: str) -> None:
    """Writes lines as they are."""
    for line in lines:
        sys.stdout.write(line + "\n")
