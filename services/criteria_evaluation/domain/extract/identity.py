"""Pages of another patient that were sent along: a birth date or record number that is not the first one's."""

import re
from collections.abc import Iterator
from typing import Final

_BORN: Final = re.compile(
    r"\b(?:dob|d\.o\.b\.|date of birth)\s{0,3}:?\s{0,3}([0-9]{1,2}/[0-9]{1,2}/[0-9]{2,4})", re.IGNORECASE
)
_RECORD: Final = re.compile(r"\bmrn\s{0,3}[:#]?\s{0,3}([0-9]{4,12})\b", re.IGNORECASE)
_MOST: Final = 200
"""So many are looked at: a page has one or two."""


def foreign(text: str) -> list[tuple[int, int]]:
    """The parts of a text that bear another birth date or record number than its first, each from the beginning of its line on."""
    spans: list[tuple[int, int]] = []
    for kind in (_BORN, _RECORD):
        spans += _of_others(text, kind)
    return spans


def _of_others(text: str, kind: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    own, begin = None, None
    for count, found in enumerate(kind.finditer(text)):
        if count == _MOST:
            break
        number = _plain(found.group(1))
        own = own or number
        at = text.rfind("\n", 0, found.start()) + 1
        if number != own and begin is None:
            begin = at
        elif number == own and begin is not None:
            yield begin, at
            begin = None
    if begin is not None:
        yield begin, len(text)


def _plain(number: str) -> str:
    """A birth date or record number however it is padded: 02/04/1958 and 2/4/58 are the same."""
    parts = [part.lstrip("0") for part in number.split("/")]
    return "/".join([*parts[:-1], parts[-1][-2:]]) if len(parts) > 1 else parts[0]
