"""Quotes marked in a note: whatever the note says and however quotes overlap, its words stay and every quote is found."""

import html
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from services.console.domain.highlight import Quote, escaped, highlighted, placed

TEXTS = st.text(alphabet=st.sampled_from("ab<>&\"'\n é𝔘\u202e\x00"), max_size=40)


@st.composite
def notes(draw: st.DrawFn) -> tuple[str, list[Quote]]:
    """A note and distinct quotes within it, nested, crossing, and side by side."""
    text = draw(TEXTS.filter(bool))
    spans = draw(st.lists(st.tuples(st.integers(0, len(text) - 1), st.integers(1, len(text))), max_size=8))
    quotes = {Quote(min(a, b - 1), max(a + 1, b)) for a, b in spans}
    return text, sorted(quotes)


class Reading(HTMLParser):
    """What a browser makes of it: the text, the text under each name, the ids, and whether elements nest."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.under: dict[str, str] = {}
        self.ids: list[str] = []
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.open.append(given["data-quote"] or "")
        if given.get("id"):
            self.ids.append(given["id"] or "")

    def handle_endtag(self, tag: str) -> None:
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text += data
        for name in set(self.open):
            self.under[name] = self.under.get(name, "") + data


def shown(text: str) -> str:
    """A note's text as it is shown."""
    return html.unescape(escaped(text))


@given(notes())
def test_the_words_of_a_note_stay_and_each_quote_has_its_own(case: tuple[str, list[Quote]]) -> None:
    text, quotes = case
    read = Reading(highlighted(text, quotes))
    assert read.text == shown(text)
    assert read.under == {q.anchor: shown(text)[q.start : q.end] for q in quotes}
    assert sorted(read.ids) == sorted(q.anchor for q in quotes)
    assert read.open == []
    assert read.tags <= {"mark"}


def test_a_quote_that_crosses_another_goes_on_under_its_name() -> None:
    marked = highlighted("abcdef", [Quote(0, 4), Quote(2, 6)])
    assert marked == (
        '<mark id="q-0-4" tabindex="-1" data-quote="q-0-4">ab'
        '<mark id="q-2-6" tabindex="-1" data-quote="q-2-6">cd</mark></mark>'
        '<mark data-quote="q-2-6">ef</mark>'
    )


def test_offsets_are_code_points_and_markup_is_text() -> None:
    text = "𝔘𝔘 <script>alert(1)</script>"
    assert "<script" not in highlighted(text, [Quote(3, 11)])
    assert Reading(highlighted(text, [Quote(3, 11)])).under == {"q-3-11": "<script>"}


def test_marks_that_reorder_text_are_not_passed_on() -> None:
    assert escaped("pain \u202e0/10\x07") == "pain \ufffd0/10\ufffd"


@given(TEXTS, st.integers(-3, 50), st.integers(-3, 50), TEXTS)
def test_only_quotes_that_stand_where_they_say_are_placed(text: str, start: int, end: int, words: str) -> None:
    true = 0 <= start < end <= len(text) and text[start:end] == words
    assert placed(text, [(Quote(start, end), words)]) == ([Quote(start, end)] if true else [])
