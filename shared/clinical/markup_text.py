"""Text of HTML, and of the narrative blocks of an HL7 Clinical Document (CDA R2).

The tokens are found by one expression that never goes back: a parser of the standard library took five minutes over 200 kB
of ``<a <a <a``, and one that builds the tree of the HTML standard copies open elements without bound. Charts need neither.
"""

import html as entities
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

_TOKEN: Final = re.compile(
    r"<!--(?:.*?-->|.*+)"
    r"|<[!?][^>]*+>?"
    r"|<(?P<end>/?)(?P<name>[A-Za-z][^\s/>]*+)(?P<attributes>(?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+)>?"
    r"|(?P<text>[^<]++|<)",
    re.DOTALL,
)
_RAW: Final = frozenset({"script", "style", "noscript", "iframe", "noembed", "noframes", "xmp"})
"""Elements whose content is no markup and is not shown: it ends at their end tag and nowhere else."""
_SILENT: Final = frozenset({"template", "head", "del", "s", "strike", "object", "select", "audio", "video"})
"""Elements whose text is not shown, or is struck out and so no longer stated."""
_EMPTY: Final = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"]
)
_BLOCKS: Final = frozenset(
    re.findall(
        r"\w+",
        "address article aside blockquote caption dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr li "
        "list item main nav ol p paragraph pre section table tbody tfoot thead title tr ul",
    )
)
_CLOSED_BY_THEIR_LIKE: Final = frozenset({"p", "li", "td", "th", "tr", "dd", "dt", "option"})
_CELLS: Final = frozenset({"td", "th"})
_QUOTED: Final = re.compile(r"\"[^\"]*+\"|'[^']*+'")
_HIDDEN: Final = re.compile(r"(?:^|\s)hidden(?=[\s=/]|$)", re.IGNORECASE)
_STYLE: Final = re.compile(r"\bstyle\s*+=\s*+(\"[^\"]*+\"|'[^']*+'|[^\s>]++)", re.IGNORECASE)
_INVISIBLE: Final = re.compile(
    r"display\s*+:\s*+none|visibility\s*+:\s*+hidden|font-size\s*+:\s*+0(?![.\d]*[1-9])|opacity\s*+:\s*+0(?![.\d]*[1-9])"
    r"|mso-hide\s*+:\s*+all",
    re.IGNORECASE,
)
_LONG_NUMBER: Final = re.compile(r"&#[xX]?+[0-9a-fA-F]{9,}+;?+")
_BLANKS = re.compile(r"[ \t\r\f\v\xa0]+")
_LINE_ENDS = re.compile(r" ?\n ?")
_EMPTY_LINES = re.compile(r"\n{3,}")
_MARKUP: Final = re.compile(r"<(?:[!/?]|[A-Za-z][A-Za-z0-9]*[\s/>])")


@dataclass(slots=True)
class _Text:
    """Collects the text; ``within`` limits it to these elements."""

    within: frozenset[str] | None = None
    parts: list[str] = field(default_factory=list)
    root: str = ""
    silent: list[str] = field(default_factory=list)
    """The open elements since text stopped being shown: the one that hides it, and those inside that bear a name of these."""
    open: Counter[str] = field(default_factory=Counter)
    shown: int = 0
    preformatted: int = 0

    def start(self, name: str, attributes: str) -> None:
        """A start tag."""
        self.root = self.root or name
        if attributes.endswith("/"):
            self._separate(name)
            return
        while self.silent and _closes(self.silent[-1], name):
            self._pop()
        if name not in _EMPTY and (name in _SILENT or self.open[name] or _is_hidden(attributes)):
            self.silent.append(name)
            self.open[name] += 1
        if self.within is not None and name in self.within:
            self.shown += 1
        if name == "pre":
            self.preformatted += 1
        self._separate(name)

    def end(self, name: str) -> None:
        """An end tag."""
        if self.open[name]:
            while self._pop() != name:
                pass
        # An end of <head> that was left out is the start of <body>, which is no end tag; the list is emptied there.
        self._separate(name)
        if self.within is not None and name in self.within and self.shown:
            self.shown -= 1
            self.parts.append("\n")
        if name == "pre" and self.preformatted:
            self.preformatted -= 1

    def data(self, data: str) -> None:
        """Text between tags."""
        if not self.silent and (self.within is None or self.shown):
            shown = entities.unescape(_LONG_NUMBER.sub("\ufffd", data)) if "&" in data else data
            self.parts.append(shown if self.preformatted else shown.replace("\n", " "))

    def _pop(self) -> str:
        name = self.silent.pop()
        self.open[name] -= 1
        return name

    def _separate(self, name: str) -> None:
        if name == "body":
            self.silent.clear()
            self.open.clear()
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


def _closes(open_name: str, name: str) -> bool:
    """Whether a start tag ends an open element whose end tag may be left out."""
    return open_name in _CLOSED_BY_THEIR_LIKE and (open_name == name or (open_name == "p" and name in _BLOCKS))


def _is_hidden(attributes: str) -> bool:
    if not attributes.strip():
        return False
    if _HIDDEN.search(_QUOTED.sub('""', attributes)):
        return True
    style = _STYLE.search(attributes)
    return style is not None and _INVISIBLE.search(style[1]) is not None


def html_text(html: str) -> str:
    """What a reader of the page sees. An empty line parts blocks, so that no sentence runs from one into the next.

    Scripts, styles, comments and what an attribute hides are no text. Rules of a style sheet are not applied.
    """
    return _read(_Text(), html, raw=True).text()


def cda_text(xml: str) -> str | None:
    """The titles and narrative texts of a ClinicalDocument; None where the XML is something else.

    The coded entries and the header repeat or identify, so they are left out. No entity is expanded beyond HTML's own,
    and nothing outside of the document is ever read.
    """
    found = _read(_Text(frozenset({"title", "text"})), xml, raw=False)
    return found.text() if found.root == "clinicaldocument" else None


def has_markup(text: str) -> bool:
    """Whether there is any tag, comment or declaration in the text."""
    return _MARKUP.search(text) is not None


def _read(into: _Text, markup: str, *, raw: bool) -> _Text:
    position = 0
    while position < len(markup):
        token = _TOKEN.match(markup, position)
        if token is None:
            break
        position = token.end()
        if token["text"] is not None:
            into.data(token["text"])
        elif token["name"] is not None:
            name = token["name"].lower().rpartition(":")[2]
            if token["end"]:
                into.end(name)
            elif raw and name in _RAW and not token["attributes"].endswith("/"):
                end = re.compile(f"</{name}(?=[\\s/>])", re.IGNORECASE).search(markup, position)
                position = len(markup) if end is None else end.start()
            else:
                into.start(name, token["attributes"])
    return into
