"""Tables whose columns are set apart by spaces alone, as reports print them."""

import itertools
import re
from collections.abc import Sequence
from typing import Final

from services.criteria_evaluation.domain.extract.forms import EITHER
from services.criteria_evaluation.domain.extract.words import Tokens

_GAP: Final = 3
"""So many blanks set two cells apart; fewer are a wide space."""
_CELLS: Final = re.compile(r"\S+(?: {1,2}\S+)*")
_LONGEST: Final = 300
_ASKED: Final = re.compile(
    r"\[ {0,3}[xX_✓✔]? {0,3}\]|\([ xX]\)|[☐☑☒✓✔]|__+|[:?][ ]?\S|[ ](?:[YN]|yes|no|Yes|No|YES|NO)$"
)
"""A box, a question with its answer, or an answer at the end."""
_WIDE: Final = re.compile(r"(?<=\S)(?:[ ]{2,}|\t+)(?=\S)")
_BREATHED: Final = frozenset({"air", "ra", "oxygen", "cannula", "nc"})
"""Words of a column that tells what was breathed, which is no unit."""
_UNDONE: Final = frozenset(
    {"cancelled", "canceled", "declined", "refused", "discontinued", "withdrawn", "expired", "void"}
)
"""What came of the order before it in a column of its own: "04/03  DXA      CANCELLED 04/10"."""
_OPTIONS: Final = frozenset(
    {"yes", "no", "y", "n", "na", "unknown", "unk", "present", "absent", "positive", "negative", "normal", "none"}
)
_WORD: Final = re.compile(r"[A-Za-z]+")
_NAMED: Final = re.compile(r"(?=[A-Za-z])(?!(?:yes|no|y|n|none|unk)\b)[A-Za-z /]{2,30}", re.IGNORECASE)
"""A question alone in its column, before the column of its box: "Diabetes   [X] no   Stroke   [X] no"."""
_QUESTION: Final = re.compile(r"(?:^|   )[A-Za-z][A-Za-z /]{0,30} {1,2}\[ {0,3}[xX]? {0,3}\]")
_BOX: Final = re.compile(r"\s*(?:\[ {0,3}[xX_✓✔]? {0,3}\]|[☐☑☒✓✔])")
_MEASURED: Final = re.compile(r"\w: \S|\s[0-9]+ ?%|(?:HR|BP|RR|SpO2|Pulse|Borg|Temp)\b:? [0-9]")
"""A value, which no heading of a column has."""
_VALUED: Final = re.compile(
    r"[A-Za-z] +[0-9]+(?:\.[0-9]+ ?(?:h|hrs?|min|/hr?|kg|lbs?|cm)?| ?(?:h|hrs?|/hr?|kg|lbs?|cm))$"
)
"""A name with its value in one cell: "TRT 7.6 h"."""
_NUMBERED: Final = re.compile(r"[0-9]{1,2}[.)] \S")
_ANSWER_COLUMNS: Final = re.compile(r" {3}(?:yes|y) {2,}(?:no|n)\b", re.IGNORECASE)
"""A heading of a column for each answer: of its rows some have one mark only."""
_FULL: Final = 80
"""A line as long as this was wrapped by its writer."""
_FREQUENCY: Final = re.compile(r"(?:125|[257]50|[1-8]?[05]00|[1-8]k|0?\.(?:25|5)k?)(?: ?k?hz)?", re.IGNORECASE)
"""A column of an audiogram; such columns may stand beside those of other tests."""
_DAY: Final = re.compile(
    r"[0-9]{1,2}[/.][0-9]{1,2}(?:[/.][0-9]{2,4})?|[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"|(?:[0-9]{1,2}[ -])?(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]{0,6}\.?[ -]?(?:[0-9]{1,2}(?:,? [0-9]{4})?|[0-9]{4})?",
    re.IGNORECASE,
)
"""A day alone in its cell."""
_OPTION: Final = r"\[[ xX]\] {0,3}(?:none|no|yes|absent|present|negative|positive)\b"
_ANSWER_BELOW: Final = re.compile(
    rf"[ \t]+(?:(?:MRI|CT|MRI/CT|CT/MRI|imaging|exam|audiogram|labs?)\b[^:\[\n]{{0,40}}:? *)?{_OPTION}(?:\s+{_OPTION})*[^\[\n]*",
    re.IGNORECASE,
)
"""The boxes of the question on the line above, perhaps behind the test that answers it: "   MRI 11/17: [x] none   [ ] present"."""
_OF_RESULTS: Final = frozenset(
    {"result", "results", "value", "values", "ref", "reference", "ref range", "reference range"}
)
"""What columns of a laboratory's report are called."""


