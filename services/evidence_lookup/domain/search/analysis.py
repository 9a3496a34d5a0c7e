"""Turns text into the terms that the lexical index counts: folded, without function words, stemmed. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

import Stemmer

_GREEK: Final = str.maketrans(
    {
        "α": "alpha",
        "β": "beta",
        "γ": "gamma",
        "δ": "delta",
        "ε": "epsilon",
        "θ": "theta",
        "κ": "kappa",
        "λ": "lambda",
        "μ": "mu",
        "µ": "mu",
        "σ": "sigma",
        "τ": "tau",
        "ω": "omega",
        "’": "'",
        "‐": "-",
        "‑": "-",
        "–": "-",
    }
)
_WORD: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_POSSESSIVE: Final = re.compile(r"'s\b")
_OUR: Final = re.compile(r"our(?=$|s$|al|ed$)")
_ISE: Final = re.compile(r"is(?=e$|ed$|es$|ing$|ation$|ations$)")

_FUNCTION_WORDS: Final = """
    a about above after again against all also although am among amongst an and any are as at be became because become
    been before being below between both but by can cannot could did do does doing done due during each either et etc
    every few for from further had has have having he hence her here hers him his how however i if in into is it its
    itself just may me might more most much must my no nor not of off often on once only or other our out over own per
    same several shall she should since so some such than that the their theirs them then there therefore these they
    this those through thus to too toward towards under until up upon us use used uses using very via was we were what
    when where whether which while who whom whose why will with within without would you your
"""
STOP_WORDS: Final = frozenset(_FUNCTION_WORDS.split())
_MEMO_SIZE: Final = 1_000_000


class Analyzer:
    """Text to terms, by the Snowball stemmer for English. Words are remembered, since texts repeat them.

    British and American spellings give the same term (``haemorrhage``, ``tumour``, ``randomised``), accents are taken
    off and Greek letters are spelt out. Of a compound each part is a term; where a part is a single character, so that
    it would be lost, the compound is one as well (``t-cell``: ``cell`` and ``tcell``).
    """

    def __init__(self) -> None:
        self._stemmer = Stemmer.Stemmer("english")
        self._memo: dict[str, tuple[str, ...]] = {}

    def terms(self, text: str) -> list[str]:
        """The terms of a text in its order."""
        memo = self._memo
        found: list[str] = []
        for word in _WORD.findall(_fold(text)):
            terms = memo.get(word)
            if terms is None:
                if len(memo) >= _MEMO_SIZE:
                    memo.clear()
                terms = memo[word] = tuple(self._of_word(word))
            found += terms
        return found

    def _of_word(self, word: str) -> Iterable[str]:
        parts = word.split("-")
        for part in parts:
            if len(part) > 1 and part not in STOP_WORDS:
                yield str(self._stemmer.stemWord(_one_spelling(part)))
        if len(parts) > 1 and any(len(part) == 1 for part in parts):
            yield "".join(parts)


def _fold(text: str) -> str:
    text = text.lower().translate(_GREEK)
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return _POSSESSIVE.sub("", text)


def _one_spelling(word: str) -> str:
    """American spelling, by rules that are applied to texts and searches alike: a wrong guess harms neither."""
    if len(word) > 4:
        word = word.replace("ae", "e").replace("oe", "e")
    if len(word) > 5:
        word = _OUR.sub("or", word)
    return _ISE.sub("iz", word) if len(word) > 7 else word
