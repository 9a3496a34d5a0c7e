"""A PAS request Bundle (Da Vinci PAS 2.2.1, profile-pas-request-bundle) as the platform understands it."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from services.intake.domain.attachments import Attachment, Walk
from services.intake.domain.bundle import canonical, index_entries, parse_bundle
from services.intake.domain.claim import ClaimReader, RequestKind
from services.intake.domain.claim_items import read_diagnoses, read_items
from services.intake.domain.element import Element
from services.intake.domain.identifiers import Identifier, identifier_key, identifier_of, identifiers_of
from services.intake.domain.problems import Problem, RequestRefusedError
from shared.clinical.model import RequestedItem

MAX_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class PasRequest:
    """A request that can become a case, or change one.

    ``payer`` is the tenant: the insurer's business identifier. ``related`` is the identifier of the Claim that an update
    or a cancellation is about. ``items`` are the lines still asked for; ``cancelled_items`` the sequences taken back.
    ``bundle`` is the Bundle as canonical JSON with each document's data replaced by its digest. ``flags`` ask for a
    person to look (``unsupported-type``, ``external-document``, ``partial-update``).
    """

    kind: RequestKind
    bundle_identifier: Identifier
    claim_identifiers: tuple[Identifier, ...]
    related: Identifier | None
    payer: str
    providers: tuple[Identifier, ...]
    priority: Literal["standard", "expedited"]
    line_of_business: str | None
    items: tuple[RequestedItem, ...]
    cancelled_items: tuple[int, ...]
    diagnoses: tuple[str, ...]
    requested_on: dt.date
    received_at: dt.datetime
    documents: tuple[Attachment, ...]
    bundle: bytes
    flags: tuple[str, ...] = ()

    @property
    def submission_key(self) -> str:
        """The same for the same Bundle identifier sent to the same payer, so that a repeated request is known.

        Senders (and the published examples) reuse a Bundle identifier for the update of a request; the kind and the
        Claim's identifier tell these apart.
        """
        if self.kind == "initial":
            return identifier_key(self.payer, self.bundle_identifier)
        return self.kind + identifier_key(self.payer, self.bundle_identifier) + self.claim_key

    @property
    def claim_key(self) -> str:
        """A digest of the Claim's business identifier: what an update or a cancellation finds the case by."""
        return identifier_key(self.payer, self.claim_identifiers[0])

    @property
    def related_key(self) -> str | None:
        """The ``claim_key`` of the request that this one updates or cancels; None for an initial request."""
        return None if self.related is None else identifier_key(self.payer, self.related)


def read_request(body: bytes, received_at: dt.datetime) -> PasRequest:
    """Reads and checks a PAS request Bundle.

    All problems are found in one pass. What the profile asks for and the platform does not use is not insisted on.

    Raises:
        RequestRefusedError: with every problem that keeps the request from becoming a case.
    """
    bundle = parse_bundle(body)
    problems: list[Problem] = []
    root = Element(bundle, "Bundle", problems)
    index = index_entries(root)
    walk = Walk(index, problems)
    for position in range(len(index.resources)):
        walk.resource(position)
    walk.finish()
    identifier = _bundle_header(root)
    request = None
    if index.resources:
        claim = Element(index.resources[0], "Bundle.entry[0].resource", problems)
        if claim.body.get("resourceType") == "Claim":
            request = _read_claim(bundle, identifier, claim, walk, received_at)
        else:
            claim.note("invalid", "The first entry must be the Claim.")
    if problems or request is None:
        raise RequestRefusedError(tuple(dict.fromkeys(problems))[:MAX_PROBLEMS])
    return request


def _bundle_header(bundle: Element) -> Identifier | None:
    if bundle.text("type") != "collection":
        bundle.note("value", "Bundle.type must be collection.", "type")
    if bundle.day("timestamp") is None and bundle.body.get("timestamp") is None:
        bundle.note("required", "Say in Bundle.timestamp when the request was made.", "timestamp")
    identifier = bundle.child("identifier")
    found = None if identifier is None else identifier_of(identifier)
    if found is None:
        bundle.note("required", "The Bundle must have an identifier with a value.", "identifier")
    return found


def _read_claim(
    bundle: dict[str, Any], identifier: Identifier | None, claim: Element, walk: Walk, received_at: dt.datetime
) -> PasRequest | None:
    """The request, or None where something is missing without which there is none (which is noted)."""
    reader = ClaimReader(claim, walk.index)
    reader.status_and_use()
    identifiers = identifiers_of(claim)
    if not identifiers:
        claim.note("required", "The Claim must have an identifier with a value.", "identifier")
    reader.patient()
    payer = reader.payer()
    providers = reader.providers()
    line_of_business = reader.line_of_business()
    reader.care_team()
    priority = reader.priority()
    created = claim.day("created")
    if created is None and claim.body.get("created") is None:
        claim.note("required", "Say in Claim.created when the request was made.", "created")
    by_sequence, diagnoses = read_diagnoses(claim, walk.index)
    items = read_items(claim, walk.index, by_sequence)
    kind = reader.kind(items)
    if not claim.body.get("item") and kind != "cancel":
        claim.note("required", "The Claim must have at least one item.", "item")
    related = reader.related(kind, identifiers)
    if identifier is None or not identifiers or payer is None or created is None:
        return None
    return PasRequest(
        kind=kind,
        bundle_identifier=identifier,
        claim_identifiers=identifiers,
        related=related,
        payer=payer,
        providers=providers,
        priority=priority,
        line_of_business=line_of_business,
        items=tuple(i.item for i in items if kind == "cancel" or not i.cancelled),
        cancelled_items=tuple(i.item.sequence for i in items if i.cancelled),
        diagnoses=diagnoses,
        requested_on=created,
        received_at=received_at,
        documents=tuple(walk.documents.values()),
        bundle=canonical(bundle),
        flags=tuple(sorted({*walk.flags, *reader.flags()})),
    )
