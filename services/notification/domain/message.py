"""A notice as an Internet message (RFC 5322): plain text and HTML as alternatives, the PDF attached. Pure."""

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from services.notification.domain.notice import Notice

_POLICY: Final = SMTP.clone(max_line_length=120)
"""Wide enough for a subject with a case id in one line, since not every reader joins folded ones well."""
SUBJECTS: Final = {
    "approval": "Prior authorization approved",
    "partial_approval": "Prior authorization approved in part",
    "denial": "Prior authorization denied",
    "information_request": "Prior authorization: information needed",
    "referral": "Prior authorization: in clinical review",
}


def message_of(notice: Notice, sender: str, recipient: str) -> EmailMessage:
    """The message. Same notice, same bytes: a second copy after a crash has the same ``Message-ID``.

    The subject and the other headers name the case by its opaque id alone, since headers travel and are logged in
    the clear. Without a letter, the message says the outcome and where the case is to be seen.
    """
    message = EmailMessage(policy=_POLICY)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = f"{_subject(notice)} (case {notice.case_id})"
    message["Date"] = format_datetime(notice.prepared_at)
    message["Message-ID"] = f"<{notice.id}@{sender.rpartition('@')[2]}>"
    # RFC 3834: keeps out-of-office replies, and with them loops, away.
    message["Auto-Submitted"] = "auto-generated"
    letter = notice.letter
    if letter is None:
        message.set_content("\n".join([f"{_subject(notice)}.", "", *(f"{name}: {url}" for name, url in notice.links)]))
        return message
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    message.add_attachment(letter.pdf, maintype="application", subtype="pdf", filename=f"{notice.case_id}.pdf")
    for number, part in enumerate(p for p in message.walk() if p.is_multipart()):
        part.set_boundary(f"=_{notice.id.hex}_{number}")
    return message


def _subject(notice: Notice) -> str:
    return SUBJECTS.get(notice.kind, "Prior authorization notice")
