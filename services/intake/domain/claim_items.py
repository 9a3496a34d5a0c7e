"""The lines of a Claim: what is asked for, and for which diagnoses."""

import re
from dataclasses import dataclass

from services.intake.domain import vocabulary as v
from services.intake.domain.element import Element
from services.intake.domain.references import BundleIndex
from shared.clinical.model import RequestedItem

MAX_ITEMS = 250
_MAX_QUANTITY = 1_000_000
_NOT_APPLICABLE = "not-applicable"
_UNDOTTED_ICD_10 = re.compile(r"[A-Z][0-9][0-9A-Z][0-9A-Z]{1,4}")
_SERVICE_CODE_ELEMENTS = ("code", "codeCodeableConcept", "medicationCodeableConcept")


@dataclass(frozen=True, slots=True)
class ClaimItem:
    """A line of the Claim, and whether the provider takes it back."""

    item: RequestedItem
    cancelled: bool


def read_diagnoses(claim: Element, index: BundleIndex) -> tuple[dict[int, tuple[str, ...]], tuple[str, ...]]:
    """The ICD-10 codes of Claim.diagnosis: by sequence, and all of them in the Claim's order."""
    by_sequence: dict[int, tuple[str, ...]] = {}
    for diagnosis in claim.children("diagnosis"):
        codings = diagnosis.codings("diagnosisCodeableConcept")
        reference = diagnosis.child("diagnosisReference")
        if reference is not None and (condition := _referred(reference, index)) is not None:
            codings = codings + condition.codings("code")
        if not codings:
            diagnosis.note("required", "Each diagnosis must have a code.", "diagnosisCodeableConcept")
        codes = (c.text("code") for c in codings if c.text("system") in v.ICD_10)
        sequence = diagnosis.positive("sequence")
        if sequence is None:
            if diagnosis.body.get("sequence") is None:
                diagnosis.note("required", "Each diagnosis must have a sequence.", "sequence")
        elif sequence in by_sequence:
            diagnosis.note("value", "Another diagnosis has the same sequence.", "sequence")
        else:
            by_sequence[sequence] = tuple(dict.fromkeys(_icd_10(c) for c in codes if c))
    return by_sequence, tuple(dict.fromkeys(c for codes in by_sequence.values() for c in codes))


def read_items(claim: Element, index: BundleIndex, diagnoses: dict[int, tuple[str, ...]]) -> list[ClaimItem]:
    """All lines that can be read; each problem of a line is noted at the line."""
    elements = claim.children("item")
    if len(elements) > MAX_ITEMS:
        claim.note("too-costly", f"A Claim may have {MAX_ITEMS} items at most.", "item")
        return []
    information = {e.positive("sequence") for e in claim.children("supportingInfo")}
    team = {e.positive("sequence") for e in claim.children("careTeam")}
    found: list[ClaimItem] = []
    seen: set[int] = set()
    for element in elements:
        for name, known in (
            ("diagnosisSequence", diagnoses.keys()),
            ("informationSequence", information),
            ("careTeamSequence", team),
        ):
            if not known >= set(element.positives(name)):
                element.note("value", f"{name} names a sequence that the Claim does not have.", name)
        sequence = element.positive("sequence")
        if sequence is None and element.body.get("sequence") is None:
            element.note("required", "Each item must have a sequence.", "sequence")
        if sequence in seen:
            element.note("value", "Another item has the same sequence; each must be unique.", "sequence")
        item = _item(element, index, sequence or 0, diagnoses)
        if sequence is not None:
            seen.add(sequence)
        if item is not None and sequence is not None:
            found.append(item)
    return found


