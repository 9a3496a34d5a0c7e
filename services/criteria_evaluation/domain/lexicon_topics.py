"""Topics: facts that are read only in a document that is about them at all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from services.criteria_evaluation.domain.policy_yaml import Entry
from services.criteria_evaluation.domain.vocabulary import Vocabulary
from services.criteria_evaluation.domain.vocabulary_yaml import fact_named

_KEYS: Final = frozenset({"facts", "words"})


@dataclass(frozen=True, slots=True)
class Topics:
    """Pairs of the words of a topic (parts of words, in lower case) and its facts.

    "No measurable improvement" is about a wound only where the document speaks of one.
    """

    pairs: tuple[tuple[tuple[str, ...], frozenset[str]], ...] = ()

    def silent(self, text: str) -> Callable[[str], bool]:
        """Whether a document with this text does not speak of a fact; its words are sought once for each fact asked for."""
        lowered = text.lower()

        @cache
        def is_silent(fact: str) -> bool:
            return any(fact in facts and not any(word in lowered for word in words) for words, facts in self.pairs)

        return is_silent


def read_topics(parts: Sequence[Entry], vocabulary: Vocabulary) -> Topics:
    """The topics of all parts.

    Raises:
        PolicyError: an unknown fact or key.
    """
    pairs = []
    for entry in (entry for part in parts for entry in part.mapping().values()):
        data = entry.mapping(_KEYS)
        if data.keys() != _KEYS:
            entry.fail("A topic has facts and words.")
        facts = frozenset(fact_named(fact, vocabulary).name for fact in data["facts"].entries())
        pairs.append((tuple(word.lower() for word in data["words"].words()), facts))
    return Topics(tuple(pairs))
