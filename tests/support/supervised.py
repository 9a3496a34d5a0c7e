"""A small platform of three real processes for the supervisor's tests, also runnable as a process of its own.

``python -m tests.support.supervised DIR`` supervises ``store``, ``worker`` and ``door`` in DIR until it is told to stop.
Each appends what happens to it to ``DIR/events``, since that is what the tests ask about.
"""

import asyncio
import sys
from pathlib import Path

from shared.platform.logs import configure_logging
from shared.platform.supervisor.process import Command, SupervisorError
from shared.platform.supervisor.supervisor import ProcessSpec, Step, Supervisor

_PROGRAM = """
import os, signal, sys, threading
name, folder, mode = sys.argv[1:]
def say(what):
    with open(folder + "/events", "a") as file:
        file.write(what + " " + name + "\\n")
done = threading.Event()
def end(*_):
    say("stop")
    if mode != "stubborn":
        done.set()
signal.signal(signal.SIGTERM, end)
say("start")
if mode == "broken":
    sys.exit(3)
with open(folder + "/" + name + ".up", "w") as file:
    file.write(str(os.getpid()))
while not done.is_set():
    signal.pause()
"""


def process(folder: Path, name: str, *after: str, mode: str = "good", stop_timeout: float = 10.0) -> ProcessSpec:
    """A process that is ready once it has written its id to ``NAME.up``."""
    up = folder / f"{name}.up"

    async def prepare() -> None:
        await asyncio.to_thread(up.unlink, missing_ok=True)

    async def ready() -> bool:
        return await asyncio.to_thread(up.exists)

    return ProcessSpec(
        name,
        command=lambda: Command((sys.executable, "-I", "-S", "-c", _PROGRAM, name, str(folder), mode)),
        ready=ready,
        after=after,
        prepare=prepare,
        start_timeout=20.0,
        stop_timeout=stop_timeout,
    )


def platform(folder: Path, **modes: str) -> Supervisor:
    """``store``, then a migration, then ``worker``, then ``door``; stopped from the door inwards."""

    async def migrate() -> None:
        await asyncio.to_thread(note, folder, "ran migrate")

    return Supervisor(
        folder,
        [
            process(folder, "door", "worker", mode=modes.get("door", "good")),
            process(folder, "worker", "migrate", mode=modes.get("worker", "good"), stop_timeout=0.3),
            Step("migrate", migrate, after=("store",)),
            process(folder, "store", mode=modes.get("store", "good")),
        ],
        stop_order=[("door",), ("worker",), ("store",)],
        facts=lambda: {"base_url": "http://127.0.0.1:1"},
    )


def note(folder: Path, event: str) -> None:
    """Appends an event."""
    with (folder / "events").open("a") as file:
        file.write(event + "\n")


def events(folder: Path) -> list[str]:
    """What has happened so far."""
    file = folder / "events"
    return file.read_text().splitlines() if file.exists() else []


def main() -> None:
    """Supervises until SIGTERM; exits 1 with the error's sentence if it cannot."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    configure_logging("supervisor")
    try:
        asyncio.run(platform(folder).run())
    except SupervisorError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
