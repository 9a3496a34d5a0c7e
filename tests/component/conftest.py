"""What component tests share: settings, an engine in the services' role, and the master key."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.journal.crypto import MasterKey
from shared.platform.database import make_engine
from shared.platform.settings import Settings
from tests.support.consuming import MASTER, settings_of


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
