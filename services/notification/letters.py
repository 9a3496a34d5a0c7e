"""The letter of a notice in the three forms that a message carries, kept before it goes out."""

import asyncio
from collections.abc import Callable
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from services.notification.domain.notice import Occasion, Rendered, as_determined
from shared import flow
from shared.case.history import History
from shared.journal.crypto import MasterKey
from shared.journal.letters import Form, keep_letters, kept_letters
from shared.letters.from_case import Sender, case_letter
from shared.letters.render import render_html, render_pdf, render_text

Render = Callable[[History], Rendered | None]
"""Renders the letter of a case's latest determination; takes tens of milliseconds of CPU, most of it for the PDF."""
FORMS: Final[tuple[Form, ...]] = ("html", "pdf", "text")


def renderer(sender: Sender) -> Render:
    """A renderer for letters from ``sender``. It gives None for a determination whose letter a clinician writes.

    The renderer raises ``LetterIncompleteError`` where a letter misses what its notice must contain, and
    ``ContentUnavailableError`` or ``KeyUnavailableError`` where the case's content cannot be opened.
    """

    def render(history: History) -> Rendered | None:
        found = case_letter(history, sender)
        if found is None:
            return None
        document, letter = found
        return Rendered(render_text(document, letter), render_html(document, letter), render_pdf(document, letter))

    return render


class Letters:
    """The provider's letters, each rendered once: a later attempt, also by newer code, sends the bytes of the first."""

    def __init__(self, engine: AsyncEngine, master: MasterKey, render: Render) -> None:
        self._engine = engine
        self._master = master
        self._render = render

    async def of(self, history: History, occasion: Occasion) -> Rendered | None:
        """The letter of the notice's determination; stored and named in the journal before this returns.

        ``history`` must have been read with the content of ``CONTENT_OF_LETTER``. Raises what the renderer raises, and
        ``CaseNotFoundError`` where the case's key was erased meanwhile.
        """
        determination = occasion.determination
        async with self._engine.connect() as connection:
            kept = await kept_letters(connection, history, determination, "provider", "en", FORMS)
        if kept.keys() >= set(FORMS):
            return Rendered(kept["text"].data.decode(), kept["html"].data.decode(), kept["pdf"].data)
        letter = await asyncio.to_thread(self._render, as_determined(history, occasion))
        if letter is None:
            return None
        made: dict[Form, bytes] = {"html": letter.html.encode(), "pdf": letter.pdf, "text": letter.text.encode()}
        fresh = {form: data for form, data in made.items() if form not in kept}
        kept |= await keep_letters(
            self._engine,
            self._master,
            history.case_id,
            determination,
            "provider",
            "en",
            fresh,
            service=flow.NOTIFICATION,
        )
        return Rendered(kept["text"].data.decode(), kept["html"].data.decode(), kept["pdf"].data)
