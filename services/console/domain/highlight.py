"""A note as HTML with every quote marked. Pure, and safe: what a note says is text and never markup.

Offsets are code points, as in ``priorauth.determination/1``. Quotes may overlap in any way; HTML elements may only
nest, so a quote that crosses the end of another goes on in a second ``<mark>`` of the same name.
"""

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

# Controls, and marks that reorder text: a reader is to see what the extractor read, in its order.
_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
)


@dataclass(frozen=True, slots=True, order=True)
class Quote:
    """The words between two code points of a note."""

    start: int
    end: int

    @property
    def anchor(self) -> str:
        """The id of its mark, which follows from its place."""
        return f"q-{self.start}-{self.end}"


@dataclass(slots=True)
class _Writer:
    """The HTML so far, and the quotes that are open, outermost first."""

    text: str
    parts: list[str] = field(default_factory=list)
    open: list[Quote] = field(default_factory=list)
    at: int = 0

    def write_to(self, place: int) -> None:
        self.parts.append(escaped(self.text[self.at : place]))
        self.at = place

    def begin(self, quote: Quote, *, first: bool) -> None:
        # An id stands once on a page, so the further parts of a crossed quote have its name only.
        identity = f' id="{quote.anchor}" tabindex="-1"' if first else ""
        self.parts.append(f'<mark{identity} data-quote="{quote.anchor}">')
        self.open.append(quote)

    def finish(self, quotes: Iterable[Quote]) -> None:
        ending = set(quotes)
        crossed: list[Quote] = []
        while ending:
            last = self.open.pop()
            self.parts.append("</mark>")
            if last in ending:
                ending.discard(last)
            else:
                crossed.append(last)
        for quote in reversed(crossed):
            self.begin(quote, first=False)


def placed(text: str, quotes: Iterable[tuple[Quote, str]]) -> list[Quote]:
    """The quotes whose words stand in ``text`` where they say, each once, in order of place.

    A quote that does not is left out rather than marked at a wrong place.
    """
    return sorted({q for q, words in quotes if 0 <= q.start < q.end <= len(text) and text[q.start : q.end] == words})


def highlighted(text: str, quotes: Sequence[Quote]) -> str:
    """``text`` escaped, with a ``<mark>`` around each quote, in time linear in the text and in what it gives back.

    ``quotes`` are distinct and lie within the text, as ``placed`` gives them.
    """
    writer = _Writer(text)
    begins = {place: sorted(found, key=lambda q: -q.end) for place, found in _by(quotes, end=False)}
    ends = dict(_by(quotes, end=True))
    for place in sorted({*begins, *ends}):
        writer.write_to(place)
        writer.finish(ends.get(place, ()))
        for quote in begins.get(place, ()):
            writer.begin(quote, first=True)
    writer.write_to(len(text))
    return "".join(writer.parts)


def escaped(text: str) -> str:
    """Text for HTML; what cannot be shown as it is becomes a replacement character."""
    return html.escape(_UNSAFE.sub("\ufffd", text), quote=True)


def _by(quotes: Sequence[Quote], *, end: bool) -> Iterable[tuple[int, list[Quote]]]:
    def place(quote: Quote) -> int:
        return quote.end if end else quote.start

    return ((where, list(found)) for where, found in groupby(sorted(quotes, key=place), key=place))
