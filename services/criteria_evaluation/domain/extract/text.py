"""From a document's text to its sentences: lines, list items, hard wraps, sections. All offsets are the document's."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from services.criteria_evaluation.domain.extract.aligned import aligned_rows, hanging_lines, questions
from services.criteria_evaluation.domain.extract.asides import goes_on
from services.criteria_evaluation.domain.extract.heads import (
    MARKED,
    NO_VALUE,
    OWN,
    PULSE,
    RULE,
    SOAP,
    SOAP_LINE,
    WIDE,
    bullet_at,
    heading_words,
    is_of_an_image,
    is_stopped,
    of_an_exam,
    tells_a_place,
)
from services.criteria_evaluation.domain.extract.tables import table_rows

Kind = Literal["text", "row", "blank"]

_STOP: Final = re.compile(r"[.!?;](?:(?<=;)|(?<=[^\s.][.!?])[.!?]*[\"”’')\]]{0,3})(?=\s)")
"""A full stop after a word, or a semicolon; one set of signs that it begins with lets all else be skipped fast."""
_ANSWER: Final = re.compile(
    r"\s*\.*\s*(?:\[[ xX✓✔]?\]\s*|\([ xX]?\)\s*|[☐☑☒]\s*|__+\s*)?(?:\W{0,3})(?:yes|no|y|n|none|denies|denied)\b",
    re.IGNORECASE,
)
_ITEM: Final = re.compile(
    r"[ \t]*(?:[-*•·‣▪●–—>]+[ \t]|#[ \t]?(?=[A-Za-z])|[0-9]{1,2}[.)][ \t]|[A-Za-z][.)][ \t]|\[[ xX_]?\]|\([ xX]\)|[☐☑☒✓✔])"
)
_ABBREVIATIONS: Final = frozenset(
    ["dr", "mr", "mrs", "ms", "st", "vs", "approx", "gr", "e.g", "i.e", "eg", "ie", "etc", "fig",
     "no.", "dept", "prof", "jr", "sr", "resp", "incl", "max", "min", "est", "hx", "pt", "mod", "bilat"]
)  # fmt: skip
_INITIAL: Final = re.compile(r"(?:\b(?:by|with|per|from|see|Dr\.?)|w/|[/(])\s?[A-Z]$")
_DENIES: Final = re.compile(r"(?:no|denies|denied|none|never)\b")  # A sentence: "since 2021. no tumor".
_SURNAME: Final = re.compile(r"[A-Z][a-z]{2,}")
"""The name behind an initial."""
TITLE: Final = "title"
"""The kind of a line that looks like a heading and is none that the lexicon knows: only statements about titles count in it."""
_KEY: Final = re.compile(r"[A-Z][A-Za-z]*(?:[ /&-](?:[A-Za-z]+|[0-9/]{3,10})){0,4}(?: ?\([^()\n]{1,60}\))?:(?=\s)")
"""A form's question, up to its colon."""
_ANEW: Final = re.compile(
    rf"{_KEY.pattern}|(?:(?=[A-Z])(?i:bp|hr|vs|temp|spo2|wt|ht|bmi|o2 sat|afebrile|ecog|kps|karnofsky|moca|mmse|slums|nrs|vas|pain [0-9])|[Vv]itals?|[Oo]n exam|Asking for|Requesting)\b"
)  # fmt: skip
"""What begins anew below a family history of one line: a form's question, vital signs, or what is found today."""
_OF_A_LINE: Final = frozenset(
    ["family", "past_history", "surgical_history", "indication", "complaint", "social", "medications", "pathology", "review"]
)  # fmt: skip
"""Sections that, where their text follows the heading in its line, end with the next question of a form. The reason for
a test ends with its paragraph."""
_OF_A_PARAGRAPH: Final = frozenset({"indication", "request", "policy"})
_OF_OTHERS: Final = frozenset({"policy", "family"})
_LEADING: Final = frozenset(
    ["to", "of", "the", "with", "and", "by", "for", "a", "an", "at", "from", "or", "than", "grade", "gr", "wagner", "stage", "about", "type"]
)  # fmt: skip
"""Words that no line ends with unless the next one carries it on."""
_LONGEST_HEADER: Final = 70
_SHORT_LINE: Final = 55
_RAGGED: Final = 12
"""So many characters may be left free at the end of a line that was wrapped: writers wrap by eye."""
_SHORTEST_HEADING: Final = 3
"""A single word such as "Plan" or "Rec" alone on its line is a heading; "Ct" is too short to tell."""


@dataclass(slots=True, init=False)
class Sentence:
    """A sentence, list item or row of a table with its section. ``category`` is the lexicon's kind of section, or None."""

    start: int
    end: int
    section: str | None
    category: str | None
    row: bool

    def __init__(self, start: int, end: int, section: str | None, category: str | None, row: bool = False) -> None:
        self.start = start
        self.end = end
        self.section = section
        self.category = category
        self.row = row


