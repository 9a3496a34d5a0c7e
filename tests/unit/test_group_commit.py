"""Callers that wait together are written together, and one caller's fault stays its own."""

import asyncio
from collections.abc import Sequence

from shared.journal.group import GroupCommit


async def test_those_who_wait_share_the_next_write() -> None:
    batches: list[list[int]] = []
    gate = asyncio.Event()

    async def write(batch: Sequence[int]) -> list[int]:
        batches.append(list(batch))
        await gate.wait()
        return [n * 10 for n in batch]

    group = GroupCommit(write)
    waiting = [asyncio.create_task(group.submit(n)) for n in range(20)]
    while not batches:
        await asyncio.sleep(0)
    gate.set()
    assert await asyncio.gather(*waiting) == [n * 10 for n in range(20)]
    assert sum(map(len, batches)) == 20
    assert len(batches) <= 2


async def test_one_bad_item_fails_alone() -> None:
    async def write(batch: Sequence[int]) -> list[int]:
        if 3 in batch:
            raise ValueError("three")
        return list(batch)

    group = GroupCommit(write)
    results = await asyncio.gather(*(group.submit(n) for n in range(6)), return_exceptions=True)
    assert [r for r in results if isinstance(r, int)] == [0, 1, 2, 4, 5]
    assert isinstance(results[3], ValueError)


async def test_a_caller_that_goes_away_does_not_fail_the_others() -> None:
    gate = asyncio.Event()

    async def write(batch: Sequence[int]) -> list[int]:
        await gate.wait()
        return list(batch)

    group = GroupCommit(write)
    first, second = asyncio.create_task(group.submit(1)), asyncio.create_task(group.submit(2))
    await asyncio.sleep(0)
    first.cancel()
    gate.set()
    assert await second == 2
