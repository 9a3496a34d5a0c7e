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


class Relatives:
    """Whom the sentences are about, as they come. Of two persons of one sex the story stays with the relative, so that
    no value of hers is taken for the patient's."""

    def __init__(self) -> None:
        self._told: re.Pattern[str] | None = None

    def meant(self, text: str, start: int, *, begins: bool) -> bool:
        """Whether the sentence at ``start`` goes on about a relative. ``begins``: it is the first of its section."""
        if self._told is not None and not begins and self._told.match(text, start):
            return True
        story = _STORY.match(text, start)
        self._told = _GOES_ON["she" if story["she"] else "he"] if story else None
        return False