def aligned_rows(lines: Sequence[str]) -> list[bool]:
    """Which lines are a heading of two or more columns, or a row below one that has a name and a value for each."""
    counts = [
        len(_CELLS.findall(line)) if "   " in line and len(line) <= _LONGEST and len(_QUESTION.findall(line)) < 2 else 0
        for line in lines
    ]
    rows = [False] * len(lines)
    i = 0
    while i < len(lines):
        least = _least(lines[i], counts[i])
        if counts[i] < 2 or not _names(lines[i]) or i + 1 == len(lines) or counts[i + 1] < least:
            i += 1
            continue
        j = i + 1
        while j < len(lines) and counts[j] >= 2:
            j += 1
        rows[i:j] = [True] * (j - i)
        i = j
    return rows


def hanging_lines(lines: Sequence[str]) -> list[bool]:
    """Which lines go on under the text of the line above, in the column that stands behind a name and a wide gap.

    ``T12     Compression fracture with edema. Posterior wall in place, no`` goes on with ``        retropulsion.`` below. One
    that could have stood in the line above is an item of its own, unless it begins with a small letter.
    """
    hanging = [False] * len(lines)
    for i in range(1, len(lines)):
        line, above = lines[i], lines[i - 1]
        column = len(line) - len(line.lstrip())
        if "[" in line and _ANSWER_BELOW.fullmatch(line) and _asks(above, column):
            hanging[i] = True
            continue
        if column < _GAP or len(line) == column or above[column : column + 1].strip() == "":
            continue
        named = above[:column].strip() != "" and above[:column].endswith("  ")
        full = len(above.rstrip()) >= _FULL or line[column].islower() or above.rstrip()[-1] == ","
        hanging[i] = (named or hanging[i - 1]) and full and "   " not in line[column:] and line[column].isalnum()
    return hanging


def _asks(line: str, column: int) -> bool:
    """Whether a line may be the question to boxes that begin at ``column`` below it: it is indented less and has none itself."""
    words = line.strip()
    short = " " in words and len(words) <= _FULL
    return short and len(line) - len(line.lstrip()) < column and "[" not in line and words[-1].isalpha()


def _least(heading: str, cells: int) -> int:
    """How many cells the row below a heading has: as many, unless a column is of results, which may want flags and
    ranges, or there is one for each answer."""
    named = cells > 2 and not _OF_RESULTS.isdisjoint(cell.lower() for cell in _CELLS.findall(heading))
    answers = cells > 0 and _ANSWER_COLUMNS.search(heading) is not None
    return 2 if named or answers else max(3, cells)


def _names(line: str) -> bool:
    """Whether a line is a heading: its cells are words, and none is a number or ends like a form's label.

    Two columns in words make a heading of the frequencies of an audiogram beside them.
    """
    cells = _CELLS.findall(line)
    if "|" in line:
        return False  # "PMH   HTN yes | DM no | CAD no" is a list.
    if headed_by_days(cells):
        return True
    if "[" in line and any(_BOX.match(cell) for cell in cells[1:]):
        return False  # "Diabetes      [ ] yes  [x] no" is answered.
    if len(cells) > 1 and (_MEASURED.search(line) or any(_VALUED.search(cell) for cell in cells)):
        return False
    if cells and _NUMBERED.match(cells[0]):
        cells = [cells[0].partition(" ")[2], *cells[1:]]  # "2. MEDICAL CONDITIONS     Yes    No"
    if len({cell.lower() for cell in cells if cell.lower() in EITHER}) == 1:
        return False  # "DIABETES    N    A1C 5.6" answers a question; only a heading has a column for each answer.
    worded = [cell for cell in cells if not _FREQUENCY.fullmatch(cell)]
    if len(worded) < 2 and len(worded) < len(cells):
        return False
    return all(not cell[0].isdigit() and cell[-1] != ":" and any(c.isalpha() for c in cell) for cell in worded)


def headed_by_days(cells: Sequence[str]) -> bool:
    """Whether the columns behind a name, or all of them, are those of two or more days: "test    03/11/26    05/20/26"."""
    days = [_DAY.fullmatch(cell.strip()) is not None for cell in cells]
    return sum(days) > 1 and all(days[1:]) and (days[0] or not any(c.isdigit() for c in cells[0]))


def gap_cells(row: Tokens) -> list[Tokens]:
    """The cells of a row, at its wide gaps."""
    cuts = [i for i in range(1, len(row.words)) if row.starts[i] - row.ends[i - 1] >= _GAP]
    edges = [0, *cuts, len(row.words)]
    last = row.words[edges[-2] :]
    wordy = not any(c.isdigit() for word in last for c in word) and _BREATHED.isdisjoint(last)
    if len(edges) > 3 and wordy and row.words[edges[-2] - 1][0].isdigit():
        # A unit in a column of its own belongs to its number.
        del edges[-2]
    return [Tokens(row.words[a:b], row.starts[a:b], row.ends[a:b]) for a, b in itertools.pairwise(edges) if a < b]


