"""The provider's letter: the whole determination, with the chart's words, the literature and the criteria."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from shared.clinical.document_text import (
    CONCLUSIONS,
    CRITERION_OUTCOMES,
    Citations,
    authored,
    chart_entries,
    citation_line,
    deciding,
    fact_of,
    titles,
)
from shared.clinical.phrases import phrase
from shared.letters.content import Json, detail, point, section, text
from shared.letters.model import LetterContext
from shared.letters.notices import notice_of
from shared.letters.words import SET_LANGUAGE, Words

Document = Mapping[str, Any]

_PARAGRAPHS: Final = frozenset({"summary", "criteria_set", "reviewer"})


class ProviderComposer:
    """Builds the sections by name; a section without content is left out.

    What criteria sets, the evidence library and the chart say stays in their own language and is marked with it, so
    that a screen reader changes its voice there.
    """

    def __init__(self, document: Document, letter: LetterContext, words: Words) -> None:
        self._document = document
        self._letter = letter
        self._words = words
        self._foreign = "" if letter.language == SET_LANGUAGE else SET_LANGUAGE
        self._cite = Citations(document)
        self._quoted: set[str] = set()
        self._in_outcomes = {i for entry in document["outcomes"] for i in entry["evidence"]}
        self._points: dict[str, Callable[[], list[Json]]] = {
            "questions": self._questions,
            "indications": lambda: [p for c in document["criteria"] if c["outcome"] == "met" for p in self._branch(c)],
            "attention": lambda: [p for c in document["referrals"] for p in self._branch(c)],
            "alternatives": self._alternatives,
            "reasons": lambda: [point(reason, lang=self._foreign) for reason in document["reasons"]],
            "rights": self._rights,
        }

    def details(self) -> list[Json]:
        """The head of the letter."""
        letter, words = self._letter, self._words
        rows = {
            "date": words.date(letter.issued_on),
            "to": letter.provider,
            "member": letter.member_reference,
            "case": letter.case_id,
            "priority": words(f"priorities.{self._document['priority']}"),
        }
        if letter.kind == "approval" and letter.valid_from and letter.valid_until:
            rows["authorization"] = letter.authorization_number or ""
            rows["valid"] = words("dates.span", start=words.date(letter.valid_from), end=words.date(letter.valid_until))
        if letter.kind != "approval" and letter.due_on:
            rows[letter.kind] = words.date(letter.due_on)
        return [{"label": words(f"details.{name}"), "value": value} for name, value in rows.items()]

    def section(self, name: str) -> Json | None:
        """The section of that name; None where it has nothing to say."""
        heading = self._words(f"provider.headings.{name}")
        if name == "items":
            return section(name, heading, table=self._items())
        if name in _PARAGRAPHS:
            return section(name, heading, paragraphs=[self._paragraph(name)])
        # What the determination says in points, each with its evidence, needs no code here but the section's name.
        points = self._points[name]() if name in self._points else self._said(name)
        return section(name, heading, points=points) if points else None

    def sources(self, sections: Sequence[Json]) -> list[Json]:
        """The sources that this letter cites, as a last section."""
        cited = {cite["number"] for part in sections for entry in part["points"] for cite in entry["cites"]}
        entries = [
            {
                **text(citation_line(e).partition(" ")[2], lang=self._foreign),
                "number": e["number"],
                "verified": e["verified"],
            }
            for e in self._document["bibliography"]
            if e["number"] in cited
        ]
        return [section("sources", self._words("provider.headings.sources"), entries=entries)] if entries else []

    def _paragraph(self, name: str) -> Json:
        words, reviewer = self._words, self._letter.reviewer
        if name == "summary":
            # The summary of the automated evaluation does not speak for a clinician who then decided.
            if reviewer and self._document["outcome"] != "approved" and self._letter.kind == "approval":
                return text(words("provider.fixed.overruled"))
            return text(str(self._document["summary"]), lang=self._foreign)
        if name == "criteria_set":
            return self._criteria_set(self._document["criteria_set"])
        fixed = "provider.fixed"
        return text(words(f"{fixed}.decided_by", reviewer=reviewer) if reviewer else words(f"{fixed}.automated"))

    def _criteria_set(self, ref: Mapping[str, Any] | None) -> Json:
        if ref is None:
            return text(self._words("provider.fixed.no_criteria"))
        title = self._words.title(ref["id"]) or ref["title"] or ref["id"]
        name = "provider.fixed.criteria_set"
        return text(self._words(name, title=title, version=ref["version"], digest=ref["digest"]))

    def _items(self) -> Json:
        overruled = self._letter.kind == "approval" and self._letter.reviewer is not None
        items, words = self._document["items"], self._words
        no_purpose = text(words("provider.items.no_purpose"))
        columns = {
            "line": [text(str(item["sequence"])) for item in items],
            "code": [text(item["code"]) for item in items],
            "service": [self._service(item) for item in items],
            "purpose": [text(i["purpose"], lang=self._foreign) if i["purpose"] else no_purpose for i in items],
            "decision": [text(words(f"outcomes.{'approved' if overruled else item['outcome']}")) for item in items],
        }
        shown = {name: cells for name, cells in columns.items() if any(cell["text"] for cell in cells)}
        return {
            "caption": words("provider.items.caption"),
            "columns": list(shown),
            "head": [words(f"provider.items.{name}") for name in shown],
            "rows": [list(row) for row in zip(*shown.values(), strict=True)],
        }

    def _service(self, item: Mapping[str, Any]) -> Json:
        """The request's own description; in another language than a request's, what the code is."""
        translated = self._words.service(item["code"]) if self._foreign else None
        return text(translated) if translated else text(item["description"] or "", lang=self._foreign)

    def _said(self, key: str) -> list[Json]:
        stated = self._in_outcomes if key != "outcomes" else set()
        return [
            point(
                said["text"],
                self._cite.numbers(said["evidence"]),
                self._details(self._cite.statements(said["evidence"], stated)),
                lang=self._foreign,
            )
            for said in self._document.get(key, ())
        ]

    def _details(self, lines: Sequence[str]) -> list[Json]:
        return [detail(line, lang=self._foreign) for line in lines]

    def _alternatives(self) -> list[Json]:
        facts = self._document["facts"]
        return [
            point(
                f"{a['title']}: {CONCLUSIONS[a['conclusion']]}. {a['text']}",
                self._cite.numbers(a["evidence"]),
                self._details([phrase(fact_of(name, facts[name])) for name in a["because"] if name in facts]),
                lang=self._foreign,
            )
            for a in self._document["alternatives"]
        ]

    def _questions(self) -> list[Json]:
        by_id, ref = titles(self._document), self._document["criteria_set"]
        label = self._words("provider.fixed.decides")
        points = []
        for missing in self._document["missing"]:
            decided = [detail(by_id.get(i, i), lang=self._foreign, label=label) for i in missing["decides"]]
            asked = self._words.question(ref["id"], missing["facts"]) if ref else None
            lang = "" if asked else self._foreign
            points.append(point(asked or missing["question"], (), decided, lang=lang))
        return points

    def _rights(self) -> list[Json]:
        name = f"provider.{self._letter.kind}.rights"
        known = self._words.under(name)
        return [point(known[right], name=right) for right in notice_of(self._letter).rights if right in known]

    def _branch(self, criterion: Mapping[str, Any]) -> list[Json]:
        children = [child for child in criterion["children"] if authored(child)]
        fresh = [] if children else [name for name in deciding(criterion) if name not in self._quoted]
        self._quoted.update(fresh)
        entries = self._details(list(chart_entries(self._document, fresh)))
        points = [point(criterion["title"], self._cite.numbers(criterion["evidence"]), entries, lang=self._foreign)]
        for child in children:
            if child["outcome"] == criterion["outcome"]:
                points += self._branch(child)
            else:
                said = f"{child['title']}: {CRITERION_OUTCOMES[child['outcome']]}"
                points.append(point(said, self._cite.numbers(child["evidence"]), lang=self._foreign))
        return points
