"""Which installation a command talks to: a data directory's, the one that is named, or the environment's."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import httpx
from pydantic import SecretBytes, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.cli.errors import REFUSED, UNREACHABLE, USAGE, CommandError, fail
from services.cli.options import ArchiveDir, AsJson, DataDir, Url
from shared.journal.archives import Archives, open_archives
from shared.journal.crypto import KeyUnavailableError, MasterKey
from shared.journal.place import data_directory
from shared.journal.problems import ArchiveError
from shared.platform.data_dir import CONSOLE_FILE, CONSOLE_READER
from shared.platform.database import Role, is_unavailable, make_engine
from shared.platform.keys import master_of
from shared.platform.settings import Settings, get_settings

__all__ = [
    "ArchiveDir",
    "AsJson",
    "DataDir",
    "Running",
    "Url",
    "archives_of",
    "base_url",
    "call",
    "master_key",
    "master_secret",
    "run",
    "running",
    "settings_for",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Running:
    """What ``run.json`` of a data directory says."""

    base_url: str
    database_url: str
    kafka: str
    urls: dict[str, str]


def running(data_dir: Path) -> Running:
    """Reads ``run.json``. Ends the command where there is none."""
    try:
        content = json.loads((data_dir / "run.json").read_text())
        return Running(content["base_url"], content["database_url"], content["kafka"], content.get("urls", {}))
    except (OSError, ValueError, KeyError):
        fail(UNREACHABLE, f"{data_dir} has no run.json: start `priorauth up --data-dir {data_dir}` first.")


def settings_for(data_dir: Path | None) -> Settings:
    """The settings, with addresses and master key of a data directory where one is given."""
    try:
        if data_dir is None:
            return get_settings()
        there = running(data_dir)
        key = data_dir / "master.key"
        changes: dict[str, Any] = {"database_url": there.database_url, "kafka_bootstrap_servers": there.kafka}
        if key.exists():
            changes["master_key"] = key.read_text().strip()
        token = data_dir / CONSOLE_FILE
        if token.exists() and not get_settings().console_tokens:
            changes["console_tokens"] = f"{CONSOLE_READER}:{token.read_text().strip()}"
        return Settings(**changes)
    except ValidationError as error:
        names = ", ".join(sorted({"PRIORAUTH_" + str(e["loc"][0]).upper() for e in error.errors() if e["loc"]}))
        fail(USAGE, f"These settings cannot be used: {names}.")


def base_url(url: str | None, data_dir: Path | None) -> str:
    """The address of intake."""
    if url:
        return url.rstrip("/")
    if data_dir is not None:
        return running(data_dir).base_url
    settings = get_settings()
    return settings.public_base_url.rstrip("/") or f"http://{settings.http_host}:{settings.http_port}"


def master_key(settings: Settings) -> MasterKey:
    """The master key, set or lying beside an embedded PostgreSQL's data. Ends the command where there is none."""
    return master_of(settings, master_secret(settings))


def master_secret(settings: Settings) -> SecretBytes:
    """The same as bytes, which can be handed to another process."""
    secret = settings.master_key
    if secret is None and (beside := run(_key_beside(settings))) is not None:
        secret = Settings(master_key=beside).master_key
    if secret is None:
        fail(USAGE, "Set PRIORAUTH_MASTER_KEY to the base64 key that the services use, or name --data-dir.")
    return secret


async def archives_of(connection: AsyncConnection, folder: Path | None, case: UUID | None = None) -> Archives | None:
    """The archives of the journal, or those of one case. Ends the command where they cannot be used."""
    try:
        return await open_archives(connection, folder, case)
    except ArchiveError as error:
        fail(REFUSED, str(error))


async def _key_beside(settings: Settings) -> str | None:
    """``DIR/master.key`` of the ``up --embedded`` whose database this is, where this account may read it."""
    engine = create_async_engine(settings.sqlalchemy_url)
    try:
        directory = await data_directory(engine)
        return (directory.parents[1] / "master.key").read_text(encoding="utf-8").strip() if directory else None
    except OSError:
        return None
    finally:
        await engine.dispose()


def call(method: str, url: str, **options: Any) -> httpx.Response:
    """An HTTP request to intake. Ends the command where it cannot be reached or refuses."""
    try:
        response = httpx.request(method, url, timeout=options.pop("timeout", 75.0), **options)
    except httpx.HTTPError:
        fail(UNREACHABLE, f"Nothing answers at {url.split('/', 3)[2]}: start `priorauth up`, or name it with --url.")
    if response.status_code >= 500:
        fail(UNREACHABLE, f"The service answered {response.status_code}; look at its logs or try again later.")
    if response.status_code >= 400:
        fail(REFUSED, _reason(response))
    return response


def _reason(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return f"The request was refused ({response.status_code})."
    if "issue" in body:
        return "; ".join(
            " ".join(filter(None, [", ".join(i.get("expression", [])), i.get("diagnostics", "")]))
            for i in body["issue"]
        )
    return str(body.get("detail", f"The request was refused ({response.status_code})."))


@asynccontextmanager
async def engine_in(settings: Settings, role: Role) -> AsyncIterator[AsyncEngine]:
    """One connection in a role, closed when the command is through with it."""
    engine = make_engine(settings, role, 1)
    try:
        yield engine
    finally:
        await engine.dispose()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a command's coroutine; an unreachable database ends it with its exit code."""
    try:
        return asyncio.run(work)
    except CommandError:
        raise
    except (KeyUnavailableError, ArchiveError) as error:
        raise CommandError(REFUSED, str(error)) from error
    except Exception as error:
        if is_unavailable(error):
            raise CommandError(UNREACHABLE, "The database cannot be reached: see PRIORAUTH_DATABASE_URL.") from error
        raise
