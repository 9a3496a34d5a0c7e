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
Directness = Literal["direct", "indirect"]
"""Indirect: what was studied is not quite what is asked, in patients, treatment or outcome (GRADE, Guyatt 2011)."""

LEVEL_SCALES: Final[Mapping[str, str]] = {"oxford-2011": "Oxford 2011", "grade": "GRADE"}
GRADE_LEVELS: Final[Mapping[str, int]] = {"high": 1, "moderate": 2, "low": 3, "very_low": 4}
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

    ``csl`` is its CSL-JSON item, from which ``citation``, ``year`` and ``identifier`` follow. ``level`` is the level of
    evidence on ``level_scale`` (1 strongest), or None where none can be given. One that was ``retracted`` (the notice in
    words) or ``superseded_by`` another source is never cited.
    """

    id: str
    kind: SourceKind
    csl: Mapping[str, object]
    citation: str
    year: int | None
    identifier: str | None
    verified: bool
    verified_by: str
    level: int | None
    level_scale: str | None
    applicability: Applicability
    retracted: str | None = None
    superseded_by: str | None = None

    @property
    def level_label(self) -> str | None:
        """For example ``level 2 (Oxford 2011)`` or ``moderate certainty (GRADE)``."""
        if self.level is None or self.level_scale is None:
            return None
        scale = LEVEL_SCALES[self.level_scale]
        if self.level_scale == "grade":
            certainty = next(name for name, rank in GRADE_LEVELS.items() if rank == self.level)
            return f"{certainty.replace('_', ' ')} certainty ({scale})"
        return f"level {self.level} ({scale})"

    @property
    def withdrawn(self) -> str | None:
        """Why nothing of it may be cited any more; None where it stands."""
        if self.retracted is not None:
            return f"The publication was retracted: {self.retracted}"
        if self.superseded_by is not None:
            return f"A later edition took its place: {self.superseded_by}."
        return None


@dataclass(frozen=True, slots=True)
class Statement:
    """What a source states, in our own words, with its numbers. ``direction`` is for or against the ``about``.

    ``directness`` says how near what was studied comes to what a criterion asks.
    """

    id: str
    source: EvidenceSource
    text: str
    about: str
    direction: Direction
    directness: Directness
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
