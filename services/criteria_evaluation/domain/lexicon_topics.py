"""Topics: facts that are read only in a document that is about them at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.criteria_evaluation.domain.policy_yaml import Entry
from services.criteria_evaluation.domain.vocabulary import Vocabulary
from services.criteria_evaluation.domain.vocabulary_yaml import fact_named

_KEYS: Final = frozenset({"facts", "words"})


@dataclass(frozen=True, slots=True)
class Topics:
    """The words of each topic (parts of words, in lower case), and by fact the topics of which it is one.

    "No measurable improvement" is about a wound only where the document speaks of one.
    """

    words: tuple[tuple[str, ...], ...] = ()
    of_fact: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def silence(self, text: str) -> "Silence":
        """What a document with this text does not speak of."""
        return Silence(self, text)


class Silence:
    """What a document does not speak of; the words of a topic are sought once, when it is asked for first."""

    def __init__(self, topics: Topics, text: str) -> None:
        self._topics = topics
        self._text = text.lower()
        self._spoken_of: dict[int, bool] = {}

    def hides(self, fact: str) -> bool:
        """Whether the document does not speak of the fact."""
        topics = self._topics.of_fact.get(fact)
        return topics is not None and not all(self._is_spoken_of(topic) for topic in topics)

    def _is_spoken_of(self, topic: int) -> bool:
        found = self._spoken_of.get(topic)
        if found is None:
            found = self._spoken_of[topic] = any(word in self._text for word in self._topics.words[topic])
        return found


def read_topics(parts: Sequence[Entry], vocabulary: Vocabulary) -> Topics:
    """The topics of all parts.

    Raises:
        PolicyError: an unknown fact or key.
    """
    words: list[tuple[str, ...]] = []
    of_fact: dict[str, tuple[int, ...]] = {}
    for entry in (entry for part in parts for entry in part.mapping().values()):
        data = entry.mapping(_KEYS)
        if data.keys() != _KEYS:
            entry.fail("A topic has facts and words.")
        for fact in {fact_named(fact, vocabulary).name for fact in data["facts"].entries()}:
            of_fact[fact] = (*of_fact.get(fact, ()), len(words))
        words.append(tuple(word.lower() for word in data["words"].words()))
    return Topics(tuple(words), of_fact)
