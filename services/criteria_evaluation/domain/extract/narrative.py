"""Facts in texts that stand in resources: conclusions of reports, findings, answers in words. The note engine reads them."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Final

from services.criteria_evaluation.domain.extract.elements import Body, bodies, codes_of, day_of, texts_of, word
from services.criteria_evaluation.domain.extract.mention import Mention
from services.criteria_evaluation.domain.extract.notes import read_document
from services.criteria_evaluation.domain.extract.observations import NO_RESULT
from services.criteria_evaluation.domain.lexicon import Lexicon
from shared.clinical.model import Document, Resource, Source

_LONGEST: Final = 100_000
_HEADINGS: Final = {
    "imaging": "FINDINGS",
    "RAD": "FINDINGS", "RX": "FINDINGS", "CT": "FINDINGS", "CUS": "FINDINGS", "NMR": "FINDINGS", "NMS": "FINDINGS",
    "XRC": "FINDINGS", "LP29684-5": "FINDINGS", "PAT": "PATHOLOGY", "SP": "PATHOLOGY", "CP": "PATHOLOGY",
    "CPT": "PATHOLOGY", "LP7839-6": "PATHOLOGY", "exam": "EXAM", "procedure": "FINDINGS",
}  # fmt: skip
"""The section that a report's or finding's text stands in, by its category (HL7 table 0074, LOINC parts, observation-category)."""
_REPORT: Final = "FINDINGS"


def read_text(text: str, heading: str, path: str, date: dt.date | None, lexicon: Lexicon) -> Iterator[Mention]:
    """What a text that stands in an element of a resource states, as if it stood under this heading in a note.

    The source is the element, with the words that were read.
    """
    head = f"{heading}:\n" if heading else ""
    document = Document("", head + text[:_LONGEST], date=date)
    for mention in read_document(document, lexicon):
        if mention.source.start is None or mention.source.start >= len(head):
            yield mention.of(Source("resource", path, quote=mention.source.quote))


def read_narratives(resources: Sequence[Resource], lexicon: Lexicon) -> Iterator[Mention]:
    """Conclusions of DiagnosticReports, findings in words of imaging and examination, and texts beside the Claim."""
    for resource in resources:
        body, path = resource.body, resource.path
        match word(body, "resourceType"):
            case "DiagnosticReport" if word(body, "status") not in NO_RESULT:
                yield from _report(body, path, lexicon)
            case "Observation" if word(body, "status") not in NO_RESULT and not body.get("focus"):
                heading, text = _heading(body), body.get("valueString")
                if heading and isinstance(text, str):
                    yield from read_text(text, heading, f"{path}.valueString", _day(body), lexicon)
            case "Claim":
                for i, information in enumerate(bodies(body.get("supportingInfo"))):
                    text = information.get("valueString")
                    if isinstance(text, str):
                        yield from read_text(text, "", f"{path}.supportingInfo[{i}].valueString", None, lexicon)


def _report(body: Body, path: str, lexicon: Lexicon) -> Iterator[Mention]:
    heading = _heading(body) or _REPORT
    if isinstance(body.get("conclusion"), str):
        yield from read_text(body["conclusion"], heading, f"{path}.conclusion", _day(body), lexicon)
    for i, concept in enumerate(bodies(body.get("conclusionCode"))):
        for text in list(texts_of(concept))[:1]:
            yield from read_text(text, heading, f"{path}.conclusionCode[{i}]", _day(body), lexicon)


def _heading(body: Body) -> str:
    for category in bodies(body.get("category")):
        for code in sorted(codes_of(category)):
            if code in _HEADINGS:
                return _HEADINGS[code]
    return ""


def _day(body: Body) -> dt.date | None:
    period = body.get("effectivePeriod")
    end = period.get("end") if isinstance(period, dict) else None
    candidates = (body.get("effectiveDateTime"), body.get("effectiveInstant"), end, body.get("issued"))
    return next((day for text in candidates if (day := day_of(text)) is not None), None)
