"""Whether a text is English, which is the only language that the lexicon reads.

Function words decide: they are the most frequent words of any prose and are shared by few languages. Notes in telegram
style have hardly any, so English is doubted only where another language speaks, or nothing in a long text is English.
"""

import re
from collections import Counter
from typing import Final

_WORD: Final = re.compile(r"[^\W\d_]++")
_READ: Final = 60_000
"""Characters of the beginning, the middle and the end that are looked at."""
_ENGLISH: Final = frozenset(
    [
        "the",
        "and",
        "of",
        "with",
        "was",
        "were",
        "is",
        "are",
        "has",
        "have",
        "had",
        "been",
        "this",
        "that",
        "which",
        "from",
        "for",
        "not",
        "she",
        "he",
        "her",
        "his",
        "patient",
        "pt",
        "by",
        "at",
        "to",
        "or",
        "but",
        "without",
        "denies",
        "reports",
        "left",
        "right",
        "pain",
        "history",
        "exam",
        "normal",
        "no",
        "any",
        "there",
        "who",
        "after",
        "before",
        "since",
        "will",
        "be",
        "today",
        "due",
        "yes",
        "is",
        "on",
        "as",
        "it",
        "date",
        "findings",
        "impression",
        "plan",
        "assessment",
        "study",
        "noted",
        "mild",
        "severe",
        "level",
        "levels",
    ]
)
_OTHERS: Final = {
    "es": "el los las una del para por con que sin paciente dolor años y se al lado más fue ha sus presenta izquierdo derecha como",
    "fr": "le les une du et avec sans pour dans qui est patient patiente douleur ans au aux sur pas été gauche droite il elle des",
    "de": "der das und mit ohne für ist wurde ein eine einer nicht bei patientin schmerzen links rechts seit nach zur zum im den von",
    "pt": "os uma do da dos das com sem para por que não paciente dor anos e ao foi esquerda direita há mais",
    "it": "il gli una del della con senza per che non paziente dolore anni è di al dal sinistra destra nel stato",
    "nl": "het een van met zonder voor is niet bij patiënte pijn sinds links rechts naar wordt werd en op te",
    "pl": "nie się jest pacjent pacjentka ból lat bez od po przez oraz przed",
    "tl": "ang ng mga sa ay na may walang siya pasyente",
    "vi": "và của không có bệnh nhân đau được với cho",
    "ht": "ak nan pou yon li pa gen pasyan doulè",
}
_FOREIGN: Final = {code: frozenset(words.split()) - _ENGLISH for code, words in _OTHERS.items()}
_LEAST_WORDS: Final = 60
_LEAST_FOREIGN: Final = 6
_LEAST_DISTINCT: Final = 4


def is_english(text: str) -> bool:
    """Whether nothing speaks against English. A few foreign words, a name or a headline, do not."""
    middle = len(text) // 2
    parts = (
        [text]
        if len(text) <= 3 * _READ
        else [text[:_READ], text[middle - _READ // 2 : middle + _READ // 2], text[-_READ:]]
    )
    words = Counter(word.lower() for part in parts for word in _WORD.findall(part))
    letters = sum(len(word) * count for word, count in words.items())
    beyond = sum(len(word) * count for word, count in words.items() if ord(max(word)) > 0x24F)
    if letters and beyond > letters * 0.3:
        return False
    english = sum(words[word] for word in _ENGLISH)
    for foreign in _FOREIGN.values():
        distinct = sum(1 for word in foreign if word in words)
        spoken = sum(words[word] for word in foreign)
        if distinct >= _LEAST_DISTINCT and spoken >= _LEAST_FOREIGN and spoken > english:
            return False
    total = sum(count for word, count in words.items() if len(word) > 1)
    return total < _LEAST_WORDS or english > total * 0.01
