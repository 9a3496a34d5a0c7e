"""Short sentences that only say how the value before them was got: "AzBio 14%. Done without aids.", "Sat 86%. Taken on 2 L."."""

import re
from typing import Final

_HOW: Final = re.compile(
    r"\s*(?:"
    r"(?:(?:(?:this|it|that|these|all|both)\s+(?:was|were)\s+)?(?:done|tested|obtained|measured|recorded|taken|performed)"
    r"|(?:he|she|(?:the\s+)?(?:patient|pt))\s+was\s+tested)"
    r"\s+(?:with|without|on|off|in|while|unaided|using|under|through)\b(?!\s*:)"
    r"|(?:(?:the|this|that)\s+)?(?:test|score|result)\s+was\s+(?:done|obtained|taken)\s+with\b"
    r"|(?:this|that|it|these)(?:\s+(?:test|score|result|reading|value)s?)?\s+(?:is|was|are|were)\s+(?:(?:in|not\s+)valid|unreliable)\b"
    r"|(?:(?:both|the|her|his)\s+)?(?:hearing\s+)?aids?\s+(?:(?:was|were)\s+)?(?:not\s+(?:worn|used|in|on)|out|off|removed)\b"
    r")",
    re.IGNORECASE,
)


_GOT: Final = re.compile(
    r"\s*(?:he|she|(?:the\s+)?(?:patient|pt))\s+(?:repeated|scored|got|understood|achieved|reached)\s[^.;\n]{0,12}?"
    r"[0-9]{1,3}\s?(?:%|percent\b|per cent\b)",
    re.IGNORECASE,
)
"""What came of the test that stands before the semicolon: "AzBio was played in quiet; she repeated 21 percent"."""


def goes_on(text: str, at: int, end: int) -> bool:
    """Whether the words at ``at`` have no subject but the value in the sentence before, which they therefore belong to."""
    return _HOW.match(text, at, end) is not None or (text[at - 1 : at] == ";" and _GOT.match(text, at, end) is not None)
