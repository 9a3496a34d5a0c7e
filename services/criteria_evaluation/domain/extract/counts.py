"""Numbers in digits or words."""

from typing import Final

from services.criteria_evaluation.domain.extract.numerals import NUMBER_WORDS
from services.criteria_evaluation.domain.extract.words import Tokens

_DASHES: Final = frozenset({"-", "–", "—"})
HALVES: Final = {"½": 0.5, "¼": 0.25, "¾": 0.75}


def number_at(tokens: Tokens, i: int) -> tuple[float, int] | None:
    """A number at ``i`` (digits or words) and the index after it."""
    word = tokens.word(i)
    if not word:
        return None
    if word in NUMBER_WORDS:
        number, j = NUMBER_WORDS[word], i + 1
        if number >= 20:
            k = j + 1 if tokens.word(j) in _DASHES else j
            ones = NUMBER_WORDS.get(tokens.word(k), 0.0)
            if 1 <= ones <= 9:
                number, j = number + ones, k + 1
        if 1 <= number <= 9 and tokens.word(j) == "hundred":
            return _hundreds(tokens, number * 100, j + 1)
        return _with_decimals(tokens, number, j)
    if "0" <= word[0] <= "9" and "-" not in word and "/" not in word and word.count(".") < 2:
        number = float(word)
        return (number, i + 1) if number < 1e6 else None
    return (HALVES[word], i + 1) if word in HALVES else None


def _hundreds(tokens: Tokens, hundreds: float, j: int) -> tuple[float, int]:
    """``two hundred and ten``: hundreds in words, with the tens and ones after them."""
    k = j + 1 if tokens.word(j) == "and" else j
    rest = number_at(tokens, k) if 1 <= NUMBER_WORDS.get(tokens.word(k), 0.0) < 100 else None
    return (hundreds + rest[0], rest[1]) if rest is not None and rest[0] < 100 else (hundreds, j)


def _with_decimals(tokens: Tokens, number: float, j: int) -> tuple[float, int]:
    """``fourteen point nine``: a number in words with the digits that follow its point."""
    if tokens.word(j) != "point":
        return number, j
    digits = ""
    k = j + 1
    while 0 <= NUMBER_WORDS.get(tokens.word(k), 10.0) <= 9:
        digits += str(int(NUMBER_WORDS[tokens.word(k)]))
        k += 1
    return (number + float(f"0.{digits}"), k) if digits else (number, j)
