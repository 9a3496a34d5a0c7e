"""Whether the journal costs the same when it is long: a million events over twelve months, measured as it grows.

The events are those of one real case (submitted, evaluated, attached, approved, notice prepared), encoded, sealed and
chained anew for each of 200,000 cases, whose ids are spread over twelve months, so that the journal lies in as many
partitions. They are appended as the services do it: a batch of 250 cases is read, answered and appended in one statement
and one commit. After every tenth part the benchmark measures, each as the median of many: appending a batch, reading the
histories of a batch, reading one case of any age with its content, fetching the relay's next 1,000 rows, and asking for
rows where there are none, which is what an idle relay does.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final
from uuid import UUID, uuid4

from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared import flow
from shared.case.history import Accepted, History, Proposed, Recorded
from shared.case.ids import case_id_at
from shared.events.model import MODELS
from shared.journal.migrate import upgrade
from shared.journal.partitions import content_of, partitions_of, roll
from shared.journal.relay import FETCH, KEEP_PLANS
from shared.journal.store import add_keys, append, read_histories
from shared.platform.database import connect_raw, make_engine
from shared.platform.embedded.postgres import EmbeddedPostgres
from shared.platform.settings import Settings, with_driver
from tests.support.console import APPROVED, Workshop
from tests.support.consuming import MASTER, settings_of
from tests.support.months import open_since

BATCH: Final = 250
STAGES: Final = 10
MONTHS: Final = 12
progress: Final = Console(stderr=True)


@dataclass(slots=True)
class Stage:
    """What one tenth measured. Milliseconds, but ``events``."""

    events: int
    append_batch: float
    read_batch: float
    read_case: float
    relay_fetch: float
    relay_idle: float


@dataclass(slots=True)
class Load:
    """The journal under growth: which cases there are, and the contents that each of them gets."""

    engine: AsyncEngine
    settings: Settings
    template: Sequence[Recorded]
    start: datetime
    step: timedelta
    cases: list[UUID] = field(default_factory=list)

    async def batch(self) -> tuple[list[float], list[float]]:
        """Takes ``BATCH`` new cases through all their events; returns the seconds of each append and of each read."""
        appends: list[float] = []
        reads: list[float] = []
        ids = [case_id_at(self.start + self.step * (len(self.cases) + i)) for i in range(BATCH)]
        self.cases += ids
        for number, event in enumerate(self.template):
            async with self.engine.connect() as connection:
                histories = await _timed(reads, self._histories(connection, ids, new=number == 0))
                accepted = [_next(history, event) for history in histories.values()]
                await _timed(appends, _commit(connection, accepted, histories))
        return appends, reads

    async def _histories(self, connection: AsyncConnection, ids: Sequence[UUID], *, new: bool) -> dict[UUID, History]:
        if new:
            keys = await add_keys(connection, MASTER, ids)
            return {case_id: History(case_id, "P", keys[case_id]) for case_id in ids}
        return await read_histories(connection, MASTER, ids, (flow.CASE_SUBMITTED, flow.CRITERIA_EVALUATED))


async def _commit(connection: AsyncConnection, events: Sequence[Accepted], histories: dict[UUID, History]) -> None:
    await append(connection, events, histories)
    await connection.commit()


def _next(history: History, event: Recorded) -> Accepted:
    cause = history.events[-1].event_id if history.events else uuid4()
    now = datetime.now(UTC)
    return history.accept(
        Proposed(event.type, event.data(), json.loads(event.public)),
        actor=event.actor,
        consumer=event.consumer,
        causation_id=cause,
        occurred_at=now,
        recorded_at=now,
        traceparent=None,
        code_version="benchmark",
    )


async def _timed(into: list[float], work: Awaitable[Any]) -> Any:
    began = time.perf_counter()
    result = await work
    into.append(time.perf_counter() - began)
    return result


async def _many(times: int, work: Callable[[], Awaitable[Any]]) -> float:
    seconds: list[float] = []
    for _ in range(times):
        await _timed(seconds, work())
    return median(seconds) * 1000


async def _stage(load: Load, batches: int, chance: random.Random) -> Stage:
    appends: list[float] = []
    reads: list[float] = []
    for _ in range(batches):
        a, r = await load.batch()
        appends += a
        reads += r[1:]

    async def read_one() -> None:
        async with load.engine.connect() as connection:
            await read_histories(connection, MASTER, [chance.choice(load.cases)], tuple(MODELS))

    relay = await connect_raw(load.settings)
    try:
        await relay.execute(KEEP_PLANS)
        places = [(row["xid"], row["position"]) for row in await relay.fetch(_PLACES, 40)]
        last = places[0]

        async def fetch() -> None:
            await relay.fetch(FETCH, *chance.choice(places[1:]), 1000, 1, 0)

        async def idle() -> None:
            await relay.fetch(FETCH, *last, 1000, 1, 0)

        return Stage(
            events=len(load.cases) * len(load.template),
            append_batch=median(appends) * 1000,
            read_batch=median(reads) * 1000,
            read_case=await _many(400, read_one),
            relay_fetch=await _many(60, fetch),
            relay_idle=await _many(200, idle),
        )
    finally:
        await relay.close()


# The newest place, and others before it from which a whole batch can be fetched.
_PLACES: Final = """
    SELECT transaction_id::text::bigint AS xid, position FROM journal
    ORDER BY transaction_id DESC, position DESC LIMIT $1 * 250
