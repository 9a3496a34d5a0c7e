"""Documents that their sender has taken back: superseded, or entered in error."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from shared.clinical.model import Resource

_VOID: Final[Mapping[str, str]] = {
    "superseded": "superseded",
    "entered-in-error": "entered-in-error",
    "cancelled": "entered-in-error",
}


def withdrawn(resources: Sequence[Resource]) -> dict[str, str]:
    """The flag of each document, by its digest, that no resource which still holds refers to."""
    states: dict[str, set[str]] = {}
    for resource in resources:
        body = resource.body
        if body.get("resourceType") == "DocumentReference":
            flag = _flag(body.get("status")) or _flag(body.get("docStatus"))
            attachments = [c.get("attachment") for c in _members(body.get("content"))]
        elif body.get("resourceType") == "DiagnosticReport":
            flag = _flag(body.get("status"))
            attachments = list(_members(body.get("presentedForm")))
        else:
            continue
        for attachment in attachments:
            url = attachment.get("url") if isinstance(attachment, dict) else None
            if isinstance(url, str):
                states.setdefault(url, set()).add(flag)
    return {url: max(flags) for url, flags in states.items() if "" not in flags}


def _flag(status: object) -> str:
    return _VOID.get(status, "") if isinstance(status, str) else ""


def _members(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (member for member in value if isinstance(member, dict))
