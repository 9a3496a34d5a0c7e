"""The one way from the console to clinical content. Whoever reads is named, with the reason, so that it can be recorded."""

from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.access import Viewer
from shared import flow
from shared.case.history import History
from shared.events.model import CaseSubmitted, DocumentRef, InformationReceived
from shared.journal.crypto import MasterKey
from shared.journal.documents import StoredDocument, read_documents
from shared.journal.store import CONTENT_OF_DETERMINATION, read_histories
from shared.platform.logs import get_logger

log = get_logger()

Why = Literal["case page", "note", "letter"]

_NEEDS: Final = (
    *CONTENT_OF_DETERMINATION,
    flow.INFORMATION_RECEIVED,
    flow.PEER_TO_PEER_OPENED,
    flow.CASE_APPEALED,
    flow.CASE_CANCELLED,
)


@dataclass(frozen=True, slots=True)
class Content:
    """A case as its history tells it. ``documents`` has bytes for notes only, and is empty for every other reason.

    ``erased`` says that the case's key is gone: the timeline is all that is left.
    """

    history: History
    documents: dict[str, StoredDocument]

    @property
    def erased(self) -> bool:
        return self.history.key is None


async def read_content(engine: AsyncEngine, master: MasterKey, case_id: UUID, who: Viewer, why: Why) -> Content | None:
    """A case with its clinical content; None where there is no such case.

    Nothing else in the console opens a chart, so this is the place where an access is noted down.
    """
    async with engine.connect() as connection:
        history = (await read_histories(connection, master, [case_id], _NEEDS)).get(case_id)
        if history is None:
            return None
        documents: dict[str, StoredDocument] = {}
        if why == "note" and history.key is not None:
            documents = (await read_documents(connection, {case_id: history.key}, [case_id])).get(case_id, {})
    log.info("clinical content read", case_id=str(case_id), viewer=who.name, reason=why)
    return Content(history, documents)


def document_refs(history: History) -> list[DocumentRef]:
    """Every document that came with the case, each once, in order of arrival; none where the content was erased."""
    if history.key is None:
        return []
    given: dict[str, DocumentRef] = {}
    for event in history.all_of(flow.CASE_SUBMITTED, flow.CASE_UPDATED, flow.INFORMATION_RECEIVED):
        data = event.data()
        if isinstance(data, CaseSubmitted | InformationReceived):
            given |= {document.id: document for document in data.documents}
    return list(given.values())
