"""The contents of a letter, once for all forms: HTML, PDF and text print the same composed letter."""

from collections.abc import Mapping
from typing import Any

from shared.letters.content import Json, printable, printed
from shared.letters.member import MemberComposer
from shared.letters.model import LetterContext
from shared.letters.notices import check, contacts_of, given, notice_of
from shared.letters.provider import ProviderComposer
from shared.letters.words import Words, words_of

Document = Mapping[str, Any]


def compose(document: Document, letter: LetterContext, words: Words | None = None) -> Json:
    """The letter as plain data: title, details, lead, sections of paragraphs, points, a table or entries, closing.

    ``words`` stand in for those of the letter's language.

    Raises:
        LetterIncompleteError: the letter misses something that its notice must contain.
    """
    words = words or words_of(letter.language)
    data = given(document, letter, words)
    check(letter, data)
    make = MemberComposer if letter.audience == "member" else ProviderComposer
    composer = make(document, letter, words)
    sections = [section for name in notice_of(letter).sections if (section := composer.section(name)) is not None]
    sections += composer.sources(sections)
    name = f"{letter.audience}.{letter.kind}"
    content: Json = {
        "lang": letter.language,
        "title": words(f"{name}.title"),
        "payer": letter.payer,
        "issued_on": letter.issued_on.isoformat(),
        "details": composer.details(),
        "lead": words(f"{name}.lead"),
        "sections": sections,
        "closing": words(f"{name}.closing"),
        "contacts": _contacts(letter, words),
        "marks": words.under("marks"),
    }
    check(letter, {**data, "printed": printed(content)})
    return {key: printable(value) for key, value in content.items()}


def _contacts(letter: LetterContext, words: Words) -> list[Json]:
    name = "member.contacts" if letter.audience == "member" else "contacts"
    labels = words.under(name)
    return [
        {"id": contact.purpose, "label": labels[contact.purpose], "value": contact.value}
        for contact in contacts_of(letter, words)
        if contact.purpose in labels
    ]
