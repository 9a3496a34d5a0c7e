"""A criteria set out of a PlanDefinition: the inverse of ``fhir_plan``, to the same content and therefore the same digest."""

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

from services.criteria_evaluation.domain.fhir_elements import Element
from services.criteria_evaluation.domain.fhir_examples import read_example
from services.criteria_evaluation.domain.fhir_terms import (
    CONCLUSION,
    EMPTY,
    LANGUAGE,
    SECTION,
    STATEMENT_SECTIONS,
    USES,
    Json,
    address,
    usage_concept,
)
from shared.clinical.expression import Vocabulary

_MEMBERS: Final = frozenset(
    {"useContext", "effectivePeriod", "action", "id", "version", "title", "extension", "relatedArtifact"}
)
_UNSUPPORTED: Final = ("modifierExtension", "goal", "contained", "subjectCodeableConcept", "subjectReference")
"""Members that would change what the rules mean; the rest, such as publisher and text, describes the resource."""
_ALL: Final = ("logical-group", "all")


def read_plan(plan: Element, vocabulary: Vocabulary) -> Json:
    """The set without its questions, as its YAML would give it.

    Raises:
        PolicyError: an element is missing, has another form than it should have, or has no place in a set.
    """
    plan.ignore(*(key for key in plan.data if key not in _MEMBERS and key not in _UNSUPPORTED))
    found = plan.extensions("empty-field", "example")
    data: Json = {"id": plan.text("id"), "version": plan.text("version"), "title": plan.text("title")}
    if plan.has("effectivePeriod"):
        data["effective"] = _effective(plan.child("effectivePeriod"))
    if sources := [s for artifact in plan.children("relatedArtifact") for s in _source(artifact)]:
        data["sources"] = sources
    data["applicability"] = _applicability(plan)
    data |= _sections(plan)
    if found["example"]:
        data["examples"] = [read_example(example, vocabulary) for example in found["example"]]
    plan.done()
    return _with_empties(data, found["empty-field"])


def _effective(period: Element) -> Json:
    effective = {key: _date(period, fhir) for key, fhir in (("from", "start"), ("to", "end")) if period.has(fhir)}
    period.done()
    return effective


def _date(period: Element, key: str) -> dt.date:
    try:
        return dt.date.fromisoformat(period.text(key))
    except ValueError:
        period.refuse(f"has a {key} that is not a day such as 2026-01-31")


def _source(artifact: Element) -> list[Json]:
    """A citation is a source of the set; justifications and dependencies follow from the rest."""
    if artifact.text("type") != "citation":
        return []
    source = {"id": artifact.text("label"), "text": artifact.text("citation")}
    artifact.done()
    return [source]


def _applicability(plan: Element) -> Json:
    applicability: Json = {}
    for use in plan.children("useContext"):
        code = use.child("code")
        key = (code.text("system"), code.text("code"))
        field = next((name for name, type_ in USES.items() if type_ == key), None)
        if field is None:
            code.refuse("is not a kind of use that a criteria set knows")
        value = use.child("valueCodeableConcept")
        applicability.setdefault(field, []).append(_listed(value, field))
        use.done()
    return {field: applicability[field] for field in USES if field in applicability}


def _listed(value: Element, field: str) -> str:
    """An entry of a list of codes: its text, if its codings are those that the text stands for."""
    text = value.text("text")
    if value.codings() != usage_concept(field, text).get("coding", []):
        value.refuse("has other codes than its text says")
    value.done()
    return text


def _sections(plan: Element) -> Json:
    readers: dict[str, Callable[[Element], Json]] = {
        "criteria": _node,
        "refer": _refer,
        **dict.fromkeys(STATEMENT_SECTIONS, _statement),
        "alternatives": _alternative,
    }
    found: Json = {}
    for section in plan.children("action"):
        name = _only_code(section, SECTION)
        if name in found or name not in {*readers, "purposes"}:
            section.refuse("is not a section of a criteria set, or stands twice")
        if name == "purposes":
            found[name] = _part(section, _rules)
            continue
        if name == "criteria" and (section.text("groupingBehavior"), section.text("selectionBehavior")) != _ALL:
            section.refuse("is not a group of which all are required")
        found[name] = [readers[name](action) for action in section.children("action")]
        section.done()
    order = ("criteria", "refer", "purposes", *STATEMENT_SECTIONS, "alternatives")
    return {name: found[name] for name in order if name in found}


def _only_code(action: Element, system: str) -> str:
    codes = action.children("code")
    if len(codes) != 1:
        action.refuse("has not exactly one code")
    found = codes[0].codings()
    if len(found) != 1 or found[0].get("system") != system or not isinstance(found[0].get("code"), str):
        codes[0].refuse("is not one code of the expected system")
    codes[0].done()
    return str(found[0]["code"])


_Extensions = dict[str, list[Element]]


def _single(found: _Extensions, name: str) -> Element | None:
    if len(found[name]) > 1:
        found[name][1].refuse("stands twice")
    return found[name][0] if found[name] else None


