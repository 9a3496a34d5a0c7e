"""What an auditor's commands cost over a journal that the flow filled: ten thousand cases, half of them with a chart note.

The cases go through every process as ``make bench`` has it; then the services end and each command runs as a process of its
own against the database alone. Time is by the clock, ``cpu`` is that of the command and its processes (not PostgreSQL's), ``rss``
the most that all of them had resident at once. ``events/s a core`` divides the journal's events by the seconds of processor time.
"""

import argparse
import asyncio
import base64
import itertools
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.flow_load import run_backlog, warm_up
from benchmarks.stack import ROOT, BenchmarkError, Stack

progress: Final = Console(stderr=True)
_JOBS: Final = str(os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has run: ``output`` is its JSON, where it prints any."""

    name: str
    seconds: float
    cpu: float
    rss_mb: float
    output: Any


class Auditor:
    """Runs commands against the stack's database with the master key, and keeps what they cost."""

    def __init__(self, stack: Stack) -> None:
        key = stack.settings.master_key
        assert key is not None
        self._env = {k: v for k, v in os.environ.items() if not k.startswith("PRIORAUTH_")}
        self._env["PRIORAUTH_DATABASE_URL"] = stack.database_url
        self._env["PRIORAUTH_MASTER_KEY"] = base64.b64encode(key.get_secret_value()).decode()
        self.ended: list[Ended] = []

    def run(self, name: str, *arguments: str) -> Any:
        """Runs ``priorauth`` with these arguments and returns its JSON.

        Raises:
            BenchmarkError: it ended with another code than 0.
        """
        with tempfile.TemporaryFile() as out:
            began = time.perf_counter()
            pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-m", "services.cli.main", *arguments],
                self._env | {"PYTHONPATH": str(ROOT)},
                file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1)],
            )
            most, ended, status, usage = 0, 0, 0, None
            while not ended:
                most = max(most, _memory(pid))
                time.sleep(0.01)
                ended, status, usage = os.wait4(pid, os.WNOHANG)
            seconds = time.perf_counter() - began
            assert usage is not None
            if os.waitstatus_to_exitcode(status) != 0:
                raise BenchmarkError(f"{name} ended with {os.waitstatus_to_exitcode(status)}.")
            out.seek(0)
            text = out.read()
        found = json.loads(text) if text.startswith(b"{") else None
        self.ended.append(Ended(name, seconds, usage.ru_utime + usage.ru_stime, most / 1e6, found))
        progress.print(f"  {name}: {seconds:.1f} s")
        return found


def _memory(pid: int) -> int:
    """Bytes that a process and its own processes have resident together; 0 where it has just ended."""
    try:
        root = psutil.Process(pid)
        return sum(process.memory_info().rss for process in (root, *root.children(recursive=True)))
    except psutil.NoSuchProcess:
        return 0


def commands(auditor: Auditor, folder: Path, case: str) -> None:
    """Every command of an auditor, in the order in which one would take them."""
    key, seals = str(folder / "key.pem"), str(folder / "seals")
    sealed = ("--checkpoints", seals, "--public-key", f"{key}.pub")
    auditor.run("keygen", "audit", "keygen", key)
    auditor.run("checkpoint", "audit", "checkpoint", "--to", seals, "--key", key, "--json")
    for jobs in dict.fromkeys(("1", _JOBS)):
        auditor.run(f"verify, {jobs} processes", "audit", "verify", "--jobs", jobs, "--json")
        auditor.run(f"verify --contents, {jobs} processes", "audit", "verify", "--contents", "--jobs", jobs, "--json")
    auditor.run("verify --checkpoints", "audit", "verify", *sealed, "--jobs", _JOBS, "--json")
    for jobs in dict.fromkeys(("1", _JOBS)):
        auditor.run(f"replay, {jobs} processes", "audit", "replay", "--jobs", jobs, "--json")
    criteria = str(ROOT / "shared/policy/criteria")
    auditor.run(f"what-if, {_JOBS} processes", "audit", "what-if", "--criteria", criteria, "--jobs", _JOBS, "--json")
    auditor.run("as-of", "audit", "as-of", "--case", case, "--at", "2100-01-01", "--json")
    bundle = str(folder / "case.zip")
    auditor.run("export", "audit", "export", "--case", case, "--out", bundle, *sealed, "--key", key, "--json")
    auditor.run("check", "audit", "check", bundle, "--public-key", f"{key}.pub", "--json")
    auditor.run("accesses", "audit", "accesses", "--json")
    auditor.run("consistency", "audit", "consistency", f"{seals}/000001.json", *sealed, "--json")


async def measure(cases: int, folder: Path) -> dict[str, Any]:
    """Fills a journal and runs the commands; the sizes of the journal and what each command took."""
    async with Stack(folder / "servers") as stack:
        await stack.start_services()
        seeds = itertools.count(1, max(cases, 1000))
        await warm_up(stack, next(seeds), 100, with_notes=False)
        for with_notes in (False, True):
            progress.print(f"{cases // 2} cases {'with a note' if with_notes else 'of coded facts'}")
            await run_backlog(stack, next(seeds), cases // 2, with_notes=with_notes)
        await stack.stop_services()
        connection = await asyncpg.connect(stack.database_url)
        try:
            events, total, size = await connection.fetchrow(
                "SELECT count(*), count(DISTINCT case_id), pg_database_size(current_database()) FROM journal"
            )
            case = str(await connection.fetchval("SELECT case_id FROM journal ORDER BY case_id DESC LIMIT 1"))
        finally:
            await connection.close()
        auditor = Auditor(stack)
        await asyncio.to_thread(commands, auditor, folder, case)
    return {
        "cases": total,
        "events": events,
        "database_mb": round(size / 1e6),
        "commands": _rows(auditor.ended, events),
    }


def _rows(ended: list[Ended], events: int) -> list[dict[str, Any]]:
    return [
        {
            "command": e.name,
            "seconds": round(e.seconds, 2),
            "cpu_seconds": round(e.cpu, 2),
            "rss_mb": round(e.rss_mb),
            "events_per_second": round(events / e.seconds),
            "events_per_cpu_second": round(events / e.cpu),
        }
        for e in ended
    ]


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(prog="benchmarks.audit", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="priorauth-audit-") as folder:
        try:
            found = asyncio.run(measure(options.cases, Path(folder)))
        except BenchmarkError as error:
            progress.print(f"[bold red]The benchmark failed:[/] {error}")
            sys.exit(1)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    table = Table("command", "s", "cpu s", "MB", "events/s", "events/s a core")
    for row in found["commands"]:
        table.add_row(*(f"{value:,}" if not isinstance(value, str) else value for value in row.values()))
    Console().print(f"{found['cases']:,} cases, {found['events']:,} events, {found['database_mb']:,} MB")
    Console().print(table)


if __name__ == "__main__":
    main()
