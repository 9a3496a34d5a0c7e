"""The one way from the console to clinical content. Whoever reads is named, with the reason, so that it can be recorded."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.access import Viewer
from shared import flow
from shared.case.history import History
from shared.events.model import CaseSubmitted, DocumentRef, InformationReceived
from shared.journal.access import record_access
from shared.journal.crypto import KeyUnavailableError, MasterKey
from shared.journal.documents import StoredDocument, read_documents_by_id
from shared.journal.letters import CONTENT_OF_LETTER, kept_letters
from shared.journal.store import CONTENT_OF_DETERMINATION, read_histories
from shared.letters.from_case import Sender, case_letter
from shared.letters.model import Audience, LetterContext
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
    """A case as its history tells it. ``note`` is the one document that was asked for, if the case has it.

    ``erased`` says that the case's key is gone: the timeline is all that is left.
    """

    history: History
    note: StoredDocument | None = None

    @property
    def erased(self) -> bool:
        """Whether the clinical content is gone for good."""
        return self.history.key is None


@dataclass(frozen=True, slots=True)
class Letter:
    """What a letter is made of, and ``kept``: its bytes where it was given out, which are never made anew."""

    document: dict[str, Any]
    context: LetterContext
    kept: bytes | None


async def read_content(
    engine: AsyncEngine, master: MasterKey, case_id: UUID, number: int | None, *, who: Viewer, why: Why
) -> Content | None:
    """A case with its clinical content, and document ``number`` (from 1) if one is given; None where there is no such case.

    Nothing in the console opens a chart but this and ``read_letter``, so here is where an access is noted down.
    """
    async with engine.connect() as connection:
        history = (await read_histories(connection, master, [case_id], _NEEDS)).get(case_id)
        if history is None:
            return None
        note = None
        refs = document_refs(history)
        if number is not None and history.key is not None and 0 < number <= len(refs):
            id_ = refs[number - 1].id
            note = (await read_documents_by_id(connection, case_id, history.key, [id_])).get(id_)
    if history.key is not None:
        await _note_down(engine, case_id, who=who, why=why)
    return Content(history, note)


async def read_letter(
    engine: AsyncEngine,
    master: MasterKey,
    case_id: UUID,
    audience: Audience,
    form: Literal["html", "pdf"],
    sender: Sender,
    *,
    who: Viewer,
    why: Why,
) -> Letter | None:
    """The letter of a case's latest determination; None where there is none, or it is the clinician's own.

    Raises:
        KeyUnavailableError: the case's content was erased.
    """
    async with engine.connect() as connection:
        history = (await read_histories(connection, master, [case_id], CONTENT_OF_LETTER)).get(case_id)
        if history is None:
            return None
        if history.key is None:
            raise KeyUnavailableError("The clinical content of this case was erased.")
        enclosed = case_letter(history, sender, audience)
        determination = history.latest(*flow.DETERMINATIONS)
        if enclosed is None or determination is None:
            return None
        document, context = enclosed
        kept = await kept_letters(connection, history, determination, audience, context.language, {form})
    await _note_down(engine, case_id, who=who, why=why)
    return Letter(document, context, kept[form].data if form in kept else None)


async def _note_down(engine: AsyncEngine, case_id: UUID, *, who: Viewer, why: Why) -> None:
    """Into the access log, before anything is shown: where it cannot be written, nothing is."""
    # The reader's connections commit each statement by itself, and the end of the log is held over several.
    writer = engine.execution_options(isolation_level="READ COMMITTED")
    async with writer.begin() as connection:
        at = datetime.now(UTC)
        await record_access(connection, who=f"console:{who.name}", action=why, why="review", at=at, case_id=case_id)
    log.info("clinical content read", case_id=str(case_id), viewer=who.name, reason=why)


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
