"""The house rules that every process starts with: settings, logs, traces, HTTP, Kafka, and an orderly end.

A service's ``app.py`` only names its parts; this module runs them.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import uvicorn
from aiokafka.errors import KafkaError
from fastapi import FastAPI
from faststream.kafka import KafkaBroker
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import flow
from shared.journal.crypto import KeyUnavailableError, MasterKey
from shared.journal.store import check_master_key, is_migrated
from shared.messaging.broker import Consume, make_broker, subscribe
from shared.messaging.consumer import Consumer
from shared.messaging.lag import watch_lag
from shared.messaging.work import Handler
from shared.platform import telemetry
from shared.platform.database import make_engine
from shared.platform.http import Check, make_api
from shared.platform.keys import master_of
from shared.platform.logs import configure_logging, get_logger
from shared.platform.policy import PolicyHolder
from shared.platform.settings import Settings
from shared.policy import PolicyFiles, read_policies

log = get_logger()
T = TypeVar("T")
Background = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Runtime:
    """What a process has at hand while it runs."""

    name: str
    settings: Settings
    engine: AsyncEngine
    key: MasterKey | None
    broker: KafkaBroker | None = None
    subscriber: object | None = None
    background: list[Background] = field(default_factory=list)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process begins to end, so that answers without an end of their own can end too."""
    checks: dict[str, Check] = field(default_factory=dict)
    policies: list[Callable[[], None]] = field(default_factory=list)

    @property
    def master(self) -> MasterKey:
        """The master key, which every process but the keeper has."""
        if self.key is None:
            raise RuntimeError(f"{self.name} has no master key.")
        return self.key

    @property
    def reader(self) -> AsyncEngine:
        """The same connections without transactions around single queries, which spares two round trips each."""
        return self.engine.execution_options(isolation_level="AUTOCOMMIT")

    def consume(self, handler: Handler) -> None:
        """Answers this service's events with ``handler``."""
        consumer = Consumer(
            flow.SERVICES[self.name],
            handler,
            self.engine,
            self.master,
            attempts=self.settings.handler_attempts,
            backoff_seconds=self.settings.handler_backoff_seconds,
        )
        self.subscribe(consumer.consume)

    def hold(self, compile_files: Callable[[PolicyFiles], T]) -> PolicyHolder[T]:
        """The policy of the folders that the settings name, kept at what they hold while the process runs.

        Raises:
            PolicyError: it cannot be used.
        """
        settings = self.settings
        holder = PolicyHolder(
            self.name, lambda: read_policies(settings.criteria_dir, settings.evidence_dir), compile_files
        )
        self.background.append(lambda: holder.watch(settings.policy_poll_seconds))
        self.policies.append(holder.ask)
        return holder

    def reload(self) -> None:
        """Has every policy of the process look at its files now."""
        for ask in self.policies:
            ask()

    def subscribe(self, consume: Consume) -> None:
        """Feeds this service's batches to ``consume``."""
        broker = self.with_broker()
        self.subscriber = subscribe(broker, flow.SERVICES[self.name], consume, self.settings)
        self.checks["assignment"] = self._assigned
        self.background.append(lambda: watch_lag(self.name, self.subscriber))

    def with_broker(self) -> KafkaBroker:
        """The process's broker, made on first use."""
        if self.broker is None:
            self.broker = make_broker(self.settings, self.name)
            self.checks["kafka"] = self._kafka
        return self.broker

    def api(self, title: str) -> FastAPI:
        """The process's HTTP application, with health and metrics."""
        return make_api(self.name, title, self.checks)

    async def _database(self) -> bool:
        try:
            async with asyncio.timeout(2), self.engine.connect() as connection:
                return await is_migrated(connection)
        except Exception:  # Whatever the reason, the answer to "is it reachable" is no.
            return False

    async def _kafka(self) -> bool:
        try:
            return self.broker is not None and await self.broker.ping(timeout=2)
        except Exception:  # As above.
            return False

    async def _assigned(self) -> bool:
        consumer = getattr(self.subscriber, "consumer", None)
        return consumer is not None and bool(consumer.assignment())


Build = Callable[[Runtime], FastAPI]


class Server(uvicorn.Server):
    """Uvicorn without its own signal handlers: HTTP is one of several parts that end in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the process's handlers as they are."""
        yield


