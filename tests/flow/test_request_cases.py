"""Requests for the seven coverage sets through the whole platform: each gets the determination that it gets offline."""

import asyncio
import json
from typing import Any

from services.cli.offline import determine_request, read_file
from tests.flow.test_cases import NOTIFIED
from tests.support.request_cases import CASES, FOLDER, RequestCase
from tests.support.running import Provider

STATES = {"approved": "approved", "information_requested": "information_requested", "clinical_review": "in_review"}
OF_THE_CASE = ("case_id", "authorization_number", "valid_from", "valid_until", "text")
"""What only a case that was received and decided has."""


async def _through(provider: Provider, case: RequestCase) -> dict[str, Any]:
    bundle = json.loads((FOLDER / f"{case.name}.json").read_text(encoding="utf-8"))
    case_id, _ = await provider.submit(bundle)
    after = await provider.until(case_id, *NOTIFIED)
    assert after["state"] == STATES[case.outcome]
    return await provider.determination(case_id)


async def test_each_gets_the_determination_that_it_gets_offline(provider: Provider) -> None:
    determinations = await asyncio.gather(*(_through(provider, case) for case in CASES))
    for case, online in zip(CASES, determinations, strict=True):
        offline = determine_request(read_file(FOLDER / f"{case.name}.json", [], None))
        assert set(online) == set(offline)
        for key in set(online) - set(OF_THE_CASE):
            assert online[key] == json.loads(json.dumps(offline[key])), (case.name, key)