def heading_of(cell: Tokens, line: int, headings: Sequence[Tokens], heading_line: int) -> Tokens | None:
    """The heading that stands nearest above a cell, by their middles; ``line`` and ``heading_line`` are where the lines begin."""
    if not headings or not cell.words:
        return None

    def middle(tokens: Tokens, start: int) -> float:
        return (tokens.starts[0] + tokens.ends[-1]) / 2 - start

    at = middle(cell, line)
    return min(headings, key=lambda heading: abs(middle(heading, heading_line) - at))


def set_apart(tokens: Tokens, text: str) -> Tokens:
    """The tokens with a semicolon where a wide gap stands between a value and the next name ("RDI 9.6   supine RDI 21.5").

    The indent of a wrapped line is no such gap, unless the value itself ends the line before it ("8 weeks of standard / care").
    """
    words, starts, ends = tokens.words, tokens.starts, tokens.ends
    cuts = [
        i
        for i in range(1, len(words))
        if starts[i] - ends[i - 1] >= _GAP
        and words[i][0].isalpha()
        and words[i] not in _UNDONE
        and _is_value(words, i - 1)
        and (not words[i - 1].isalpha() or "\n" not in text[ends[i - 1] : starts[i]])
    ]
    for i in reversed(cuts):
        words = [*words[:i], ";", *words[i:]]
        starts = [*starts[:i], starts[i], *starts[i:]]
        ends = [*ends[:i], starts[i], *ends[i:]]
    return Tokens(words, starts, ends) if cuts else tokens


ANSWERED: Final = frozenset({"no", "yes", "n", "y", "none", "denies"})
_BY: Final = frozenset({"on", "per", "by", "seen", "noted", "found", "identified"})
"""What says by which test there is none: "Lesion of the nerve      NONE on MRI"."""


def answers_apart(tokens: Tokens) -> Tokens:
    """The tokens with a colon before an answer that blanks set apart, and a semicolon before the next question.

    ``Sleepy in daytime  NO   (ESS 2)     Stroke  NO`` is two questions and their answers.
    """
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    answered = False
    for i, word in enumerate(tokens.words):
        gap = tokens.starts[i] - tokens.ends[i - 1] if i else 0
        last = i + 1 == len(tokens.words)
        alone = last or tokens.words[i + 1] == "(" or tokens.starts[i + 1] - tokens.ends[i] > 1
        alone = alone or tokens.words[i + 1 :] == ["."] or (word == "none" and tokens.words[i + 1] in _BY)
        mark = ""
        led = i > 0 and words[-1][:3] == "..."  # "Diabetes ........ NO    A1c 5.8"
        if word in ANSWERED and (gap > 1 or led) and alone and words[-1] not in (":", "?", "."):
            mark, answered = "" if led else ":", True
        elif answered and gap > 1 and word != "(":
            mark, answered = ";", False
        if mark:
            words.append(mark)
            starts.append(tokens.starts[i])
            ends.append(tokens.starts[i])
        words.append(word)
        starts.append(tokens.starts[i])
        ends.append(tokens.ends[i])
    return Tokens(words, starts, ends)


def _is_value(words: Sequence[str], i: int) -> bool:
    """Whether the word ends a value: a number, or a unit close behind one."""
    return any(word[0].isdigit() for word in words[max(0, i - 3) : i + 1])


def questions(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The questions of a form that stand in columns, each with its answer: "HTN: N   DM: Y", "HTN [ ] Y [x] N   DM [x] Y [ ] N"."""
    if "  " not in text[start:end] and "\t" not in text[start:end]:
        return [(start, end)]
    found: list[tuple[int, int]] = []
    at, answered = start, None
    gaps = _WIDE.finditer(text, start, end)
    cells = list(itertools.pairwise([start, *(n for gap in gaps for n in gap.span()), end]))[::2]
    for begin, stop in cells if len(cells) > 1 else ():
        asked = _ASKED.search(text, begin, stop) is not None
        if answered is not None and _NAMED.fullmatch(text, begin, stop) and _BOX.match(text, stop, end):
            found.append((at, answered))
            at, answered = begin, None
            continue
        word = _WORD.match(text, begin, stop)
        if asked and answered is not None and word and word[0].lower() not in _OPTIONS:
            found.append((at, answered))
            at, answered = begin, None
        # The words after an answer go with it, up to the next question.
        if asked or answered is not None:
            answered = stop
    return [*found, (at, end)]
