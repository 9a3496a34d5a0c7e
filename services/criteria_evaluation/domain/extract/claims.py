"""What the Claim itself says: where its items act, and the information that it brings along. Its diagnoses say nothing."""

from collections.abc import Iterator, Sequence
from typing import Final

from services.criteria_evaluation.domain.extract.answers import said_by, value_of
from services.criteria_evaluation.domain.extract.elements import Body, at_path, bodies, codings, day_of, named_fact
from services.criteria_evaluation.domain.extract.levels import levels_in
from services.criteria_evaluation.domain.extract.mention import Mention
from services.criteria_evaluation.domain.lexicon import Lexicon
from shared.clinical.model import Resource

REQUESTED_LEVELS: Final = "spine.requested_levels"


def read_claims(resources: Sequence[Resource]) -> tuple[list[Mention], bool]:
    """The levels that the Claim's items name, and whether every item names its own."""
    found: list[Mention] = []
    items = named = 0
    for _, texts in claim_items(resources):
        items += 1
        here = [(path, levels) for path, text in texts if (levels := levels_in(text))]
        named += bool(here)
        found += [Mention(REQUESTED_LEVELS, levels, at_path(path)) for path, levels in here]
    return found, items > 0 and named == items


def claim_items(resources: Sequence[Resource]) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    """The Claims' items: the path of each and its texts on body site and service, each with its own path."""
    for resource in resources:
        if resource.body.get("resourceType") != "Claim":
            continue
        for i, item in enumerate(bodies(resource.body.get("item"))):
            path = f"{resource.path}.item[{i}]"
            texts: list[tuple[str, str]] = []
            for element in ("bodySite", "subSite", "productOrService"):
                concept = item.get(element)
                concepts = list(bodies(concept)) if isinstance(concept, list) else [concept]
                for c in concepts:
                    if isinstance(c, dict):
                        texts += [
                            (f"{path}.{element}", text) for text in _texts(c, codes=element != "productOrService")
                        ]
            yield path, tuple(texts)


def _texts(concept: Body, *, codes: bool) -> Iterator[str]:
    if isinstance(concept.get("text"), str):
        yield concept["text"]
    for coding in bodies(concept.get("coding")):
        for key in ("display", "code") if codes else ("display",):
            if isinstance(coding.get(key), str):
                yield coding[key]


def read_information(resources: Sequence[Resource], lexicon: Lexicon) -> Iterator[Mention]:
    """Values beside the Claim (``supportingInfo``) whose code names a fact."""
    for resource in resources:
        if resource.body.get("resourceType") != "Claim":
            continue
        for i, information in enumerate(bodies(resource.body.get("supportingInfo"))):
            value = value_of(information)
            for _, key in codings(information.get("code")) if value is not None else ():
                coded = lexicon.codes.observations.get(key)
                fact = lexicon.vocabulary[coded.fact] if coded else named_fact(key, lexicon.vocabulary)
                said = said_by(fact, *value) if fact is not None and value is not None else None
                if fact is not None and value is not None and said is not None:
                    path = f"{resource.path}.supportingInfo[{i}].{value[0]}"
                    yield Mention(fact.name, said, at_path(path), day_of(information.get("timingDate")))
                    break
