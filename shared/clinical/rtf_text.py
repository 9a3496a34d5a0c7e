"""Text of Rich Text Format (RTF 1.9.1), as much of it as notes use."""

import re
from dataclasses import dataclass, field, replace
from typing import Final

_TOKEN = re.compile(rb"\\([a-z]{1,32})(-?[0-9]{1,9})? ?|\\'([0-9a-fA-F]{2})|\\([^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)")
_SKIPPED: Final = frozenset(
    b"fonttbl colortbl stylesheet info pict object themedata datastore listtable listoverridetable revtbl rsidtbl "
    b"generator xmlnstbl latentstyles fldinst footnote annotation atnid atnauthor header footer headerl headerr footerl "
    b"footerr nonshppict".split()
)
"""Destinations that hold no text of the note's body."""
_TEXT: Final = {
    b"par": "\n",
    b"line": "\n",
    b"sect": "\n",
    b"page": "\n",
    b"row": "\n",
    b"tab": "\t",
    b"cell": "\t",
    b"emdash": "\u2014",
    b"endash": "\u2013",
    b"bullet": "\u2022",
    b"lquote": "\u2018",
    b"rquote": "\u2019",
    b"ldblquote": "\u201c",
    b"rdblquote": "\u201d",
}
_HIDDEN: Final = frozenset({b"v", b"strike", b"striked", b"deleted"})
"""Character properties whose text is not shown, or is struck out and so no longer stated; ``\\plain`` ends them."""
_SYMBOLS: Final = {b"~": " ", b"_": "-", b"\\": "\\", b"{": "{", b"}": "}", b"\r": "\n", b"\n": "\n"}
_CODE_PAGES: Final = frozenset({437, 850, 1250, 1251, 1252, 1253, 1254, 1257})
_MAX_GROUPS: Final = 500


@dataclass(frozen=True, slots=True)
class _Group:
    skipped: bool = False
    hidden: frozenset[bytes] = frozenset()
    fallback: int = 1
    """How many characters stand in for one ``\\u`` (``\\uc``)."""


def rtf_text(data: bytes) -> str | None:
    """The text of an RTF document; None where the bytes are no RTF or are nested beyond reason."""
    if not data.lstrip().startswith(b"{\\rtf"):
        return None
    reader = _Reader()
    position = 0
    while position < len(data) and len(reader.groups) <= _MAX_GROUPS:
        token = _TOKEN.match(data, position)
        position = position + 1 if token is None else token.end() + reader.read(token)
    return None if len(reader.groups) > _MAX_GROUPS else "".join(reader.out)


@dataclass(slots=True)
class _Reader:
    out: list[str] = field(default_factory=list)
    groups: list[_Group] = field(default_factory=list)
    group: _Group = _Group()
    codec: str = "cp1252"
    stand_ins: int = 0
    """Characters still to be passed over, since they stand in for a ``\\u`` that was understood."""
    high_surrogate: int = 0

    def read(self, token: re.Match[bytes]) -> int:
        """Takes one token; returns how many bytes of binary data follow that are to be passed over."""
        word, number, hexadecimal, symbol, brace, text = token.groups()
        if brace is not None:
            self._brace(opens=brace == b"{")
        elif word == b"bin":
            return max(int(number or 0), 0)
        elif word is not None:
            self._word(word, number)
        elif symbol == b"*":
            self.group = replace(self.group, skipped=True)
        elif symbol is not None:
            self._add(_SYMBOLS.get(symbol, ""))
        else:
            raw = bytes.fromhex(hexadecimal.decode()) if hexadecimal is not None else text or b""
            self._add(raw[self.stand_ins :].decode(self.codec, errors="replace"))
            self.stand_ins = max(self.stand_ins - len(raw), 0)
        return 0

    def _brace(self, *, opens: bool) -> None:
        self.stand_ins = 0
        if opens:
            self.groups.append(self.group)
        else:
            self.group = self.groups.pop() if self.groups else _Group()

    def _word(self, word: bytes, number: bytes | None) -> None:
        if word == b"u" and number is not None:
            self.high_surrogate, character = _utf_16(self.high_surrogate, int(number) & 0xFFFF)
            self._add(character)
            self.stand_ins = self.group.fallback
        elif word == b"ansicpg" and number is not None and int(number) in _CODE_PAGES:
            self.codec = f"cp{int(number)}"
        else:
            self.group = _control(self.group, word, number)
            self._add(_TEXT.get(word, ""))

    def _add(self, text: str) -> None:
        if text and not self.group.skipped and not self.group.hidden:
            self.out.append(text)


def _control(group: _Group, word: bytes, number: bytes | None) -> _Group:
    if word in _SKIPPED:
        return replace(group, skipped=True)
    if word in _HIDDEN:
        return replace(group, hidden=group.hidden - {word} if number == b"0" else group.hidden | {word})
    if word == b"plain":
        return replace(group, hidden=frozenset())
    if word == b"uc" and number is not None:
        return replace(group, fallback=min(max(int(number), 0), 16))
    return group


def _utf_16(high: int, unit: int) -> tuple[int, str]:
    """The next pending high surrogate and the character that this UTF-16 unit completes."""
    if 0xD800 <= unit < 0xDC00:
        return unit, ""
    if 0xDC00 <= unit < 0xE000:
        return 0, chr(0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00)) if high else "\ufffd"
    return 0, chr(unit)
