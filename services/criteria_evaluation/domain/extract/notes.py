"""Facts that a note states: patterns of the lexicon in its sentences, under their assertion."""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from services.criteria_evaluation.domain.extract.aligned import ANSWERED, answers_apart, set_apart
from services.criteria_evaluation.domain.extract.assertion import flags_of, scopes
from services.criteria_evaluation.domain.extract.contexts import carried_on, fits, holds_one, longest
from services.criteria_evaluation.domain.extract.mention import Mention, Said, said_in
from services.criteria_evaluation.domain.extract.scan import Found, scan
from services.criteria_evaluation.domain.extract.standing import Standing, superseded
from services.criteria_evaluation.domain.extract.tables import Table
from services.criteria_evaluation.domain.extract.text import TITLE, Sentence, sentences
from services.criteria_evaluation.domain.extract.tokens import note_date, tokens_of
from services.criteria_evaluation.domain.extract.values import units_of
from services.criteria_evaluation.domain.extract.words import Tokens, Units
from services.criteria_evaluation.domain.lexicon import Lexicon
from services.criteria_evaluation.domain.lexicon_entries import Context, Target
from services.criteria_evaluation.domain.quantities import Interval
from shared.clinical.model import Document, Source

_CLINICAL: Final = frozenset({"exam", "complaint", "review", "past_history", "family", "social", "medications"})
_CUE_REACH: Final = 8
"""How many sentences a context such as "SINS:" stays open, for a list of its parts."""
_LONGEST_PHRASE: Final = 400
_MOST_HEADINGS: Final = 10_000
_LONGEST_ROW: Final = 4000
_YIELDING: Final = 2
"""What a statement's rank grows by in a context to which it yields."""
_DOUBT: Final = frozenset({"possible"})
_OPERATIVE: Final = re.compile(r"\b(?:operati(?:on|ve)|surgeon|surgical plan|case request)\b", re.IGNORECASE)
_REPORT: Final = re.compile(r"^\W{0,9}(?:findings|technique|comparison)\b", re.IGNORECASE | re.MULTILINE)
"""The indication in a surgeon's plan is the patient's disease; in a report it is only why the test was asked for."""
_NO_FLAGS: Final[frozenset[str]] = frozenset()


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
    operative = bool(_OPERATIVE.search(document.text)) and not _REPORT.search(document.text)
    silent = lexicon.topics.silent(document.text)
    joinable = lexicon.index.knows if "-\n" in document.text else None
    for sentence in sentences(document.text, lexicon.sections):
        sentence, report = _impression(sentence, report)
        if operative and sentence.category == "indication":
            sentence = replace(sentence, category=None)
        begins = sentence.section != section
        if begins:
            around, section = _opened_by(sentence.section, lexicon), sentence.section
        for tokens in _tokens(document.text, sentence, table, joinable):
            units = units_of(tokens, on)
            standing.line(units, section, new_section=begins, known=sentence.category is not None, row=sentence.row)
            begins = False
            for mention in read_sentence(document, sentence, units, standing.on, lexicon, around):
                if mention.fact in silent:
                    continue
                change = standing.rank(lexicon.vocabulary[mention.fact].kind)
                yield mention._replace(rank=mention.rank + change) if change else mention
        around.next_sentence()


def _tokens(text: str, sentence: Sentence, table: Table, joinable: Callable[[str], bool] | None) -> Iterator[Tokens]:
    """The tokens of a sentence, or those of each cell of a table's row."""
    for tokens in tokens_of(text, sentence, joinable):
        if sentence.row and sentence.end - sentence.start < _LONGEST_ROW:
            yield from table.sentences(text, tokens, sentence.start, sentence.end)
        else:
            yield _spread(tokens) if "  " in text[sentence.start : sentence.end] else tokens


def _spread(tokens: Tokens) -> Tokens:
    """The tokens of a line whose questions and answers, or names and values, stand apart."""
    tokens = set_apart(tokens)
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
        replace(one.context, reach="section")
        for tokens in tokens_of(heading, Sentence(0, len(heading), None, None))
        for one in longest(scan(units_of(tokens), lexicon).contexts)
    )


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
    if contexts or any(context.reach != "section" for context in carried.values()):
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

    def judged(hit: Found) -> tuple[bool, int] | None:
        flags = section_flags - _DOUBT if hit.target.background else section_flags
        return judge(hit.target, flags_of(around, hit.taken) | flags if around else flags)

    for hit, judgement in _outermost(found, judged):
        if judgement is None:
            continue
        target, taken, slot = hit
        negated, rank = judgement
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


Judgement = tuple[bool, int] | None
"""Whether a statement is denied, and its rank; None where it is no source."""


def _outermost(found: list[Found], judged: Callable[[Found], Judgement]) -> Iterator[tuple[Found, Judgement]]:
    """Without the statements that lie within a longer one of the same fact ("small cell" in "non-small cell").

    A longer one that is no source hides no shorter one of the same value ("prior pain, VAS 7/10").
    """
    reach: dict[str, tuple[Found, Judgement]] = {}
    kept: Found | None = None
    for hit in sorted(found, key=lambda f: (f.taken[0], -f.taken[-1], -len(f.taken))) if len(found) > 1 else found:
        outer, idle = reach.get(hit.target.fact), False
        if outer is not None and hit.taken[-1] <= outer[0].taken[-1] and not _other_code(hit, kept):
            idle = _is_idle(*outer) and (outer[1] is not None or (hit.slot is not None and hit.slot == outer[0].slot))
            if not idle:
                continue
        kept, judgement = hit, judged(hit)
        yield hit, judgement
        if outer is None or idle or hit.taken[-1] > outer[0].taken[-1]:
            reach[hit.target.fact] = hit, judgement


def _is_idle(hit: Found, judgement: Judgement) -> bool:
    """Whether a statement states nothing: it is no source, or is denied and then says nothing."""
    denied = judgement is not None and judgement[0] and hit.target.undeniable == "no"
    return judgement is None or (denied and hit.target.negated is None)


def _other_code(hit: Found, last: Found | None) -> bool:
    """Whether the same words state another member of a set of codes besides ("cord and root compression")."""
    return (
        last is not None
        and last.taken != hit.taken
        and isinstance(hit.target.value, tuple)
        and hit.target.value != last.target.value
    )


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
    if negated and target.undeniable == "no":
        return target.negated
    if target.value is not None:
        return target.value
    value = units.values.get(slot) if slot is not None else None
    said = None if value is None else said_in(lexicon.vocabulary[target.fact], value, on)
    if negated and target.undeniable == "exact" and isinstance(said, Interval) and None in (said.low, said.high):
        return None
    return said


def read_phrase(text: str, category: str, lexicon: Lexicon) -> Iterator[Mention]:
    """The statements of a short text that stands in a resource, as in a section of this category."""
    phrase = Document("", text[:_LONGEST_PHRASE])
    sentence = Sentence(0, len(phrase.text), None, category)
    for tokens in tokens_of(phrase.text, sentence):
        yield from read_sentence(phrase, sentence, units_of(tokens), None, lexicon, Open())
