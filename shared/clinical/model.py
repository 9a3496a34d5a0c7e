"""The clinical types that travel through the flow: facts, evaluation, evidence, determination.

Frozen msgspec structs: thousands of them are made, stored and read for each case, and what has its default takes no
bytes. None of them can be part of a cycle, so the garbage collector does not follow them. Names and shapes follow the determination's JSON (``priorauth.determination/1``).
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from shared.clinical.extraction import Extraction

FactStatus = Literal["known", "unknown", "conflicting"]
Outcome3 = Literal["met", "not_met", "unknown"]
"""Kleene's three values. Missing documentation is unknown: never met, never not met."""
CaseOutcome = Literal["approved", "information_requested", "clinical_review"]
"""What the machine may conclude, from lightest to gravest. It never denies."""

GRAVITY: Mapping[str, int] = {"approved": 0, "information_requested": 1, "clinical_review": 2}


class Document(Struct, frozen=True, omit_defaults=True, gc=False):
    """A chart document as text. ``id`` is ``sha256:`` and the hex digest of the bytes as they were received.

    ``flags`` name what was wrong with it (``no-text``, ``empty``, ``unsupported-type``, ...); a flagged document
    states no facts and a person is asked to look.
    """

    id: str
    text: str
    title: str = ""
    content_type: str = "text/plain"
    date: dt.date | None = None
    code: str | None = None
    path: str | None = None
    flags: tuple[str, ...] = ()


class Resource(Struct, frozen=True, omit_defaults=True, gc=False):
    """A FHIR resource of the request and where it stands, for example ``Bundle.entry[3].resource``."""

    path: str
    body: Mapping[str, Any]


class RequestedItem(Struct, frozen=True, omit_defaults=True, gc=False):
    """One line of the Claim. ``code`` is the service code; ``body_sites`` are codes or displays of Claim.item.bodySite."""

    sequence: int
    code: str
    system: str = ""
    description: str = ""
    diagnoses: tuple[str, ...] = ()
    body_sites: tuple[str, ...] = ()
    trace_number: str | None = None
    quantity: float | None = None
    service_date: dt.date | None = None
    certification_type: str | None = None


class Source(Struct, frozen=True, omit_defaults=True, gc=False):
    """Where a fact was found. For a note, ``quote`` is exactly ``text[start:end]`` of the document (code points)."""

    kind: Literal["note", "resource", "derived"]
    path: str | None = None
    document: str | None = None
    section: str | None = None
    start: int | None = None
    end: int | None = None
    quote: str | None = None
    rule: str | None = None
    by: str | None = None
    """``llm`` for what the optional extractor proposed; None for the platform's own reading."""


class Fact(Struct, frozen=True, omit_defaults=True, gc=False):
    """One clinical fact of the vocabulary with all of its sources.

    A boolean, code, or set (codes, levels; sorted) stands in ``value``. A quantity is an interval in ``unit`` (UCUM):
    ``low`` and ``high`` are None where that side is open-ended; ``low_open`` and ``high_open`` exclude the bound itself.
    """

    name: str
    status: FactStatus
    value: bool | str | tuple[str, ...] | None = None
    low: float | None = None
    high: float | None = None
    unit: str | None = None
    low_open: bool = False
    high_open: bool = False
    sources: tuple[Source, ...] = ()


Facts = dict[str, Fact]
"""Facts by name. A name that is absent is unknown."""


class CriteriaSetRef(Struct, frozen=True, omit_defaults=True, gc=False):
    """Which criteria set decided: its digest is ``sha256:`` over its canonical content."""

    id: str
    version: str
    digest: str
    title: str = ""


class Criterion(Struct, frozen=True, omit_defaults=True, gc=False):
    """One node of the evaluated criteria tree. Every child is evaluated, so the trace is complete."""

    id: str
    title: str
    outcome: Outcome3
    facts: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    children: "tuple[Criterion, ...]" = ()
    expression: str | None = None


class Missing(Struct, frozen=True, omit_defaults=True, gc=False):
    """Facts whose answer could decide, with a question that a provider understands."""

    facts: tuple[str, ...]
    question: str
    decides: tuple[str, ...]


class ItemEvaluation(Struct, frozen=True, omit_defaults=True, gc=False):
    """The outcome of one requested item, the criteria that caused it, and the purpose of the procedure (None: it has none)."""

    sequence: int
    code: str
    outcome: CaseOutcome
    purpose: str | None = None
    because: tuple[str, ...] = ()
    description: str = ""


