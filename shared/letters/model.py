"""What a letter needs beside the determination: who writes to whom, in which language, when, and how to answer."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

LetterKind = Literal["approval", "information_request", "referral"]
Audience = Literal["provider", "member"]
"""Whom a letter is for: the requesting provider reads the whole determination, the member a summary in plain language."""
Language = Literal["en", "es"]
"""BCP 47 tags of the languages that letters are written in."""
ContactPurpose = Literal["questions", "information", "peer_to_peer", "appeal"]


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach the payer for a purpose: a telephone number, an address or the like, as it is printed.

    Without a value the letter says, in its own language, that the member's card has it.
    """

    purpose: ContactPurpose
    value: str


@dataclass(frozen=True, slots=True)
class LetterContext:
    """One letter. ``due_on`` is the day by which information is to arrive or the clinician's decision is due.

    ``reviewer`` names the clinician who decided; None where the determination was automated. ``member_name`` is printed
    in the member's own letter alone.
    """

    kind: LetterKind
    payer: str
    provider: str
    member_reference: str
    case_id: str
    issued_on: dt.date
    contacts: tuple[Contact, ...]
    due_on: dt.date | None = None
    authorization_number: str | None = None
    valid_from: dt.date | None = None
    valid_until: dt.date | None = None
    reviewer: str | None = None
    audience: Audience = "provider"
    language: Language = "en"
    member_name: str = ""


class LetterIncompleteError(Exception):
    """A letter misses something that its notice must contain. The text lists what, and never what the letter says."""

    def __init__(self, kind: LetterKind, missing: tuple[str, ...]) -> None:
        super().__init__(f"The {kind} letter is not sent: add {'; '.join(missing)}.")
        self.kind = kind
        self.missing = missing
