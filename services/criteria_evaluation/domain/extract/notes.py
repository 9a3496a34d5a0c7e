"""Facts that a note states: patterns of the lexicon in its sentences, under their assertion."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from services.criteria_evaluation.domain.extract.assertion import Hit, flags_of, scopes
from services.criteria_evaluation.domain.extract.contexts import Opened, carried_on, fits, holds_one, longest
from services.criteria_evaluation.domain.extract.mention import Mention, Said, said_in
from services.criteria_evaluation.domain.extract.standing import Standing, superseded
from services.criteria_evaluation.domain.extract.tables import Table
from services.criteria_evaluation.domain.extract.text import TITLE, Sentence, sentences
from services.criteria_evaluation.domain.extract.tokens import note_date, tokens_of
from services.criteria_evaluation.domain.extract.values import units_of
from services.criteria_evaluation.domain.extract.words import Tokens, Units
from services.criteria_evaluation.domain.lexicon import Lexicon
from services.criteria_evaluation.domain.lexicon_entries import Context, Cue, Target, Trigger
from services.criteria_evaluation.domain.lexicon_patterns import match
from shared.clinical.model import Document, Source

_CLINICAL: Final = frozenset({"exam", "complaint", "review", "past_history", "family", "social", "medications"})
_CUE_REACH: Final = 8
"""How many sentences a context such as "SINS:" stays open, for a list of its parts."""
_LONGEST_PHRASE: Final = 400
_YIELDING: Final = 2
"""What a statement's rank grows by in a context to which it yields."""
_NO_FLAGS: Final[frozenset[str]] = frozenset()


class Found(NamedTuple):
    """A target's words in a sentence (positions), and the position of its value."""

    target: Target
    taken: list[int]
    slot: int | None

    @property
    def at(self) -> int:
        """The position of the value, else of the first word."""
        return self.taken[0] if self.slot is None else self.slot


Weighed = tuple[Found, tuple[bool, int] | None]
"""A statement and its judgement: (denied, rank), or None where it is no source."""


class Scanned(NamedTuple):
    """What the patterns find in a sentence."""

    found: list[Found]
    hits: list[Hit]
    cues: list[str]
    contexts: list[Opened]


@dataclass(slots=True)
class Open:
    """What is open at a place of a note: cues, with the sentences that they still reach, and contexts by group."""

    cues: dict[str, int] = field(default_factory=dict)
    contexts: dict[str, Context] = field(default_factory=dict)

    def next_sentence(self) -> None:
        """Cues reach a sentence less far."""
        if self.cues:
            self.cues = {cue: left - 1 for cue, left in self.cues.items() if left > 1}


def read_document(document: Document, lexicon: Lexicon) -> Iterator[Mention]:
    """All statements of facts in a document. A flagged document states none."""
    if document.flags or not document.text:
        return
    on = document.date or note_date(document.text)
    around = Open()
    section: str | None = None
    report = True
    table = Table()
    standing = Standing(on)
    joinable = lexicon.index.knows if "-\n" in document.text else None
    for sentence in sentences(document.text, lexicon.sections):
        sentence, report = _impression(sentence, report)
        begins = sentence.section != section
        if begins:
            around, section = _opened_by(sentence.section, lexicon), sentence.section
        for tokens in _tokens(document.text, sentence, table, joinable):
            units = units_of(tokens, on)
            standing.line(units, section, new_section=begins, known=sentence.category is not None)
            begins = False
            for mention in read_sentence(document, sentence, units, standing.on, lexicon, around):
                change = standing.rank(lexicon.vocabulary[mention.fact].kind)
                yield mention._replace(rank=mention.rank + change) if change else mention
        around.next_sentence()


def _tokens(text: str, sentence: Sentence, table: Table, joinable: Callable[[str], bool] | None) -> Iterator[Tokens]:
    """The tokens of a sentence, or those of each cell of a table's row."""
    for tokens in tokens_of(text, sentence, joinable):
        if sentence.row:
            yield from table.sentences(text, tokens, sentence.start, sentence.end)
        else:
            yield tokens


def _opened_by(heading: str | None, lexicon: Lexicon) -> Open:
    """What the words of a heading open for its section."""
    around = Open()
    if heading and any(word.isalpha() for word in heading):
        for tokens in tokens_of(heading, Sentence(0, min(len(heading), _LONGEST_PHRASE), None, None)):
            for one in longest(scan(units_of(tokens), lexicon).contexts):
                around.contexts[one.context.group] = replace(one.context, reach="section")
    return around


def _impression(sentence: Sentence, report: bool) -> tuple[Sentence, bool]:
    """An impression is a reader's of images in a radiology report, else a clinician's assessment.

    A report has no section that only a clinician's note has; ``report`` says whether that holds so far.
    """
    if sentence.category in _CLINICAL:
        return sentence, False
    if sentence.category == "impression":
        return replace(sentence, category="imaging" if report else "assessment"), report
    return sentence, report


