"""Helpers for tests that run against the real PostgreSQL and the real Kafka."""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, overload
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared import flow

T = TypeVar("T")


@overload
async def eventually(predicate: Callable[[], Awaitable[T]], within: float = ..., *, interval: float = ...) -> T: ...
@overload
async def eventually(predicate: Callable[[], T], within: float = ..., *, interval: float = ...) -> T: ...
async def eventually(predicate: Callable[[], Any], within: float = 20.0, *, interval: float = 0.02) -> Any:
    """Calls ``predicate``, plain or async, until it gives something true, and gives that.

    Fails with the last value after ``within`` seconds. An exception of the predicate is not swallowed.
    """
    deadline = time.monotonic() + within
    while True:
        outcome = predicate()
        value = await outcome if inspect.isawaitable(outcome) else outcome
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not true within {within} s; last value: {value!r}")
        await asyncio.sleep(interval)


def on_database(url: str, name: str) -> str:
    """The same server's URL for another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def execute(url: str, statement: str) -> None:
    """Runs one statement outside a transaction."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def fresh_database(server: str, template: str = "template0") -> AsyncIterator[str]:
    """A database of its own on ``server``, copied from ``template``, and dropped with whoever is still in it."""
    name = f"test_{uuid4().hex[:12]}"
    await execute(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield on_database(server, name)
    finally:
        await execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@asynccontextmanager
async def kafka_admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """A connected admin client."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def partitions_of(bootstrap: str, names: Iterable[str]) -> list[TopicPartition]:
    """Every partition of topics."""
    async with kafka_admin(bootstrap) as admin:
        described = await admin.describe_topics(list(names))
    return [TopicPartition(topic["topic"], p["partition"]) for topic in described for p in topic["partitions"]]


async def everything_in_kafka(bootstrap: str, names: Iterable[str]) -> list[Any]:
    """Every record of topics, from the first to the last that is there now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = await partitions_of(bootstrap, names)
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        records: list[Any] = []
        while any([await consumer.position(p) < ends[p] for p in partitions]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                records += batch
        return records
    finally:
        await consumer.stop()


async def create_topics(bootstrap: str, names: Iterable[str], partitions: int = 4) -> None:
    """Creates topics and waits until the broker lists them."""
    wanted = tuple(names)
    async with kafka_admin(bootstrap) as admin:
        response = await admin.create_topics([NewTopic(name, partitions, 1) for name in wanted])
        refused = [(name, code) for name, code, *_ in response.topic_errors if code]
        assert not refused, f"topics refused: {refused}"

        async def listed() -> bool:
            return set(wanted) <= set(await admin.list_topics())

        await eventually(listed)


async def empty_topics(bootstrap: str, names: Iterable[str] = flow.ALL_TOPICS, partitions: int = 4) -> None:
    """Gives every topic anew and empty. Kafka forgets the groups' offsets with a deleted topic."""
    wanted = tuple(names)
    async with kafka_admin(bootstrap) as admin:
        present = sorted(set(wanted) & set(await admin.list_topics()))
        if present:
            await admin.delete_topics(present)

            async def gone() -> bool:
                return not set(present) & set(await admin.list_topics())

            await eventually(gone)
    await create_topics(bootstrap, wanted, partitions)
