"""A journal whose first partition is over: to archive it, and to audit both halves."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.journal.archives import open_archives
from shared.journal.archiving import archive
from shared.journal.checkpoint import CheckpointFiles
from shared.journal.contents import verify_causes, verify_contents, verify_projection
from shared.journal.problems import Problem
from shared.journal.sealing import make_checkpoints, verify_checkpoints
from shared.journal.spans import ALL
from shared.journal.verify import verify_within
from tests.support.console import APPROVED, Workshop
from tests.support.consuming import MASTER
from tests.support.months import end_first, publish_all

NOW: Final = datetime.now(UTC)
LATER: Final = NOW + timedelta(days=400)


class Journal:
    """A database whose first partition is over, with approved cases in it and one in the open partition."""

    def __init__(self, owner: AsyncEngine, workshop: Workshop, folder: Path) -> None:
        self.owner, self.workshop, self.folder = owner, workshop, folder
        self.key = Ed25519PrivateKey.generate()
        self.files = CheckpointFiles(folder / "checkpoints")
        self.archives = folder / "archives"
        self.requests = 0

    async def approve(self) -> UUID:
        """A new case; the same request again would be the same one."""
        self.requests += 1
        body = json.loads(APPROVED.read_text())
        body["identifier"]["value"] = f"archives-{self.requests}"
        return await self.workshop.finish(await self.workshop.submit(json.dumps(body).encode()))

    async def over(self) -> None:
        async with self.owner.begin() as connection:
            await end_first(connection)
            await publish_all(connection)
            await connection.execute(text("DELETE FROM notification_deliveries"))

    async def seal(self) -> None:
        assert [c async for c in make_checkpoints(self.owner, self.files, self.key, NOW)]

    async def archive(self) -> None:
        await archive(self.owner, "journal_first", self.archives, closed_before=LATER, now=LATER)

    async def problems(self) -> list[Problem]:
        """All that an audit with the master key and the checkpoints finds."""
        async with self.owner.connect() as connection:
            archives = await open_archives(connection, self.archives)
            found = (await verify_within(connection, ALL, archives)).problems
            found += [p async for p in verify_contents(connection, MASTER, ALL, archives)]
            found += [p async for p in verify_projection(connection)]
            found += [p async for p in verify_causes(connection)]
            seals = verify_checkpoints(connection, self.files, self.key.public_key(), archives)
            return found + [p async for p in seals] + list(archives.problems() if archives else ())
