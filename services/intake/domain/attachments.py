"""Taking the documents out of a Bundle: one walk finds attachments and references, base64 becomes bytes.

A document is stored once under its SHA-256. In the Bundle that is kept, a ``url`` of ``sha256:...`` stands where the
data was. Only the documents that intake decoded itself belong to a request: such a url of the sender is refused.
"""

import binascii
import datetime as dt
import hashlib
from dataclasses import dataclass, field
from typing import Any

from services.intake.domain.element import day_of
from services.intake.domain.problems import Problem
from services.intake.domain.references import BundleIndex, is_local, must_resolve
from shared.clinical.attachment_text import is_readable
from shared.clinical.withdrawn import withdrawal

MAX_DEPTH = 64
DIGEST_SCHEME = "sha256:"
_NOT_BASE64 = frozenset({"sigFormat", "origin"})
"""Siblings of a ``data`` that is no document: Signature.data and SampledData.data."""

_Link = tuple[Any, ...]
"""A path as it is walked, (parent link, step): the text of it is only made for what is reported."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document that came with a request. ``id`` is ``sha256:`` and the hex digest of ``data``, the bytes themselves.

    ``code`` is the LOINC type of document. ``flags`` ask for a person, as those of a document's text do.
    """

    id: str
    data: bytes = field(repr=False)
    content_type: str
    title: str = ""
    date: dt.date | None = None
    code: str | None = None
    path: str = ""
    flags: tuple[str, ...] = ()


@dataclass(slots=True)
class Walk:
    """What a walk over all resources of a Bundle collects."""

    index: BundleIndex
    problems: list[Problem]
    documents: dict[str, Attachment] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)
    described: dict[int, tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=dict)
    """Binary entries that a DocumentReference points to: the attachment and its resource tell title, date and type."""
    binaries: list[tuple[int, _Link]] = field(default_factory=list)
    position: int = 0
    nested: bool = False
    """Inside a Bundle that is itself an entry, whose references are about its own entries."""

    def resource(self, position: int) -> None:
        """Walks the resource of one entry."""
        self.position = position
        resource = self.index.resources[position]
        self.nested = resource.get("resourceType") == "Bundle"
        link: _Link = (None, f"Bundle.entry[{position}].resource")
        if resource.get("resourceType") == "Binary":
            self.binaries.append((position, link))
        else:
            self._visit(resource, link, resource, 0)

    def finish(self) -> None:
        """Takes the Binary entries, once it is known which documents they belong to."""
        for position, link in self.binaries:
            binary = self.index.resources[position]
            if "data" in binary:
                attachment, owner = self.described.get(position, (binary, binary))
                self._take(binary, attachment, owner, link)

    def _visit(self, node: dict[str, Any], link: _Link, owner: dict[str, Any], depth: int) -> None:
        if depth > MAX_DEPTH:
            self._problem("structure", f"Elements may be nested {MAX_DEPTH} deep at most.", link)
            return
        if "resourceType" in node:
            owner = node
        deeper = depth + 1
        documents: list[str] = []
        for name, value in node.items():
            kind = type(value)
            if kind is str:
                if name == "reference":
                    self._reference(value, link, owner)
                elif name == "data" or name == "url":
                    documents.append(name)
            elif kind is dict:
                self._visit(value, (link, name), owner, deeper)
            elif kind is list:
                for i, member in enumerate(value):
                    if type(member) is dict:
                        self._visit(member, (link, name, i), owner, deeper)
                    elif type(member) is list:
                        self._problem("structure", "An array must not hold arrays.", (link, name, i))
            elif value is None:
                self._problem("structure", "A property must not be null; leave it out.", (link, name))
        if "data" in node and ("contentType" in node or "data" in documents) and not _NOT_BASE64 & node.keys():
            self._take(node, node, owner, link)
        elif "url" in documents and "contentType" in node:
            self._linked(node["url"], node, owner, link)

    def _reference(self, reference: str, link: _Link, owner: dict[str, Any]) -> None:
        if self.nested:
            return
        target = self.index.resolve(reference, self.position)
        if target is None:
            # An update may refer to the earlier Claim without bringing it along: the payer has it.
            if must_resolve(reference) and not (link[1] == "claim" and link[0][1:2] == ("related",)):
                self._problem("not-found", "The reference names a resource that the Bundle does not hold.", link)
        elif link[1] in ("subject", "patient") and link[0][0] is None:
            claim = self.index.resources[0]
            patient = claim.get("patient")
            ours = patient.get("reference") if isinstance(patient, dict) else None
            if (
                isinstance(ours, str)
                and owner is not claim
                and self.index.resources[target].get("resourceType") == "Patient"
                and self.index.resolve(ours, 0) not in (None, target)
            ):
                self._problem("value", "The resource belongs to another patient than the Claim.", link)

    def _linked(self, url: str, node: dict[str, Any], owner: dict[str, Any], link: _Link) -> None:
        target = self.index.resolve(url, self.position)
        if url.startswith(DIGEST_SCHEME):
            self._problem("value", "Send the document itself in data; a digest is no address.", link)
        elif target is not None:
            self.described[target] = (node, owner)
        elif is_local(url):
            self._problem("not-found", "The url names a Binary that the Bundle does not hold.", link)
        elif not withdrawal(owner):
            self.flags.add("external-document")

    def _take(self, node: dict[str, Any], attachment: dict[str, Any], owner: dict[str, Any], link: _Link) -> None:
        data = _decoded(node["data"])
        if data is None:
            self._problem("value", "data must be base64.", (link, "data"))
            return
        del node["data"]
        if link[1] == "photo":
            return
        content_type = attachment.get("contentType") or node.get("contentType")
        if not isinstance(content_type, str):
            self._problem("required", "Say in contentType what kind of document the data is.", (link, "contentType"))
            return
        digest = DIGEST_SCHEME + hashlib.sha256(data).hexdigest()
        if attachment.get("resourceType") != "Binary":
            attachment["url"] = digest
        if digest not in self.documents:
            flags = () if is_readable(content_type) else ("unsupported-type",)
            self.flags.update(flags)
            self.documents[digest] = Attachment(
                digest,
                data,
                content_type,
                title=_first_text(attachment.get("title"), owner.get("description"), _display(owner.get("type"))),
                date=_date(attachment, owner),
                code=_loinc(owner.get("type")) or _loinc(owner.get("code")),
                path=_path(link),
                flags=flags,
            )

    def _problem(self, code: Any, diagnostics: str, link: _Link) -> None:
        self.problems.append(Problem(code, diagnostics, _path(link)))