def _item(
    element: Element, index: BundleIndex, sequence: int, diagnoses: dict[int, tuple[str, ...]]
) -> ClaimItem | None:
    request = _requested_service(element, index)
    system, code, description = _service(element, request)
    if not code:
        element.note("required", "Each item must have a coded service.", "productOrService")
    sites = _sites(element, request)
    trace = element.extension(v.ITEM_TRACE_NUMBER)
    trace_identifier = trace.child("valueIdentifier") if trace else None
    certification = element.extension(v.CERTIFICATION_TYPE)
    types = [c.text("code") for c in certification.codings("valueCodeableConcept")] if certification else []
    period = element.child("servicedPeriod")
    if period is not None:
        period.day("end")
    codes = (c for s in element.positives("diagnosisSequence") for c in diagnoses.get(s, ()))
    item = RequestedItem(
        sequence=sequence,
        code=code,
        system=system,
        description=description,
        diagnoses=tuple(dict.fromkeys(codes)),
        body_sites=sites,
        trace_number=(trace_identifier.text("value") or None) if trace_identifier else None,
        quantity=_quantity(element),
        service_date=element.day("servicedDate") or (period.day("start") if period else None),
        certification_type=next(iter(types), None),
    )
    cancelled = _cancelled(element) or item.certification_type == v.CANCEL
    return ClaimItem(item, cancelled) if code else None


def _service(element: Element, request: Element | None) -> tuple[str, str, str]:
    """System, code and description of the service; a line that is "not applicable" is coded by its order."""
    concept = element.child("productOrService")
    concepts = [concept] if concept else []
    if request is not None:
        concepts += [c for name in _SERVICE_CODE_ELEMENTS if (c := request.child(name)) is not None]
    codings = [c for concept in concepts for c in concept.children("coding")]
    coded = [c for c in codings if c.text("code") and c.text("code") != _NOT_APPLICABLE] or codings[:1]
    if not coded:
        return "", "", ""
    best = next((c for system in v.SERVICE_SYSTEMS for c in coded if c.body.get("system") == system), coded[0])
    words = [best.text("display"), *(c.text("text") for c in concepts)]
    return best.text("system"), best.text("code"), "; ".join(dict.fromkeys(w for w in words if w))


def _requested_service(element: Element, index: BundleIndex) -> Element | None:
    extension = element.extension(v.REQUESTED_SERVICE)
    reference = extension.child("valueReference") if extension else None
    return _referred(reference, index) if reference else None


def _referred(reference: Element, index: BundleIndex) -> Element | None:
    position = index.resolve(reference.text("reference"), 0)
    if position is None:
        return None
    return Element(index.resources[position], f"Bundle.entry[{position}].resource", reference.problems)


def _sites(element: Element, request: Element | None) -> tuple[str, ...]:
    concepts = [c for c in (element.child("bodySite"), *element.children("subSite")) if c is not None]
    concepts += request.children("bodySite") if request else []
    words = [
        word
        for concept in concepts
        for word in (
            *(w for coding in concept.children("coding") for w in (coding.text("code"), coding.text("display"))),
            concept.text("text"),
        )
    ]
    return tuple(dict.fromkeys(w for w in words if w))


def _quantity(element: Element) -> float | None:
    quantity = element.child("quantity")
    value = quantity.body.get("value") if quantity else None
    if quantity is None or value is None:
        return None
    if isinstance(value, bool | str | list | dict) or not 0 <= value <= _MAX_QUANTITY:
        quantity.note("value", f"The quantity must be a number from 0 to {_MAX_QUANTITY:,}.", "value")
        return None
    return float(value)


def _cancelled(element: Element) -> bool:
    cancelled = False
    for i, extension in enumerate(element.children("modifierExtension")):
        if extension.body.get("url") == v.INFO_CANCELLED:
            cancelled = cancelled or extension.body.get("valueBoolean") is True
        else:
            element.note("not-supported", "This modifier extension is not known here.", f"modifierExtension[{i}]")
    return cancelled


def _icd_10(code: str) -> str:
    """The code in upper case and with its point, which X12 leaves out."""
    upper = code.upper()
    return f"{upper[:3]}.{upper[3:]}" if _UNDOTTED_ICD_10.fullmatch(upper) else upper
