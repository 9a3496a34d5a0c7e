"""Runs the Alembic revisions that ship with the code."""

from importlib import resources

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.platform.settings import with_driver

_LOCK = 7_021_337
"""Advisory lock: of several migrators that start at once, one works and the others then find nothing to do."""


async def upgrade(url: str, revision: str = "head") -> None:
    """Brings the database at ``url`` up to ``revision``. Safe to run at every start and by many at once."""
    await _run(url, revision, up=True)


async def downgrade(url: str, revision: str = "base") -> None:
    """Takes the database back to ``revision``. Drops the journal with it: for tests and a deliberate uninstall."""
    await _run(url, revision, up=False)


async def _run(url: str, revision: str, *, up: bool) -> None:
    engine = create_async_engine(with_driver(url), poolclass=NullPool)

    def work(connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        connection.commit()
        config = Config()
        config.set_main_option("script_location", str(resources.files("migrations")))
        config.attributes["connection"] = connection
        (command.upgrade if up else command.downgrade)(config, revision)
        connection.commit()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
        connection.commit()

    try:
        async with engine.connect() as connection:
            await connection.run_sync(work)
    finally:
        await engine.dispose()
