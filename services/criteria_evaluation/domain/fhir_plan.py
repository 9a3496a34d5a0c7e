"""A criteria set as a PlanDefinition (FHIR R4): its applicability, and its rules as a tree of actions.

The input is the set's YAML as data, which ``parse_criteria_set`` has read without complaint. Texts, codes, conditions and
lists are carried as they are written, so that reading them back gives the same content and therefore the same digest.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from services.criteria_evaluation.domain.fhir_examples import example_extension
from services.criteria_evaluation.domain.fhir_terms import (
    CONCLUSION,
    DIGEST,
    SECTION,
    STATEMENT_SECTIONS,
    USES,
    Json,
    address,
    canonical,
    concept,
    condition,
    extension,
    filled,
    services_concept,
    usage_concept,
    versioned,
    written_empty,
)
from shared.clinical.criteria_model import CriteriaSet
from shared.clinical.evidence_model import EvidenceLibrary
from shared.clinical.expression import Vocabulary, parse_expression

_TYPE: Final = "http://terminology.hl7.org/CodeSystem/plan-definition-type"


def plan_definition(
    data: Mapping[str, Any], criteria_set: CriteriaSet, vocabulary: Vocabulary, library: EvidenceLibrary
) -> Json:
    """The PlanDefinition of a set.

    ``data`` is the set as its YAML gives it, ``criteria_set`` the same compiled. Citations of evidence come from the library.
    """
    writer = _Writer(vocabulary)
    set_id, version = criteria_set.id, criteria_set.version
    plan: Json = {
        "resourceType": "PlanDefinition",
        "id": set_id,
        "extension": [*_empties(data), *(example_extension(e, vocabulary) for e in data.get("examples") or ())],
        "url": canonical("PlanDefinition", set_id),
        "identifier": [{"system": DIGEST, "value": criteria_set.digest}],
        "version": data["version"],
        "name": computable_name(set_id),
        "title": data["title"],
        "type": concept(_TYPE, "eca-rule"),
        "status": "active",
        "experimental": False,
        "publisher": "priorauth",
        "description": f"Criteria of prior authorization: {criteria_set.ref.title}.",
        "useContext": _use_context(data["applicability"]),
        "effectivePeriod": _period(filled(data.get("effective") or {})),
        "relatedArtifact": [
            *({"type": "citation", "label": s["id"], "citation": s["text"]} for s in data.get("sources") or ()),
            *_evidence(criteria_set, library),
            {"type": "depends-on", "resource": versioned("Questionnaire", set_id, version)},
        ],
        "library": [versioned("Library", set_id, version)],
        "action": writer.sections(data),
    }
    return filled(plan)


def computable_name(set_id: str) -> str:
    """The id in the form that R4 recommends for ``name``: a capital letter first, then letters and digits."""
    joined = "".join(word.capitalize() for word in set_id.split("-"))
    return joined if joined[:1].isalpha() else f"Set{joined}"


def _empties(data: Mapping[str, Any]) -> list[Json]:
    found = written_empty(data)
    found += written_empty(data["applicability"], prefix="applicability.")
    return found + written_empty(data.get("effective") or {}, prefix="effective.")


def _use_context(applicability: Mapping[str, Any]) -> list[Json]:
    return [
        {"code": {"system": system, "code": code}, "valueCodeableConcept": usage_concept(field, listed)}
        for field, (system, code) in USES.items()
        for listed in applicability.get(field) or ()
    ]


def _period(effective: Mapping[str, Any]) -> Json:
    return {fhir: effective[key] for key, fhir in (("from", "start"), ("to", "end")) if key in effective}


def _evidence(criteria_set: CriteriaSet, library: EvidenceLibrary) -> list[Json]:
    """The statements of evidence that the set relies on, each with its source. An unverified source says so."""
    cited = []
    for statement_id in sorted(_cited(criteria_set)):
        artifact: Json = {"type": "justification", "label": statement_id}
        statement = library.statements.get(statement_id)
        if statement is not None:
            artifact["display"] = statement.text
            artifact["citation"] = statement.source.citation + ("" if statement.source.verified else " (unverified)")
        cited.append(artifact)
    return cited


def _cited(criteria_set: CriteriaSet) -> set[str]:
    found: set[str] = set()
    nodes = list(criteria_set.criteria)
    while nodes:
        node = nodes.pop()
        found.update(node.evidence)
        nodes += node.children
    found.update(e for rule in criteria_set.refer for e in rule.evidence)
    found.update(e for statement in criteria_set.statements for e in statement.evidence)
    for alternative in criteria_set.alternatives:
        found.update(e for ruling in alternative.rulings for e in ruling.evidence)
    return found


class _Writer:
    """Writes the parts of a set as actions."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def sections(self, data: Mapping[str, Any]) -> list[Json]:
        parts: list[tuple[str, Callable[[Json], Json]]] = [
            ("criteria", self._node),
            ("refer", self._refer),
            *((section, self._statement) for section in STATEMENT_SECTIONS),
            ("alternatives", self._alternative),
        ]
        found = {
            name: {**self._section(name), "action": [write(part) for part in data[name]]}
            for name, write in parts
            if data.get(name)
        }
        found["criteria"] |= {"groupingBehavior": "logical-group", "selectionBehavior": "all"}
        if data.get("purposes"):
            found["purposes"] = self._purposes(data["purposes"])
        return list(found.values())

    def _section(self, name: str) -> Json:
        return {"code": [concept(SECTION, name)]}

    def _when(self, part: Mapping[str, Any], key: str = "when") -> list[Json]:
        if part.get(key) is None:
            return []
        return [condition(part[key], parse_expression(part[key], key, self._vocabulary).describe())]

    def _action(self, part: Mapping[str, Any], **more: Any) -> Json:
        """What all parts of a set have in common: id, title, condition, and what they rest on."""
        documents = [{"type": "justification", "label": label} for label in part.get("evidence") or ()]
        documents += [{"type": "citation", "label": label} for label in part.get("sources") or ()]
        action = {
            "id": part.get("id"),
            "extension": [*more.pop("extension", ()), *written_empty(part)],
            "title": part.get("title"),
            **more,
            "documentation": documents,
        }
        action["condition"] = [*self._when(part), *more.get("condition", ())]
        return filled(action)

    def _node(self, part: Json) -> Json:
        asked = part.get("question")
        extensions = [extension("question", "valueString", asked)] if asked else []
        if "at_least" in part:
            count, children = part["at_least"]["n"], part["at_least"]["of"]
            extensions.append(extension("at-least", "valuePositiveInt", count))
        else:
            children = part.get("all_of") or part.get("any_of") or ()
        if not children:
            return self._action(part, extension=extensions)
        return self._action(
            part,
            extension=extensions,
            groupingBehavior="logical-group",
            selectionBehavior="all" if "all_of" in part else "one-or-more",
            action=[self._node(child) for child in children],
        )

    def _refer(self, part: Json) -> Json:
        # A reader that does not know the exception must not take the condition for one more requirement.
        exceptions = [
            {"modifierExtension": [extension("exception", "valueBoolean", True)], **unless}
            for unless in self._when(part, "unless")
        ]
        return self._action(part, description=part["reason"], condition=exceptions)

    def _purposes(self, part: Json) -> Json:
        rules = [self._purpose(rule) for rule in part.get("rules") or ()]
        return self._action(part, **self._section("purposes"), action=rules)

    def _purpose(self, part: Json) -> Json:
        own = part.get("own_levels")
        extensions = [] if own is None else [extension("own-levels", "valueBoolean", own)]
        return self._action(
            part,
            extension=extensions,
            code=[services_concept(listed) for listed in part.get("codes") or ()],
            **self._wording(part["purpose"]),
        )

    def _statement(self, part: Json) -> Json:
        return self._action(part, **self._wording(part["text"]))

    def _alternative(self, part: Json) -> Json:
        rulings = [
            self._action(part[name], code=[concept(CONCLUSION, name)], **self._wording(part[name]["text"]))
            for name in ("contraindicated", "inadequate")
            if part.get(name)
        ]
        undetermined = self._wording(part["undetermined"])
        if undetermined:
            rulings.append({"code": [concept(CONCLUSION, "undetermined")], **undetermined})
        return self._action(part, action=rulings)

    def _wording(self, wording: str | Json | Sequence[str | Json]) -> Json:
        """Sentences: one as the description, a list as a sentence group, a single one with a condition as a part."""
        if isinstance(wording, str):
            return {"description": wording}
        if isinstance(wording, Mapping):
            return {"action": [self._sentence(wording)]}
        if not wording:
            return {}
        return {"groupingBehavior": "sentence-group", "action": [self._sentence(entry) for entry in wording]}

    def _sentence(self, entry: str | Mapping[str, Any]) -> Json:
        if isinstance(entry, str):
            return {"description": entry}
        unconditional = [] if "when" in entry else [{"url": address("unconditional"), "valueBoolean": True}]
        return self._action(entry, extension=unconditional, description=entry["text"])