class Consideration(Struct, frozen=True, omit_defaults=True, gc=False):
    """A statement of the criteria set that this case's facts call for.

    ``kind`` says in which section it stands. ``conclusion`` is only set for alternatives. ``evidence`` are statement ids
    that may support it; which of them apply is for evidence lookup to say.
    """

    kind: Literal["standard_of_care", "outcome", "alternative", "timing", "caution"]
    id: str
    title: str
    text: str
    conclusion: Literal["inadequate", "contraindicated", "undetermined"] | None = None
    because: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class Selection(Struct, frozen=True, omit_defaults=True, gc=False):
    """A criteria set that lists an item's code, and why it decides the item or does not."""

    sequence: int
    set_id: str
    version: str
    chosen: bool
    reason: str


class WhyNot(Struct, frozen=True, omit_defaults=True, gc=False):
    """A known fact that alone would make what failed come out otherwise, were it as ``needs`` says.

    ``decides`` are the criteria and refer rules that turn on it; ``alone`` says that nothing else stands in the way.
    """

    fact: str
    needs: str
    decides: tuple[str, ...]
    alone: bool = False


class Evaluation(Struct, frozen=True, omit_defaults=True, gc=False):
    """What ``evaluate(criteria_set, facts)`` concludes for a case. ``referrals`` are the refer rules that are met."""

    outcome: CaseOutcome
    criteria_set: CriteriaSetRef | None
    items: tuple[ItemEvaluation, ...]
    criteria: tuple[Criterion, ...]
    referrals: tuple[Criterion, ...]
    facts: Facts
    missing: tuple[Missing, ...] = ()
    considerations: tuple[Consideration, ...] = ()
    reasons: tuple[str, ...] = ()
    lexicon: str = ""
    flags: tuple[str, ...] = ()
    selection: tuple[Selection, ...] = ()
    why_not: tuple[WhyNot, ...] = ()
    extraction: Extraction | None = None


class AttachedStatement(Struct, frozen=True, omit_defaults=True, gc=False):
    """A statement of the evidence library held against this case. Only those that apply are cited."""

    id: str
    source: str
    text: str
    applies: bool
    because: tuple[str, ...] = ()
    reason: str | None = None


class BibliographyEntry(Struct, frozen=True, omit_defaults=True, gc=False):
    """A cited source. ``identifier`` is a DOI or PMID; an unverified source says so wherever it is printed."""

    id: str
    number: int
    citation: str
    verified: bool
    identifier: str | None = None
    level: str | None = None


class RelatedArticle(Struct, frozen=True, omit_defaults=True, gc=False):
    """An article of the literature that a search for ``query`` found. Nobody has read it for this case, and nothing rests on it."""

    id: str
    title: str
    citation: str
    query: str
    year: int | None = None
    identifier: str | None = None


class AttachedEvidence(Struct, frozen=True, omit_defaults=True, gc=False):
    """What ``attach(library, evaluation)`` finds. ``library`` is the digest of the evidence library.

    ``related`` was found by search in the literature index of the digest ``literature``, and is recorded here since the
    index changes: a replay takes it from here.
    """

    library: str
    statements: tuple[AttachedStatement, ...] = ()
    bibliography: tuple[BibliographyEntry, ...] = ()
    related: tuple[RelatedArticle, ...] = ()
    literature: str | None = None


class DeterminedItem(Struct, frozen=True, omit_defaults=True, gc=False):
    """An item's outcome as it is answered; ``review_action`` is the X12 306 code (A1 certified, A4 pended, ...)."""

    sequence: int
    code: str
    outcome: CaseOutcome
    review_action: str
    purpose: str | None = None
    because: tuple[str, ...] = ()
    description: str = ""


class Point(Struct, frozen=True, omit_defaults=True, gc=False):
    """One sentence of a determination's section, with the statements (ids) that support it."""

    text: str
    evidence: tuple[str, ...] = ()


class Alternative(Struct, frozen=True, omit_defaults=True, gc=False):
    """An alternative that was considered and why it does or does not serve this patient."""

    id: str
    title: str
    conclusion: Literal["inadequate", "contraindicated", "undetermined"]
    text: str
    because: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class Conclusion(Struct, frozen=True, omit_defaults=True, gc=False):
    """What ``determine(evaluation, evidence)`` concludes: structured first, rendered second."""

    outcome: CaseOutcome
    summary: str
    reasons: tuple[str, ...]
    items: tuple[DeterminedItem, ...]
    standard_of_care: tuple[Point, ...] = ()
    outcomes: tuple[Point, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    timing: tuple[Point, ...] = ()
    cautions: tuple[Point, ...] = ()
    missing: tuple[Missing, ...] = ()