def _part(action: Element, body: Callable[[Element, _Extensions], Json], *extensions: str) -> Json:
    """What ``_Writer._action`` writes: the common fields around the body's own."""
    found = action.extensions("empty-field", *extensions)
    part: Json = {key: action.text(key) for key in ("id", "title") if action.has(key)}
    evidence: list[str] = []
    sources: list[str] = []
    for document in action.children("documentation"):
        kind, label = document.text("type"), document.text("label")
        if kind not in ("justification", "citation"):
            document.refuse("is neither a justification nor a citation")
        (evidence if kind == "justification" else sources).append(label)
        document.done()
    part |= {"evidence": evidence} if evidence else {}
    part |= {"sources": sources} if sources else {}
    part |= _conditions(action)
    part |= body(action, found)
    action.done()
    return _with_empties(part, found["empty-field"])


def _with_empties(part: Json, empties: list[Element]) -> Json:
    """Puts back the fields that the set writes and leaves empty."""
    for empty in empties:
        for path, value in empty.json_object("valueString").items():
            *heads, key = path.split(".")
            if value not in EMPTY:
                empty.refuse("is not an empty field")
            place = part
            for head in heads:
                place = place.setdefault(head, {})
                if not isinstance(place, dict):
                    empty.refuse("names a field that holds no others")
            if place.setdefault(key, value) is not value:
                empty.refuse("names a field that is not empty")
        empty.done()
    return part


def _conditions(action: Element) -> Json:
    found: Json = {}
    for condition in action.children("condition"):
        key = "when"
        if condition.has("modifierExtension"):
            modifiers = condition.children("modifierExtension")
            if any(m.text("url") != address("exception") or not m.flag("valueBoolean") for m in modifiers):
                condition.refuse("has a modifier that does not belong here")
            key = "unless"
        if condition.text("kind") != "applicability" or key in found:
            condition.refuse("is not the only applicability condition of its kind")
        found[key] = _expression(condition.child("expression"))
        condition.done()
    return found


def _expression(expression: Element) -> Json:
    if expression.text("language") != LANGUAGE:
        expression.refuse(f"is in another language than {LANGUAGE}")
    data = expression.json_object("expression")
    expression.ignore("description")
    expression.done()
    return data


def _node(action: Element) -> Json:
    return _part(action, _criterion, "question", "at-least")


def _criterion(action: Element, found: _Extensions) -> Json:
    question, least = _single(found, "question"), _single(found, "at-least")
    body: Json = {"question": question.text("valueString")} if question else {}
    children = [_node(child) for child in action.children("action")]
    if not children:
        return body
    if action.text("groupingBehavior") != "logical-group":
        action.refuse("is not a logical group")
    selection = action.text("selectionBehavior")
    if selection not in ("all", "one-or-more"):
        action.refuse("selects in a way that a criteria set does not know")
    if least:
        return {**body, "at_least": {"n": least.number("valuePositiveInt"), "of": children}}
    return {**body, "all_of" if selection == "all" else "any_of": children}


def _refer(action: Element) -> Json:
    return _part(action, lambda a, _: {"reason": a.text("description")})


def _rules(section: Element, _: _Extensions) -> Json:
    rules = [_part(rule, _purpose, "own-levels") for rule in section.children("action")]
    return {"rules": rules} if rules else {}


def _purpose(action: Element, found: _Extensions) -> Json:
    codes = [_listed(code, "services") for code in action.children("code")]
    own = _single(found, "own-levels")
    part: Json = {"own_levels": own.flag("valueBoolean")} if own else {}
    return {**({"codes": codes} if codes else {}), **part, **_wording(action, "purpose")}


def _statement(action: Element) -> Json:
    return _part(action, lambda a, _: _wording(a, "text"))


def _alternative(action: Element) -> Json:
    return _part(action, _rulings)


def _rulings(action: Element, _: _Extensions) -> Json:
    found: Json = {}
    for ruling in action.children("action"):
        name = _only_code(ruling, CONCLUSION)
        if name in found or name not in ("contraindicated", "inadequate", "undetermined"):
            ruling.refuse("is not a conclusion about an alternative, or stands twice")
        if name == "undetermined":
            found |= _wording(ruling, name)
            ruling.done()
        else:
            found[name] = _part(ruling, lambda a, _: _wording(a, "text"))
    return found


def _wording(action: Element, key: str) -> Json:
    """Sentences as the set writes them: one text, one with its condition, or a list of either; none where it is empty."""
    if action.has("description"):
        return {key: action.text("description")}
    sentences = [_sentence(entry) for entry in action.children("action")]
    if action.has("groupingBehavior"):
        if action.text("groupingBehavior") != "sentence-group":
            action.refuse("is not a group of sentences")
        return {key: sentences}
    if len(sentences) > 1:
        action.refuse("has several sentences and is not a sentence group")
    return {key: sentences[0]} if sentences else {}


def _sentence(action: Element) -> Any:
    bare = not action.extensions("empty-field", "unconditional")["unconditional"]
    part = _part(action, lambda a, _: {"text": a.text("description")}, "unconditional")
    return part["text"] if bare and "when" not in part else part
