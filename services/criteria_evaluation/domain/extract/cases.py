"""Minutes of a conference go through several patients. The case for which something is requested is the chart's own."""

import itertools
import re
from typing import Final

_CASE: Final = re.compile(
    r"^[ \t]{0,8}(?:case|patient)[ \t]{1,3}#?([0-9]{1,2})\b(?=[ \t]{0,3}[:(.,-])[^\n]*", re.IGNORECASE | re.MULTILINE
)
_ADDED: Final = re.compile(r"^[ \t]{0,8}(?:addendum|attending|case)\b", re.IGNORECASE | re.MULTILINE)
_REQUESTED: Final = re.compile(
    r"\b(?:authori[sz]ation|request attached|submit(?:s|ted)?|pre-?cert\w*|prior approval)\b", re.IGNORECASE
)
_MOST: Final = 40


def cases_of_others(text: str) -> list[tuple[int, int]]:
    """The cases of conference minutes that are another's: all but the only one for which a request is to be sent.

    Where none or several are so marked nothing tells whose is whose, and all are read.
    """
    heads = list(itertools.islice(_CASE.finditer(text), _MOST))
    if len({head.group(1) for head in heads}) < 2:
        return []
    spans = [(head.start(), _end_of(text, head.end())) for head in heads]
    own = [_REQUESTED.search(text, *span) is not None for span in spans]
    if sum(own) != 1:
        return []
    return [span for span, is_own in zip(spans, own, strict=True) if not is_own]


def _end_of(text: str, at: int) -> int:
    """Where a case ends: at the next one, or at what was added to the minutes."""
    following = _ADDED.search(text, at)
    return len(text) if following is None else following.start()
