"""Letters that are given out: rendered once, stored by their digest, and named by ``notice.rendered`` before they go.

Whoever asks again gets the stored bytes, also after the code or its fonts have changed: what a provider or member was told
stays what it was.
"""

import hashlib
from collections.abc import Collection, Mapping
from typing import Final, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared import flow
from shared.case.history import Accepted, History, Proposed, Recorded
from shared.case.ids import derived_id
from shared.events.model import LetterRef, NoticeRendered
from shared.journal.commands import append_one
from shared.journal.crypto import MasterKey
from shared.journal.documents import StoredDocument, read_documents_by_id, store_documents
from shared.journal.store import CONTENT_OF_DETERMINATION
from shared.platform import telemetry

Form = Literal["html", "pdf", "text"]
CONTENT_TYPES: Final[Mapping[Form, str]] = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "text": "text/plain; charset=utf-8",
}
CONTENT_OF_LETTER: Final = (*CONTENT_OF_DETERMINATION, flow.NOTICE_RENDERED)
"""The event types whose content a letter is made of, or found by."""


async def kept_letters(
    connection: AsyncConnection,
    history: History,
    determination: Recorded,
    audience: Literal["provider", "member"],
    language: str,
    forms: Collection[Form],
) -> dict[Form, StoredDocument]:
    """Those forms of a determination's letter that are stored, from a history that was read with ``notice.rendered``.

    Raises:
        ContentUnavailableError, KeyUnavailableError: the case's content was erased or was not read.
    """
    named: dict[Form, str] = {}
    for event in history.all_of(flow.NOTICE_RENDERED):
        data = event.data()
        if isinstance(data, NoticeRendered) and data.determination_sequence == determination.sequence:
            for ref in data.letters:
                if (ref.audience, ref.language) == (audience, language) and ref.form in forms:
                    named.setdefault(ref.form, ref.document)
    if not named or history.key is None:
        return {}
    found = await read_documents_by_id(connection, history.case_id, history.key, list(named.values()))
    return {form: found[id_] for form, id_ in named.items() if id_ in found}


async def keep_letters(
    engine: AsyncEngine,
    master: MasterKey,
    case_id: UUID,
    determination: Recorded,
    audience: Literal["provider", "member"],
    language: str,
    made: Mapping[Form, bytes],
    *,
    service: flow.ServiceFlow,
) -> dict[Form, StoredDocument]:
    """Stores rendered forms and names them in the journal, in one transaction; the same forms a second time change nothing.

    Raises:
        CaseNotFoundError: the case's key was erased.
        ConcurrentAppendError: other writers were first eight times in a row.
    """
    documents = {form: _document(form, data) for form, data in made.items()}
    refs = tuple(LetterRef(audience, language, form, document.id) for form, document in documents.items())
    rendered = NoticeRendered(determination.sequence, refs)
    key: bytes | None = None

    def propose(history: History) -> Proposed:
        nonlocal key
        key = history.key
        # The language that a patient prefers says something of them, so it stays in the encrypted part.
        return Proposed(flow.NOTICE_RENDERED, rendered, {"audience": audience, "forms": sorted(made)})

    async def store(connection: AsyncConnection, accepted: Accepted) -> None:
        if key is not None:
            await store_documents(connection, master, {case_id: key}, [(case_id, d) for d in documents.values()])
        telemetry.EVENTS_APPENDED.labels(service.name, accepted.type).inc()

    await append_one(
        engine,
        master,
        case_id,
        propose,
        actor=f"system:{service.name}",
        consumer=flow.LETTERS.name,
        causation_id=derived_id("letter", str(determination.event_id), audience, language, *sorted(made)),
        also=store,
    )
    return documents


def _document(form: Form, data: bytes) -> StoredDocument:
    return StoredDocument(f"sha256:{hashlib.sha256(data).hexdigest()}", CONTENT_TYPES[form], data)