def read_sentence(
    document: Document,
    sentence: Sentence,
    units: Units,
    on: dt.date | None,
    lexicon: Lexicon,
    open_here: Open,
) -> Iterator[Mention]:
    """The statements of one sentence. What it opens is added to ``open_here``."""
    found, hits, cues, contexts = scan(units, lexicon)
    for cue in cues:
        open_here.cues[cue] = _CUE_REACH
    carried = open_here.contexts
    if contexts or carried:
        contexts = longest(contexts)
        goes_on = document.text[sentence.end - 1 : sentence.end] == ";"
        open_here.contexts = carried_on(contexts, carried, goes_on=goes_on)
    found = [
        hit
        for hit in found
        if _at_home(hit.target, sentence.category, open_here.cues)
        and (
            not (hit.target.requires or hit.target.excludes) or fits(hit.target, units.words, hit.at, contexts, carried)
        )
        and not (
            hit.slot is not None and lexicon.vocabulary[hit.target.fact].latest and superseded(units.words, hit.slot)
        )
    ]
    if not found:
        return
    around = scopes(units.words, hits) if hits or _has_form(units) else []
    section_flags = lexicon.section_flags.get(sentence.category or "", _NO_FLAGS)
    weighed = [
        (hit, judge(hit.target, flags_of(around, hit.taken) | section_flags if around else section_flags))
        for hit in found
    ]
    for (target, taken, slot), judged in _outermost(weighed):
        if judged is None:
            continue
        negated, rank = judged
        if target.yields and holds_one(
            target.yields, units.words, taken[0] if slot is None else slot, contexts, carried
        ):
            rank += _YIELDING
        said = _said(target, units, slot, negated, on, lexicon)
        if said is None:
            continue
        # A heading's words belong to a table's cell, not to its quote.
        start = next((at for p in taken if (at := units.starts[p]) >= sentence.start), units.starts[taken[0]])
        end = units.ends[taken[-1]]
        source = Source("note", None, document.id, sentence.section, start, end, document.text[start:end])
        yield Mention(target.fact, said, source, on, rank)


def scan(units: Units, lexicon: Lexicon) -> Scanned:
    """Every pattern that the words match: targets, triggers, cues, contexts."""
    found: list[Found] = []
    hits: list[Hit] = []
    cues: list[str] = []
    contexts: list[Opened] = []
    words, cache, look_up = units.words, lexicon.index.cache, lexicon.index.look_up
    known = [cache.get(word) or look_up(word) for word in words]
    missing = -1
    for word in known:
        missing &= ~word.bits
    for i, word in enumerate(known):
        for needs, pattern, owner in word.candidates:
            if needs & missing or (pattern.begins and i):
                continue
            matched = match(pattern, words, i)
            if matched is None or (pattern.ends and matched[0][-1] != len(words) - 1):
                continue
            if isinstance(owner, Target):
                found.append(Found(owner, *matched))
            elif isinstance(owner, Trigger):
                hits.append(Hit(owner, i, matched[0][-1] + 1))
            elif isinstance(owner, Cue):
                cues.append(owner.id)
            elif isinstance(owner, Context):
                contexts.append(Opened(owner, i, matched[0][-1] + 1))
    return Scanned(found, hits, cues, contexts)


def _at_home(target: Target, category: str | None, open_cues: Mapping[str, int]) -> bool:
    """Whether the target may stand in this kind of section, and in the context that it needs."""
    if category not in target.sections and (target.sections or category == TITLE):
        return False
    if category in target.not_sections:
        return False
    return target.cue is None or target.cue in open_cues


def _has_form(units: Units) -> bool:
    """Whether the sentence looks like a form's line, whose answers no trigger of the lexicon stands for."""
    words = units.words
    return ":" in words or "?" in words or "<nobox>" in words or "<box>" in words


def _outermost(weighed: list[Weighed]) -> list[Weighed]:
    """Without the statements that lie within a longer one of the same fact ("small cell" in "non-small cell").

    A longer one that counts for nothing hides no shorter one of the same value ("prior pain, VAS 7/10").
    """
    if len(weighed) == 1:
        return weighed
    kept: list[Weighed] = []
    reach: dict[str, Weighed] = {}
    for one in sorted(weighed, key=lambda w: (w[0].taken[0], -w[0].taken[-1], -len(w[0].taken))):
        hit = one[0]
        outer = reach.get(hit.target.fact)
        if outer is not None and hit.taken[-1] <= outer[0].taken[-1] and not _other_code(hit, kept):
            idle = outer[1] is None and hit.slot is not None and hit.slot == outer[0].slot
            if not idle:
                continue
        kept.append(one)
        if outer is None or hit.taken[-1] > outer[0].taken[-1] or outer[1] is None:
            reach[hit.target.fact] = one
    return kept


def _other_code(hit: Found, kept: list[Weighed]) -> bool:
    """Whether the same words state another member of a set of codes besides ("cord and root compression")."""
    last = kept[-1][0]
    return last.taken != hit.taken and isinstance(hit.target.value, tuple) and hit.target.value != last.target.value


def judge(target: Target, flags: frozenset[str]) -> tuple[bool, int] | None:
    """Whether the statement counts: (denied, rank), or None where it is no source."""
    if "unchecked" in flags or "family" in flags or "possible" in flags:
        return None
    rank = target.rank
    for flag, use in (("historical", target.past), ("planned", target.planned), ("reported", target.reported)):
        if flag not in flags:
            if use == "require" and not (flag == "planned" and "plan" in flags):
                return None
        elif use == "drop":
            return None
        elif use == "later":
            rank += 1
    return "negated" in flags, rank


def _said(
    target: Target, units: Units, slot: int | None, negated: bool, on: dt.date | None, lexicon: Lexicon
) -> Said | None:
    if negated:
        return target.negated
    if target.value is not None:
        return target.value
    value = units.values.get(slot) if slot is not None else None
    return None if value is None else said_in(lexicon.vocabulary[target.fact], value, on)


def read_phrase(text: str, category: str, lexicon: Lexicon) -> Iterator[Mention]:
    """The statements of a short text that stands in a resource, as in a section of this category."""
    phrase = Document("", text[:_LONGEST_PHRASE])
    sentence = Sentence(0, len(phrase.text), None, category)
    for tokens in tokens_of(phrase.text, sentence):
        yield from read_sentence(phrase, sentence, units_of(tokens), None, lexicon, Open())
