"""Letters of every kind, and of every example that a shipped criteria set carries."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

import pytest

from services.criteria_evaluation.domain.evaluate import evaluate_case
from services.criteria_evaluation.policy import load_policy
from shared.clinical.model import RequestedItem
from shared.letters.model import Audience, Contact, Language, LetterContext, LetterKind
from tests.unit.determination_cases import Case, conclude, incomplete_case, referred_case, thoracic_case

CONTACTS = (
    Contact("questions", "555-0100"),
    Contact("information", "fax 555-0101"),
    Contact("peer_to_peer", "555-0102"),
    Contact("appeal", "Appeals, PO Box 7"),
)
LETTERS = (
    ("approval", thoracic_case),
    ("information_request", incomplete_case),
    ("referral", referred_case),
)
LETTER_FORMS = [
    pytest.param(kind, case, audience, language, id=f"{kind}-{audience}-{language}")
    for kind, case in LETTERS
    for audience in get_args(Audience)
    for language in get_args(Language)
]
"""Every letter: kind, case, audience and language."""
KIND_OF: dict[str, LetterKind] = {
    "approved": "approval",
    "information_requested": "information_request",
    "clinical_review": "referral",
}
SETS = load_policy().criteria_sets


def letter(kind: LetterKind, **changes: Any) -> LetterContext:
    """A letter of that kind with everything that it must have."""
    base = LetterContext(
        kind=kind,
        payer="Lakeside Health Plan",
        provider="Harbor Spine Clinic",
        member_reference="M-0093",
        case_id="c-2f61",
        issued_on=dt.date(2026, 3, 3),
        contacts=CONTACTS,
        due_on=dt.date(2026, 3, 6),
        authorization_number="AUTH-5",
        valid_from=dt.date(2026, 3, 3),
        valid_until=dt.date(2026, 9, 3),
        member_name="Ana Ruiz",
    )
    return replace(base, **changes)


def examples() -> Iterator[tuple[str, LetterKind, Case]]:
    """Every example of every set, determined for all codes that the set decides and those that go with them."""
    for criteria_set in SETS:
        applies = criteria_set.applicability
        diagnoses = [pattern.rstrip("*") for pattern in applies.diagnoses[:1]]
        for example in criteria_set.examples:
            codes = example.items or (*sorted(applies.services), *sorted(applies.companions))
            items = [RequestedItem(i, code) for i, code in enumerate(codes, start=1)]
            evaluation = evaluate_case([criteria_set], items, diagnoses, None, dt.date(2026, 6, 1), example.facts)
            case = conclude(evaluation)
            yield f"{criteria_set.ref.id}: {example.name}", KIND_OF[case.document["outcome"]], case
