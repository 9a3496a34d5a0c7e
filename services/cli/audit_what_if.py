"""``priorauth audit what-if``: another criteria set over past cases, as JSON, CSV and a page with pictures."""

import csv
import io
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.answers import make_evaluate
from services.cli.audit_access import Why, note_access
from services.cli.audit_replay import Since, Until
from services.cli.errors import USAGE, fail
from services.cli.instants import as_utc
from services.cli.output import print_json, print_lines, stderr
from services.cli.page import page
from services.cli.target import AsJson, DataDir, engine_in, master_key, run, settings_for
from shared.journal.crypto import MasterKey
from shared.journal.what_if import Evaluate, WhatIf, what_if
from shared.platform.settings import Settings

_COLUMNS = ("case", "item", "code", "payer", "from", "to", "because")


def what_if_command(
    criteria: Annotated[Path, typer.Option(help="The folder of criteria sets to try.")],
    since: Since = None,
    until: Until = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write the flips as CSV.")] = None,
    html_file: Annotated[Path | None, typer.Option("--html", help="Write a report with pictures.")] = None,
    why: Why = "what-if",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Shows which past decisions other criteria would have changed, and why; nothing of a case is written."""
    settings = settings_for(data_dir)
    evaluate = make_evaluate(criteria)
    period = (since and as_utc(since), until and as_utc(until))
    found = run(_what_if(settings, master_key(settings), evaluate, period, why)).as_dict()
    if csv_file is not None:
        _write(csv_file, as_csv(found))
    if html_file is not None:
        _write(html_file, as_html(found, str(criteria)))
    if as_json:
        print_json(found)
    else:
        print_lines(*_lines(found))


async def _what_if(
    settings: Settings, master: MasterKey, evaluate: Evaluate, period: tuple[Any, Any], why: str
) -> WhatIf:
    async with engine_in(settings, "auditor") as engine:
        await note_access(engine, "what-if", why)
        with stderr.status("What if") as status:
            return await what_if(
                engine,
                master,
                evaluate,
                since=period[0],
                until=period[1],
                progress=lambda cases: status.update(f"What if: {cases} cases"),
            )


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(USAGE, f"{path} cannot be written ({error.strerror}).")


def as_csv(found: dict[str, Any]) -> str:
    """A row a flip; the criteria that caused it joined by blanks."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for flip in found["flips"]:
        values = flip | {"because": " ".join(flip["because"])}
        # A spreadsheet takes a cell that begins so for a formula.
        writer.writerow(
            [f"'{v}" if str(v).startswith(("=", "+", "-", "@")) else v for v in (values[c] for c in _COLUMNS)]
        )
    return buffer.getvalue()


def as_html(found: dict[str, Any], criteria: str) -> str:
    """A page that needs nothing from elsewhere."""
    causes = Counter(criterion for flip in found["flips"] for criterion in flip["because"])
    most = sorted(causes.items(), key=lambda pair: (-pair[1], pair[0]))
    return page("what_if.html.j2", found=found, criteria=criteria, causes=most[:20])


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [f"{found['cases']} cases, {len(found['flips'])} items would come out otherwise"]
    if found["erased"] or found["failed"]:
        lines.append(f"left out: {found['erased']} erased, {found['failed']} that could not be evaluated")
    for code, changes in found["by_code"].items():
        lines += [f"  {code}: {change}: {count}" for change, count in changes.items()]
    for moment in ("before", "after"):
        for priority, metrics in found["metrics"][moment].items():
            rate = "-" if metrics["approved_percent"] is None else f"{metrics['approved_percent']}% approved"
            lines.append(
                f"  {moment:<6} {priority:<9} {metrics['cases']} cases, {rate}, median {metrics['median_hours']} h"
            )
    lines += [
        f"  {f['case']} item {f['item']} {f['code']}: {f['from']} -> {f['to']} ({', '.join(f['because'])})"
        for f in found["flips"]
    ]
    return lines