def sentences(text: str, sections: Mapping[str, str]) -> Iterator[Sentence]:
    """The sentences of a note in order, each with the section it stands in.

    ``sections`` gives the category of a heading (its letters in lower case). A family or past history whose text follows its
    heading at once ends with the paragraph, so that unheaded text after it is of the patient's present again.
    """
    name: str | None = None
    category: str | None = None
    inline = passing = stopped = False
    bullet = ""
    for start, end, kind in _paragraphs(text, sections):
        ruled = kind == "text" and category not in _OF_OTHERS and RULE.fullmatch(text, start, end) is not None
        if kind == "blank" or (ruled and text.endswith("\n\n", 0, start)):
            if ruled or stopped or (inline and (category in _OF_A_LINE or category == "plan")):
                name, category, stopped = None, None, False
            continue
        if passing:
            name, category, passing = None, None, False
        if kind == "row":
            yield Sentence(start, end, name, category, row=True)
            continue
        for first, last in _split(text, start, end):
            header = _header(text, first, last, sections, at_line=first == start)
            if header is not None:
                begin = first
                name, category, first = header
                bullet = bullet_at(text, begin)
                inline, stopped = first < last, text[begin:last].endswith(".") and first >= last
                passing = begin != start and category in _OF_A_LINE
                if category is None:
                    # No section that is known: the line may be a title, or a form's question with its answer.
                    yield Sentence(begin, last, name, None if inline else TITLE)
                    continue
            elif inline and first == start and category in _OF_A_PARAGRAPH | _OF_A_LINE:
                listed = bullet == bullet_at(text, first) != ""
                if category in _OF_A_PARAGRAPH or listed or _ANEW.match(text, first, last):
                    name = category = None
            if inline and category == "family" and OWN.match(text, first, last):
                name = category = None
            if first < last:
                yield Sentence(first, last, name, category)


def _paragraphs(text: str, sections: Mapping[str, str]) -> Iterator[tuple[int, int, Kind]]:
    """Runs of lines that belong together, blank lines, and rows of tables, each with its place."""
    at, start, end, last = 0, -1, 0, ""
    lines = text.split("\n")
    width = max(map(len, lines))
    rows = table_rows(lines) if "|" in text else [False] * len(lines)
    hung = rows
    if "   " in text:
        rows = [row or other for row, other in zip(rows, aligned_rows(lines), strict=True)]
        hung = hanging_lines(lines)
    for line, row, hangs in zip(lines, rows, hung, strict=True):
        stop = at + len(line)
        body = line.strip()
        if not body or row:
            if start >= 0:
                yield start, end, "text"
                start = -1
            yield at, stop, "row" if row else "blank"
        else:
            if start >= 0 and not (hangs or _continues(last, body, width, sections)):
                yield start, end, "text"
                start = -1
            if start < 0:
                start = at + (len(line) - len(line.lstrip()))
            end, last = stop, body
        at = stop + 1
    if start >= 0:
        yield start, end, "text"


def _continues(last: str, line: str, width: int, sections: Mapping[str, str]) -> bool:
    """Whether a line carries on the paragraph of the one before it, as a hard wrap does.

    A line that ends a sentence, and had room for the next word within the ``width`` of the note's lines, was ended by hand.
    """
    if not (
        line[0].islower()
        or last[-1] in ",-(/&"
        or len(last) >= _SHORT_LINE
        or last.rsplit(None, 1)[-1].lower() in _LEADING
    ):
        return False
    if (
        "   " in line
        or "   " in last
        or "...." in line
        or "...." in last
        or RULE.fullmatch(last)
        or not (line[0].isalnum() or any(c.isalnum() for c in line))
    ):
        return False  # A printed line of name and value, or a rule, stands alone.
    room = len(last) + 1 + len(line.split(None, 1)[0]) <= width - _RAGGED
    if (
        (last[-1] in ".!?;" and (room or len(last) < _SHORT_LINE or _ANEW.match(line)))
        or _ITEM.match(line)
        or _KEY.match(line)
    ):
        return False
    return _heading(line, sections) is None and _heading(last, sections) != (len(last), True)


def _heading(line: str, sections: Mapping[str, str]) -> tuple[int, bool] | None:
    """Where the heading that a line begins with ends, and whether it is the whole line; None where there is none."""
    found = _unmarked(line, sections)
    return (len(line), True) if found is None and MARKED.match(line) else found


