"""Whether the lines of a note were joined into one on the way, as an interface that drops line ends does."""

import itertools
import re
from typing import Final

_LONG: Final = 700
"""Characters. Dictated paragraphs are as long, but ask no questions of a form."""
_ENOUGH: Final = 5
_BEGINS: Final = re.compile(
    r"(?<=[^\s:,(/&.;!?]) {1,4}"
    r"(?=[A-Z][A-Za-z]{0,30}(?:[ /&-](?:[A-Za-z]{1,30}|[0-9/]{3,10})){0,3}(?: ?\([^()\n]{1,60}\))?:\s"
    r"|[A-Z]{4,30}(?: [A-Z]{2,30}){1,4} {1,4}[A-Z][a-z]"
    r"|[-*•·] |\[[ xX]?\] |[1-9][.)] [A-Z])"
)
"""What begins a line though no sentence ended before it: a heading or a question with its colon, a heading in capitals, an item of a list."""


def lines_joined(text: str) -> bool:
    """Whether a long line holds what only lines of their own can tell apart: which answer is of which question, where a
    list, a table or what is told of relatives ends. Prose under headings in one line can be read, and is not meant."""
    return any(
        sum(1 for _ in itertools.islice(_BEGINS.finditer(line), _ENOUGH)) == _ENOUGH
        for line in text.split("\n")
        if len(line) >= _LONG
    )
