"""Group commit: callers that wait at the same time share one transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class GroupCommit(Generic[Item, Result]):
    """Collects items while a write is under way and hands them over together to the next one.

    ``write`` stores a batch in one transaction and returns a result for each item, or raises and stores nothing. A
    batch that fails is written again item by item, so that one caller's fault is not another's.
    """

    def __init__(self, write: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], limit: int = 100) -> None:
        self._write = write
        self._limit = limit
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """Stores an item; returns when its transaction is committed. Raises what ``write`` raised for it."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
            if await self._store(batch) or len(batch) == 1:
                continue
            for pair in batch:
                await self._store([pair])

    async def _store(self, batch: list[tuple[Item, "asyncio.Future[Result]"]]) -> bool:
        try:
            results = await self._write([item for item, _ in batch])
        except Exception as error:
            # The callers are told; a batch of several is first tried one by one.
            if len(batch) == 1 and not batch[0][1].done():
                batch[0][1].set_exception(error)
            return False
        for (_, future), result in zip(batch, results, strict=True):
            _settle(future, result)
        return True


def _settle(future: "asyncio.Future[Result]", result: Result) -> None:
    """A caller that has gone away is no reason to fail the others."""
    if not future.done():
        future.set_result(result)
