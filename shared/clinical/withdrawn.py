"""Documents that their sender has taken back: superseded, or entered in error."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from shared.clinical.model import Resource

_VOID: Final[Mapping[str, str]] = {
    "superseded": "superseded",
    "entered-in-error": "entered-in-error",
    "cancelled": "entered-in-error",
}
WITHDRAWN: Final = frozenset(_VOID.values())
"""The flags of documents that were taken back."""


def withdrawn(resources: Sequence[Resource]) -> dict[str, str]:
    """The flag of each document, by its digest, that no resource which still holds refers to."""
    states: dict[str, set[str]] = {}
    for resource in resources:
        flag = withdrawal(resource.body)
        for attachment in attachments(resource.body):
            url = attachment.get("url")
            if isinstance(url, str):
                states.setdefault(url, set()).add(flag)
    return {url: max(flags) for url, flags in states.items() if "" not in flags}


def withdrawal(body: Mapping[str, Any]) -> str:
    """The flag of a resource that stands for a document and was taken back; empty for any other."""
    if body.get("resourceType") == "DocumentReference":
        return _flag(body.get("status")) or _flag(body.get("docStatus"))
    return _flag(body.get("status")) if body.get("resourceType") == "DiagnosticReport" else ""


def attachments(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The attachments of a DocumentReference or DiagnosticReport: one document in several formats, by FHIR's definition."""
    if body.get("resourceType") == "DocumentReference":
        found = [content.get("attachment") for content in _members(body.get("content"))]
        yield from (attachment for attachment in found if isinstance(attachment, dict))
    elif body.get("resourceType") == "DiagnosticReport":
        yield from _members(body.get("presentedForm"))


def _flag(status: object) -> str:
    return _VOID.get(status, "") if isinstance(status, str) else ""


def _members(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (member for member in value if isinstance(member, dict))
