"""The table, ``results.json`` and ``docs/benchmarks.md``."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Final

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.dbos_baseline import CONCURRENCY
from benchmarks.flow_load import STEPS, FlowRun
from benchmarks.measure import median, percentile
from benchmarks.pgbench_baseline import CLIENTS, GROUP
from benchmarks.stack import ROOT


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything a round runs."""

    rounds: int
    cases: int
    dbos_cases: int
    latency_rate: float
    latency_seconds: float
    submissions: int
    concurrency: int
    pgbench_seconds: int


@dataclass(slots=True)
class Measured:
    """What the rounds gave; one entry a round."""

    flow: list[FlowRun] = field(default_factory=list)
    flow_with_notes: list[FlowRun] = field(default_factory=list)
    dbos_queued: list[float] = field(default_factory=list)
    dbos_direct: list[float] = field(default_factory=list)
    pgbench_rows: list[float] = field(default_factory=list)
    latency_ms: list[list[float]] = field(default_factory=list)
    submissions: list[float] = field(default_factory=list)
    row_bytes: list[int] = field(default_factory=list)
    postgres: str = ""
    seconds: float = 0.0
    load_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table. ``target`` is what the figure should reach: at least, or for a ceiling at most."""

    name: str
    value: float
    unit: str
    target: float | None = None
    ceiling: bool = False

    @property
    def verdict(self) -> str:
        """``reached``, ``missed``, or nothing where there is no target."""
        if self.target is None:
            return ""
        return "reached" if (self.value <= self.target if self.ceiling else self.value >= self.target) else "missed"

    @property
    def aim(self) -> str:
        """The target in words."""
        return "" if self.target is None else f"{'at most' if self.ceiling else 'at least'} {self.target:g}"


def results(measured: Measured, sizes: Sizes) -> dict[str, Any]:
    """The content of ``results.json``: medians over the rounds; percentiles over all requests."""
    samples = [ms for batch in measured.latency_ms for ms in batch]
    return {
        "cases_per_second": {
            "flow": _median(r.cases_per_second for r in measured.flow),
            "flow_with_notes": _median(r.cases_per_second for r in measured.flow_with_notes),
            "dbos_queued": _median(measured.dbos_queued),
            "dbos_direct": _median(measured.dbos_direct),
        },
        "transitions_per_second": {
            "flow": _median(r.transitions_per_second for r in measured.flow),
            "pgbench_grouped": _median(measured.pgbench_rows),
        },
        "cpu_ms_per_case": {
            "flow": _median((r.cpu_ms_per_case for r in measured.flow), 3),
            "flow_with_notes": _median((r.cpu_ms_per_case for r in measured.flow_with_notes), 3),
        },
        "latency_ms": {"p50": round(percentile(samples, 50), 1), "p99": round(percentile(samples, 99), 1)},
        "http_submissions_per_second": _median(measured.submissions),
        "cpu_ms_per_case_by_process": {
            "flow": _by_process(measured.flow),
            "flow_with_notes": _by_process(measured.flow_with_notes),
        },
        "rounds": _rounds(measured),
        "sizes": {name: getattr(sizes, name) for name in sizes.__dataclass_fields__},
        "row_bytes": dict(zip(STEPS, measured.row_bytes, strict=True)),
        "machine": machine(measured.postgres),
        "seconds": round(measured.seconds, 1),
        "load_before": round(measured.load_before, 2),
    }


def lines(found: Mapping[str, Any]) -> list[Line]:
    """The rows of the table."""
    cases, transitions = found["cases_per_second"], found["transitions_per_second"]
    cpu, latency = found["cpu_ms_per_case"], found["latency_ms"]
    flow, notes = cases["flow"], cases["flow_with_notes"]
    return [
        Line("flow, coded facts", flow, "cases/s"),
        Line("flow, a 2 KB note each", notes, "cases/s"),
        Line("DBOS, queued", cases["dbos_queued"], "cases/s"),
        Line("DBOS, direct", cases["dbos_direct"], "cases/s"),
        Line("flow / DBOS queued", flow / cases["dbos_queued"], "x", 40),
        Line("flow / DBOS direct", flow / cases["dbos_direct"], "x", 20),
        Line("flow with notes / DBOS queued", notes / cases["dbos_queued"], "x", 20),
        Line("flow, journal rows", transitions["flow"], "rows/s"),
        Line(f"pgbench, groups of {GROUP}", transitions["pgbench_grouped"], "rows/s"),
        Line("flow / pgbench", 100 * transitions["flow"] / transitions["pgbench_grouped"], "%", 22),
        Line("CPU of all processes, coded facts", cpu["flow"], "ms/case", 2, ceiling=True),
        Line("CPU of all processes, notes", cpu["flow_with_notes"], "ms/case"),
        Line("submit to determination, p50", latency["p50"], "ms", 60, ceiling=True),
        Line("submit to determination, p99", latency["p99"], "ms", 150, ceiling=True),
        Line("HTTP submissions", found["http_submissions_per_second"], "requests/s"),
    ]


def print_table(found: Mapping[str, Any], console: Console) -> None:
    """Prints the table."""
    table = Table(title="priorauth under load")
    for name in ("what", "measured", "unit", "target", ""):
        table.add_column(name, justify="right" if name == "measured" else "left")
    for line in lines(found):
        style = {"reached": "green", "missed": "bold red"}.get(line.verdict)
        table.add_row(line.name, _number(line.value), line.unit, line.aim, line.verdict, style=style)
    console.print(table)


def write_files(found: Mapping[str, Any]) -> None:
    """Writes ``benchmarks/results.json`` and ``docs/benchmarks.md``."""
    (ROOT / "benchmarks" / "results.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    document = ROOT / "docs" / "benchmarks.md"
    document.parent.mkdir(exist_ok=True)
    document.write_text(render(found), encoding="utf-8")


def render(found: Mapping[str, Any]) -> str:
    """``docs/benchmarks.md``."""
    sizes, here = found["sizes"], found["machine"]
    rows = "\n".join(
        f"| {line.name} | {_number(line.value)} {line.unit} | {line.aim} | {line.verdict} |" for line in lines(found)
    )
    processes = "\n".join(
        f"| {name} | {ms:.3f} | {found['cpu_ms_per_case_by_process']['flow_with_notes'][name]:.3f} |"
        for name, ms in found["cpu_ms_per_case_by_process"]["flow"].items()
    )
    return _DOCUMENT.format(
        rows=rows,
        processes=processes,
        **sizes,
        **here,
        queued=CONCURRENCY["queued"],
        direct=CONCURRENCY["direct"],
        steps=len(STEPS),
        group=GROUP,
        clients=CLIENTS,
        row_bytes=", ".join(f"{size:,}" for size in found["row_bytes"].values()),
        minutes=found["seconds"] / 60,
        load_before=found["load_before"],
    )


def machine(postgres: str) -> dict[str, Any]:
    """What the figures were measured on; nothing that names the machine."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "postgresql": postgres,
        "kafka": "4.4.0",
        "faststream": version("faststream"),
        "dbos": version("dbos"),
    }


