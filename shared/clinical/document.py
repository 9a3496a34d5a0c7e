"""The determination as a JSON document (``priorauth.determination/1``): the form in which it is stored and answered.

Key order is fixed and sets are sorted, so that the same case gives the same bytes. Letters are rendered from it.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, Final

from shared.clinical.document_text import determination_text
from shared.clinical.model import (
    AttachedEvidence,
    AttachedStatement,
    Conclusion,
    Criterion,
    DeterminedItem,
    Evaluation,
    Fact,
    Facts,
    Missing,
    Point,
    Source,
    WhyNot,
)
from shared.clinical.phrases import phrase

__all__ = ["SCHEMA", "determination_document", "determination_text"]

SCHEMA: Final = "priorauth.determination/1"
AUTOMATED: Final = "automated evaluation of published criteria; no clinician took part"
Json = dict[str, Any]


def determination_document(
    evaluation: Evaluation,
    evidence: AttachedEvidence,
    conclusion: Conclusion,
    *,
    priority: str,
    case_id: str | None = None,
    authorization_number: str | None = None,
    valid_from: dt.date | None = None,
    valid_until: dt.date | None = None,
    reviewer: str = AUTOMATED,
) -> Json:
    """The whole determination with its plain text under ``text``.

    Criteria and sections name only statements that apply; ``evidence`` has all that were considered, with the reason
    where one does not apply. The bibliography has what is cited, and nothing else.
    """
    applying = {statement.id: statement for statement in evidence.statements if statement.applies}
    verified = {entry.id for entry in evidence.bibliography if entry.verified}
    trusted = {statement.id for statement in applying.values() if statement.source in verified}
    ref = evaluation.criteria_set
    document: Json = {
        "schema": SCHEMA,
        "outcome": conclusion.outcome,
        "summary": conclusion.summary,
        "reasons": list(conclusion.reasons),
        "priority": priority,
        "case_id": case_id,
        "authorization_number": authorization_number,
        "valid_from": _iso(valid_from),
        "valid_until": _iso(valid_until),
        "items": [_item(item) for item in conclusion.items],
        "criteria_set": None
        if ref is None
        else {"id": ref.id, "version": ref.version, "digest": ref.digest, "title": ref.title},
        "criteria": [_criterion(criterion, applying, trusted) for criterion in evaluation.criteria],
        "referrals": [_criterion(criterion, applying, trusted) for criterion in evaluation.referrals],
        "facts": _facts(evaluation),
        "missing": [_missing(missing) for missing in conclusion.missing],
        "why_not": [_why_not(turn, evaluation) for turn in evaluation.why_not],
        "selection": [
            {"item": s.sequence, "set": s.set_id, "version": s.version, "chosen": s.chosen, "reason": s.reason}
            for s in evaluation.selection
        ],
        "standard_of_care": [_point(point) for point in conclusion.standard_of_care],
        "outcomes": [_point(point) for point in conclusion.outcomes],
        "alternatives": [
            {
                "id": a.id,
                "title": a.title,
                "conclusion": a.conclusion,
                "text": a.text,
                "because": list(a.because),
                "evidence": list(a.evidence),
            }
            for a in conclusion.alternatives
        ],
        "timing": [_point(point) for point in conclusion.timing],
        "cautions": [_point(point) for point in conclusion.cautions],
        "evidence": [_statement(statement) for statement in evidence.statements],
        "bibliography": [],
        "related": [
            {
                "id": article.id,
                "title": article.title,
                "citation": article.citation,
                "year": article.year,
                "identifier": article.identifier,
                "found_by": "search",
                "query": article.query,
            }
            for article in evidence.related
        ],
        "literature": evidence.literature,
        "evidence_library": evidence.library,
        "lexicon": evaluation.lexicon,
        "flags": list(evaluation.flags),
        "reviewer": reviewer,
    }
    document["bibliography"] = _bibliography(document, evidence, applying)
    document["text"] = determination_text(document)
    return document


def _iso(day: dt.date | None) -> str | None:
    return None if day is None else day.isoformat()


def _item(item: DeterminedItem) -> Json:
    return {
        "sequence": item.sequence,
        "code": item.code,
        "outcome": item.outcome,
        "review_action": item.review_action,
        "purpose": item.purpose,
        "because": list(item.because),
        "description": item.description,
    }


def _criterion(criterion: Criterion, applying: Mapping[str, AttachedStatement], trusted: Set[str]) -> Json:
    # An unverified source is cited beside a verified one only, never as all the support there is.
    cited = [i for i in criterion.evidence if i in applying]
    return {
        "id": criterion.id,
        "title": criterion.title,
        "outcome": criterion.outcome,
        "facts": list(criterion.facts),
        "evidence": cited if not trusted.isdisjoint(cited) else [],
        "children": [_criterion(child, applying, trusted) for child in criterion.children],
        "expression": criterion.expression,
    }


def _facts(evaluation: Evaluation) -> dict[str, Json]:
    """Every fact that the chart decides or leaves in conflict, and the unknown ones that the criteria look at."""
    facts: Facts = {name: fact for name, fact in evaluation.facts.items() if fact.status != "unknown"}
    for name in _used((*evaluation.criteria, *evaluation.referrals)):
        if name not in facts:
            facts[name] = evaluation.facts.get(name) or Fact(name, "unknown")
    return {name: _fact(facts[name]) for name in sorted(facts)}


def _used(criteria: Sequence[Criterion]) -> Iterator[str]:
    for criterion in criteria:
        yield from criterion.facts
        yield from _used(criterion.children)


def _fact(fact: Fact) -> Json:
    sources = [_source(source) for source in fact.sources]
    if fact.low is not None or fact.high is not None or (fact.unit is not None and fact.value is None):
        return {
            "status": fact.status,
            "low": _number(fact.low),
            "high": _number(fact.high),
            "unit": fact.unit,
            "low_open": fact.low_open,
            "high_open": fact.high_open,
            "sources": sources,
        }
    value = list(fact.value) if isinstance(fact.value, tuple) else fact.value
    return {"status": fact.status, "value": value, "sources": sources}


def _number(value: float | None) -> float | int | None:
    """Whole numbers as such: a score is 13, not 13.0."""
    return int(value) if value is not None and float(value).is_integer() else value


def _source(source: Source) -> Json:
    if source.kind == "note":
        return {
            "kind": "note",
            "document": source.document,
            "section": source.section,
            "start": source.start,
            "end": source.end,
            "quote": source.quote,
            **({"by": source.by} if source.by else {}),
        }
    given = {"path": source.path, "document": source.document, "quote": source.quote, "rule": source.rule}
    return {"kind": source.kind, **{key: value for key, value in given.items() if value is not None}}


def _why_not(turn: WhyNot, evaluation: Evaluation) -> Json:
    """What a fact is, and what it would have to be for the conditions that turn on it to come out otherwise."""
    fact = evaluation.facts.get(turn.fact)
    return {
        "fact": turn.fact,
        "is": "unknown" if fact is None else phrase(fact),
        "needs": turn.needs,
        "decides": list(turn.decides),
        "alone": turn.alone,
    }


def _missing(missing: Missing) -> Json:
    return {"facts": list(missing.facts), "question": missing.question, "decides": list(missing.decides)}


def _point(point: Point) -> Json:
    return {"text": point.text, "evidence": list(point.evidence)}


def _statement(statement: AttachedStatement) -> Json:
    return {
        "id": statement.id,
        "source": statement.source,
        "text": statement.text,
        "applies": statement.applies,
        "because": list(statement.because),
        "reason": statement.reason,
    }


_CITING: Final = ("standard_of_care", "outcomes", "alternatives", "timing", "cautions")


def _bibliography(document: Json, evidence: AttachedEvidence, applying: Mapping[str, AttachedStatement]) -> list[Json]:
    """The sources that the document cites, numbered in the order in which criteria and sections cite them."""
    entries = {entry.id: entry for entry in evidence.bibliography}
    sections = [entry["evidence"] for key in _CITING for entry in document[key]]
    ids = (i for cited in (*_of_criteria(document["criteria"] + document["referrals"]), *sections) for i in cited)
    return [
        {
            "id": entry.id,
            "number": number,
            "citation": entry.citation,
            "verified": entry.verified,
            "identifier": entry.identifier,
            "level": entry.level,
        }
        for number, entry in enumerate((entries[s] for s in dict.fromkeys(applying[i].source for i in ids)), start=1)
    ]


def _of_criteria(criteria: Sequence[Json]) -> Iterator[list[str]]:
    for criterion in criteria:
        yield criterion["evidence"]
        yield from _of_criteria(criterion["children"])
