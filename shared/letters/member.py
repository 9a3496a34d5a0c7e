"""The member's letter: what was asked, what was decided, what comes next and when, whom to call, and which rights there are.

Every sentence comes from the words of the language, filled with dates, services and what is missing; nothing of the chart
is in it, and no word of it refuses anything.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.clinical.phrases import label
from shared.letters.content import Json, detail, point, section, text
from shared.letters.model import LetterContext
from shared.letters.notices import contacts_of, notice_of
from shared.letters.words import SET_LANGUAGE, Words, taglines

Document = Mapping[str, Any]


class MemberComposer:
    """Builds the sections by name; a section without content is left out."""

    def __init__(self, document: Document, letter: LetterContext, words: Words) -> None:
        self._document = document
        self._letter = letter
        self._words = words
        self._kind = f"member.{letter.kind}"
        self._foreign = "" if letter.language == SET_LANGUAGE else SET_LANGUAGE
        self._contents: dict[str, Callable[[], tuple[list[Json], list[Json]]]] = {
            "asked": self._asked,
            "decided": lambda: ([text(words(f"{self._kind}.decided"))], []),
            "why": lambda: (self._why(), []),
            "needed": self._needed,
            "next": lambda: ([], self._next()),
            "rights": lambda: ([], self._named("rights", notice_of(letter).rights)),
            "help": self._help,
        }

    def details(self) -> list[Json]:
        """The head of the letter."""
        letter, words = self._letter, self._words
        rows = {
            "date": words.date(letter.issued_on),
            "to": letter.member_name,
            "member": letter.member_reference,
            "case": letter.case_id,
        }
        if letter.kind == "approval":
            rows["authorization"] = letter.authorization_number or ""
            rows["valid"] = words("dates.span", start=words.date(letter.valid_from), end=words.date(letter.valid_until))
        return [{"label": words(f"member.details.{name}"), "value": value} for name, value in rows.items() if value]

    def section(self, name: str) -> Json | None:
        """The section of that name; None where it has nothing to say."""
        paragraphs, points = self._contents[name]()
        if not paragraphs and not points:
            return None
        return section(name, self._words(f"member.headings.{name}"), paragraphs=paragraphs, points=points)

    def sources(self, sections: Sequence[Json]) -> list[Json]:
        """A member's letter cites no literature."""
        return []

    def _asked(self) -> tuple[list[Json], list[Json]]:
        """The services in plain words, those that are the same and have the same outcome together."""
        groups: dict[tuple[str, str, str], list[str]] = {}
        for item in self._document["items"]:
            plain = self._words.service(item["code"])
            described = "" if plain else item["description"] or ""
            key = (plain or self._words("member.fixed.unknown_service"), described, self._outcome(item))
            groups.setdefault(key, []).append(item["code"])
        points = [
            point(
                f"{self._words('member.fixed.service', service=plain, code=', '.join(dict.fromkeys(codes)))} {outcome}",
                details=[detail(described, lang=self._foreign)] if described else [],
            )
            for (plain, described, outcome), codes in groups.items()
        ]
        return [text(self._words("member.fixed.asked", provider=self._letter.provider))], points

    def _outcome(self, item: Mapping[str, Any]) -> str:
        # A clinician's approval covers what the automated evaluation had left open.
        overruled = self._letter.kind == "approval" and self._letter.reviewer is not None
        return self._words(f"member.outcomes.{'approved' if overruled else item['outcome']}")

    def _why(self) -> list[Json]:
        words, ref = self._words, self._document["criteria_set"]
        if self._letter.reviewer:
            return [text(words("member.fixed.clinician"))]
        if ref is None:
            return [text(words("member.fixed.no_rules")), text(words("member.fixed.automated"))]
        about = words.about(ref["id"]) or ref["title"] or ref["id"]
        return [
            text(words(f"{self._kind}.why")),
            text(words("member.fixed.rules", set=about)),
            text(words("member.fixed.automated")),
        ]

    def _needed(self) -> tuple[list[Json], list[Json]]:
        if self._letter.reviewer:
            return [text(self._words(f"{self._kind}.asked_by_clinician"))], []
        names = dict.fromkeys(name for missing in self._document["missing"] for name in missing["facts"])
        return [text(self._words(f"{self._kind}.needed"))], [self._question(name) for name in names]

    def _question(self, fact: str) -> Json:
        """The fact's question in plain words; a fact of someone else's criteria by its name, in the sets' language."""
        plain = self._words.member_question(fact)
        return point(plain) if plain else point(f"{label(fact).capitalize()}?", lang=self._foreign)

    def _next(self) -> list[Json]:
        letter, words = self._letter, self._words
        dates = {
            "due": words.date(letter.due_on),
            "start": words.date(letter.valid_from),
            "end": words.date(letter.valid_until),
        }
        return [
            point(words(f"{self._kind}.next.{name}", **dates), name=name) for name in words.under(f"{self._kind}.next")
        ]

    def _named(self, group: str, names: Sequence[str]) -> list[Json]:
        known = self._words.under(f"{self._kind}.{group}")
        return [point(known[name], name=name) for name in names if name in known]

    def _help(self) -> tuple[list[Json], list[Json]]:
        words = self._words
        phone = next(c.value for c in contacts_of(self._letter, words) if c.purpose == "questions")
        given = next(c.value for c in self._letter.contacts if c.purpose == "questions")
        paragraphs = [
            text(words(name, phone=phone), name=part)
            for part, name in (("language", "member.language_help"), ("fairness", "member.fairness"))
            if words.has(name)
        ]
        points = [
            point(f"{line['text']} {(line['call'] if given else line['card']).format(phone=given)}", lang=line["lang"])
            for line in taglines()
            if line["lang"] != self._letter.language
        ]
        return paragraphs, points
