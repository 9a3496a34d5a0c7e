"""A file by which a replay that was interrupted goes on: how far the part without gaps has come, and what was found in it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

from services.cli.errors import REFUSED, USAGE, fail
from shared.journal.replay import Replay
from shared.platform.files import write_whole

SCHEMA: Final = "priorauth.replay-progress/1"


@dataclass(slots=True)
class Progress:
    """``following`` is the first case that is still to come; None with ``finished``: there is none."""

    schema: str
    parameters: dict[str, Any]
    following: UUID | None
    finished: bool
    found: Replay
    begun_at: datetime
    seconds: float = 0.0


@dataclass(slots=True)
class Resume:
    """Keeps the progress in ``path``, where one is given; ``parameters`` must be those that the file was begun with."""

    path: Path | None
    parameters: dict[str, Any]
    progress: Progress = field(init=False)

    def __post_init__(self) -> None:
        self.progress = Progress(SCHEMA, self.parameters, None, False, Replay(), datetime.now(UTC))
        if self.path is None or not self.path.exists():
            return
        try:
            known = msgspec.json.decode(self.path.read_bytes(), type=Progress)
        except (OSError, msgspec.DecodeError):
            fail(USAGE, f"{self.path} is no progress of a replay; name another file.")
        if known.schema != SCHEMA or known.parameters != self.parameters:
            fail(
                REFUSED,
                f"{self.path} was begun with other options or policies, by other code or on another installation; "
                "name another file.",
            )
        self.progress = known

    def begun_at(self) -> datetime:
        """When the replay was begun for the first time."""
        return self.progress.begun_at

    def add(self, following: UUID | None, found: Replay, seconds: float) -> None:
        """Takes in what the next range gave, and writes the file, which is whole at any moment."""
        self.progress.found.add(found)
        self.progress.following, self.progress.seconds = following, seconds
        self.progress.finished = following is None
        if self.path is not None:
            try:
                write_whole(self.path, msgspec.json.encode(self.progress), replace=True, mode=0o600)
            except OSError as error:
                fail(USAGE, f"{self.path} cannot be written ({error.strerror}).")
