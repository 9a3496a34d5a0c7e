"""Numbers, times, dates and marks of forms as charts write them, read as the words that patterns match."""

import datetime as dt

import pytest

from services.criteria_evaluation.domain.extract.text import Sentence
from services.criteria_evaluation.domain.extract.tokens import note_date, tokens_of
from services.criteria_evaluation.domain.extract.values import units_of
from services.criteria_evaluation.domain.extract.words import Units

_ON = dt.date(2026, 7, 20)


def _read(text: str) -> Units:
    (tokens,) = tokens_of(text, Sentence(0, len(text), None, None))
    return units_of(tokens, _ON)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("13/24 -> 14/24", "<n/24> → <n/24>"),
        ("9/10 → 4/10", "<n/10> → <n/10>"),
        ("9/10 => 4/10", "<n/10> → <n/10>"),
        ("pain (0-10): 5", "pain <scale> : <num>"),
        ("8 on a scale of 10", "<n/10>"),
        ("eight of ten", "<n/10>"),
        ("5 over 5", "<5/5>"),
        ("4+ out of 5", "<weak/5>"),
        ("MRC grade 4", "<weak/5>"),
        ("MRC 5", "<5/5>"),
        ("quads 4+", "quads <weak/5>"),
        ("hip flexors 4 on the right", "hip flexors <weak/5> on the right"),
        ("knee extensors 4 sets", "knee extensors <num> sets"),
        ("IP R 3", "ip r <weak/5>"),
        ("grade 3 power", "grade <weak/5> power"),
        ("grade 3 ulcer", "grade <num> ulcer"),
        ("it didn't help", "it did not help"),
        ("it hasn’t helped", "it has not helped"),
        ("can't sit", "cannot sit"),
        ("cant sit, wont stand", "cannot sit , will not stand"),
        ("isnt better", "is not better"),
        ("don t", "don t"),
        ("[x] Yes [ ] No", "<box> yes <nobox> no"),
        ("Yes ___ No _X_", "<nobox> yes <box> no"),
        ("weakness: Yes [ ] No [X]", "weakness : <nobox> yes <box> no"),
        ("( ) pain (x) weakness", "<nobox> pain <box> weakness"),
        ("[_] pain [✓] weakness", "<nobox> pain <box> weakness"),
        ("□ pain ■ weakness", "<nobox> pain <box> weakness"),
        ("clonus (-) Babinski (+)", "clonus <neg> babinski <pos>"),
        ("from 2 of 3 nodes", "from <num> of <num> nodes"),
    ],
)
def test_signs_and_scores(text: str, words: str) -> None:
    assert " ".join(_read(text).words) == words


@pytest.mark.parametrize(
    ("text", "low", "high", "unit"),
    [
        ("for 6 weeks", 6, 6, "wk"),
        ("since yesterday", 0, 48, "h"),
        ("since the day before yesterday", 24, 72, "h"),
        ("x3 wks", 3, 3, "wk"),
        ("3-wk", 3, 3, "wk"),
        ("three-week", 3, 3, "wk"),
        ("a couple of months", 2, 2, "mo"),
        ("couple weeks", 2, 2, "wk"),
        ("two and a half years", 2.5, 2.5, "a"),
        ("a year and a half", 1.5, 1.5, "a"),
        ("2 ½ weeks", 2.5, 2.5, "wk"),
        ("half a year", 0.5, 0.5, "a"),
        ("a fortnight", 2, 2, "wk"),
        ("between 3 and 6 months", 3, 6, "mo"),
        ("9 to 12 months", 9, 12, "mo"),
        ("3 or 4 days", 3, 4, "d"),
        ("6+ months", 6, None, "mo"),
        ("nine months or longer", 9, None, "mo"),
        ("a year or better", 1, None, "a"),
        ("at least a year", 1, None, "a"),
        (">= 6 months", 6, None, "mo"),
        ("> 6 mo", 6, None, "mo"),
        ("for over 6 weeks", 6, None, "wk"),
        ("extended over five months", 5, 5, "mo"),
        ("less than three months", None, 3, "mo"),
        ("forty-eight hours", 48, 48, "h"),
    ],
)
def test_times(text: str, low: float | None, high: float | None, unit: str) -> None:
    ((value, *_),) = [list(_read(text).values.values())]
    assert value.interval is not None and (value.interval.low, value.interval.high, value.unit) == (low, high, unit)


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2026-07-04", dt.date(2026, 7, 4)),
        ("7/4/26", dt.date(2026, 7, 4)),
        ("04-JUL-2026", dt.date(2026, 7, 4)),
        ("4 July 2026", dt.date(2026, 7, 4)),
        ("July 4, 2026", dt.date(2026, 7, 4)),
        ("July 4th, 2026", dt.date(2026, 7, 4)),
        ("the 4th of July", dt.date(2026, 7, 4)),
        ("on July 4", dt.date(2026, 7, 4)),
        ("since 3/5", dt.date(2026, 3, 5)),
        ("since 12/24", dt.date(2025, 12, 24)),
        ("began 07/04", dt.date(2026, 7, 4)),
        ("since Friday", dt.date(2026, 7, 17)),
    ],
)
def test_dates(text: str, date: dt.date) -> None:
    assert [value.date for value in _read(text).values.values()] == [date]


@pytest.mark.parametrize("text", ["strength 4/5", "pain on 8/10", "T1 and T2", "may 5", "ESCC 2"])
def test_no_date(text: str) -> None:
    assert all(value.date is None for value in _read(text).values.values())


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Date: 08 September 2026\nSeen.", dt.date(2026, 9, 8)),
        ("February 17, 2026\n\nTo whom it may concern:", dt.date(2026, 2, 17)),
        ("Spine surgery consultation, 2 December 2026", dt.date(2026, 12, 2)),
        ("RADIATION ONCOLOGY CONSULT, 04-MAR-2026", dt.date(2026, 3, 4)),
        ("SPINE CONSULT          Seen 08/29/2026 at 07:30", dt.date(2026, 8, 29)),
        ("PAIN MEDICINE FOLLOW UP (outpatient)\n01/09/2026\n", dt.date(2026, 1, 9)),
        ("TRANSFER SUMMARY (scanned)     DATE 2026-\n05-30\n", dt.date(2026, 5, 30)),
        ("DOB: 02/03/1950\nDate of service: 06/01/2026", dt.date(2026, 6, 1)),
        ("DOB 02/03/1950\nSeen 06/01/2026", dt.date(2026, 6, 1)),
        ("MRI of 05/05/2026 shows a fracture.", None),
        ("No date.", None),
    ],
)
def test_the_date_of_a_note(text: str, date: dt.date | None) -> None:
    assert note_date(text) == date