def run_service(name: str, build: Build, settings: Settings) -> None:
    """Runs a process until SIGTERM or SIGINT. ``build`` wires its parts and returns its HTTP application."""
    if sys.platform != "win32":
        import uvloop

        uvloop.run(_serve(name, build, settings))
    else:
        asyncio.run(_serve(name, build, settings))
    # Everything has ended in order; taking the interpreter apart would only free memory, and takes a second.
    logging.shutdown()
    os._exit(0)


async def _serve(name: str, build: Build, settings: Settings) -> None:
    configure_logging(name, settings.log_level)
    if settings.master_key is None and name != flow.KEEPER:
        raise SystemExit("PRIORAUTH_MASTER_KEY is not set: give 32 bytes in base64.")
    tracing = telemetry.configure_tracing(name, settings.otlp_endpoint, settings.trace_sample_ratio)
    master = master_of(settings, settings.master_key) if settings.master_key is not None else None
    runtime = Runtime(name, settings, make_engine(settings, "auditor" if name == flow.KEEPER else "service"), master)
    runtime.checks["database"] = runtime._database
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_, stop.set)
    if sys.platform != "win32":
        # Also where there is no policy, so that one signal to all processes ends none of them.
        loop.add_signal_handler(signal.SIGHUP, runtime.reload)
    api = build(runtime)
    _calm_the_collector()
    server = Server(
        uvicorn.Config(
            api,
            host=settings.http_host,
            port=settings.http_port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=75,  # Longer than gateways keep an idle connection, so that they close it and not we.
            timeout_graceful_shutdown=10,
            lifespan="off",
        )
    )
    serving = asyncio.create_task(server.serve(), name="http")
    tasks = [asyncio.create_task(_start_broker(runtime), name="broker")]
    tasks += [asyncio.create_task(_forever(b), name="background") for b in runtime.background]
    log.info("started", port=settings.http_port)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([stopping, serving], return_when=asyncio.FIRST_COMPLETED)
    log.info("stopping")
    runtime.stopping.set()
    await _stop(runtime, server, serving, tasks)
    tracing.shutdown()
    log.info("stopped")


def _calm_the_collector() -> None:
    """Looks for cycles rarely, and never among what was loaded at the start.

    A batch holds some hundred thousand objects at once, none of them in a cycle. With Python's defaults the collector
    went through them again and again: opening a stored evaluation took 270 us with it and 56 us without.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


async def _start_broker(runtime: Runtime) -> None:
    """Waits for the database's key check and then for Kafka; HTTP is up meanwhile and says what is missing."""
    await _verify_key(runtime)
    wait = 0.2
    while runtime.broker is not None:
        try:
            await runtime.broker.start()
        except (KafkaError, OSError) as error:
            log.warning("kafka away, waiting", seconds=wait, exc_info=error)
            with contextlib.suppress(Exception):
                await runtime.broker.stop()
            await asyncio.sleep(wait)
            wait = min(wait * 2, 3.0)
        else:
            return


async def _verify_key(runtime: Runtime) -> None:
    wait = 0.2
    while runtime.key is not None:
        try:
            async with runtime.engine.connect() as connection:
                await check_master_key(connection, runtime.key)
        except KeyUnavailableError:
            log.critical("PRIORAUTH_MASTER_KEY is not the key this database was filled under")
            signal.raise_signal(signal.SIGTERM)
            return
        except Exception as error:
            log.warning("database away, waiting", seconds=wait, exc_info=error)
            await asyncio.sleep(wait)
            wait = min(wait * 2, 3.0)
        else:
            return


async def _forever(background: Background) -> None:
    """A background task that fails is logged and started again."""
    while True:
        try:
            await background()
        except Exception as error:
            log.error("background task failed, starting again", exc_info=error)
        await asyncio.sleep(1)


async def _stop(
    runtime: Runtime, server: uvicorn.Server, serving: "asyncio.Task[None]", tasks: Sequence["asyncio.Task[None]"]
) -> None:
    """HTTP first, so that nothing new comes in; then Kafka, whose batch in hand is finished; then the rest."""
    server.should_exit = True
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(serving, 12)
    if runtime.broker is not None:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(runtime.broker.stop(), 20)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await runtime.engine.dispose()