def _decoded(data: Any) -> bytes | None:
    if not isinstance(data, str):
        return None
    try:
        return binascii.a2b_base64(data, strict_mode=True)
    except ValueError:
        pass
    try:
        # FHIR's base64Binary may be broken into lines; strict mode does not take the blanks.
        return binascii.a2b_base64("".join(data.split()), strict_mode=True)
    except ValueError:
        return None


def _path(link: _Link) -> str:
    steps: list[str] = []
    while link[0] is not None:
        steps.append(f"{link[1]}[{link[2]}]" if len(link) == 3 else link[1])
        link = link[0]
    steps.append(link[1])
    return ".".join(reversed(steps))


def _first_text(*values: Any) -> str:
    return next((" ".join(v.split())[:200] for v in values if isinstance(v, str) and v.strip()), "")


def _date(attachment: dict[str, Any], owner: dict[str, Any]) -> dt.date | None:
    """The day of the document: when it was written, else indexed, else the service that it tells of."""
    context = owner.get("context")
    period = context.get("period") if isinstance(context, dict) else None
    candidates = [attachment.get("creation"), owner.get("date"), owner.get("issued"), owner.get("effectiveDateTime")]
    if isinstance(period, dict):
        candidates += [period.get("end"), period.get("start")]
    candidates.append(owner.get("authored"))
    return next((d for c in candidates if isinstance(c, str) and (d := day_of(c)) is not None), None)


def _codings(concept: Any) -> list[dict[str, Any]]:
    codings = concept.get("coding") if isinstance(concept, dict) else None
    return [c for c in codings if isinstance(c, dict)] if isinstance(codings, list) else []


def _loinc(concept: Any) -> str | None:
    codes = (c.get("code") for c in _codings(concept) if c.get("system") == "http://loinc.org")
    return next((c for c in codes if isinstance(c, str)), None)


def _display(concept: Any) -> str:
    return _first_text(*(c.get("display") for c in _codings(concept)))
