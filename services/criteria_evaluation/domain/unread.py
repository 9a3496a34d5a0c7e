"""Documents that came with the request and that nobody has read: any of them may contradict what the rest of the chart says."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.clinical.model import CaseOutcome, Document, Resource, Source
from shared.clinical.withdrawn import WITHDRAWN, attachments, withdrawal

EXTERNAL: Final = "external-document"
RESERVATION: Final = "reservation"
"""The flag of a document that says that something in it does not hold. It is read, and its facts count."""

_WHY: Final[Mapping[str, str]] = {
    "encrypted": "it is locked with a password",
    "no-text": "it holds no text, as a scan does not",
    "empty": "there is nothing in it",
    "unsupported-type": "documents of its format are not read",
    "wrong-type": "its content is of another format than it was sent as",
    "too-large": "it is too large",
    "too-long": "it is too long",
    "charset": "some of its characters were lost",
    "language": "it is not in English",
    "lines-joined": "the ends of its lines were lost, so that answers cannot be told from questions",
    "dates-conflict": "its head states two dates of the visit",
    EXTERNAL: "the request only links to it",
}
_LONGEST_TITLE: Final = 80
_MOST_NAMED: Final = 5


def unread(
    documents: Sequence[Document], resources: Sequence[Resource], request_flags: Iterable[str] = ()
) -> tuple[Document, ...]:
    """The documents that a person has yet to read, in order; one that was only linked to stands for itself.

    Left out are documents that were taken back, and duplicates: those that came in a readable format too, as another
    attachment of the same resource or in a document that replaces or transforms theirs (FHIR R4, DocumentReference).
    The same bytes sent twice are one document from the start.
    """
    doubtful = [d for d in documents if d.flags and WITHDRAWN.isdisjoint(d.flags)]
    duplicates = _duplicates({d.id: d for d in documents}, resources) if doubtful else frozenset()
    linked = [Document("", "", flags=(EXTERNAL,))] if EXTERNAL in request_flags else []
    return (*(d for d in doubtful if d.id not in duplicates), *linked)


def why_unread(documents: Sequence[Document], outcome: CaseOutcome) -> tuple[str, ...]:
    """Which documents could not be read, and what that means for a request that has this outcome by the rest of the chart."""
    if not documents:
        return ()
    meaning = {
        "approved": " By the rest of the chart all criteria are met; a clinician reads it first, since it may say otherwise.",
        "information_requested": " If it documents what is asked for, please send it as text.",
    }
    return (say_unread(documents) + meaning.get(outcome, ""),)


def why_reserved(reservations: Sequence[Source], outcome: CaseOutcome) -> tuple[str, ...]:
    """Where the chart takes back or doubts something, said where it keeps a request from being approved (ADR 0018)."""
    if not reservations or outcome != "approved":
        return ()
    quote = " ".join((reservations[0].quote or "").split())
    return (
        f"The chart says that something in it may not hold (“{quote}”). By what was read all criteria are met; a clinician "
        "reads it first.",
    )


def say_unread(documents: Sequence[Document]) -> str:
    """Which documents could not be read, and why, in words that their sender and a reviewer understand."""
    said = list(dict.fromkeys(_say(document) for document in documents))
    if len(said) > _MOST_NAMED:
        said[_MOST_NAMED:] = [f"{len(said) - _MOST_NAMED} more could not be read either."]
    return " ".join(said)


def _say(document: Document) -> str:
    title = " ".join(document.title.split())
    named = f"The document “{title[:_LONGEST_TITLE]}”" if title else "A document"
    dated = f" of {document.date.isoformat()}" if document.date else ""
    why = next((words for flag, words in _WHY.items() if flag in document.flags), "it is not as it should be")
    return f"{named}{dated} could not be read: {why} ({', '.join(document.flags)})."


@dataclass(frozen=True, slots=True)
class _Record:
    """A resource that stands for one document: its id, the documents that it holds, and the ids of those that it replaces."""

    id: str
    held: tuple[Document, ...]
    replaces: frozenset[str]

    @property
    def readable(self) -> bool:
        return any(not document.flags for document in self.held)

    def renders(self, document: Document) -> bool:
        """Whether the same document is here in a readable format of another type. Two of one type may be its pages."""
        return any(not d.flags and _media_type(d) != _media_type(document) for d in self.held)


def _duplicates(documents: Mapping[str, Document], resources: Sequence[Resource]) -> frozenset[str]:
    """The documents of which every record that still holds has another, readable form."""
    records = [_record(r.body, documents) for r in resources if not withdrawal(r.body)]
    replaced = frozenset[str]().union(*(record.replaces for record in records if record.readable))
    covered: dict[str, bool] = {}
    for record in records:
        for document in record.held:
            alike = record.id in replaced or record.renders(document)
            covered[document.id] = covered.get(document.id, True) and alike
    return frozenset(id_ for id_, every in covered.items() if every)


def _record(body: Mapping[str, Any], documents: Mapping[str, Document]) -> _Record:
    urls = [attachment.get("url") for attachment in attachments(body)]
    held = tuple(documents[url] for url in urls if isinstance(url, str) and url in documents)
    id_ = body.get("id")
    return _Record(id_ if isinstance(id_, str) else "", held, frozenset(_replaced(body)))


def _replaced(body: Mapping[str, Any]) -> Iterator[str]:
    related = body.get("relatesTo")
    for relation in related if isinstance(related, list) else ():
        target = relation.get("target") if isinstance(relation, dict) else None
        reference = target.get("reference") if isinstance(target, dict) else None
        if isinstance(reference, str) and relation.get("code") in ("replaces", "transforms"):
            yield reference.replace(":", "/").rpartition("/")[2]


def _media_type(document: Document) -> str:
    return document.content_type.partition(";")[0].strip().lower()
