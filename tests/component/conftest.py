"""What component tests share: settings, an engine in the services' role, and the master key."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from services.console.access import COOKIE
from shared.journal.crypto import MasterKey
from shared.platform.database import make_engine
from shared.platform.settings import Settings, with_driver
from tests.support.archived import Journal
from tests.support.console import APPROVED, Desk, Workshop, desk
from tests.support.consuming import MASTER, settings_of
from tests.support.servers import fresh_database


@pytest.fixture(scope="module")
def settings(database: str) -> Settings:
    """Settings for the module's own database."""
    return settings_of(database)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """Sessions in the role that services have."""
    made = make_engine(settings)
    yield made
    await made.dispose()


@pytest.fixture(scope="session")
def master() -> MasterKey:
    """The key that wraps the cases' keys."""
    return MASTER


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def console(database: str) -> AsyncIterator[Desk]:
    """A running console on the module's own database."""
    async with desk(database, console_user_header="X-User") as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def approved(console: Desk) -> UUID:
    """A case that was approved by the services' own code."""
    return await console.workshop.finish(await console.workshop.submit(APPROVED.read_bytes()))


@pytest_asyncio.fixture(loop_scope="session")
async def anonymous(console: Desk) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that nobody has signed in."""
    async with console.client(None) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def clinician(console: Desk) -> AsyncIterator[httpx.AsyncClient]:
    """A clinician's browser: a session, and no token in its requests."""
    async with console.client(None) as client:
        await client.get(console.link())
        assert COOKIE in client.cookies
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def journal(postgres: str, migrated_template: str, tmp_path: Path) -> AsyncIterator[Journal]:
    async with fresh_database(postgres, migrated_template) as url:
        service, owner = make_engine(settings_of(url)), create_async_engine(with_driver(url))
        yield Journal(owner, Workshop(service, MASTER), tmp_path)
        await service.dispose()
        await owner.dispose()


@pytest_asyncio.fixture(loop_scope="session")
async def archived(journal: Journal) -> Journal:
    """The same after the first partition went into a file, sealed before."""
    for _ in range(3):
        await journal.approve()
    await journal.over()
    await journal.approve()
    await journal.seal()
    await journal.archive()
    return journal
