"""``GET /cases/{id}/letter``: a letter is rendered when it is first asked for, kept, and given out as it was kept."""

import asyncio
import base64
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import FastAPI, Header, Response

from services.intake.api import Intake
from shared import flow
from shared.journal.commands import CaseNotFoundError
from shared.journal.crypto import KeyUnavailableError
from shared.journal.documents import StoredDocument
from shared.journal.letters import CONTENT_OF_LETTER, Form, keep_letters, kept_letters
from shared.letters.from_case import case_letter
from shared.letters.model import Audience, Language, LetterContext
from shared.letters.render import render_html, render_pdf, render_text
from shared.platform.http import ProblemError
from shared.platform.sender import sender_of

_ERASED: Final = "The clinical content of this case cannot be opened."


def add_letter(api: FastAPI, intake: Intake) -> None:
    """Adds the letter to the views of a case."""

    @api.get("/cases/{case_id}/letter", tags=["cases"], response_class=Response)
    async def letter(
        case_id: UUID,
        accept: Annotated[str, Header()] = "text/html",
        audience: Audience = "provider",
        lang: Language | None = None,
    ) -> Response:
        """The notice of the latest determination: HTML, or what ``Accept`` asks for of PDF and plain text.

        The provider's letter has everything; the member's is a summary in plain language, in the language that the
        patient prefers. ``lang`` asks for another. The same letter has the same bytes whenever it is asked for.
        """
        try:
            return _answer(await _letter(intake, case_id, audience, lang, _form(accept)))
        except (KeyUnavailableError, CaseNotFoundError) as error:
            raise ProblemError(410, _ERASED) from error


def _form(accept: str) -> Form:
    if "application/pdf" in accept:
        return "pdf"
    return "text" if "text/plain" in accept and "text/html" not in accept else "html"


async def _letter(
    intake: Intake, case_id: UUID, audience: Audience, language: Language | None, form: Form
) -> StoredDocument:
    history = await intake.read(case_id, content=True, needs=CONTENT_OF_LETTER)
    enclosed = case_letter(history, sender_of(intake.settings), audience, language)
    determination = history.latest(*flow.DETERMINATIONS)
    if enclosed is None or determination is None:
        raise ProblemError(404, "This case has no letter yet, or its letter is the clinician's own.")
    document, letter = enclosed
    async with intake.runtime.reader.connect() as connection:
        kept = await kept_letters(connection, history, determination, audience, letter.language, {form})
    if form not in kept:
        made = await asyncio.to_thread(_render, form, document, letter)
        kept = await keep_letters(
            intake.runtime.engine,
            intake.runtime.master,
            case_id,
            determination,
            audience,
            letter.language,
            {form: made},
            service=flow.INTAKE,
        )
    return kept[form]


def _render(form: Form, document: Mapping[str, Any], letter: LetterContext) -> bytes:
    if form == "pdf":
        return render_pdf(document, letter)
    render: Callable[[Mapping[str, Any], LetterContext], str] = render_html if form == "html" else render_text
    return render(document, letter).encode()


def _answer(kept: StoredDocument) -> Response:
    """RFC 9530: the digest lets a reader hold the letter against the one that the journal names."""
    digest = base64.b64encode(bytes.fromhex(kept.id.removeprefix("sha256:"))).decode()
    headers = {"Content-Digest": f"sha-256=:{digest}:", "Vary": "Accept"}
    return Response(kept.data, headers=headers, media_type=kept.content_type)
