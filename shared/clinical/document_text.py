"""The determination as plain text, written from its JSON document alone, so that the two cannot say different things."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from shared.clinical.model import Fact
from shared.clinical.phrases import phrase

Json = Mapping[str, Any]

OUTCOMES: Final[Mapping[str, str]] = {
    "approved": "Approved",
    "information_requested": "More information is needed",
    "clinical_review": "Referred to a clinician for review",
}
CONCLUSIONS: Final[Mapping[str, str]] = {
    "inadequate": "inadequate for this patient",
    "contraindicated": "contraindicated for this patient",
    "undetermined": "not settled by the chart",
}
CRITERION_OUTCOMES: Final[Mapping[str, str]] = {"met": "met", "not_met": "not met", "unknown": "not documented"}
RIGHTS: Final[tuple[str, ...]] = (
    "The requesting clinician may speak with a physician reviewer (peer to peer) about this determination.",
    "The patient, and the requesting clinician on the patient's behalf, may ask for reconsideration or appeal of any "
    "determination that is not fully favorable, standard or expedited, within the time that the notice names.",
    "The criteria and the chart entries that this determination rests on are given in full on request, free of charge.",
)
_DERIVED: Final = "derived from other facts"


class Citations:
    """The numbers of statements: ``[1, 3]``, with ``unverified`` where a source is."""

    def __init__(self, document: Json) -> None:
        sources = {entry["id"]: (entry["number"], entry["verified"]) for entry in document["bibliography"]}
        cited = [s for s in document["evidence"] if s["applies"] and s["source"] in sources]
        self._numbers: dict[str, tuple[int, bool]] = {s["id"]: sources[s["source"]] for s in cited}
        self._texts: dict[str, str] = {s["id"]: s["text"] for s in cited}

    def numbers(self, statement_ids: Sequence[str]) -> list[tuple[int, bool]]:
        """(number, verified) of the sources of the statements, each once, in order."""
        return sorted({self._numbers[i] for i in statement_ids if i in self._numbers})

    def mark(self, statement_ids: Sequence[str]) -> str:
        """`` [1, 4 unverified]``, or nothing."""
        numbers = self.numbers(statement_ids) if statement_ids else []
        return f" [{', '.join([_number(*number) for number in numbers])}]" if numbers else ""

    def statements(self, statement_ids: Sequence[str], stated: set[str]) -> list[str]:
        """What the statements say, each with its number, except for those in ``stated``, to which they are added."""
        fresh = [i for i in statement_ids if i in self._texts and i not in stated]
        stated.update(fresh)
        return [f"[{_number(*self._numbers[i])}] {self._texts[i]}" for i in fresh]


def _number(number: int, verified: bool) -> str:
    return str(number) if verified else f"{number} unverified"


def fact_of(name: str, entry: Json) -> Fact:
    """A fact of the document as the model has it, without its sources."""
    value = entry.get("value")
    return Fact(
        name=name,
        status=entry["status"],
        value=tuple(value) if isinstance(value, list) else value,
        low=entry.get("low"),
        high=entry.get("high"),
        unit=entry.get("unit"),
        low_open=entry.get("low_open", False),
        high_open=entry.get("high_open", False),
    )


def chart_entries(document: Json, names: Sequence[str]) -> Iterator[str]:
    """Each named fact with what the chart says and where: ``pain score: 8: “8/10” (HISTORY)``."""
    for name in names:
        entry = document["facts"].get(name)
        if entry is None or entry["status"] == "unknown":
            continue
        sources = entry["sources"]
        shown = sources if entry["status"] == "conflicting" else sources[:1]
        said = "; ".join(_where(source) for source in shown)
        yield f"{phrase(fact_of(name, entry))}{f' — {said}' if said else ''}"


def _where(source: Json) -> str:
    if source.get("quote"):
        section = source.get("section")
        notes = [part for part in (section, "proposed by the extractor" if source.get("by") else None) if part]
        return f"“{' '.join(source['quote'].split())}”" + (f" ({', '.join(notes)})" if notes else "")
    return str(source["path"]) if source.get("path") else _DERIVED


def authored(criterion: Json) -> bool:
    """Whether people wrote this node; a bare comparison has its own expression as its title."""
    return criterion["expression"] is None or criterion["title"] != criterion["expression"]


def deciding(criterion: Json) -> list[str]:
    """The facts by which the criterion came out as it did."""
    found = [n for child in criterion["children"] if child["outcome"] == criterion["outcome"] for n in deciding(child)]
    return list(dict.fromkeys(found)) or list(criterion["facts"])


def titles(document: Json) -> dict[str, str]:
    """Title by id of every criterion in the tree and of every refer rule that is met."""
    return {c["id"]: c["title"] for top in (*document["criteria"], *document["referrals"]) for c in _walk(top)}


def _walk(criterion: Json) -> Iterator[Json]:
    yield criterion
    for child in criterion["children"]:
        yield from _walk(child)


def determination_text(document: Json) -> str:
    """The whole determination as plain text: one paragraph or point a line, sections headed in capitals."""
    lines: list[str] = [*_head(document)]
    for title, body in _sections(document, Citations(document)):
        if body:
            lines += ["", title.upper(), *body]
    return "\n".join(lines) + "\n"


def _head(document: Json) -> Iterator[str]:
    yield f"DETERMINATION: {OUTCOMES[document['outcome']]}"
    if document["case_id"]:
        yield f"Case: {document['case_id']}"
    if document["authorization_number"]:
        yield f"Authorization number: {document['authorization_number']}"
    if document["valid_from"] or document["valid_until"]:
        yield f"Valid: {document['valid_from'] or 'now'} to {document['valid_until'] or 'further notice'}"
    yield f"Priority: {document['priority']}"
    yield ""
    yield document["summary"]


def _sections(document: Json, cite: Citations) -> Iterator[tuple[str, list[str]]]:
    criteria = document["criteria"]
    said: set[str] = set()
    yield "Indications met", _tree(document, criteria, "met", cite, said)
    yield "Criteria not met", _tree(document, criteria, "not_met", cite, said)
    yield "Criteria that the chart does not settle", _tree(document, criteria, "unknown", cite, said)
    yield "For the clinician's attention", _tree(document, document["referrals"], "met", cite, said)
    # What a source found is told under the published outcomes where it counts there, else where it is first cited.
    stated = {i for point in document["outcomes"] for i in point["evidence"]}
    yield "Why this is the standard of care", _points(document["standard_of_care"], cite, stated)
    yield "Requested procedures", [_item(item) for item in document["items"]]
    yield "Published outcomes", _points(document["outcomes"], cite, set())
    yield "Alternatives considered", _alternatives(document, cite, stated)
    yield "Timing", _points(document["timing"], cite, stated)
    yield "Cautions", _points(document["cautions"], cite, stated)
    yield "What is missing", _missing(document)
    yield "What the outcome turns on", _why_not(document)
    yield "Reasons", [f"- {reason}" for reason in document["reasons"]]
    yield "Evidence considered that does not apply to this patient", _not_applying(document)
    yield "Criteria set", [_criteria_set(document["criteria_set"])]
    yield "Reviewer", [document["reviewer"]]
    yield "Rights", [f"- {right}" for right in RIGHTS]
    yield "Bibliography", [citation_line(entry) for entry in document["bibliography"]]
    yield "Related literature (found by search, not relied on)", _related(document)


def _tree(document: Json, criteria: Sequence[Json], outcome: str, cite: Citations, said: set[str]) -> list[str]:
    """Criteria of one outcome ; each chart entry is quoted where it first counts."""
    lines: list[str] = []
    for criterion in criteria:
        if criterion["outcome"] == outcome:
            _branch(document, criterion, cite, said, lines, "")
    return lines


def _branch(document: Json, criterion: Json, cite: Citations, said: set[str], lines: list[str], indent: str) -> None:
    """A criterion and all that people wrote under it; parts with an outcome of their own say so."""
    children = [child for child in criterion["children"] if authored(child)]
    lines.append(f"{indent}- {criterion['title']}{cite.mark(criterion['evidence'])}")
    for child in children:
        if child["outcome"] == criterion["outcome"]:
            _branch(document, child, cite, said, lines, indent + "  ")
        else:
            outcome = CRITERION_OUTCOMES[child["outcome"]]
            lines.append(f"{indent}  - {child['title']}{cite.mark(child['evidence'])}: {outcome}")
    if not children:
        fresh = [name for name in deciding(criterion) if name not in said]
        said.update(fresh)
        lines += [f"{indent}    {entry}" for entry in chart_entries(document, fresh)]


def _points(points: Sequence[Json], cite: Citations, stated: set[str]) -> list[str]:
    """Points with what their sources state; a statement that is in ``stated`` already is not repeated."""
    lines = []
    for point in points:
        lines.append(f"- {point['text']}{cite.mark(point['evidence'])}")
        lines += [f"    {statement}" for statement in cite.statements(point["evidence"], stated)]
    return lines


def _item(item: Json) -> str:
    named = f"- {item['code']}" + (f" ({item['description']})" if item["description"] else "")
    purpose = item["purpose"] or "No purpose that the criteria know could be matched to this procedure."
    return f"{named}: {OUTCOMES[item['outcome']].lower()} ({item['review_action']}). {purpose}"


def _alternatives(document: Json, cite: Citations, stated: set[str]) -> list[str]:
    facts, lines = document["facts"], []
    for a in document["alternatives"]:
        lines.append(f"- {a['title']}: {CONCLUSIONS[a['conclusion']]}. {a['text']}{cite.mark(a['evidence'])}")
        because = "; ".join(phrase(fact_of(name, facts[name])) for name in a["because"] if name in facts)
        if because:
            lines.append(f"    Because of: {because}")
        lines += [f"    {statement}" for statement in cite.statements(a["evidence"], stated)]
    return lines


def _missing(document: Json) -> list[str]:
    by_id = titles(document) if document["missing"] else {}
    lines = []
    for missing in document["missing"]:
        decides = "; ".join(by_id.get(i, i) for i in missing["decides"])
        lines.append(f"- {missing['question']}" + (f" It decides: {decides}." if decides else ""))
    return lines


def _why_not(document: Json) -> list[str]:
    """For the reviewer: the single findings on which a failed criterion or a referral turns."""
    by_id = titles(document) if document.get("why_not") else {}
    return [
        f"- {turn['is']}. By these criteria {turn['needs']} would decide otherwise on: "
        f"{'; '.join(by_id.get(i, i) for i in turn['decides'])}."
        + ("" if not turn["alone"] else " Nothing else stands against approval.")
        for turn in document.get("why_not", ())
    ]


def _not_applying(document: Json) -> list[str]:
    return [f"- {s['id']}: {s['reason']}" for s in document["evidence"] if not s["applies"]]


def _related(document: Json) -> list[str]:
    """Without numbers, so that none of these can be taken for a source that is cited."""
    return [
        f"- {article['citation']}" + (f" {article['identifier']}." if article["identifier"] else "")
        for article in document.get("related", ())
    ]


def _criteria_set(ref: Json | None) -> str:
    if ref is None:
        return "No criteria set in effect covers this request."
    return f"{ref['title'] or ref['id']}, version {ref['version']} ({ref['id']}, {ref['digest']})"


def citation_line(entry: Json) -> str:
    """A source as the bibliography prints it, with its level of evidence, and marked where it is not verified."""
    level = f" Evidence {entry['level']}." if entry["level"] else ""
    identifier = f" {entry['identifier']}." if entry["identifier"] else ""
    mark = "" if entry["verified"] else " Unverified source."
    return f"{entry['number']}. {entry['citation']}{identifier}{level}{mark}"
