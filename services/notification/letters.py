"""The letter of a notice in the three forms that a message carries."""

from collections.abc import Callable

from services.notification.domain.notice import Rendered
from shared.case.history import History
from shared.letters.from_case import Sender, case_letter
from shared.letters.render import render_html, render_pdf, render_text

Render = Callable[[History], Rendered | None]
"""Renders the letter of a case's latest determination; takes tens of milliseconds of CPU, most of it for the PDF."""


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
