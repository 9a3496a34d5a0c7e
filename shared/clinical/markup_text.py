"""Text of HTML, and of the narrative blocks of an HL7 Clinical Document (CDA R2)."""

import re
from html.parser import HTMLParser
from typing import Final

_SILENT: Final = frozenset({"script", "style", "template", "head", "del", "s", "strike", "noscript"})
"""Elements whose text is not shown, or is struck out and so no longer stated."""
_BLOCKS: Final = frozenset(
    re.findall(
        r"\w+",
        "address article aside blockquote caption dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr li "
        "list item main nav ol p paragraph pre section table tbody tfoot thead title tr ul",
    )
)
_CELLS: Final = frozenset({"td", "th"})
_BLANKS = re.compile(r"[ \t\r\f\v\xa0]+")
_LINE_ENDS = re.compile(r" ?\n ?")
_EMPTY_LINES = re.compile(r"\n{3,}")


class _Text(HTMLParser):
    """Collects the text; ``within`` limits it to these elements."""

    def __init__(self, within: frozenset[str] | None = None) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.root = ""
        self._within = within
        self._silent: list[str] = []
        self._shown = 0
        self._preformatted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = tag.rpartition(":")[2]
        self.root = self.root or name
        if name in _SILENT:
            self._silent.append(name)
        if self._within is not None and name in self._within:
            self._shown += 1
        if name == "pre":
            self._preformatted += 1
        self._separate(name)

    def handle_endtag(self, tag: str) -> None:
        name = tag.rpartition(":")[2]
        if name in self._silent:
            while self._silent.pop() != name:
                pass
        # An end of <head> that was left out is the start of <body>, which is no end tag; the list is emptied there.
        self._separate(name)
        if self._within is not None and name in self._within and self._shown:
            self._shown -= 1
            self.parts.append("\n")
        if name == "pre" and self._preformatted:
            self._preformatted -= 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._separate(tag.rpartition(":")[2])

    def handle_data(self, data: str) -> None:
        if not self._silent and (self._within is None or self._shown):
            self.parts.append(data if self._preformatted else data.replace("\n", " "))

    def _separate(self, name: str) -> None:
        if name == "body":
            self._silent.clear()
        elif name == "br":
            self.parts.append("\n")
        elif name in _BLOCKS:
            self.parts.append("\n\n")
        elif name in _CELLS:
            self.parts.append(" ")

    def text(self) -> str:
        """The collected text with blanks joined and no more than one empty line in a row."""
        joined = _LINE_ENDS.sub("\n", _BLANKS.sub(" ", "".join(self.parts)))
        return _EMPTY_LINES.sub("\n\n", joined).strip()


def html_text(html: str) -> str:
    """What a reader of the page sees. An empty line parts blocks, so that no sentence runs from one into the next."""
    return _parsed(_Text(), html).text()


def cda_text(xml: str) -> str | None:
    """The titles and narrative texts of a ClinicalDocument; None where the XML is something else.

    The coded entries and the header repeat or identify, so they are left out. No entity is expanded beyond HTML's own,
    and nothing outside of the document is ever read.
    """
    parser = _parsed(_Text(frozenset({"title", "text"})), xml)
    return parser.text() if parser.root == "clinicaldocument" else None


def _parsed(parser: _Text, markup: str) -> _Text:
    parser.feed(markup)
    parser.close()
    return parser
