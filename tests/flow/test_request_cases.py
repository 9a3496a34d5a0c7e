"""Requests for the seven coverage sets through the whole platform: each gets the determination that it gets offline."""

import asyncio
import json
from typing import Any

from services.cli.offline import document_of, read_file
from services.criteria_evaluation.policy import load_policy
from shared.clinical.evidence import load_evidence
from shared.policy import read_policy
from tests.flow.test_cases import NOTIFIED
from tests.support.request_case import RequestCase
from tests.support.request_cases import CASES, file_of
from tests.support.running import Provider

STATES = {"approved": "approved", "information_requested": "information_requested", "clinical_review": "in_review"}
OF_THE_CASE = ("case_id", "authorization_number", "valid_from", "valid_until", "text")
"""What only a case that was received and decided has."""


async def _through(provider: Provider, case: RequestCase) -> dict[str, Any]:
    bundle = json.loads(file_of(case).read_text(encoding="utf-8"))
    case_id, _ = await provider.submit(bundle)
    after = await provider.until(case_id, *NOTIFIED)
    assert after["state"] == STATES[case.outcome]
    return await provider.determination(case_id)


async def test_each_gets_the_determination_that_it_gets_offline(provider: Provider) -> None:
    determinations = await asyncio.gather(*(_through(provider, case) for case in CASES))
    policy, library = load_policy(), load_evidence(read_policy("evidence"))
    for case, online in zip(CASES, determinations, strict=True):
        offline = document_of(read_file(file_of(case), [], None), policy, library)
        assert set(online) == set(offline)
        for key in set(online) - set(OF_THE_CASE):
            assert online[key] == json.loads(json.dumps(offline[key])), (case.name, key)
