"""Facts that Conditions state. The diagnosis of a claim is its requester's assertion and states nothing."""

from collections.abc import Iterator, Sequence
from typing import Final

from services.criteria_evaluation.domain.extract.elements import (
    Body,
    at_path,
    bodies,
    codes_of,
    codings,
    day_of,
    texts_of,
    word,
)
from services.criteria_evaluation.domain.extract.mention import Mention
from services.criteria_evaluation.domain.extract.narrative import read_text
from services.criteria_evaluation.domain.lexicon import Lexicon
from services.criteria_evaluation.domain.lexicon_codes import Meaning
from shared.clinical.model import Resource

_NOT_HELD: Final = frozenset({"unconfirmed", "provisional", "differential", "entered-in-error"})
_OVER: Final = frozenset({"inactive", "remission", "resolved"})
_ACTIVE: Final = frozenset({"active", "recurrence", "relapse"})
_ABATED: Final = ("abatementDateTime", "abatementAge", "abatementPeriod", "abatementRange", "abatementString")
_OF_CONDITIONS: Final = ("condition.", "obesity.comorbidity")


def read_conditions(resources: Sequence[Resource], lexicon: Lexicon) -> Iterator[Mention]:
    """What all Conditions state."""
    claimed: frozenset[str] | None = None
    for resource in resources:
        if word(resource.body, "resourceType") == "Condition":
            if claimed is None:
                claimed = _claimed(resources)
            yield from _condition(resource, claimed, lexicon)


def _claimed(resources: Sequence[Resource]) -> frozenset[str]:
    """The ids of the Conditions that a Claim names as its diagnosis."""
    references = (
        diagnosis["diagnosisReference"].get("reference")
        for resource in resources
        if word(resource.body, "resourceType") == "Claim"
        for diagnosis in bodies(resource.body.get("diagnosis"))
        if isinstance(diagnosis.get("diagnosisReference"), dict)
    )
    return frozenset(r.rpartition("/")[2].rpartition(":")[2].lstrip("#") for r in references if isinstance(r, str))


def _condition(resource: Resource, claimed: frozenset[str], lexicon: Lexicon) -> Iterator[Mention]:
    """One Condition: a refuted one denies what it would state, one that is over counts where its code says history."""
    body = resource.body
    verified, clinical = codes_of(body.get("verificationStatus")), codes_of(body.get("clinicalStatus"))
    if verified & _NOT_HELD:
        return
    refuted = "refuted" in verified
    over = bool(clinical & _OVER) or body.get("abatementBoolean") is True or any(body.get(name) for name in _ABATED)
    sure = "confirmed" in verified and bool(clinical & _ACTIVE) and not over and body.get("id") not in claimed
    date = day_of(body.get("recordedDate")) or day_of(body.get("onsetDateTime"))
    table, known, stated = lexicon.codes.conditions, False, set[str]()
    for i, key in codings(body.get("code")):
        known = known or key[0] in table.systems
        for meaning in table.meanings(key):
            said = _said(meaning, refuted=refuted, over=over, sure=sure)
            if said is not None and meaning.fact.name not in stated:
                stated.add(meaning.fact.name)
                yield Mention(meaning.fact.name, said, at_path(f"{resource.path}.code.coding[{i}]"), date, meaning.rank)
    if not known and not refuted and not over:
        yield from _in_words(resource, body, lexicon)


def _said(meaning: Meaning, *, refuted: bool, over: bool, sure: bool) -> bool | str | tuple[str, ...] | None:
    if not meaning.plain:
        return meaning.value if sure and not refuted else None
    if refuted:
        return False if meaning.fact.name.startswith("condition.") else None
    return None if over and not meaning.lasting else meaning.value


def _in_words(resource: Resource, body: Body, lexicon: Lexicon) -> Iterator[Mention]:
    """A Condition without a code that anybody knows is read as the line of a problem list that it is."""
    for text in list(texts_of(body.get("code")))[:1]:
        for mention in read_text(text, "ASSESSMENT", f"{resource.path}.code", None, lexicon):
            if mention.fact.startswith(_OF_CONDITIONS):
                yield mention
