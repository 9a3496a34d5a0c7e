"""Where a database lies, for commands on the same machine as an embedded one."""

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

_SHOW = text("SHOW data_directory")


async def data_directory(engine: AsyncEngine) -> Path | None:
    """The server's data directory, or None where this login may not know it."""
    try:
        async with engine.connect() as connection:
            return Path(str(await connection.scalar(_SHOW)))
    except DBAPIError:
        return None
