"""The embedded servers: the real things, kept in a folder, there again after a kill."""

import os
import shutil
import signal
import stat
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import UnknownTopicOrPartitionError

from shared.platform.embedded import jars
from shared.platform.embedded import kafka as kafka_module
from shared.platform.embedded.kafka import EmbeddedKafka
from shared.platform.embedded.postgres import EmbeddedPostgres, binaries
from shared.platform.embedded.server import EmbeddedServerError, choose_port, is_free
from tests.support.servers import create_topics, empty_topics, eventually, kafka_admin


async def connect(url: str) -> asyncpg.Connection:
    return await asyncpg.connect(url.replace("+asyncpg", ""))


async def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


async def test_postgres_is_durable_and_closed_to_those_without_the_password(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path)
    url = await server.start()
    try:
        connection = await connect(url)
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert await connection.fetchval(f"SHOW {setting}") == "on"
        assert (await connection.fetchval("SHOW server_version")).startswith("18.")
        await connection.close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await connect(url.replace(":", ":wrong", 2).replace(":wrong", ":", 1))
        assert stat.S_IMODE((tmp_path / "postgres" / "password").stat().st_mode) == 0o600
    finally:
        await server.stop()


async def test_postgres_starts_where_only_its_owner_may_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root's does when the project lies below ``/root``: the account that PostgreSQL runs under may not go there."""
    closed = tmp_path / "closed"
    package = binaries().parents[1]
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.is_dir():  # The libraries lie beside the package where its wheel was repaired for this platform.
            shutil.copytree(folder, closed / folder.name, ignore=shutil.ignore_patterns("pginstall"))
    closed.chmod(0o700)
    monkeypatch.syspath_prepend(str(closed))
    binaries.cache_clear()
    server = EmbeddedPostgres(tmp_path / "data")
    try:
        connection = await connect(await server.start())
        assert await connection.fetchval("SELECT 1") == 1
        assert str(binaries()).startswith(str(closed)) == (os.geteuid() != 0)
        await connection.close()
    finally:
        binaries.cache_clear()
        await server.stop()


async def test_postgres_keeps_committed_rows_and_its_address_over_a_kill(tmp_path: Path) -> None:
    first = EmbeddedPostgres(tmp_path)
    url = await first.start()
    connection = await connect(url)
    await connection.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
    await kill(first.pid)
    connection.terminate()

    again = EmbeddedPostgres(tmp_path)
    assert await again.start() == url
    try:
        connection = await connect(url)
        assert await connection.fetchval("SELECT n FROM kept") == 7
        await connection.close()
    finally:
        await again.stop()
        await first.stop()


async def test_postgres_starts_although_its_old_process_id_now_belongs_to_another(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path)
    await server.start()
    await server.stop()
    pid_file = tmp_path / "postgres" / "data" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{tmp_path}/elsewhere\n0\n5432\n\n\n\n")
    await server.start()
    try:
        assert await server.ready()
    finally:
        await server.stop()


async def test_postgres_begins_again_where_creation_was_cut_off(tmp_path: Path) -> None:
    (tmp_path / "postgres" / "data.new" / "base").mkdir(parents=True)
    server = EmbeddedPostgres(tmp_path)
    await server.start()
    await server.stop()
    assert not (tmp_path / "postgres" / "data.new").exists()


async def test_postgres_moves_to_another_port_where_its_own_is_taken(tmp_path: Path) -> None:
    holder, newcomer = EmbeddedPostgres(tmp_path / "a"), EmbeddedPostgres(tmp_path / "b")
    url = await holder.start()
    try:
        newcomer.directory.mkdir(parents=True)
        taken = (holder.directory / "port").read_text()
        (newcomer.directory / "port").write_text(taken)
        other = await newcomer.start()
        assert other.rsplit("@")[1] != url.rsplit("@")[1]
    finally:
        await newcomer.stop()
        await holder.stop()


