"""Clinicians' decisions over HTTP: theirs alone, and only where the table allows them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from tests.flow.conftest import CLINICIAN_TOKEN
from tests.flow.test_cases import NOTIFIED, NOTIFIED_WITHOUT_LETTER, reviews
from tests.support.running import Platform, Provider, types_of
from tests.support.spine import spine_request

BEARER = {"Authorization": f"Bearer {CLINICIAN_TOKEN}"}
SEEDS = iter(range(9_000, 9_100))


@pytest_asyncio.fixture(loop_scope="session")
async def referred(provider: Provider) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """A case in review, with its request."""
    request = spine_request(next(SEEDS), "clinical_review")
    case_id, _ = await provider.submit(request)
    await provider.until(case_id, "case.referred", *NOTIFIED)
    yield case_id, request


async def decide(
    api: httpx.AsyncClient, case_id: str, decision: str, headers: dict[str, str] | None = None, **more: Any
) -> httpx.Response:
    body = {"decision": decision, "rationale": "The survival estimate rules out a benefit.", **more}
    return await api.post(f"/cases/{case_id}/decisions", json=body, headers=headers or BEARER)


async def test_a_clinician_denies_and_the_provider_is_told(
    provider: Provider, determination_api: httpx.AsyncClient, referred: tuple[str, dict[str, Any]]
) -> None:
    case_id, request = referred
    response = await decide(determination_api, case_id, "deny")
    assert response.status_code == 200, response.text
    assert response.json()["state"] == "denied"
    case = await provider.until(case_id, "case.denied", *NOTIFIED_WITHOUT_LETTER)
    assert case["outcome"] == "denied"
    [denial] = [e for e in case["timeline"] if e["type"] == "case.denied.v1"]
    assert denial["actor"] == "clinician:dr-osei"
    document = await provider.determination(case_id)
    assert (document["outcome"], document["decided_by"]) == ("denied", "clinician")
    assert document["reasons"][0] == "The survival estimate rules out a benefit."
    _, answer = await provider.submit(request)
    assert {code for code, _ in reviews(answer).values()} == {"A3"}
    letter = await provider.client.get(f"/cases/{case_id}/letter")
    assert letter.status_code == 404, "the letter of a denial is the clinician's own"

    appeal = await provider.client.post(f"/cases/{case_id}/appeal", json={"reason": "New estimate."})
    assert appeal.status_code == 202
    assert (await decide(determination_api, case_id, "approve")).json()["state"] == "approved"
    _, answer = await provider.submit(request)
    assert {code for code, _ in reviews(answer).values()} == {"A1"}
    assert all(number for _, number in reviews(answer).values())


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer system:determination"},
        {"Authorization": "Bearer dr-osei"},
        {"Authorization": f"Basic {CLINICIAN_TOKEN}"},
    ],
)
async def test_no_machine_denies(
    platform: Platform,
    provider: Provider,
    determination_api: httpx.AsyncClient,
    referred: tuple[str, dict[str, Any]],
    headers: dict[str, str],
) -> None:
    case_id, _ = referred
    before = await platform.footprint()
    response = await decide(determination_api, case_id, "deny", headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert await platform.footprint() == before


async def test_the_database_refuses_a_machines_denial_even_of_its_owner(
    platform: Platform, referred: tuple[str, dict[str, Any]]
) -> None:
    case_id, _ = referred
    with pytest.raises(asyncpg.CheckViolationError):
        await platform.fetch(
            "INSERT INTO journal (case_id, sequence, event_id, type, state_before, state_after, actor, payer, consumer, "
            "causation_id, occurred_at, recorded_at, code_version, public, data, previous_hash, hash) "
            "SELECT case_id, sequence + 1, gen_random_uuid(), 'case.denied.v1', 'in_review', 'denied', actor, payer, "
            "consumer, gen_random_uuid(), now(), now(), code_version, public, data, hash, hash "
            "FROM journal WHERE case_id = $1::uuid ORDER BY sequence DESC LIMIT 1",
            case_id,
        )


async def test_a_decision_that_the_table_does_not_allow_is_a_conflict(
    platform: Platform, provider: Provider, determination_api: httpx.AsyncClient
) -> None:
    case_id, _ = await provider.submit(spine_request(next(SEEDS)))
    await provider.until(case_id, *NOTIFIED)
    before = await platform.footprint()
    response = await decide(determination_api, case_id, "deny")
    assert response.status_code == 409
    assert "approved" in response.json()["detail"]
    assert "in_review" in response.json()["detail"] or "denied" in response.json()["detail"]
    assert await platform.footprint() == before


async def test_a_decision_that_is_not_one_is_refused_without_being_repeated(
    platform: Platform, determination_api: httpx.AsyncClient, referred: tuple[str, dict[str, Any]]
) -> None:
    case_id, _ = referred
    before = await platform.footprint()
    for body in (
        {"decision": "destroy", "rationale": "x"},
        {"decision": "deny"},
        {"decision": "deny", "rationale": ""},
    ):
        response = await determination_api.post(f"/cases/{case_id}/decisions", json=body, headers=BEARER)
        assert response.status_code == 422
        assert "destroy" not in response.text
    missing = await decide(determination_api, "00000000-0000-7000-8000-000000000000", "deny")
    assert missing.status_code == 404
    assert await platform.footprint() == before


async def test_a_decision_sent_twice_is_one(
    provider: Provider, determination_api: httpx.AsyncClient, referred: tuple[str, dict[str, Any]]
) -> None:
    case_id, _ = referred
    headers = BEARER | {"Idempotency-Key": "first-click"}
    answers = await asyncio.gather(*(decide(determination_api, case_id, "approve", headers) for _ in range(5)))
    assert [a.status_code for a in answers] == [200] * 5
    case = await provider.until(case_id, "case.approved", *NOTIFIED)
    assert types_of(case).count("case.approved") == 1


async def test_an_approval_by_a_clinician_authorizes_as_the_machines_does(
    provider: Provider, determination_api: httpx.AsyncClient, referred: tuple[str, dict[str, Any]]
) -> None:
    case_id, request = referred
    await decide(determination_api, case_id, "approve")
    case = await provider.until(case_id, "case.approved", *NOTIFIED)
    assert {i["outcome"] for i in case["items"]} == {"approved"}
    _, answer = await provider.submit(request)
    [number] = {number for _, number in reviews(answer).values()}
    letter = await provider.client.get(f"/cases/{case_id}/letter")
    assert letter.status_code == 200, letter.text
    assert str(number) in letter.text


async def test_a_clinicians_question_has_a_letter_and_a_clock(
    platform: Platform, provider: Provider, determination_api: httpx.AsyncClient, referred: tuple[str, dict[str, Any]]
) -> None:
    case_id, _ = referred
    await decide(determination_api, case_id, "request_information", rationale="Which estimate did the board make?")
    await provider.until(case_id, "case.information_requested", *NOTIFIED)
    letter = await provider.client.get(f"/cases/{case_id}/letter")
    assert letter.status_code == 200, letter.text
    assert "Which estimate did the board make?" in letter.text
    [[due]] = await platform.fetch("SELECT due_at FROM determination_clocks WHERE case_id = $1::uuid", case_id)
    assert due.isoformat() < (await provider.case(case_id))["due_at"]


async def test_a_clinician_asks_and_talks_before_deciding(
    provider: Provider, determination_api: httpx.AsyncClient, referred: tuple[str, dict[str, Any]]
) -> None:
    case_id, _ = referred
    assert (await decide(determination_api, case_id, "open_peer_to_peer")).json()["state"] == "in_review"
    assert (await decide(determination_api, case_id, "approve_partly")).json()["state"] == "partly_approved"
    case = await provider.until(case_id, *NOTIFIED_WITHOUT_LETTER)
    assert "peer_to_peer.opened" in types_of(case)
    assert case["outcome"] == "partly_approved"
