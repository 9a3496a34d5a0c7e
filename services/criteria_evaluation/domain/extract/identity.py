"""What is not the patient's own: pages of another who was sent along, by birth date or record number, and printed examples."""

import itertools
import re
from collections.abc import Iterator
from typing import Final

from services.criteria_evaluation.domain.extract.cases import cases_of_others

_BORN: Final = re.compile(
    r"\b(?:dob|d\.o\.b\.|date of birth)\s{0,3}:?\s{0,3}([0-9]{1,2}/[0-9]{1,2}/[0-9]{2,4})", re.IGNORECASE
)
_RECORD: Final = re.compile(r"\bmrn\s{0,3}[:#]?\s{0,3}([0-9]{4,12})\b", re.IGNORECASE)
_TAKEN_BACK: Final = ("in error", "wrong", "misfiled", "another patient", "different patient", "not belong")
_WITHDRAWN: Final = re.compile(
    rf"\b([A-Z]{{1,3}}[0-9]{{2}}-[0-9]{{3,7}})\b[^.\n]{{0,80}}\b(?:{'|'.join(_TAKEN_BACK)})", re.IGNORECASE
)
"""A report, by its accession number, of which a notice says that it is not this patient's."""
_BELONGS: Final = re.compile(r"\bbelong(?:s|ed|ing)?\s+to\b[^\n]{0,60}$", re.IGNORECASE)
"""Words of a notice that names whose page it was: "belongs to William Hargrove DOB 09/30/1957". It is no page of his."""
_SHEET: Final = re.compile(
    r"\b([0-9]{1,2}/[0-9]{1,2})(?:/[0-9]{2,4})?\s[^.\n]{0,60}\b"
    r"(?:sheet|report|result|results|score|scores|test|audiogram|scan|study|note|page|document)\b[^.\n]{0,40}"
    r"\b(?:belong(?:s|ed)?\s+to|(?:is|was)\s+(?:of|from|for)\s+an?(?:other|\sdifferent)\s+patient|(?:was\s+)?(?:misfiled|scanned in error))",
    re.IGNORECASE,
)
"""A sheet that is named by its day, of which a notice says that it is another's: "the 03/18 score sheet belongs to ..."."""
_VALUES: Final = re.compile(
    r"\b(?:vitals|vital signs|weights?|heights?|measurements|readings?|values?|results?|scores?|report|sheet|page|study|note|entry)\s{1,3}"
    r"(?:of|from|dated|on)\s{1,3}([0-9]{1,2}/[0-9]{1,2})(?:/[0-9]{2,4})?\b[^.\n]{0,40}"
    r"\b(?:belong(?:s|ed)?\s+to|(?:is|are|was|were)\s+(?:of|from|for)\s+an?(?:other|\sdifferent)\s+patient|(?:was|were)\s+misfiled)",
    re.IGNORECASE,
)
"""The same with the day behind its name: "The vitals of 03/02/2026 belong to the patient's mother"."""
_PRINTED: Final = re.compile(
    r"^[ \t]{0,40}(?:example(?: answer| entry| row)?|sample (?:answer|entry|row)):[^\n]{0,200}"
    r"(?:\n(?![ \t]{0,40}(?:\n|[0-9]{1,2}[.)]|[-*•☐\[_]|[A-Z][^\n:]{0,40}:))[^\n]{1,200}){0,2}",
    re.IGNORECASE | re.MULTILINE,
)
"""The example with which a form tells how to fill it in, with the lines that it goes on over."""
_NEXT_ONE: Final = re.compile(
    r"\b(?:case\s+(?:no\.?\s*|#\s*)?[0-9]{1,2}\s+(?:is\s+)?next|next\s+(?:case|patient|pt|up|on\s+the\s+list))\b\s*"
    r"(?:\([^)\n]{0,40}\)\s*)?[:\-–—][^\n]*(?:\n(?![ \t]*\n)[^\n]*)*",
    re.IGNORECASE,
)
"""What the minutes of a conference go on with, to the end of the paragraph: "Case 5 next: Mr. K. (CT showed ...)"."""
_MOST: Final = 200
"""So many are looked at: a page has one or two."""
_NAMED: Final = 80


def foreign(text: str) -> list[tuple[int, int]]:
    """The parts of a text that are of others: under another birth date or record number than its first, another case of
    the same minutes, taken back by a notice, or a form's printed example."""
    lowered = text.lower()
    spans: list[tuple[int, int]] = []
    # Few texts bear any of these words, which is told far faster than by a pattern.
    if "dob" in lowered or "d.o.b" in lowered or "of birth" in lowered:
        spans += _of_others(text, _BORN)
    if "case" in lowered or "patient" in lowered:
        spans += cases_of_others(text)
    if "mrn" in lowered:
        spans += _of_others(text, _RECORD)
    if "belong" in lowered or any(word in lowered for word in _TAKEN_BACK):
        spans += _withdrawn(text)
        spans += _sheets_of_others(text)
    if "example" in lowered or "sample " in lowered:
        spans += (found.span() for found in itertools.islice(_PRINTED.finditer(text), _MOST))
    if "next" in lowered:
        spans += (found.span() for found in itertools.islice(_NEXT_ONE.finditer(text), _MOST))
    return spans


def _of_others(text: str, kind: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    own, begin = None, None
    for count, found in enumerate(kind.finditer(text)):
        if count == _MOST:
            break
        number = _plain(found.group(1))
        own = own or number
        at = text.rfind("\n", 0, found.start()) + 1
        if number != own and _BELONGS.search(text, max(at, found.start() - _NAMED), found.start()):
            continue
        if number != own and begin is None:
            begin = at
        elif number == own and begin is not None:
            yield begin, at
            begin = None
    if begin is not None:
        yield begin, len(text)


def _withdrawn(text: str) -> Iterator[tuple[int, int]]:
    """The paragraphs that bear the number of a report which a later notice takes back."""
    for notice in itertools.islice(_WITHDRAWN.finditer(text), _MOST):
        at = text.find(notice.group(1), 0, notice.start())
        if at >= 0:
            end = text.find("\n\n", at, notice.start())
            yield text.rfind("\n", 0, at) + 1, notice.start() if end < 0 else end


def _sheets_of_others(text: str) -> Iterator[tuple[int, int]]:
    """The lines that tell of a sheet, by its day, which a later notice says is another patient's."""
    notices = itertools.chain(_SHEET.finditer(text), _VALUES.finditer(text))
    for notice in itertools.islice(notices, _MOST):
        day = re.compile(rf"(?<![0-9/])0?{notice.group(1).lstrip('0')}(?![0-9])")
        told = next(day.finditer(text, 0, text.rfind("\n", 0, notice.start()) + 1), None)
        if told is not None:
            end = text.find("\n", told.end())
            yield text.rfind("\n", 0, told.start()) + 1, notice.start() if end < 0 else min(end, notice.start())


def _plain(number: str) -> str:
    """A birth date or record number however it is padded: 02/04/1958 and 2/4/58 are the same."""
    parts = [part.lstrip("0") for part in number.split("/")]
    return "/".join([*parts[:-1], parts[-1][-2:]]) if len(parts) > 1 else parts[0]
