"""What the lexicon's patterns stand for.

``docs/lexicon-format.md`` explains the keys of targets, contexts and the rest.
"""

from dataclasses import dataclass
from typing import Literal

Direction = Literal["forward", "backward", "both"]
Use = Literal["drop", "keep", "later", "require"]
Reach = Literal["clause", "sentence", "section"]
Undeniable = Literal["no", "exact", "yes", "required"]
Grouped = tuple[str, frozenset[str]]
"""A group of contexts, and contexts of it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A statement of a fact. ``value`` None: the value stands in the pattern's slot.

    ``negated`` is the value that a negated statement states (None: it states nothing). ``past``, ``planned`` and
    ``reported`` say what becomes of a statement about the past, about a plan, or that only the patient makes: it is
    dropped, kept, counts only where nothing better is said (later), or is required. ``requires`` are the contexts in
    which the statement must stand (one of each group), ``excludes`` those in which it must not,
    ``yields`` those in which it counts only where nothing better is said. An ``undeniable`` statement stands whatever is
    denied beside it ("no healing over 8 weeks of standard care" denies healing, not the weeks); one that is so where it is
    ``exact`` stands as a number and falls as a bound ("no CSF seen: Bilsky 3", but "no loss above 25%"), and one whose denial is ``required`` says nothing where it is not denied ("heart disease" is not always of the coronaries, "no heart disease" excludes it). A ``background`` statement is of the patient's history, which the reason for a test tells too.
    Of the values that a note states by targets of the ``lowest`` only the least counts: a walk is as low as its lowest minute.
    """

    id: str
    fact: str
    value: bool | str | tuple[str, ...] | None
    negated: bool | str | tuple[str, ...] | None
    past: Use = "drop"
    planned: Use = "keep"
    reported: Use = "keep"
    sections: frozenset[str] = frozenset()
    not_sections: frozenset[str] = frozenset()
    cue: str | None = None
    rank: int = 1
    requires: tuple[Grouped, ...] = ()
    excludes: tuple[Grouped, ...] = ()
    yields: tuple[Grouped, ...] = ()
    undeniable: Undeniable = "no"
    background: bool = False
    lowest: bool = False


@dataclass(frozen=True, slots=True)
class Trigger:
    """Words that change what statements beside them mean. ``reach`` bounds the words on which they act."""

    id: str
    kind: str
    direction: Direction
    lists: bool
    reach: int


@dataclass(frozen=True, slots=True)
class Cue:
    """Words that open a context in which short statements count ("SINS" before "pain 3, lesion 2")."""

    id: str


@dataclass(frozen=True, slots=True)
class Context:
    """Words that say under what circumstances the values beside them were taken ("on 2 L", "titration portion").

    Contexts of one ``group`` shut each other out. ``reach``: a context holds for its clause; for the rest of its sentence
    until another of its group opens; or for the rest of its section, likewise.
    """

    id: str
    group: str
    reach: Reach

    def for_its_section(self) -> "Context":
        """The same context as a heading opens it."""
        return Context(self.id, self.group, "section")


Owner = Target | Trigger | Cue | Context
