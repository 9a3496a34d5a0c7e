"""The whole platform as users run it: ``priorauth up --embedded`` as a process of its own, asked over HTTP and SQL."""

import asyncio
import base64
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import psutil
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.journal.crypto import MasterKey
from shared.platform.database import make_engine
from shared.platform.settings import Settings
from tests.support.requests import as_body
from tests.support.servers import eventually

ROOT = Path(__file__).parents[2]
FHIR = "application/fhir+json"
START_SECONDS = 180.0
_LOG_LINES = 25


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended."""

    code: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.stdout)


@dataclass(slots=True)
class Platform:
    """A supervisor's process and what it runs, in ``data_dir``."""

    data_dir: Path
    env: Mapping[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None

    @property
    def run(self) -> dict[str, Any]:
        """What ``run.json`` says now."""
        content: dict[str, Any] = json.loads((self.data_dir / "run.json").read_text())
        return content

    @property
    def base_url(self) -> str:
        return str(self.run["base_url"])

    def url(self, service: str) -> str:
        """A process's own address."""
        return str(self.run["urls"][service])

    def pid(self, name: str) -> int:
        """A process's id; the supervisor is not in ``run.json``, but is known here."""
        if name == "supervisor":
            assert self.process is not None
            return self.process.pid
        return int(self.run["processes"][name])

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Sends a signal, by default the one that nothing can catch; returns the id it went to."""
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    async def start(self) -> None:
        """Runs ``priorauth up`` and waits until all of it is ready; says why where it does not get so."""
        command = ("up", "--embedded", "--data-dir", str(self.data_dir), "--port", "0")
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with (self.data_dir / "up.log").open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "services.cli.main",
                *command,
                cwd=ROOT,
                env=self.environment(),
                stdout=output,
                stderr=output,
            )
        await eventually(self._is_up, START_SECONDS, interval=0.1)

    async def _is_up(self) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, f"`priorauth up` ended: {self.tail('up')}"
        try:
            content = self.run
        except (FileNotFoundError, ValueError):
            return False
        # A run.json that a killed supervisor left behind names processes that are gone.
        return all(alive(p) for p in content["processes"].values()) and await self.is_ready("intake")

    def environment(self) -> dict[str, str]:
        """This process's environment without its own settings, and the platform's."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PRIORAUTH_")}
        return {**clean, **self.env}

    async def is_ready(self, service: str) -> bool:
        """Whether a process's ``/readyz`` answers 200."""
        try:
            async with httpx.AsyncClient(timeout=5) as client:
                return (await client.get(f"{self.url(service)}/readyz")).status_code == 200
        except (httpx.HTTPError, FileNotFoundError):
            return False

    async def stop(self) -> int:
        """SIGTERM, as an operator would; returns the exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), 120)

    async def priorauth(self, *arguments: str, **env: str) -> Ended:
        """Runs a command of the command line against this platform."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.cli.main",
            *arguments,
            cwd=ROOT,
            env={**self.environment(), "PRIORAUTH_DATA_DIR": str(self.data_dir), **env},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return Ended(process.returncode, out.decode(), err.decode())

    @property
    def database_url(self) -> str:
        """The owner's connection, as asyncpg takes it."""
        return str(self.run["database_url"]).replace("+asyncpg", "")

    @property
    def settings(self) -> Settings:
        """The settings that the services have, as far as reading the journal needs them."""
        run = self.run
        return Settings(
            database_url=run["database_url"],
            kafka_bootstrap_servers=run["kafka"],
            master_key=(self.data_dir / "master.key").read_text().strip(),
        )

    @property
    def master(self) -> MasterKey:
        """The key that opens the cases' keys."""
        return MasterKey(base64.b64decode((self.data_dir / "master.key").read_text()))

    def auditor(self) -> AsyncEngine:
        """An engine that may only read."""
        return make_engine(self.settings, "auditor", 1)

    async def fetch(self, statement: str, *parameters: Any) -> list[asyncpg.Record]:
        """Rows of the database, read as its owner."""
        connection = await asyncpg.connect(self.database_url)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *parameters)
            return rows
        finally:
            await connection.close()

    async def footprint(self) -> dict[str, int]:
        """How many rows there are of all that a request or a command leaves; what services append later is not in it."""
        [row] = await self.fetch(
            "SELECT (SELECT count(*) FROM journal WHERE consumer LIKE 'intake%' OR actor LIKE 'clinician:%') AS events, "
            "(SELECT count(*) FROM case_keys) AS keys, (SELECT count(*) FROM documents) - letters.kept AS documents, "
            "(SELECT count(*) FROM document_keys) - letters.kept AS document_keys, "
            "(SELECT count(*) FROM intake_claims) AS claims FROM (SELECT coalesce(sum(jsonb_array_length("
            "public::jsonb -> 'forms')), 0) AS kept FROM journal WHERE type = 'notice.rendered.v1') AS letters"
        )
        return dict(row)

    async def histories(self, case_ids: Sequence[str]) -> dict[str, list[tuple[int, str, str]]]:
        """Sequence, type and the state after it, of each event of each case."""
        found: dict[str, list[tuple[int, str, str]]] = {case_id: [] for case_id in case_ids}
        rows = await self.fetch(
            "SELECT case_id, sequence, type, state_after FROM journal WHERE case_id = ANY($1::uuid[]) "
            "ORDER BY case_id, sequence",
            [UUID(c) for c in case_ids],
        )
        for case_id, sequence, type_, state in rows:
            found[str(case_id)].append((sequence, type_, state))
        return found

    def tail(self, name: str) -> str:
        """The last lines of a process's log, for a failure's message."""
        file = self.data_dir / "up.log" if name == "up" else self.data_dir / "logs" / f"{name}.log"
        lines = file.read_text(errors="replace").splitlines()[-_LOG_LINES:] if file.exists() else []
        return f"\n--- {file.name}\n" + "\n".join(lines)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Provider:
    """A provider's system: submits over HTTP and looks at what became of it."""

    def __init__(self, platform: Platform, client: httpx.AsyncClient) -> None:
        self.platform = platform
        self.client = client

    async def post(
        self, body: Mapping[str, Any] | bytes, *, wait: int | None = None, content_type: str = FHIR
    ) -> httpx.Response:
        """``Claim/$submit``, whatever the answer is."""
        headers = {"Content-Type": content_type} | ({"Prefer": f"wait={wait}"} if wait is not None else {})
        content = body if isinstance(body, bytes) else as_body(body)
        return await self.client.post("/fhir/Claim/$submit", content=content, headers=headers)

    async def submit(self, bundle: Mapping[str, Any] | bytes, *, wait: int | None = None) -> tuple[str, dict[str, Any]]:
        """The case and the PAS response of a request that is accepted."""
        response = await self.post(bundle, wait=wait)
        assert response.status_code == 200, f"{response.status_code}: {response.text[:2000]}"
        answer: dict[str, Any] = response.json()
        return response.headers["x-case-id"], answer

    async def case(self, case_id: str) -> dict[str, Any]:
        """``GET /cases/{id}``."""
        response = await self.client.get(f"/cases/{case_id}")
        assert response.status_code == 200, response.text
        view: dict[str, Any] = response.json()
        return view

    async def until(self, case_id: str, *types: str, within: float = 30.0) -> dict[str, Any]:
        """The case, once its timeline ends with ``types``."""
        case: dict[str, Any] = {}

        async def there() -> bool:
            nonlocal case
            case = await self.case(case_id)
            return types_of(case)[-len(types) :] == list(types)

        try:
            await eventually(there, within)
        except AssertionError:
            raise AssertionError(f"{case_id} did not come to {types}; it has {types_of(case)}") from None
        return case

    async def determination(self, case_id: str) -> dict[str, Any]:
        """``GET /cases/{id}/determination``."""
        response = await self.client.get(f"/cases/{case_id}/determination")
        assert response.status_code == 200, response.text
        view: dict[str, Any] = response.json()
        return view


def types_of(case: Mapping[str, Any]) -> list[str]:
    """A timeline's types without their versions."""
    return [event["type"].removesuffix(".v1") for event in case["timeline"]]
