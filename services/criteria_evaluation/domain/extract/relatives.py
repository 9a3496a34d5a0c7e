"""A story about a relative that goes on in the next sentence: "His wife also has COPD. Her saturation at rest is 85%."""

import re
from typing import Final

_STORY: Final = re.compile(
    r"(?:(?:my|his|her|their|the)\s+)?(?:(?P<she>mother|mom|sister|wife|daughter|aunt|grandmother|niece)"
    r"|(?P<he>father|dad|brother|husband|son|uncle|grandfather|nephew))\s+(?:also\s+)?"
    r"(?:has|had|is|was|uses|used|needs|needed|suffers|suffered|developed|underwent|received)\s"
    r"(?!present|here|with|at|in|on|concerned|worried|available|able|helping|supportive|his|her|the)",
    re.IGNORECASE,
)
_GOES_ON: Final = {"she": re.compile(r"(?:she|her)\b", re.IGNORECASE), "he": re.compile(r"(?:he|his)\b", re.IGNORECASE)}


_INTRODUCED: Final = 600
"""A note says within so many characters whether its patient is a man or a woman."""
_COUNTED: Final = 4000
_NEAR: Final = 40
"""What "she" does to the patient stands so near: "she hears him snore"; later he is only mentioned."""
_OF_A_MAN: Final = re.compile(
    r"(?<!dear )\b(?:mr|man|male|gentleman|boy)\b|\b[0-9]{1,3} ?(?:yo|y/o|y\.o\.)? ?M\b", re.IGNORECASE
)
_OF_A_WOMAN: Final = re.compile(
    r"(?<!dear )\b(?:mrs|ms|miss|woman|female|lady|girl)\b|\b[0-9]{1,3} ?(?:yo|y/o|y\.o\.)? ?F\b", re.IGNORECASE
)
_HE: Final = re.compile(r"[HhPp](?i:(?<=\bh)(?:e|im|is)|(?<=\bp)(?:atient|t))\b")
_SHE: Final = re.compile(r"[SsſHhPp](?i:(?<=\bs)he|(?<=\bh)ers?|(?<=\bp)(?:atient|t))\b")
"""He, him, his or she, her, hers, or the patient; the set of first letters lets all other words be skipped fast."""


_EXAMINES: Final = re.compile(
    r"s?he\s(?:also\s)?(?:found|finds|examined|examines|considers|scored|scores|measured|graded|rated|reviewed|judges|recommends|proposes)\b",
    re.IGNORECASE,
)
"""What a clinician does, whatever his sex: "He found full strength in both legs"."""
_HIM: Final = re.compile(r"\bhe\b", re.IGNORECASE)
_HER: Final = re.compile(r"\bshe\b", re.IGNORECASE)
_CLEARLY: Final = 2
"""Where no word tells the patient's sex, the one who is spoken of so much oftener is the patient."""
_BEGINNINGS: Final = frozenset({"Sh", "sh", "SH", "He", "he", "HE", "Hi", "hi", "HI"})
"""The first letters of she, her, he and his."""


_Sex = tuple[re.Pattern[str], re.Pattern[str]]
"""How a sentence about another person begins, and the words for the patient."""


def _sex_in(text: str) -> _Sex | None:
    """What tells another person from the patient; None where the note leaves open who is what."""
    man = _OF_A_MAN.search(text, 0, _INTRODUCED) is not None
    woman = _OF_A_WOMAN.search(text, 0, _INTRODUCED) is not None
    if not man and not woman:
        oftener = len(_HIM.findall(text, 0, _COUNTED)) - len(_HER.findall(text, 0, _COUNTED))
        man, woman = oftener >= _CLEARLY, oftener <= -_CLEARLY
    own, other = (_HE, _SHE) if man else (_SHE, _HE)
    if man == woman or _often(own, text) <= _often(other, text):
        return None
    return _GOES_ON["she" if man else "he"], own


def _often(person: re.Pattern[str], text: str) -> int:
    return len(person.findall(text, 0, _COUNTED))


class Relatives:
    """Whom the sentences are about, as they come. Of two persons of one sex the story stays with the relative, so that
    no value of hers is taken for the patient's. What "she" has in a man's note, without a word of him, is not his."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._told: re.Pattern[str] | None = None
        self._sex: _Sex | None = None
        self._is_asked = False

    def _is_another(self, start: int, end: int) -> bool:
        if self._text[start : start + 2] not in _BEGINNINGS or _EXAMINES.match(self._text, start, end):
            return False
        if not self._is_asked:  # Not a cached property, which compiled code works out anew each time.
            self._sex, self._is_asked = _sex_in(self._text), True
        if self._sex is None:
            return False
        other, own = self._sex
        return bool(other.match(self._text, start, end)) and not own.search(self._text, start, min(end, start + _NEAR))

    def meant(self, start: int, end: int, *, begins: bool) -> bool:
        """Whether the sentence from ``start`` to ``end`` is about another person. ``begins``: it is the first of its section.
        A paragraph begins with the patient again."""
        if self._is_another(start, end):
            return True
        begins = begins or self._text[max(0, start - 2) : start] == "\n\n"
        if self._told is not None and not begins and self._told.match(self._text, start):
            return True
        story = _STORY.match(self._text, start)
        self._told = _GOES_ON["she" if story["she"] else "he"] if story else None
        return False
