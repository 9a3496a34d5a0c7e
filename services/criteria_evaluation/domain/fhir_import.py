"""A criteria set out of a Bundle of FHIR R4 resources: the inverse of ``fhir_export``.

The rules are read from PlanDefinition and Questionnaire. Where a Library carries the YAML too, both must say the same, and
the file is the one that is attached, byte for byte; without it the YAML is written anew.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from services.criteria_evaluation.domain.fhir_elements import Element, decode
from services.criteria_evaluation.domain.fhir_plan_read import read_plan
from services.criteria_evaluation.domain.fhir_questionnaire import read_questions
from services.criteria_evaluation.domain.fhir_terms import DIGEST, Json
from services.criteria_evaluation.domain.vocabulary import Vocabulary
from shared.clinical.criteria import parse_criteria_set
from shared.clinical.criteria_model import CriteriaSet
from shared.clinical.policy_yaml import load_mapping
from shared.policy import PolicyError

_ORDER: Final[tuple[str, ...]] = (
    "id",
    "version",
    "title",
    "effective",
    "sources",
    "applicability",
    "criteria",
    "refer",
    "purposes",
    "questions",
)
_WIDTH: Final = 120


@dataclass(frozen=True, slots=True)
class Imported:
    """A set that came out of a Bundle: what to write to its file, and the set compiled from it.

    ``attached`` says that the file is the one that the Library carries; else it was written from the structure.
    """

    content: bytes
    criteria_set: CriteriaSet
    attached: bool


def from_bundle(content: bytes, name: str, vocabulary: Vocabulary) -> Imported:
    """Reads a Bundle; ``name`` is that of its file and stands at the head of messages.

    Raises:
        PolicyError: the input is no Bundle of one criteria set, the set cannot be used, a hash or digest is wrong, or the
            attached YAML and the structure disagree.
    """
    try:
        return _from_bundle(content, name, vocabulary)
    except RecursionError as error:
        raise PolicyError(f"{name}: this is nested too deeply for a criteria set.") from error


def from_structure(plan: Json, form: Json, vocabulary: Vocabulary) -> CriteriaSet:
    """The set that a PlanDefinition and a Questionnaire hold, without any attachment.

    Raises:
        PolicyError: an element has no place in a set, or the set cannot be used.
    """
    return _compiled(
        _yaml(_structure(Element(plan, "PlanDefinition"), Element(form, "Questionnaire"), vocabulary)), vocabulary
    )


def _from_bundle(content: bytes, name: str, vocabulary: Vocabulary) -> Imported:
    resources = _resources(content, name)
    plan, form = (_one(resources, kind, name) for kind in ("PlanDefinition", "Questionnaire"))
    text = _yaml(_structure(plan, form, vocabulary))
    rebuilt = _compiled(text, vocabulary)
    for identifier in plan.children("identifier"):
        if identifier.data.get("system") == DIGEST and identifier.text("value") != rebuilt.digest:
            identifier.refuse("is not the digest of the set that stands here, which was changed")
    attached = _attachment(resources, name)
    if attached is None:
        return Imported(text.encode(), rebuilt, attached=False)
    written = _text(attached, name)
    original = parse_criteria_set(written, f"{name}, the attached YAML", _entries(vocabulary))
    if original.digest != rebuilt.digest:
        place = next(_differences(load_mapping(name, written), load_mapping(name, text), ""), "")
        raise PolicyError(
            f"{name}: the attached YAML and the PlanDefinition disagree on {place or 'their content'}; remove one."
        )
    return Imported(attached, original, attached=True)


def _resources(content: bytes, name: str) -> list[Element]:
    bundle = decode(_text(content, name), name)
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise PolicyError(f"{name}: this is not a FHIR Bundle.")
    return [entry.child("resource") for entry in Element(bundle, f"{name}: Bundle").children("entry")]


def _text(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PolicyError(f"{name}: this is not text in UTF-8.") from error


def _one(resources: list[Element], kind: str, name: str) -> Element:
    found = [resource for resource in resources if resource.data.get("resourceType") == kind]
    if len(found) != 1:
        raise PolicyError(f"{name}: a criteria set is a Bundle with one {kind}, and this has {len(found)}.")
    return found[0]


def _structure(plan: Element, form: Element, vocabulary: Vocabulary) -> Json:
    data = read_plan(plan, _entries(vocabulary))
    questions = read_questions(form.children("item"), vocabulary)
    return {**data, **({"questions": questions} if questions else {})}


def _yaml(data: Json) -> str:
    """The set as a YAML file, its fields in the order of ``docs/criteria-format.md``."""
    ordered = {key: data[key] for key in _ORDER if key in data}
    ordered |= {key: value for key, value in data.items() if key not in ordered}
    return yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True, width=_WIDTH)


def _entries(vocabulary: Vocabulary) -> dict[str, tuple[str, str | None, tuple[str, ...]]]:
    return {fact.name: (fact.kind, fact.unit, fact.values) for fact in vocabulary.values()}


def _compiled(text: str, vocabulary: Vocabulary) -> CriteriaSet:
    return parse_criteria_set(text, "The set in the PlanDefinition", _entries(vocabulary))


def _attachment(resources: list[Element], name: str) -> bytes | None:
    """The YAML that a Library carries, its hash checked; None where none does."""
    found = [
        attachment
        for library in resources
        if library.data.get("resourceType") == "Library"
        for attachment in library.children("content")
        if attachment.has("data")
    ]
    if len(found) > 1:
        raise PolicyError(f"{name}: a criteria set has one attached file, and this has {len(found)}.")
    for attachment in found:
        try:
            content = base64.b64decode(attachment.text("data"), validate=True)
        except (binascii.Error, ValueError):
            attachment.refuse("has data that is not base64")
        if attachment.text("hash") != sha_1(content):
            attachment.refuse("has a hash that is not the SHA-1 of its data")
        return content
    return None


def sha_1(content: bytes) -> str:
    """``Attachment.hash`` as R4 defines it: SHA-1 in base64. It finds damage; the set's digest stands in the PlanDefinition."""
    return base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()


def _differences(a: Any, b: Any, path: str) -> Iterator[str]:
    """The places at which two sets differ, outermost first."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in dict.fromkeys([*a, *b]):
            place = f"{path}.{key}" if path else str(key)
            yield from _differences(a[key], b[key], place) if key in a and key in b else [place]
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (left, right) in enumerate(zip(a, b, strict=True)):
            yield from _differences(left, right, f"{path}[{i}]")
    elif type(a) is not type(b) or a != b:
        yield path
