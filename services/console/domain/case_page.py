"""Everything that the page of one case shows, from its history. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.console.domain.chart import Chart, Cite, CriterionView, FactView
from services.console.domain.timeline import Clock, Entry, clock, entries
from services.console.domain.words import CONCLUSION, Mark, outcome_mark, state_words
from shared import flow
from shared.case.history import History
from shared.case.states import EVALUATING, IN_REVIEW
from shared.case.view import OUTCOME_OF_STATE, determination_view, determined
from shared.clinical.document_text import titles
from shared.clinical.phrases import label
from shared.events.model import DocumentRef
from shared.letters.from_case import KIND_OF

Json = Mapping[str, Any]
_SECTIONS: Final = (
    ("standard_of_care", "Why this is the standard of care"),
    ("outcomes", "Published outcomes"),
    ("timing", "Timing"),
    ("cautions", "Cautions"),
)


@dataclass(frozen=True, slots=True)
class Note:
    """A document of the case, by its number in the order of arrival."""

    number: int
    title: str
    date: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is missing, and the criteria that it decides."""

    text: str
    decides: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """What a fact would have to be for criteria to come out otherwise."""

    fact: str
    now: str
    needs: str
    decides: tuple[str, ...]
    alone: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of the evidence library held against the case, and its source."""

    text: str
    applies: bool
    reason: str
    because: tuple[str, ...]
    cite: Cite | None
    citation: str
    verified: bool
    level: str


@dataclass(frozen=True, slots=True)
class Point:
    """A sentence of the determination with its citations; ``mark`` where it comes to a conclusion of its own."""

    text: str
    cites: tuple[Cite, ...]
    title: str = ""
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Determination:
    """The determination, section by section."""

    summary: str
    reasons: tuple[str, ...]
    authorization_number: str | None
    valid: str
    criteria_set: str
    criteria: tuple[CriterionView, ...]
    referrals: tuple[CriterionView, ...]
    other_facts: tuple[FactView, ...]
    questions: tuple[Question, ...]
    turns: tuple[Turn, ...]
    sections: tuple[tuple[str, tuple[Point, ...]], ...]
    alternatives: tuple[Point, ...]
    statements: tuple[Statement, ...]
    bibliography: tuple[Json, ...]
    related: tuple[Json, ...]
    flags: tuple[str, ...]
    reviewer: str


@dataclass(frozen=True, slots=True)
class CasePage:
    """The page of a case. ``determination`` is None while there is none, or where the content was erased.

    ``earlier`` says that it is one that the case has left behind: something new came, and it is evaluated again.
    ``letter`` says that a letter goes with it: a denial's is the clinician's own.
    """

    id: UUID
    sequence: int
    state: str
    mark: Mark
    priority: str
    payer: str
    submitted_at: datetime
    clock: Clock
    quarantined: bool
    items: tuple[Json, ...]
    timeline: tuple[Entry, ...]
    trace_id: str | None
    notes: tuple[Note, ...]
    determination: Determination | None
    earlier: bool
    letter: bool
    decidable: bool
    erased: bool


def case_page(history: History, documents: Sequence[DocumentRef], now: datetime) -> CasePage:
    """The page, from a history that was read with its content."""
    timeline = entries(history)
    request = json.loads(history.all_of(flow.CASE_SUBMITTED, flow.CASE_UPDATED)[-1].public)
    erased = history.key is None
    found = None if erased else determination_view(history)
    first, decided = history.at(1), history.latest(*flow.DETERMINATIONS)
    return CasePage(
        id=history.case_id,
        sequence=history.sequence,
        state=state_words(history.state),
        mark=outcome_mark(OUTCOME_OF_STATE.get(history.state)),
        priority=request["priority"],
        payer=history.payer,
        submitted_at=timeline[0].occurred_at,
        clock=clock(history, datetime.fromisoformat(request["due_at"]), now),
        quarantined=history.quarantined,
        items=_items(history, request["items"], found),
        timeline=tuple(timeline),
        trace_id=first.traceparent.split("-")[1] if first is not None and first.traceparent else None,
        notes=notes(documents),
        determination=None if found is None else _determination(history, found, documents),
        earlier=found is not None and history.state in EVALUATING,
        letter=found is not None and decided is not None and decided.type in KIND_OF,
        decidable=history.state == IN_REVIEW and not erased,
        erased=erased,
    )


def notes(documents: Sequence[DocumentRef]) -> tuple[Note, ...]:
    """The documents with their numbers; one without a title is named by its number."""
    return tuple(
        Note(number, ref.title or f"Document {number}", (ref.date or "")[:10], ref.content_type)
        for number, ref in enumerate(documents, start=1)
    )


def _items(history: History, items: Sequence[Json], found: Json | None) -> tuple[Json, ...]:
    """The requested services, each with its own outcome where there is one, and its purpose where one is known."""
    latest = history.latest(*flow.DETERMINATIONS)
    outcomes = {i["sequence"]: i["outcome"] for i in json.loads(latest.public)["items"]} if latest else {}
    said = {i["sequence"]: i for i in found["items"]} if found else {}
    return tuple(
        {
            "sequence": item["sequence"],
            "code": item["code"],
            "description": said.get(item["sequence"], {}).get("description") or "",
            "purpose": said.get(item["sequence"], {}).get("purpose") or "",
            "mark": outcome_mark(outcomes.get(item["sequence"])),
        }
        for item in items
    )


def _determination(history: History, found: Json, documents: Sequence[DocumentRef]) -> Determination:
    chart = Chart(found, {ref.id: number for number, ref in enumerate(documents, start=1)})
    ref = found["criteria_set"]
    by_id = titles(found)
    sections = [
        (heading, tuple(Point(p["text"], chart.cites(p["evidence"])) for p in found[key])) for key, heading in _SECTIONS
    ]
    return Determination(
        summary=found["summary"],
        reasons=tuple(dict.fromkeys(found["reasons"])),
        authorization_number=found["authorization_number"],
        valid=f"{found['valid_from']} to {found['valid_until']}" if found["valid_from"] else "",
        criteria_set=f"{ref['title'] or ref['id']}, version {ref['version']}" if ref else "",
        criteria=chart.criteria(),
        referrals=chart.criteria("referrals"),
        other_facts=chart.others(),
        questions=tuple(Question(m["question"], _titled(m["decides"], by_id)) for m in found["missing"]),
        turns=tuple(
            Turn(label(t["fact"]), t["is"], t["needs"], _titled(t["decides"], by_id), t["alone"])
            for t in found["why_not"]
        ),
        sections=tuple((heading, points) for heading, points in sections if points),
        alternatives=tuple(
            Point(a["text"], chart.cites(a["evidence"]), a["title"], CONCLUSION[a["conclusion"]])
            for a in found["alternatives"]
        ),
        statements=_statements(history, found, chart),
        bibliography=tuple(found["bibliography"]),
        related=tuple(found.get("related") or ()),
        flags=tuple(found["flags"]),
        reviewer=found.get("decided_by") or found["reviewer"],
    )


def _titled(ids: Sequence[str], by_id: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(by_id.get(i, i) for i in ids)


def _statements(history: History, found: Json, chart: Chart) -> tuple[Statement, ...]:
    """Those that apply first; each with the source that the library has for it, cited or not."""
    attached = determined(history)
    sources = {e.id: e for e in attached.attached.evidence.bibliography} if attached else {}
    cited = {e["id"]: e for e in found["bibliography"]}
    made = []
    for entry in found["evidence"]:
        source, used = sources.get(entry["source"]), cited.get(entry["source"])
        made.append(
            Statement(
                entry["text"],
                entry["applies"],
                entry["reason"] or "",
                tuple(chart.fact(name).text for name in entry["because"]),
                Cite(used["number"], used["verified"]) if used and entry["applies"] else None,
                source.citation if source else "",
                source.verified if source else False,
                (source.level or "") if source else "",
            )
        )
    return tuple(sorted(made, key=lambda s: not s.applies))
