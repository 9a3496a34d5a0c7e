"""The contents of a letter, once for all forms: HTML, PDF and text print the same composed letter."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from shared.clinical.document_text import (
    CONCLUSIONS,
    CRITERION_OUTCOMES,
    OUTCOMES,
    Citations,
    authored,
    chart_entries,
    citation_line,
    deciding,
    fact_of,
    titles,
)
from shared.clinical.phrases import phrase
from shared.letters.model import LetterContext
from shared.letters.notices import check, notices

Json = dict[str, Any]
Document = Mapping[str, Any]

AUTOMATED: Final = "This determination was made by an automated evaluation of published criteria; it approves, asks, or refers, and never denies."
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
)


def compose(document: Document, letter: LetterContext) -> Json:
    """The letter as plain data: title, details, lead, sections of paragraphs, points, a table or entries, closing.

    Raises:
        LetterIncompleteError: the letter misses something that its notice must contain.
    """
    check(document, letter)
    notice = notices()[letter.kind]
    composer = _Composer(document, letter)
    sections = [section for name in notice.sections if (section := composer.section(name)) is not None]
    sections += _bibliography(document, sections)
    content: Json = {
        "title": notice.title,
        "payer": letter.payer,
        "issued_on": letter.issued_on.isoformat(),
        "details": _details(letter, document),
        "lead": notice.lead,
        "sections": sections,
        "closing": notice.closing,
        "contacts": [{"label": notice.contacts[c.purpose], "value": c.value} for c in letter.contacts if c.value],
    }
    return {key: _printable(value) for key, value in content.items()}


def _printable(value: Any) -> Any:
    """Without control characters and without marks that reorder text: what is read is what is written."""
    if isinstance(value, str):
        return _UNPRINTABLE.sub("\ufffd", value) if _UNPRINTABLE.search(value) else value
    if isinstance(value, list):
        return [_printable(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _printable(entry) for key, entry in value.items()}
    return value


def _details(letter: LetterContext, document: Document) -> list[Json]:
    due = {"information_request": "Information needed by", "referral": "Decision due by"}.get(letter.kind)
    rows = [
        ("Date", letter.issued_on.isoformat()),
        ("To", letter.provider),
        ("Member", letter.member_reference),
        ("Case", letter.case_id),
        ("Priority", document["priority"]),
    ]
    if letter.kind == "approval" and letter.valid_from and letter.valid_until:
        rows.append(("Authorization number", letter.authorization_number or ""))
        rows.append(("Valid", f"{letter.valid_from.isoformat()} to {letter.valid_until.isoformat()}"))
    if due and letter.due_on:
        rows.append((due, letter.due_on.isoformat()))
    return [{"label": label, "value": value} for label, value in rows]


def _point(text: str, cites: Sequence[tuple[int, bool]] = (), details: Sequence[str] = ()) -> Json:
    return {
        "text": text,
        "cites": [{"number": number, "verified": verified} for number, verified in cites],
        "details": list(details),
    }


def _section(
    heading: str,
    *,
    paragraphs: Sequence[str] = (),
    points: Sequence[Json] = (),
    table: Json | None = None,
    entries: Sequence[Json] = (),
) -> Json:
    return {
        "heading": heading,
        "paragraphs": list(paragraphs),
        "points": list(points),
        "table": table,
        "entries": list(entries),
    }


class _Composer:
    """Builds the sections by name; a section without content is left out."""

    def __init__(self, document: Document, letter: LetterContext) -> None:
        self._document = document
        self._letter = letter
        self._cite = Citations(document)
        self._quoted: set[str] = set()
        self._in_outcomes = {i for point in document["outcomes"] for i in point["evidence"]}
        self._points: dict[str, tuple[str, Callable[[], list[Json]]]] = {
            "questions": ("What we need to know", self._questions),
            "indications": ("Criteria met, and where the chart says so", self._indications),
            "attention": ("What the clinician will look at", self._attention),
            "standard_of_care": ("Why this is the standard of care", lambda: self._said("standard_of_care")),
            "outcomes": ("Published outcomes", lambda: self._said("outcomes")),
            "alternatives": ("Alternatives considered", self._alternatives),
            "timing": ("Timing", lambda: self._said("timing")),
            "cautions": ("Cautions", lambda: self._said("cautions")),
            "reasons": ("Reasons", lambda: [_point(reason) for reason in document["reasons"]]),
            "rights": ("Your rights", lambda: [_point(right) for right in notices()[letter.kind].rights]),
        }

    def section(self, name: str) -> Json | None:
        if name in self._points:
            heading, make = self._points[name]
            points = make()
            return _section(heading, points=points) if points else None
        if name == "items":
            return _section("Services requested", table=self._items())
        heading, paragraphs = self._paragraphs(name)
        return _section(heading, paragraphs=paragraphs)

    def _paragraphs(self, name: str) -> tuple[str, list[str]]:
        if name == "summary":
            return "Summary", [self._summary()]
        if name == "criteria_set":
            ref = self._document["criteria_set"]
            if ref is None:
                return "Criteria", ["No criteria set in effect covers this request."]
            return "Criteria", [f"{ref['title'] or ref['id']}, version {ref['version']} ({ref['digest']})"]
        if name == "reviewer":
            return "Reviewer", [f"Decided by {self._letter.reviewer}." if self._letter.reviewer else AUTOMATED]
        raise ValueError(f"There is no letter section {name}.")

    def _summary(self) -> str:
        # The summary of the automated evaluation does not speak for a clinician who then decided.
        if self._letter.reviewer and self._document["outcome"] != "approved" and self._letter.kind == "approval":
            return "A clinician reviewed the request and approved it."
        return str(self._document["summary"])

    def _items(self) -> Json:
        overruled = self._letter.kind == "approval" and self._letter.reviewer is not None
        items = self._document["items"]
        columns = {
            "Line": [str(item["sequence"]) for item in items],
            "Code": [item["code"] for item in items],
            "Service": [item["description"] or "" for item in items],
            "Purpose": [item["purpose"] or "No purpose could be matched to this procedure." for item in items],
            "Decision": [OUTCOMES["approved" if overruled else item["outcome"]] for item in items],
        }
        shown = {head: cells for head, cells in columns.items() if any(cells)}
        rows = [list(row) for row in zip(*shown.values(), strict=True)]
        return {"caption": "Each requested service and its decision", "head": list(shown), "rows": rows}

    def _said(self, key: str) -> list[Json]:
        stated = self._in_outcomes if key != "outcomes" else set()
        return [
            _point(p["text"], self._cite.numbers(p["evidence"]), self._cite.statements(p["evidence"], stated))
            for p in self._document[key]
        ]

    def _alternatives(self) -> list[Json]:
        facts = self._document["facts"]
        return [
            _point(
                f"{a['title']}: {CONCLUSIONS[a['conclusion']]}. {a['text']}",
                self._cite.numbers(a["evidence"]),
                [phrase(fact_of(name, facts[name])) for name in a["because"] if name in facts],
            )
            for a in self._document["alternatives"]
        ]

    def _questions(self) -> list[Json]:
        by_id = titles(self._document)
        return [
            _point(m["question"], (), [f"Decides: {by_id.get(i, i)}" for i in m["decides"]])
            for m in self._document["missing"]
        ]

    def _indications(self) -> list[Json]:
        return [p for c in self._document["criteria"] if c["outcome"] == "met" for p in self._branch(c)]

    def _attention(self) -> list[Json]:
        return [p for c in self._document["referrals"] for p in self._branch(c)]

    def _branch(self, criterion: Mapping[str, Any]) -> list[Json]:
        children = [child for child in criterion["children"] if authored(child)]
        fresh = [] if children else [name for name in deciding(criterion) if name not in self._quoted]
        self._quoted.update(fresh)
        entries = list(chart_entries(self._document, fresh))
        points = [_point(criterion["title"], self._cite.numbers(criterion["evidence"]), entries)]
        for child in children:
            if child["outcome"] == criterion["outcome"]:
                points += self._branch(child)
            else:
                text = f"{child['title']}: {CRITERION_OUTCOMES[child['outcome']]}"
                points.append(_point(text, self._cite.numbers(child["evidence"])))
        return points


def _bibliography(document: Document, sections: Sequence[Json]) -> list[Json]:
    """The sources that this letter cites, as a last section."""
    cited = {cite["number"] for section in sections for point in section["points"] for cite in point["cites"]}
    entries = [
        {
            "number": e["number"],
            "text": citation_line(e).partition(" ")[2],
            "verified": e["verified"],
        }
        for e in document["bibliography"]
        if e["number"] in cited
    ]
    return [_section("Sources", entries=entries)] if entries else []
