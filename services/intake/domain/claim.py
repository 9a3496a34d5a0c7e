"""The header of a Claim: who asks whom, for whom, how urgently, and whether an earlier request is meant."""

import re
from dataclasses import dataclass
from typing import Literal

from services.intake.domain import vocabulary as v
from services.intake.domain.claim_items import ClaimItem
from services.intake.domain.element import Element
from services.intake.domain.identifiers import Identifier, identifier_of, identifiers_of
from services.intake.domain.references import BundleIndex, must_resolve

RequestKind = Literal["initial", "update", "cancel"]


@dataclass(frozen=True, slots=True)
class ClaimReader:
    """Reads the Claim; every method notes the problems that it finds and goes on."""

    claim: Element
    index: BundleIndex

    def status_and_use(self) -> None:
        """Only an active or cancelled preauthorization can be handled here."""
        claim = self.claim
        if claim.text("use") != "preauthorization":
            claim.note("value", "Claim.use must be preauthorization.", "use")
        if claim.text("status") not in ("active", "cancelled"):
            claim.note("value", "Claim.status must be active, or cancelled to take the request back.", "status")
        if not claim.codings("type"):
            claim.note("required", "Say in Claim.type whether it is institutional, professional or oral.", "type")
        if self._has_profile(v.INQUIRY_PROFILE):
            claim.note("not-supported", "This is an inquiry; send it to Claim/$inquire.", "meta.profile")
        for i, extension in enumerate(claim.children("modifierExtension")):
            extension.note("not-supported", "This modifier extension is not known here.", f"modifierExtension[{i}]")

    def _has_profile(self, profile: str) -> bool:
        meta = self.claim.body.get("meta")
        profiles = meta.get("profile") if isinstance(meta, dict) else None
        return isinstance(profiles, list) and any(
            isinstance(p, str) and p.partition("|")[0] == profile for p in profiles
        )

    def flags(self) -> tuple[str, ...]:
        """``partial-update``: the Claim says of itself (meta.security) that it holds the changed lines only."""
        meta = self.claim.child("meta")
        security = meta.children("security") if meta else []
        return ("partial-update",) if any(s.body.get("code") == v.SUBSETTED for s in security) else ()

    def _target(self, element: Element, name: str, types: tuple[str, ...]) -> Element | None:
        """The resource that a required reference names, if the Bundle holds it and it is of one of these types."""
        reference = element.child(name)
        text = reference.text("reference") if reference else ""
        if reference is None or not text:
            element.note("required", f"{name} must refer to a resource of the Bundle ({', '.join(types)}).", name)
            return None
        position = self.index.resolve(text, 0)
        if position is None or text.startswith("#"):
            if position is not None or not must_resolve(text):
                reference.note("not-found", "The resource that this refers to must be an entry of the Bundle.")
            return None
        resource = self.index.resources[position]
        if resource.get("resourceType") not in types:
            reference.note("value", f"{name} must refer to {' or '.join(types)}.")
            return None
        return Element(resource, f"Bundle.entry[{position}].resource", element.problems)

    def patient(self) -> None:
        """The Claim must be about a Patient of the Bundle."""
        self._target(self.claim, "patient", ("Patient",))

    def payer(self) -> str | None:
        """The tenant: the insurer's first business identifier, in letters that are safe in a URL."""
        insurer = self._target(self.claim, "insurer", ("Organization",))
        if insurer is None:
            return None
        identifiers = identifiers_of(insurer)
        slug = re.sub(r"[^A-Za-z0-9._-]+", "-", identifiers[0].value).strip("-.")[:64] if identifiers else ""
        if not slug:
            insurer.note("required", "The insurer must have an identifier: it says which payer is meant.", "identifier")
        return slug or None

    def providers(self) -> tuple[Identifier, ...]:
        """Identifiers of the requesting provider, and of who and where a role is held."""
        provider = self._target(self.claim, "provider", ("Organization", "Practitioner", "PractitionerRole"))
        if provider is None:
            return ()
        found = list(identifiers_of(provider))
        if provider.body.get("resourceType") == "PractitionerRole":
            for name, kind in (("practitioner", "Practitioner"), ("organization", "Organization")):
                if name in provider.body and (member := self._target(provider, name, (kind,))) is not None:
                    found += identifiers_of(member)
        return tuple(dict.fromkeys(found))

    def line_of_business(self) -> str | None:
        """The code of the focal Coverage's type."""
        insurances = self.claim.children("insurance")
        if not insurances:
            self.claim.note("required", "Name in Claim.insurance the Coverage that is asked.", "insurance")
        covers = [(i.body.get("focal") is True, self._target(i, "coverage", ("Coverage",))) for i in insurances]
        coverage = next((c for focal, c in sorted(covers, key=lambda c: not c[0]) if c is not None), None)
        if coverage is None:
            return None
        codes = (c.text("code") for c in coverage.codings("type"))
        return next((c for c in codes if c), None)

    def care_team(self) -> None:
        """Every member must be in the Bundle."""
        seen: set[int] = set()
        for member in self.claim.children("careTeam"):
            sequence = member.positive("sequence")
            if sequence in seen:
                member.note("value", "Another careTeam member has the same sequence.", "sequence")
            elif sequence is not None:
                seen.add(sequence)
            self._target(member, "provider", ("Practitioner", "PractitionerRole", "Organization"))

    def priority(self) -> Literal["standard", "expedited"]:
        """Expedited where the Claim's priority or its X12 level of service says so (42 CFR 422.570)."""
        claim = self.claim
        codes = {c.text("code").lower() for c in claim.codings("priority")}
        if not codes:
            claim.note(
                "required", "Say in Claim.priority how urgent the request is (stat, normal, deferred).", "priority"
            )
        level = claim.extension(v.LEVEL_OF_SERVICE)
        levels = {c.text("code").upper() for c in level.codings("valueCodeableConcept")} if level else set()
        return "expedited" if codes & v.EXPEDITED_PRIORITIES or levels & v.EXPEDITED_LEVELS else "standard"

    def kind(self, items: list[ClaimItem]) -> RequestKind:
        """A cancellation takes back all; an update follows an earlier request."""
        certification = self.claim.extension(v.CERTIFICATION_TYPE)
        codes = {c.text("code") for c in certification.codings("valueCodeableConcept")} if certification else set()
        if (
            self.claim.body.get("status") == "cancelled"
            or v.CANCEL in codes
            or (items and all(i.cancelled for i in items))
        ):
            return "cancel"
        return "update" if self._prior() is not None or self._has_profile(v.UPDATE_PROFILE) else "initial"

    def _prior(self) -> Element | None:
        for related in self.claim.children("related"):
            if any(c.body.get("code") == "prior" for c in related.codings("relationship")):
                return related
        return None

    def related(self, kind: RequestKind, own: tuple[Identifier, ...]) -> Identifier | None:
        """The Claim that is updated or cancelled: the one that ``related`` names, else the one with the same identifier."""
        prior = self._prior()
        if prior is None:
            return own[0] if kind != "initial" and own else None
        reference = prior.child("claim")
        named = reference.child("identifier") if reference else None
        found = identifier_of(named) if named else None
        text = reference.text("reference") if reference and found is None else ""
        position = self.index.resolve(text, 0) if text else None
        if position is not None:
            earlier = Element(self.index.resources[position], f"Bundle.entry[{position}].resource", prior.problems)
            found = next(iter(identifiers_of(earlier)), None)
        if found is None:
            prior.note("required", "Name the earlier request: bring its Claim along, or give its identifier.", "claim")
        return found
