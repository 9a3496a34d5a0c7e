"""``priorauth audit accesses``: who read clinical content; and the recording of what audit commands read themselves."""

import getpass
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.cli.output import print_json, print_lines
from services.cli.target import AsJson, DataDir, engine_in, run, settings_for
from shared.journal.access import read_accesses, record_access
from shared.platform.settings import Settings

Why = Annotated[
    str, typer.Option("--why", help="Why the content is read, in a few words without a person's; it is recorded.")
]
"""An option of every command that opens clinical content."""


async def note_access(engine: AsyncEngine, action: str, why: str, case_id: UUID | None = None) -> None:
    """Records that this account is about to read, in a transaction that may write although the role's others may not."""
    async with engine.begin() as connection:
        await connection.execute(text("SET TRANSACTION READ WRITE"))
        who = f"operator:{getpass.getuser()}"
        await record_access(connection, who=who, action=action, why=why, at=datetime.now(UTC), case_id=case_id)


def accesses_command(
    case: Annotated[UUID | None, typer.Option("--case", help="One case only.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Lists who read clinical content, when and why."""
    found = run(_accesses(settings_for(data_dir), case))
    if as_json:
        print_json({"accesses": found})
    else:
        print_lines(
            *(
                f"{a['number']:>6} {a['at']}  {a['who']:<24} {a['action']:<12} {a['case'] or '-'}  {a['why']}"
                for a in found
            )
        )


async def _accesses(settings: Settings, case: UUID | None) -> list[dict[str, Any]]:
    async with engine_in(settings, "auditor") as engine, engine.connect() as connection:
        return [
            {
                "number": a.number,
                "at": a.at.isoformat(),
                "who": a.who,
                "action": a.action,
                "case": str(a.case_id) if a.case_id else None,
                "why": a.why,
            }
            async for a in read_accesses(connection, case)
        ]