"""


async def _template(engine: AsyncEngine) -> list[Recorded]:
    """The events of a case that the services' own code has approved."""
    workshop = Workshop(engine, MASTER)
    case_id = await workshop.finish(await workshop.submit(APPROVED.read_bytes()))
    async with engine.connect() as connection:
        history = (await read_histories(connection, MASTER, [case_id], tuple(MODELS)))[case_id]
    return [event for event in history.events if isinstance(event, Recorded)]


async def measure(events: int, folder: Path) -> dict[str, Any]:
    """Builds the journal and returns the stages and the partitions."""
    server = EmbeddedPostgres(folder)
    url = await server.start()
    settings = settings_of(url)
    engine, owner = make_engine(settings), create_async_engine(with_driver(url))
    start = datetime.now(UTC) - timedelta(days=30.4 * MONTHS)
    try:
        await upgrade(url)
        template = await _template(engine)
        async with owner.begin() as connection:
            await open_since(connection, start)
            await roll(connection)
        cases = events // len(template)
        load = Load(engine, settings, template, start, timedelta(days=30.4 * MONTHS) / cases)
        stages = []
        for number in range(STAGES):
            stage = await _stage(load, cases // STAGES // BATCH, random.Random(number))
            progress.print(
                f"{stage.events:>9,} events: append {stage.append_batch:.1f} ms, case {stage.read_case:.2f} ms"
            )
            stages.append(stage)
        async with owner.connect() as connection:
            parts = [(p.name, *await content_of(connection, p)) for p in await partitions_of(connection)]
        return {"stages": [_plain(s) for s in stages], "partitions": parts, "ratios": _ratios(stages)}
    finally:
        await engine.dispose()
        await owner.dispose()
        await server.stop()


def _plain(stage: Stage) -> dict[str, float]:
    return {name: round(getattr(stage, name), 3) for name in Stage.__slots__}


def _ratios(stages: Sequence[Stage]) -> dict[str, float]:
    """The last stage as a multiple of the second: in the first, the server's caches and plans are still new."""
    return {n: round(getattr(stages[-1], n) / getattr(stages[1], n), 2) for n in Stage.__slots__ if n != "events"}


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(prog="benchmarks.growth", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="priorauth-growth-") as folder:
        found = asyncio.run(measure(options.events, Path(folder)))
    if options.json:
        print(json.dumps(found, indent=2))
        return
    table = Table(*Stage.__slots__)
    for stage in found["stages"]:
        table.add_row(*(f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" for value in stage.values()))
    table.add_row("last / second", *(f"{value:.2f}" for value in found["ratios"].values()))
    Console().print(table)
    Console().print(f"{sum(p[3] for p in found['partitions']) / 1e9:.2f} GB in {len(found['partitions'])} partitions")


if __name__ == "__main__":
    main()
