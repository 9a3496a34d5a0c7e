"""What was worked out before, of bounded size."""

from collections.abc import Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Memory(Generic[V]):
    """Remembers at least the last ``size`` values that were used, and at most twice as many. A size of 0 remembers none.

    Values stand in two generations; the older one goes when the younger is full, and what is used moves to the younger.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._young: dict[Hashable, V] = {}
        self._old: dict[Hashable, V] = {}

    def get(self, key: Hashable) -> V | None:
        """The value, or None where it is not remembered."""
        found = self._young.get(key)
        if found is None and (found := self._old.get(key)) is not None:
            self.put(key, found)
        return found

    def put(self, key: Hashable, value: V) -> None:
        """Remembers a value."""
        if not self._size:
            return
        if len(self._young) >= self._size:
            self._old, self._young = self._young, {}
        self._young[key] = value

    def items(self) -> list[tuple[Hashable, V]]:
        """What is remembered, the younger first."""
        return [*self._young.items(), *self._old.items()]

    def clear(self) -> None:
        """Forgets everything."""
        self._young, self._old = {}, {}
