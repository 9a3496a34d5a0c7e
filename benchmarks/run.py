"""``make bench``: runs every measurement in turn, prints the table, and writes ``benchmarks/results.json``."""

import argparse
import asyncio
import itertools
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import asyncpg
from rich.console import Console

from benchmarks.dbos_baseline import run_dbos
from benchmarks.flow_load import measure_latency, measure_submissions, run_backlog, sample_rows, warm_up
from benchmarks.pgbench_baseline import run_pgbench
from benchmarks.report import Measured, Sizes, print_table, results, write_files
from benchmarks.stack import BenchmarkError, Stack
from benchmarks.workload import request_body
from shared.platform.embedded.server import EmbeddedServerError

_WARM_UP_CASES: Final = 500

progress = Console(stderr=True)


def main() -> None:
    """The program. Ends with 1 where a measurement failed; a missed target is only marked."""
    parser = argparse.ArgumentParser(prog="benchmarks.run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", type=int, default=5000, help="backlog of the flow in each round")
    parser.add_argument("--dbos-cases", type=int, default=250)
    parser.add_argument("--latency-seconds", type=float, default=10.0)
    parser.add_argument("--submissions", type=int, default=1000)
    parser.add_argument("--pgbench-seconds", type=int, default=6)
    parser.add_argument("--data-dir", type=Path, help="keep the servers' data and logs there")
    options = parser.parse_args()
    sizes = Sizes(
        rounds=options.rounds,
        cases=options.cases,
        dbos_cases=options.dbos_cases,
        latency_rate=20.0,
        latency_seconds=options.latency_seconds,
        submissions=options.submissions,
        concurrency=48,
        pgbench_seconds=options.pgbench_seconds,
    )
    # The run measures the shipped settings, whatever this shell has set for another installation.
    for name in [n for n in os.environ if n.startswith("PRIORAUTH_")]:
        del os.environ[name]
    try:
        measured = _measure(sizes, options.data_dir)
    except (BenchmarkError, EmbeddedServerError) as error:
        progress.print(f"[bold red]The benchmark failed:[/] {error}")
        sys.exit(1)
    found = results(measured, sizes)
    write_files(found)
    print_table(found, Console())


def _measure(sizes: Sizes, data_dir: Path | None) -> Measured:
    if data_dir is not None:
        return asyncio.run(_rounds(sizes, data_dir))
    with tempfile.TemporaryDirectory(prefix="priorauth-bench-") as directory:
        return asyncio.run(_rounds(sizes, Path(directory)))


async def _rounds(sizes: Sizes, data_dir: Path) -> Measured:
    measured = Measured(load_before=os.getloadavg()[0])
    if measured.load_before > 1:
        progress.print(f"[yellow]Other work is going on (load {measured.load_before:.1f}); the figures will be low.[/]")
    began = time.monotonic()
    seeds = itertools.count(1, sizes.cases * 2)
    progress.print("Starting PostgreSQL and Kafka.")
    async with Stack(data_dir) as stack:
        measured.postgres = await _version(stack)
        for number in range(1, sizes.rounds + 1):
            progress.print(f"Round {number} of {sizes.rounds}:")
            await _flow_round(stack, measured, sizes, seeds)
            await _baseline_round(stack, measured, sizes)
    measured.seconds = time.monotonic() - began
    return measured


async def _flow_round(stack: Stack, measured: Measured, sizes: Sizes, seeds: "itertools.count[int]") -> None:
    """The flow with everything else at rest. Each measurement takes seeds of its own: no request comes twice."""
    await stack.start_services()
    await warm_up(stack, next(seeds), _WARM_UP_CASES, with_notes=False)
    coded = await run_backlog(stack, next(seeds), sizes.cases, with_notes=False)
    measured.flow.append(coded)
    progress.print(f"  flow: {coded.cases_per_second:,.0f} cases/s, {coded.cpu_ms_per_case:.2f} ms CPU a case")
    latency = await measure_latency(stack, next(seeds), sizes.latency_rate, sizes.latency_seconds)
    measured.latency_ms.append(latency)
    progress.print(f"  latency: median {sorted(latency)[len(latency) // 2]:.0f} ms, longest {max(latency):.0f} ms")
    measured.submissions.append(await measure_submissions(stack, next(seeds), sizes.submissions, sizes.concurrency))
    progress.print(f"  HTTP: {measured.submissions[-1]:,.0f} submissions/s")
    if not measured.row_bytes:
        measured.row_bytes = [len(row["data"]) + len(row["public"]) for row in await sample_rows(stack)]
    await warm_up(stack, next(seeds), _WARM_UP_CASES, with_notes=True)
    notes = await run_backlog(stack, next(seeds), sizes.cases, with_notes=True)
    measured.flow_with_notes.append(notes)
    progress.print(f"  with notes: {notes.cases_per_second:,.0f} cases/s, {notes.cpu_ms_per_case:.2f} ms CPU a case")
    await stack.stop_services()


async def _baseline_round(stack: Stack, measured: Measured, sizes: Sizes) -> None:
    """The baselines on the same servers, with the services at an end."""
    body = len(request_body(1, with_note=False))
    queued = await run_dbos(stack, "queued", sizes.dbos_cases, body, measured.row_bytes)
    measured.dbos_queued.append(queued)
    progress.print(f"  DBOS queued: {queued:,.0f} cases/s")
    rows = await run_pgbench(stack, await sample_rows(stack), sizes.pgbench_seconds)
    measured.pgbench_rows.append(rows)
    progress.print(f"  pgbench: {rows:,.0f} rows/s")
    direct = await run_dbos(stack, "direct", sizes.dbos_cases, body, measured.row_bytes)
    measured.dbos_direct.append(direct)
    progress.print(f"  DBOS direct: {direct:,.0f} cases/s")


async def _version(stack: Stack) -> str:
    connection = await asyncpg.connect(stack.database_url)
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


if __name__ == "__main__":
    main()