def _unmarked(line: str, sections: Mapping[str, str]) -> tuple[int, bool] | None:
    """The heading of a line that bears no sign of one."""
    if line[:1] in SOAP and SOAP_LINE.match(line) and line[0].lower() in sections:
        return 1, len(line.rstrip()) == 1
    wide = WIDE.match(line)
    if wide is not None and wide[1].lower() in sections:
        return wide.end(1), False  # "TECHNIQUE  Attended study in the laboratory."
    colon = line.find(":", 0, _LONGEST_HEADER)
    if colon < 0 and line[-1:] == ")" and "(" in line:
        line = line.partition("(")[0].rstrip()  # "STUDY SUMMARY (received by fax)"
    candidate = line[:colon] if colon > 0 else line if len(line) <= _LONGEST_HEADER else ""
    if not candidate or candidate[-1] in ".,;":
        return (len(line), True) if is_stopped(candidate) else None
    letters = heading_words(candidate)
    if not letters or len(letters) > 8 or (colon == 1 and PULSE.match(line)):
        return None
    upper = candidate.upper() == candidate
    shouted = upper and len(letters[0]) > 3 and not any(c.isdigit() for c in candidate[:5])
    if colon > 0:
        known = shouted or _category(letters, sections) is not None
        return (colon + 1, colon + 1 == len(line)) if known else None
    # Without a colon "MRI shows a fracture" begins like a heading and is none: the whole heading must be known.
    known = " ".join(letters).lower() in sections
    titled = upper and len(letters) > 1 and "..." not in line and NO_VALUE.fullmatch(line) is not None
    marked = line[0] in "#*"
    if known:
        alone = line[0].isupper() and len(line) >= _SHORTEST_HEADING
        return (len(line), True) if len(letters) > 1 or shouted or marked or alone else None
    return (len(line), True) if is_of_an_image(line) or (titled and (shouted or _category(letters, sections))) else None


def _category(letters: Sequence[str], sections: Mapping[str, str]) -> str | None:
    """The kind of section that a heading's words open; ``mri *`` among them stands for all that begin so, ``* plan`` for all that end so."""
    words = [word.lower() for word in letters]
    return sections.get(" ".join(words)) or sections.get(f"{words[0]} *") or sections.get(f"* {words[-1]}")


def _header(
    text: str, start: int, end: int, sections: Mapping[str, str], *, at_line: bool
) -> tuple[str, str | None, int] | None:
    """The section that a sentence opens: its name, its category, and where its text begins."""
    line = text[start : min(end, start + 4 * _LONGEST_HEADER)].split("\n", 1)[0]
    found = _heading(line.rstrip(), sections)
    if found is None:
        return None
    candidate = line[: found[0]].rstrip().rstrip(":")
    letters = heading_words(candidate)
    category = of_an_exam(_category(letters, sections), line[found[0] :])
    if category is None and not at_line:
        return None
    first = candidate.find(letters[0])
    digits = next((i for i, c in enumerate(candidate) if c.isdigit() and i > first), len(candidate))
    name = candidate[first:digits].strip(" *_#:-(") or candidate.strip()
    begin = start + found[0]
    while begin < end and (text[begin].isspace() or text[begin] in "*_"):
        begin += 1
    return name, category, start if begin < end and tells_a_place(candidate) else begin


def _split(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Sentences of a paragraph: at full stops, question marks and semicolons that end one."""
    parts: list[tuple[int, int]] = []
    at = start
    for found in _STOP.finditer(text, start, end):
        signs, stop = found.group(), found.end()
        if len(signs) > 3:  # Dots that lead from a name to its value end no sentence.
            continue
        sign = signs[0]
        if sign == "." and len(signs) <= 2 and not _ends(text, at, found.start(), stop, end):
            continue
        if (sign == "?" and _ANSWER.match(text, stop, end)) or (sign == ";" and goes_on(text, stop, end)):
            continue
        if at < stop:
            parts += questions(text, at, stop)
        at = stop
        while at < end and text[at].isspace():
            at += 1
    if at < end:
        parts += questions(text, at, end)
    return parts


def _ends(text: str, start: int, dot: int, after: int, end: int) -> bool:
    """Whether a full stop ends a sentence: not after an abbreviation, a list number or a letter that heads a part, nor before a small letter."""
    if dot == start + 1 and text[start] in "SO":
        return False
    at = after
    while at < end and text[at].isspace():
        at += 1
    if at < end and ((text[at].islower() and not _DENIES.match(text, at, end)) or goes_on(text, at, end)):
        return False
    if _INITIAL.search(text, max(start, dot - 12), dot) and _SURNAME.match(text, at, end):
        return False  # "seen by S. Abara"
    word = text[max(start, dot - 8) : dot].rsplit(None, 1)
    tail = word[-1].lstrip("([\"'“").lower() if word else ""
    return bool(tail) and tail not in _ABBREVIATIONS and not (tail.isdigit() and dot - start <= 2)
