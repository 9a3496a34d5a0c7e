"""The head of a note, which says when it was written."""

import datetime as dt
import re
from typing import Final

_HEAD: Final = 1200
_LABELLED: Final = re.compile(
    r"(?:^|[|\t]|  )[ \t*#]{0,8}"
    r"(?P<visit>date of (?:service|visit|encounter|consultation)|(?:visit|service|encounter) date|dos)"
    r"\W{1,8}(?P<date>[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|[0-9]{1,2}/[0-9]{1,2}/(?:[0-9]{4}|[0-9]{2}))(?![0-9])",
    re.IGNORECASE | re.MULTILINE,
)


def dates_conflict(text: str) -> bool:
    """Whether the head states two days of the visit, so that no duration in the note can be counted from either."""
    days = {_day(found["date"]) for found in _LABELLED.finditer(text, 0, _HEAD)} - {None}
    return len(days) > 1


def _day(written: str) -> dt.date | None:
    try:
        if "-" in written:
            year, month, day = map(int, written.split("-"))
        else:
            month, day, year = map(int, written.split("/"))
        return dt.date(year + 2000 if year < 100 else year, month, day)
    except ValueError:
        return None
