"""From the bytes of a request to a Bundle whose resources can be found."""

import decimal
from typing import Any

import msgspec

from services.intake.domain.element import Element
from services.intake.domain.problems import BAD_REQUEST, Problem, RequestRefusedError
from services.intake.domain.references import BundleIndex

MAX_ENTRIES = 1000
_LARGEST_EXPONENT = 300


def _decimal(text: str) -> decimal.Decimal:
    """FHIR decimals keep their precision (1.10 is not 1.1), so they are no floats here."""
    try:
        number = decimal.Decimal(text)
    except decimal.InvalidOperation as error:
        raise ValueError("The exponent is too large.") from error
    if number.adjusted() > _LARGEST_EXPONENT:
        raise ValueError("The number is too large.")
    return number


_decode = msgspec.json.Decoder(float_hook=_decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number", order="sorted").encode


def canonical(bundle: dict[str, Any]) -> bytes:
    """The Bundle as JSON with sorted keys and without blanks: the same content gives the same bytes."""
    return _encode(bundle)


def parse_bundle(body: bytes) -> dict[str, Any]:
    """The Bundle of a request's body, taken out of a Parameters resource where it comes in one.

    Raises:
        RequestRefusedError: the body is not JSON, or no Bundle (status 400).
    """
    try:
        resource = _decode(body.removeprefix(b"\xef\xbb\xbf"))
    except msgspec.ValidationError:
        raise _not_a_bundle("value", "The request holds a number that is too large.") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _not_a_bundle("invalid", "The request is not JSON in UTF-8; send a PAS request Bundle.") from None
    except RecursionError:
        raise _not_a_bundle("structure", "The request is nested too deep to be a Bundle.") from None
    if isinstance(resource, dict) and resource.get("resourceType") == "Parameters":
        resource = _parameter(resource)
    if not isinstance(resource, dict) or resource.get("resourceType") != "Bundle":
        raise _not_a_bundle("structure", "Send a Bundle: resourceType must be Bundle.")
    return resource


def index_entries(bundle: Element) -> BundleIndex:
    """Finds every resource of the Bundle and notes what keeps one from being found.

    Positions in the index are those of ``Bundle.entry``: an entry that is wrong has an empty resource.
    """
    index = BundleIndex()
    entries = bundle.body.get("entry")
    if not isinstance(entries, list) or not entries:
        bundle.note("required", "The Bundle must have entries, the Claim first.", "entry")
        return index
    if len(entries) > MAX_ENTRIES:
        bundle.note("too-costly", f"A Bundle may have {MAX_ENTRIES} entries at most.", "entry")
        return index
    for i, raw in enumerate(entries):
        entry = Element(raw if isinstance(raw, dict) else {}, f"Bundle.entry[{i}]", bundle.problems)
        resource = entry.body.get("resource")
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            entry.note("required", "Each entry must hold a resource with its resourceType.", "resource")
            resource = {}
        full_url = entry.text("fullUrl")
        if not full_url:
            entry.note("required", "Each entry must have a fullUrl.", "fullUrl")
        if not index.add(full_url, resource):
            entry.note("value", "Another entry has the same fullUrl; each must be unique.", "fullUrl")
    return index


def _parameter(parameters: dict[str, Any]) -> Any:
    members = parameters.get("parameter")
    resources = (
        [m["resource"] for m in members if isinstance(m, dict) and "resource" in m] if isinstance(members, list) else []
    )
    return resources[0] if len(resources) == 1 else None


def _not_a_bundle(code: Any, diagnostics: str) -> RequestRefusedError:
    return RequestRefusedError((Problem(code, diagnostics, "Bundle", "fatal"),), BAD_REQUEST)
