"""PostgreSQL's own load generator, inserting rows of the flow's kind and size: the ceiling that the disk and the
database set.

Each transaction is one INSERT of 50 rows in prepared mode, with the content of real rows sent as parameters, into a
table with the journal's columns, constraints and indexes. No case is read, nothing is encrypted or hashed.
"""

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import asyncpg

from benchmarks.stack import BenchmarkError, Stack
from shared.platform.embedded.postgres import binaries

GROUP: Final = 50
CLIENTS: Final = 4
THREADS: Final = 2
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_TABLE = (
    "CREATE SCHEMA IF NOT EXISTS benchmark",
    "CREATE TABLE IF NOT EXISTS benchmark.journal (LIKE public.journal INCLUDING ALL)",
    "TRUNCATE benchmark.journal",
)
_COLUMNS = (
    "case_id, sequence, event_id, type, state_before, state_after, actor, payer, consumer, causation_id, occurred_at, "
    "recorded_at, traceparent, code_version, public, data, previous_hash, hash"
)


async def run_pgbench(stack: Stack, samples: Sequence[Mapping[str, Any]], seconds: int) -> float:
    """Rows a second.

    Raises:
        BenchmarkError: pgbench failed.
    """
    connection = await asyncpg.connect(stack.database_url)
    try:
        for statement in _TABLE:
            await connection.execute(statement)
    finally:
        await connection.close()
    script = stack.data_dir / "insert.sql"
    script.write_text(_script(samples), encoding="utf-8")
    url = urlsplit(stack.database_url)
    arguments = [
        *("--no-vacuum", "--protocol", "prepared", "--file", str(script), "--time", str(seconds)),
        *("--client", str(CLIENTS), "--jobs", str(THREADS)),
        *("--host", str(url.hostname), "--port", str(url.port), "--username", str(url.username)),
        *_variables(samples),
        url.path.lstrip("/"),
    ]
    process = await asyncio.create_subprocess_exec(
        str(_program()),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PGPASSWORD": unquote(url.password or ""), "PGOPTIONS": "-c jit=off"},
    )
    try:
        async with asyncio.timeout(seconds + 60):
            output, errors = await process.communicate()
    except TimeoutError as error:
        raise BenchmarkError("pgbench did not end.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    found = _TPS.search(output.decode())
    if process.returncode != 0 or found is None:
        raise BenchmarkError(f"pgbench failed: {errors.decode(errors='replace')[-2000:]}")
    return float(found.group(1)) * GROUP


def _program() -> Path:
    return binaries() / "pgbench"


def _variables(samples: Sequence[Mapping[str, Any]]) -> list[str]:
    """``--define`` of each sample's content; pgbench sends it anew with every row."""
    options = []
    for number, row in enumerate(samples):
        options += ["--define", f"data{number}=\\x{row['data'].hex()}", "--define", f"public{number}={row['public']}"]
    return options


def _script(samples: Sequence[Mapping[str, Any]]) -> str:
    rows = ",\n".join(_values(n % len(samples), samples[n % len(samples)]) for n in range(GROUP))
    return f"INSERT INTO benchmark.journal ({_COLUMNS}) VALUES\n{rows};\n"


def _values(number: int, row: Mapping[str, Any]) -> str:
    """A row like the sample's with identifiers of its own: case ids by time as the flow makes them, causes by hash."""
    text = {name: _literal(str(row[name])) for name in _LITERALS}
    return (
        f"(uuidv7(), {row['sequence']}, gen_random_uuid(), {text['type']}, {text['state_before']}, "
        f"{text['state_after']}, {text['actor']}, {text['payer']}, {text['consumer']}, gen_random_uuid(), now(), now(), "
        f"{text['traceparent']}, {text['code_version']}, :public{number}::text, :data{number}::bytea, "
        f"'\\x{row['previous_hash'].hex()}', '\\x{row['hash'].hex()}')"
    )


def _literal(text: str) -> str:
    """A string constant without a colon in it, which pgbench would take for a variable."""
    quoted = text.replace("'", "''").replace("\\", "\\\\").replace(":", "\\003A")
    return f"U&'{quoted}'"


_LITERALS = (
    "type",
    "state_before",
    "state_after",
    "actor",
    "payer",
    "consumer",
    "traceparent",
    "code_version",
)
