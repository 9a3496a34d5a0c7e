"""Keeps a running process at the policy that its folders hold, and at the one before where that cannot be used.

A policy is compiled whole before it takes the place of the one in force, and a handler asks for it once a batch, so that
no answer is made half by one and half by another.
"""

import asyncio
import contextlib
import re
import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from shared.platform import telemetry
from shared.platform.logs import get_logger
from shared.policy import PolicyError, PolicyFiles

T = TypeVar("T")
log = get_logger()
_WHERE: Final = re.compile(r"(?P<file>[^:]+?\.ya?ml)(?:, line (?P<line>\d+))?: (?P<reason>.*)", re.DOTALL)


class PolicyHolder(Generic[T]):
    """The policy in force in a process."""

    def __init__(
        self, service: str, read: Callable[[], PolicyFiles], compile_files: Callable[[PolicyFiles], T]
    ) -> None:
        """Loads the first policy.

        Raises:
            PolicyError: it cannot be used. A process does not start without a policy.
        """
        files = read()
        self._service = service
        self._read = read
        self._compile = compile_files
        self._current = compile_files(files)
        self._seen = self._pending = files.digest
        self._asked = asyncio.Event()
        self._one_at_a_time = threading.Lock()
        telemetry.POLICY_REFUSED.labels(service).set(0)

    def current(self) -> T:
        """The policy in force."""
        return self._current

    def ask(self) -> None:
        """Has ``watch`` look at once, and take what it finds without waiting for it to settle."""
        self._asked.set()

    async def watch(self, seconds: float) -> None:
        """Looks for changed files for ever. They are read and compiled beside the event loop, which stays at its work."""
        while True:
            with contextlib.suppress(TimeoutError):
                # Not wait_for, which before Python 3.12 loses a cancellation that comes together with the event.
                async with asyncio.timeout(seconds):
                    await self._asked.wait()
            asked = self._asked.is_set()
            self._asked.clear()
            await asyncio.to_thread(self.refresh, settled=not asked)

    def refresh(self, *, settled: bool = False) -> bool:
        """Takes up changed files and gives whether it did; those that cannot be used are refused, and told of once.

        With ``settled`` they must have stood unchanged since the last look, so that a copy under way is not taken up.
        """
        with self._one_at_a_time:
            return self._refresh(settled)

    def _refresh(self, settled: bool) -> bool:
        files, digest = self._looked_at()
        known, self._pending = self._pending, digest
        if digest == self._seen or (settled and digest != known):
            return False
        self._seen = digest
        try:
            # Where the files could not be read, reading them again raises the reason.
            compiled = self._compile(files if files is not None else self._read())
        except PolicyError as error:
            self._refuse(str(error))
            return False
        except Exception as error:  # Whatever files do to the compiler, the policy in force stays and somebody is told.
            self._refuse(f"The compiler failed ({type(error).__name__}).")
            return False
        self._current = compiled
        telemetry.POLICY_CHANGES.labels(self._service, "adopted").inc()
        telemetry.POLICY_REFUSED.labels(self._service).set(0)
        log.info("policy adopted", policy=digest)
        return True

    def _looked_at(self) -> tuple[PolicyFiles | None, str]:
        """The files and their digest; where they cannot be read, the reason stands for it."""
        try:
            files = self._read()
        except PolicyError as error:
            return None, str(error)
        return files, files.digest

    def _refuse(self, message: str) -> None:
        telemetry.POLICY_CHANGES.labels(self._service, "refused").inc()
        telemetry.POLICY_REFUSED.labels(self._service).set(1)
        found = _WHERE.fullmatch(message)
        file, line, reason = (found["file"], found["line"], found["reason"]) if found else (None, None, message)
        log.error(
            "policy refused, the one before it stays in force",
            file=file,
            line=int(line) if line else None,
            reason=reason,
        )