async def test_kafka_keeps_messages_and_offsets_over_a_kill(tmp_path: Path) -> None:
    first = EmbeddedKafka(tmp_path)
    bootstrap = await first.start()
    await create_topics(bootstrap, ["kept"], partitions=2)
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True) as producer:
        await producer.send_and_wait("kept", b"one", key=b"case")
    assert await read_one(bootstrap) == b"one"
    await kill(first.pid)

    again = EmbeddedKafka(tmp_path)
    assert await again.start() == bootstrap
    try:
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True) as producer:
            await producer.send_and_wait("kept", b"two", key=b"case")
        assert await read_one(bootstrap) == b"two"
    finally:
        await again.stop()
        await first.stop()


async def read_one(bootstrap: str) -> bytes:
    async with AIOKafkaConsumer(
        "kept",
        bootstrap_servers=bootstrap,
        group_id="readers",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=6000,
    ) as consumer:
        message = await consumer.getone()
        await consumer.commit()
    value: bytes = message.value
    return value


async def test_kafka_forgets_the_messages_of_an_emptied_topic(kafka: str) -> None:
    await empty_topics(kafka, ["emptied"], partitions=1)
    async with AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True) as producer:
        await producer.send_and_wait("emptied", b"gone soon")
        await empty_topics(kafka, ["emptied"], partitions=1)
        metadata = await producer.send_and_wait("emptied", b"first again")
    assert metadata.offset == 0


async def test_kafka_creates_no_topic_by_itself(kafka: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka, request_timeout_ms=500) as producer:
        with pytest.raises(UnknownTopicOrPartitionError):
            await producer.send_and_wait("invented", b"nowhere to go")
    async with kafka_admin(kafka) as admin:
        assert "invented" not in await admin.list_topics()


async def test_every_module_gets_a_migrated_database_of_its_own(database: str, postgres: str) -> None:
    connection = await connect(database)
    try:
        assert await connection.fetchval("SELECT count(*) FROM alembic_version") == 1
    finally:
        await connection.close()
    assert database.rsplit("/", 1)[0] == postgres.rsplit("/", 1)[0]
    assert database != postgres


@pytest.fixture
def cached_jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own: the real jars, linked, so that a test may spoil one."""
    real = jars.ensure_jars()
    monkeypatch.setenv("PRIORAUTH_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "cache" / real.name
    folder.mkdir(parents=True)
    for jar in real.iterdir():
        (folder / jar.name).symlink_to(jar)
    return folder


@pytest.mark.parametrize("spoil", ["changed", "missing", "added"])
async def test_kafka_refuses_jars_that_differ_from_the_lock(cached_jars: Path, tmp_path: Path, spoil: str) -> None:
    victim = cached_jars / "kafka-clients-4.4.0.jar"
    if spoil == "changed":
        content = bytearray(victim.read_bytes())
        content[1000] ^= 1
        victim.unlink()
        victim.write_bytes(content)
    elif spoil == "missing":
        victim.unlink()
    else:
        (cached_jars / "zzz.jar").write_bytes(b"PK")
    server = EmbeddedKafka(tmp_path / "data")
    with pytest.raises(EmbeddedServerError, match=r"Kafka is not started because .*\.jar .*; delete that folder\."):
        await server.start()
    assert not (tmp_path / "data").exists()


def test_a_chosen_port_is_free_and_the_preferred_one_if_possible() -> None:
    port = choose_port()
    assert is_free(port)
    assert choose_port(port) == port
    assert choose_port(taken=frozenset({port})) != port


async def test_eventually_says_what_it_saw_last() -> None:
    with pytest.raises(AssertionError, match="last value: 0"):
        await eventually(lambda: 0, within=0.05)


async def test_kafka_starts_with_an_id_that_looks_like_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_module, "new_cluster_id", lambda: "-" + "A" * 20 + "w")
    server = EmbeddedKafka(tmp_path)
    try:
        assert await server.start()
        assert "-AAAAAAAAAAAAAAAAAAAAw" in (server.data / "meta.properties").read_text()
    finally:
        await server.stop()