def _by_process(runs: Sequence[FlowRun]) -> dict[str, float]:
    return {name: _median((r.cpu[name] * 1000 / r.cases for r in runs), 3) for name in runs[0].cpu}


def _rounds(measured: Measured) -> dict[str, list[float]]:
    return {
        "flow": [round(r.cases_per_second, 1) for r in measured.flow],
        "flow_with_notes": [round(r.cases_per_second, 1) for r in measured.flow_with_notes],
        "dbos_queued": [round(v, 1) for v in measured.dbos_queued],
        "dbos_direct": [round(v, 1) for v in measured.dbos_direct],
        "pgbench_grouped": [round(v, 1) for v in measured.pgbench_rows],
        "http_submissions_per_second": [round(v, 1) for v in measured.submissions],
        "latency_p50_ms": [round(percentile(batch, 50), 1) for batch in measured.latency_ms],
        "latency_p99_ms": [round(percentile(batch, 99), 1) for batch in measured.latency_ms],
    }


def _median(values: Any, digits: int = 1) -> float:
    return round(float(median(list(values))), digits)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


_DOCUMENT: Final = """\
# Benchmarks

`make bench` measures and writes this page and `benchmarks/results.json`. The figures below are from one run of
{minutes:.0f} minutes on {cores} cores and {memory_gib} GiB of memory ({system}), with Python {python}, PostgreSQL {postgresql} in its default
durability (`fsync` and `synchronous_commit` on), Apache Kafka {kafka}, FastStream {faststream} and DBOS {dbos}, all on that one machine, whose
load average was {load_before} before.

| what | measured | target | |
| --- | ---: | --- | --- |
{rows}

Each figure is the median of {rounds} rounds; the percentiles are over the requests of all rounds. A round runs everything in
turn, so that a slow minute of the machine falls on all alike.

## CPU by process

Milliseconds a case, user and system, with the children of each process:

| process | coded facts | 2 KB note |
| --- | ---: | ---: |
{processes}

## What is measured

- **Flow.** Every process that `priorauth up` starts, with the settings that it ships with. The relay is halted while {cases:,} requests,
  all different, are stored through intake's own code; then it goes on and the clock starts. It stops when the last of
  them has its `notice.prepared` event. The run fails unless every case was approved and notified. The chart is either coded facts in a
  QuestionnaireResponse or a consultation note of 2 KB. Each case takes {steps} journal rows in that time.
- **DBOS.** {dbos_cases} workflows of {steps} steps; the start of a workflow stands for the submission. The steps do no work but return
  values as large as the flow's rows ({row_bytes} bytes). Queued: the backlog is enqueued first, then taken with {queued} at once; the
  time is from the first start to the last end in DBOS's own tables. Direct: {direct} workflows at once are called and awaited.
- **pgbench.** {clients} clients insert rows with the content of the flow's rows, {group} in a statement and transaction, into a table with
  the journal's constraints and indexes, for {pgbench_seconds} s. It neither reads nor encrypts, so it is the database's ceiling.
- **Latency.** {latency_rate:g} requests a second over HTTP for {latency_seconds:g} s, each awaiting its determination (`Prefer: wait=10`); counted from when the
  request was due, so that a stall delays those behind it too.
- **HTTP submissions.** {submissions:,} requests from {concurrency} connections that do not wait for the determination, while the flow works on them.
- **CPU** is that of all the flow's processes, PostgreSQL and Kafka included, over the time of the flow's run.
"""
