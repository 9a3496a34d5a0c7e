"""What the keeper does at each interval, one after the other, so that a failure of one does not keep the other back."""

import asyncio
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.journal.checkpoint import CheckpointError, CheckpointFiles, load_private_key
from shared.journal.partitions import roll
from shared.journal.sealing import make_checkpoints
from shared.platform import telemetry
from shared.platform.database import is_unavailable
from shared.platform.logs import get_logger
from shared.platform.settings import Settings

log = get_logger()


class Keeper:
    """Makes a checkpoint where anything was appended, and rolls the partitions."""

    def __init__(self, settings: Settings, engine: AsyncEngine) -> None:
        if (settings.checkpoint_dir is None) != (settings.checkpoint_key is None):
            raise CheckpointError("PRIORAUTH_CHECKPOINT_DIR and PRIORAUTH_CHECKPOINT_KEY go together.")
        self._settings = settings
        self._engine = engine
        self._seals: tuple[CheckpointFiles, Ed25519PrivateKey] | None = None
        if settings.checkpoint_dir is not None and settings.checkpoint_key is not None:
            self._seals = CheckpointFiles(settings.checkpoint_dir), load_private_key(settings.checkpoint_key)
            telemetry.CHECKPOINT_INTERVAL.set(settings.checkpoint_seconds)

    async def run(self) -> None:
        """Runs until cancelled; what goes wrong is logged and counted, and tried again at the next interval."""
        while True:
            for name, work in (("partitions", self.roll), ("checkpoints", self.seal)):
                try:
                    await work()
                except Exception as error:
                    telemetry.KEEPER_FAILURES.labels(name).inc()
                    log.error("keeping failed", what=name, away=is_unavailable(error), exc_info=error)
            await asyncio.sleep(self._settings.checkpoint_seconds)

    async def roll(self) -> None:
        """Makes the partitions of the months to come, where they are missing."""
        async with self._engine.begin() as connection:
            await connection.execute(text("SET TRANSACTION READ WRITE"))
            made = await roll(connection)
        if made:
            log.info("partitions made", number=made)

    async def seal(self) -> None:
        """Seals what has been appended since the last checkpoint.

        Raises:
            CheckpointError: the folder's last checkpoint is of another key or another installation.
            FileExistsError: another process makes checkpoints into the same folder.
        """
        if self._seals is None:
            return
        files, key = self._seals
        async for checkpoint in make_checkpoints(self._engine, files, key, datetime.now(UTC)):
            telemetry.CHECKPOINT_EVENTS.set(checkpoint.size)
            log.info("checkpoint made", number=checkpoint.number, events=checkpoint.size)
        # Also where there was nothing to seal: the age of the seals is that of the last look.
        telemetry.CHECKPOINT_TIME.set_to_current_time()
