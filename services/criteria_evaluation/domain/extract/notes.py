"""Facts that a note states: patterns of the lexicon in its sentences, under their assertion."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from services.criteria_evaluation.domain.extract.aligned import ANSWERED, answers_apart, set_apart
from services.criteria_evaluation.domain.extract.contexts import by_group
from services.criteria_evaluation.domain.extract.dates import depends_on_day
from services.criteria_evaluation.domain.extract.forms import signed_lists
from services.criteria_evaluation.domain.extract.identity import foreign
from services.criteria_evaluation.domain.extract.layout import usual
from services.criteria_evaluation.domain.extract.measured import measured
from services.criteria_evaluation.domain.extract.memory import Memory
from services.criteria_evaluation.domain.extract.mention import Mention, lower
from services.criteria_evaluation.domain.extract.pages import Days
from services.criteria_evaluation.domain.extract.reading import Place, Reading, read_units
from services.criteria_evaluation.domain.extract.relatives import Relatives
from services.criteria_evaluation.domain.extract.scan import scan
from services.criteria_evaluation.domain.extract.standing import Marks, Standing, marks_of
from services.criteria_evaluation.domain.extract.tables import Table
from services.criteria_evaluation.domain.extract.text import Sentence, sentences
from services.criteria_evaluation.domain.extract.tokens import has_entries, is_series, note_date, tokens_of
from services.criteria_evaluation.domain.extract.values import units_of
from services.criteria_evaluation.domain.extract.withdrawn import not_taken_back
from services.criteria_evaluation.domain.extract.words import Tokens
from services.criteria_evaluation.domain.lexicon import Lexicon
from services.criteria_evaluation.domain.lexicon_entries import Context
from shared.clinical.model import Document, Source

_CLINICAL: Final = frozenset({"exam", "complaint", "review", "past_history", "family", "social", "medications"})
_HEALING: Final = "wound.healing_measurable"
_CUE_REACH: Final = 8
"""How many sentences a context such as "SINS:" stays open, for a list of its parts."""
_LONGEST_PHRASE: Final = 400
_MOST_HEADINGS: Final = 10_000
_LONGEST_ROW: Final = 4000
_OPERATIVE: Final = re.compile(
    r"\b(?:operati(?:on|ve)|surgeon|surgical plan|case request|booking|(?:planned|proposed|requested) (?:procedure|surgery)"
    r"|procedure (?:planned|proposed|requested)|procedure: [^\n]{0,60}(?:fusion|lif|ectomy|plasty))\b",
    re.IGNORECASE,
)
_REPORT: Final = re.compile(r"^\W{0,9}(?:findings|technique|comparison)\b", re.IGNORECASE | re.MULTILINE)
"""The indication in a surgeon's plan is the patient's disease; in a report it is only why the test was asked for."""
_SPOKEN_OF: Final = re.compile(r"\b(?:he|she|mrs?|ms)\b", re.IGNORECASE)
_OFTEN: Final = 3
"""A reader of images names the patient less often than whoever talks with her."""
_LONGEST_REMEMBERED: Final = 400
REMEMBERED: Final[Memory[Reading]] = Memory(16_384)
"""Charts repeat sentences: templates, normal findings, text carried forward. What each says is worked out once."""


@dataclass(slots=True)
class Open:
    """What is open at a place of a note: cues, with the sentences that they still reach, and contexts by group."""

    cues: dict[str, int] = field(default_factory=dict)
    contexts: Mapping[str, Context] = field(default_factory=dict)

    def take(self, reading: Reading) -> None:
        """Opens what a sentence opens."""
        for cue in reading.cues:
            self.cues[cue] = _CUE_REACH
        if reading.contexts is not None:
            self.contexts = reading.contexts

    def next_sentence(self) -> None:
        """Cues reach a sentence less far."""
        if self.cues:
            self.cues = {cue: left - 1 for cue, left in self.cues.items() if left > 1}


def read_document(document: Document, lexicon: Lexicon, memory: Memory[Reading] = REMEMBERED) -> Iterator[Mention]:
    """All statements of facts in a document, without those that it takes back. A flagged document states none."""
    if document.flags or not document.text:
        return
    laid = usual(document.text)
    if laid is None:
        yield from not_taken_back(_read_document(document, lexicon, memory), document.text)
        return
    for mention in not_taken_back(_read_document(replace(document, text=laid.text), lexicon, memory), laid.text):
        source = mention.source
        if source.start is not None and source.end is not None:
            start, end = laid.place(source.start, source.end)
            source = Source("note", None, document.id, source.section, start, end, document.text[start:end])
        yield mention.of(source)


def _read_document(document: Document, lexicon: Lexicon, memory: Memory[Reading]) -> Iterator[Mention]:
    reader = _Reader(document, lexicon, memory)
    silence = lexicon.topics.silence(document.text)
    series: dict[object, Mention] = {}
    for sentence in sentences(document.text, lexicon.sections):
        for mention in reader.read(sentence):
            if silence.hides(mention.fact):
                continue
            if mention.lowest:
                one_walk = (mention.fact, mention.rank, mention.date)
                series[one_walk] = lower(series.get(one_walk, mention), mention)
            else:
                yield mention
    yield from series.values()
    if not silence.hides(_HEALING):
        for start, end, healing in measured(document.text):
            if not reader.is_foreign(start):
                source = Source("note", None, document.id, None, start, end, document.text[start:end])
                yield Mention(_HEALING, healing, source, reader.on)


class _Reader:
    """Reads the sentences of a document in order, with what is open from one to the next."""

    def __init__(self, document: Document, lexicon: Lexicon, memory: Memory[Reading]) -> None:
        self._document = document
        self._text = signed_lists(document.text)
        self._lexicon = lexicon
        self._memory = memory
        self.on = document.date or note_date(document.text)
        self._standing = Standing(self.on, series=is_series(document.text), entries=has_entries(document.text))
        self._around = Open()
        self._section: str | None = None
        self._report = bool(_REPORT.search(document.text)) or len(_SPOKEN_OF.findall(document.text)) < _OFTEN
        self._operative: bool | None = None
        self._table = Table()
        self._relatives = Relatives(document.text)
        self._foreign = foreign(document.text)
        self._days = Days(self._text, self.on, document.date)

    def _is_operative(self) -> bool:
        """Whether the note is a surgeon's, which few notes are asked."""
        if self._operative is None:
            self._operative = bool(_OPERATIVE.search(self._text)) and not _REPORT.search(self._text)
        return self._operative

    def read(self, sentence: Sentence) -> list[Mention]:
        """The mentions of a sentence."""
        category = self._kind(sentence.category)
        begins = sentence.section != self._section
        if begins:
            self._around, self._section = _opened_by(sentence.section, self._lexicon), sentence.section
        elsewhere = self._relatives.meant(sentence.start, sentence.end, begins=begins) or self.is_foreign(
            sentence.start
        )
        reading = None
        if not sentence.row and sentence.end - sentence.start <= _LONGEST_REMEMBERED:
            reading = self._read_whole(sentence, category, begins)
        if reading is None:
            mentions = self._read_parts(sentence, category, begins)
        else:
            mentions = self._mentions(reading, sentence, sentence.start)
        self._around.next_sentence()
        return [] if elsewhere else mentions

    def is_foreign(self, at: int) -> bool:
        """Whether what stands at ``at`` is another patient's."""
        return bool(self._foreign) and any(start <= at < end for start, end in self._foreign)

    def _kind(self, category: str | None) -> str | None:
        """An impression is a reader's of images in a radiology report, else a clinician's assessment.

        A report has no section that only a clinician's note has, and speaks little of the patient.
        """
        if category in _CLINICAL:
            self._report = False
        elif category == "impression":
            return "imaging" if self._report else "assessment"
        elif category == "indication" and self._is_operative():
            return None
        return category

    def _read_whole(self, sentence: Sentence, category: str | None, begins: bool) -> Reading | None:
        """Reads a sentence as one, or recalls what it says; None where it is in several parts.

        Its words, its kind of section and what is open decide what it says, unless it has a date in it: that one is read
        anew. The memory holds no words of a chart, only their digest.
        """
        text = self._text[sentence.start : sentence.end]
        around = self._around
        key = (
            self._lexicon.digest,
            hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest(),
            category,
            frozenset(around.cues),
            tuple([(context.id, context.reach) for context in around.contexts.values()]),
        )
        reading = self._memory.get(key)
        if reading is not None:
            self._stand(reading.marks, category, begins)
        else:
            parts = _parts(text, Sentence(0, len(text), None, None), self._lexicon, self._table)
            if len(parts) != 1:
                return None
            place = Place(category, around.cues, around.contexts, text[-1:] == ";")
            reading = self._read_part(parts[0], begins, place)
            if not depends_on_day(parts[0].words):
                self._memory.put(key, reading)
        around.take(reading)
        return reading

    def _read_parts(self, sentence: Sentence, category: str | None, begins: bool) -> list[Mention]:
        """Reads a sentence in its parts: the cells of a row, or pieces of a long one."""
        goes_on = self._text[sentence.end - 1 : sentence.end] == ";"
        mentions: list[Mention] = []
        for tokens in _parts(self._text, sentence, self._lexicon, self._table):
            place = Place(category, self._around.cues, self._around.contexts, goes_on, sentence.start)
            reading = self._read_part(tokens, begins, place, row=sentence.row)
            begins = False
            self._around.take(reading)
            mentions += self._mentions(reading, sentence, 0)
        return mentions

    def _read_part(self, tokens: Tokens, begins: bool, place: Place, *, row: bool = False) -> Reading:
        units = units_of(tokens, self.on)
        marks = marks_of(units, row=row)
        self._stand(marks, place.category, begins, row=row)
        return read_units(units, place, self._standing.on, marks, self._lexicon)

    def _stand(self, marks: Marks, category: str | None, begins: bool, *, row: bool = False) -> None:
        self._standing.line(marks, self._section, new_section=begins, category=category, row=row)

    def _mentions(self, reading: Reading, sentence: Sentence, base: int) -> list[Mention]:
        mentions: list[Mention] = []
        if not reading.statements:
            return mentions
        on, text, vocabulary = self._standing.on, self._document.text, self._lexicon.vocabulary
        stale = self._standing.stale
        for stated in reading.statements:
            kind = vocabulary[stated.fact]
            if stale and kind.latest:
                continue
            start, end = stated.start + base, stated.end + base
            source = Source("note", None, self._document.id, sentence.section, start, end, text[start:end])
            rank = stated.rank + self._standing.rank(kind.kind)
            day, said = stated.on or on, stated.said
            if kind.imaged:
                day = self._days.of_image(sentence.category, start, end)
            elif kind.aged:
                said = self._days.by_now(said, stated.since, on)
            mentions.append(Mention(stated.fact, said, source, day, rank, stated.lowest))
        return mentions


