"""The evidence library: sources, the statements they make, and the patients to whom a statement may be applied.

A statement carries the numbers it rests on as data; ``{name}`` in its text prints one of them. A source describes the
patients it studied, and so bounds all of its statements: a trial that did not take root-only compression says nothing
of a patient who has it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from shared.clinical.figures import Figure
from shared.clinical.leaves import Expression, Leaf

SourceKind = Literal[
    "randomized_trial",
    "meta_analysis",
    "systematic_review",
    "guideline",
    "appropriate_use_criteria",
    "consensus",
    "validation_study",
    "cohort",
    "framework",
    "coverage_determination",
    "unidentified",
]
Direction = Literal["supports", "opposes"]

LEVEL_SCALES: Final[Mapping[str, str]] = {"oxford-2011": "Oxford 2011"}
UNGRADED: Final = 6
"""Ranks after the five levels of the Oxford Centre for Evidence-Based Medicine (2011)."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Patients to whom a study or statement does not apply, and why in words.

    Where the chart leaves ``when`` open, the statement still applies unless ``if_unknown``: then it does not, because
    what the study asked of its patients has to be documented.
    """

    when: Expression
    reason: str
    if_unknown: bool = False


@dataclass(frozen=True, slots=True)
class Limitation:
    """Applies, but with a caution that is printed with it."""

    when: Expression
    text: str


@dataclass(frozen=True, slots=True)
class Applicability:
    """``when`` None is: to every patient for whom a criterion or consideration names the statement."""

    when: Expression | None = None
    exclusions: tuple[Exclusion, ...] = ()
    limitations: tuple[Limitation, ...] = ()

    @property
    def conditions(self) -> tuple[Expression, ...]:
        """Every expression that has a part in it."""
        own = () if self.when is None else (self.when,)
        return (*own, *(e.when for e in self.exclusions), *(x.when for x in self.limitations))


@dataclass(frozen=True, slots=True)
class EvidenceSource:
    """A publication. ``verified`` False is printed wherever it is cited; ``verified_by`` says what was read.

    ``level`` is the level of evidence on ``level_scale`` (1 strongest), or None where none can be given.
    """

    id: str
    kind: SourceKind
    citation: str
    year: int | None
    identifier: str | None
    verified: bool
    verified_by: str
    level: int | None
    level_scale: str | None
    applicability: Applicability

    @property
    def level_label(self) -> str | None:
        """For example ``level 2 (Oxford 2011)``."""
        if self.level is None or self.level_scale is None:
            return None
        return f"level {self.level} ({LEVEL_SCALES[self.level_scale]})"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a source states, in our own words, with its numbers. ``direction`` is for or against the ``about``."""

    id: str
    source: EvidenceSource
    text: str
    about: str
    direction: Direction
    figures: Mapping[str, Figure]
    applicability: Applicability


@dataclass(frozen=True, slots=True, eq=False)
class EvidenceLibrary:
    """All sources and statements by id. Compared and hashed by identity.

    ``digest`` is the content address of the files they came from. ``leaves`` are all comparisons of all applicability
    conditions, each once, over the facts ``fact_names``: their outcomes determine what applies to a case.
    """

    digest: str
    sources: Mapping[str, EvidenceSource]
    statements: Mapping[str, Statement]
    leaves: tuple[Leaf, ...]
    fact_names: tuple[str, ...]

    def absent(self, statement_ids: Iterable[str]) -> tuple[str, ...]:
        """Those of the ids that the library does not have, sorted: a criteria set that names one cannot be loaded."""
        return tuple(sorted({i for i in statement_ids if i not in self.statements}))
