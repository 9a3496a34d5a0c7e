"""Two hundred cases under way while something breaks, and what must be true of them afterwards."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import asyncpg
import httpx

from shared.journal.verify import verify
from tests.support.requests import as_body
from tests.support.running import FHIR, Platform
from tests.support.servers import eventually
from tests.support.spine import spine_request

CASES: Final = 200
AT_ONCE: Final = 16
RECOVERY_SECONDS: Final = 120.0
_AGAIN_AFTER: Final = 0.1
"""A client that may be reached again tries again soon; ours has no other work to do meanwhile."""

Outcome = Literal["approved", "information_requested", "clinical_review"]
_MIX: Final[tuple[Outcome, ...]] = ("approved", "information_requested", "clinical_review", "approved", "approved")
_BEFORE: Final = ["case.submitted", "criteria.evaluated", "evidence.attached"]
EXPECTED: Final[dict[Outcome, list[str]]] = {
    "approved": [*_BEFORE, "case.approved", "notice.prepared"],
    "information_requested": [*_BEFORE, "case.information_requested", "notice.prepared"],
    "clinical_review": [*_BEFORE, "case.referred", "notice.prepared"],
}


@dataclass(slots=True)
class Load:
    """A batch of distinct requests that ends in all three outcomes, and what the client saw of it."""

    platform: Platform
    first_seed: int
    number: int = CASES
    accepted: dict[str, Outcome] = field(default_factory=dict)
    refused: list[int] = field(default_factory=list)
    retry_after: set[str | None] = field(default_factory=set)
    lost: int = 0
    _enough: asyncio.Event = field(default_factory=asyncio.Event)
    _threshold: int = 0

    def outcome_of(self, seed: int) -> Outcome:
        """Six of ten are approved, two lack something, two go to a clinician."""
        return _MIX[seed % len(_MIX)]

    async def submit_all(self) -> None:
        """Submits each request until it is accepted: again after a lost connection or a 503, with the same Bundle."""
        seeds = iter(range(self.first_seed, self.first_seed + self.number))
        limits = httpx.Limits(max_connections=AT_ONCE)
        async with httpx.AsyncClient(timeout=20, limits=limits) as client:

            async def work() -> None:
                for seed in seeds:
                    await self._submit(client, seed)

            await asyncio.gather(*(work() for _ in range(AT_ONCE)))

    async def _submit(self, client: httpx.AsyncClient, seed: int) -> None:
        outcome = self.outcome_of(seed)
        body = as_body(spine_request(seed, outcome, with_note=False))
        while True:
            response = await self._attempt(client, body)
            if response is not None and response.status_code == 200:
                self.accepted[response.headers["x-case-id"]] = outcome
                if len(self.accepted) >= self._threshold:
                    self._enough.set()
                return
            await asyncio.sleep(_AGAIN_AFTER)

    async def _attempt(self, client: httpx.AsyncClient, body: bytes) -> httpx.Response | None:
        headers = {"Content-Type": FHIR, "Prefer": "wait=0"}
        try:
            response = await client.post(f"{self.platform.base_url}/fhir/Claim/$submit", content=body, headers=headers)
        except (httpx.TransportError, OSError, ValueError):
            self.lost += 1
            return None
        if response.status_code != 200:
            assert response.status_code == 503, f"{response.status_code}: {response.text[:500]}"
            assert response.json()["resourceType"] == "OperationOutcome"
            self.refused.append(response.status_code)
            self.retry_after.add(response.headers.get("retry-after"))
        return response

    async def until_accepted(self, number: int) -> None:
        """Returns when so many cases have been accepted."""
        self._threshold = number
        if len(self.accepted) < number:
            self._enough.clear()
            await asyncio.wait_for(self._enough.wait(), 60)

    async def finish(self, within: float = RECOVERY_SECONDS) -> None:
        """Waits until every accepted case has its notice prepared, and checks that each has each event once."""
        try:
            await eventually(self._all_notified, within, interval=0.25)
        except AssertionError:
            raise AssertionError(await self._report()) from None
        assert len(self.accepted) == self.number, "a request that was sent again is the same case"
        histories = await self.platform.histories(list(self.accepted))
        for case_id, history in histories.items():
            steps = [t.removesuffix(".v1") for _, t, _ in history if not t.startswith("notice.delivered")]
            told = f"{case_id} ({self.accepted[case_id]}): {history}"
            assert steps == EXPECTED[self.accepted[case_id]], told
            assert [s for s, _, _ in history] == list(range(1, len(history) + 1)), told

    async def _all_notified(self) -> bool:
        try:
            histories = await self.platform.histories(list(self.accepted))
        except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False  # The database is away, or run.json is.
        return all(any(t.startswith("notice.prepared") for _, t, _ in h) for h in histories.values())

    async def _report(self) -> str:
        histories = await self.platform.histories(list(self.accepted))
        behind = {c: h for c, h in histories.items() if not any(t.startswith("notice.prepared") for _, t, _ in h)}
        lines = [f"{len(behind)} of {len(histories)} cases have not come to their end:"]
        lines += [f"  {c} ({self.accepted[c]}): {[t for _, t, _ in h]}" for c, h in list(behind.items())[:5]]
        names = {_next_service([t for _, t, _ in h]) for h in behind.values()}
        return "\n".join([*lines, *(self.platform.tail(name) for name in sorted({*names, "relay"}))])


def _next_service(types: list[str]) -> str:
    """Who should have answered the last event."""
    order = ["criteria_evaluation", "evidence_lookup", "determination", "notification"]
    return order[min(len(types), len(order)) - 1]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a fault cost: seconds from the fault until every case was done, and how many attempts were lost or refused."""

    fault: str
    seconds: float
    lost: int
    refused: int


async def under_load(platform: Platform, fault: str, first_seed: int, cause: Callable[[], Any]) -> Measured:
    """Submits, causes the fault when a third is accepted, and waits until all of it is as if nothing had happened."""
    load = Load(platform, first_seed)
    submitting = asyncio.create_task(load.submit_all())
    try:
        await load.until_accepted(CASES // 3)
        began = time.monotonic()
        outcome = cause()
        if asyncio.iscoroutine(outcome):
            await outcome
        await asyncio.wait_for(submitting, RECOVERY_SECONDS)
    finally:
        submitting.cancel()
    await load.finish()
    seconds = time.monotonic() - began
    await intact(platform)
    return Measured(fault, round(seconds, 1), load.lost, len(load.refused))


async def intact(platform: Platform) -> None:
    """Every chain of the journal verifies, and no case is in quarantine."""
    engine = platform.auditor()
    try:
        found = await verify(engine)
    finally:
        await engine.dispose()
    assert found.problems == []
    assert not await platform.fetch("SELECT case_id FROM journal WHERE type LIKE 'case.quarantined%'")


def report(measured: Iterable[Measured]) -> str:
    """The measurements as JSON lines."""
    return "\n".join(json.dumps({s: getattr(m, s) for s in Measured.__slots__}) for m in measured)