def _parts(text: str, sentence: Sentence, lexicon: Lexicon, table: Table) -> list[Tokens]:
    """The tokens of a sentence, or those of each cell of a table's row."""
    apart = "  " in text[sentence.start : sentence.end]
    joinable = lexicon.index.knows if "-\n" in text[sentence.start : sentence.end] else None
    parts = tokens_of(text, sentence, joinable)
    if sentence.row and sentence.end - sentence.start < _LONGEST_ROW:
        return [cell for row in parts for cell in table.sentences(text, row, sentence.start, sentence.end)]
    return [_spread(tokens, text) for tokens in parts] if apart else parts


def _spread(tokens: Tokens, text: str) -> Tokens:
    """The tokens of a line whose questions and answers, or names and values, stand apart."""
    tokens = set_apart(tokens, text)
    return tokens if ANSWERED.isdisjoint(tokens.words) else answers_apart(tokens)


def _opened_by(heading: str | None, lexicon: Lexicon) -> Open:
    """What the words of a heading open for its section."""
    if not heading:
        return Open()
    opened = lexicon.index.headings.get(heading)
    if opened is None:
        opened = _contexts_in(heading[:_LONGEST_PHRASE], lexicon)
        if len(lexicon.index.headings) < _MOST_HEADINGS:
            lexicon.index.headings[heading] = opened
    return Open(contexts={context.group: context for context in opened})


def _contexts_in(heading: str, lexicon: Lexicon) -> tuple[Context, ...]:
    return tuple(
        one.context.for_its_section()
        for tokens in tokens_of(heading, Sentence(0, len(heading), None, None))
        for alike in by_group(scan(units_of(tokens), lexicon).contexts).values()
        for one in alike
    )


def read_phrase(text: str, category: str, lexicon: Lexicon) -> Iterator[Mention]:
    """The statements of a short text that stands in a resource, as in a section of this category."""
    text = text[:_LONGEST_PHRASE]
    for tokens in tokens_of(text, Sentence(0, len(text), None, category)):
        units = units_of(tokens)
        place = Place(category, {}, {}, text[-1:] == ";")
        for stated in read_units(units, place, None, marks_of(units), lexicon).statements:
            start, end = stated.start, stated.end
            source = Source("note", None, "", None, start, end, text[start:end])
            yield Mention(stated.fact, stated.said, source, None, stated.rank)
