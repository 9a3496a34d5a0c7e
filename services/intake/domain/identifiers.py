"""Business identifiers: what a sender calls its requests, and what two parties know each other by."""

import hashlib
from dataclasses import dataclass

from services.intake.domain.element import Element


@dataclass(frozen=True, slots=True)
class Identifier:
    """A FHIR business identifier."""

    system: str
    value: str


def identifier_key(payer: str, identifier: Identifier) -> str:
    """A digest (hex) of a business identifier within a payer."""
    h = hashlib.sha256()
    for part in (payer, identifier.system, identifier.value):
        raw = part.encode()
        h.update(len(raw).to_bytes(4, "big") + raw)
    return h.hexdigest()


def identifier_of(element: Element) -> Identifier | None:
    """The identifier that the element is; None where it has no value."""
    system, value = element.text("system"), element.text("value")
    return Identifier(system, value) if value else None


def identifiers_of(element: Element) -> tuple[Identifier, ...]:
    """The identifiers with a value that a resource has."""
    return tuple(i for e in element.children("identifier") if (i := identifier_of(e)) is not None)
