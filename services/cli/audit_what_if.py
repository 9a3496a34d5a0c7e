"""``priorauth audit what-if``: another policy over past cases, as JSON, CSV and a page with pictures."""

import csv
import io
from collections import Counter
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretBytes

from services.cli.answers import make_trial
from services.cli.audit_access import Why, note_access
from services.cli.audit_replay import OfSet, Payer, Since, Until
from services.cli.errors import USAGE, fail
from services.cli.instants import as_utc
from services.cli.output import print_json, print_lines
from services.cli.page import page
from services.cli.spread import CORES, Jobs, spread
from services.cli.target import ArchiveDir, AsJson, DataDir, archives_of, engine_in, master_secret, run, settings_for
from shared.journal.spans import Chosen, Span, spans
from shared.journal.what_if import Attach, Evaluate, WhatIf, what_if
from shared.platform.keys import master_of
from shared.platform.settings import Settings

_COLUMNS = ("case", "item", "code", "payer", "from", "to", "because")


@dataclass(frozen=True, slots=True)
class Trial:
    """What a process needs to try another policy over a range of cases."""

    settings: Settings
    master: SecretBytes
    archives: Path | None
    criteria: Path | None
    evidence: Path | None
    lexicon: Path | None
    chosen: Chosen

    def folders(self) -> str:
        """The folders that are tried, for people."""
        return ", ".join(str(folder) for folder in (self.criteria, self.evidence, self.lexicon) if folder is not None)


def what_if_command(
    criteria: Annotated[Path | None, typer.Option(help="The folder of criteria sets to try.")] = None,
    lexicon: Annotated[
        Path | None, typer.Option(help="The folder of the lexicon to try: charts are read anew.")
    ] = None,
    evidence: Annotated[Path | None, typer.Option(help="The folder of the evidence library to try.")] = None,
    since: Since = None,
    until: Until = None,
    payer: Payer = None,
    criteria_set: OfSet = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write the flips as CSV.")] = None,
    html_file: Annotated[Path | None, typer.Option("--html", help="Write a report with pictures.")] = None,
    jobs: Jobs = CORES,
    archives: ArchiveDir = None,
    why: Why = "what-if",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Shows which past decisions another policy would have changed, and why; nothing of a case is written."""
    settings = settings_for(data_dir)
    if criteria is None and lexicon is None and evidence is None:
        fail(USAGE, "Name what to try: --criteria, --lexicon or --evidence with a folder.")
    chosen = Chosen(since and as_utc(since), until and as_utc(until), payer, criteria_set)
    trial = Trial(
        settings,
        master_secret(settings),
        archives or settings.archive_dir,
        criteria or settings.criteria_dir,
        evidence or settings.evidence_dir,
        lexicon,
        chosen,
    )
    _policy(trial.criteria, trial.evidence, trial.lexicon)  # What cannot be used is told before anything is read.
    all_found = WhatIf()
    parts = run(_begin(trial, why))
    spread("what if", partial(try_part, trial), parts, jobs, lambda _, found: all_found.add(found))
    found = all_found.as_dict()
    if csv_file is not None:
        _write(csv_file, as_csv(found))
    if html_file is not None:
        _write(html_file, as_html(found, trial.folders()))
    if as_json:
        print_json(found)
    else:
        print_lines(*_lines(found))


async def _begin(trial: Trial, why: str) -> list[Span]:
    async with engine_in(trial.settings, "auditor") as engine:
        await note_access(engine, "what-if", why)
        async with engine.connect() as connection:
            return await spans(connection, await archives_of(connection, trial.archives))


@cache
def _policy(criteria: Path | None, evidence: Path | None, lexicon: Path | None) -> tuple[Evaluate, Attach]:
    """Compiled once a process."""
    return make_trial(criteria, evidence, lexicon)


def try_part(trial: Trial, span: Span) -> WhatIf:
    """Tries the policy over a range in this process, whatever process it is."""
    return run(_part(trial, span))


async def _part(trial: Trial, span: Span) -> WhatIf:
    policy = _policy(trial.criteria, trial.evidence, trial.lexicon)
    async with engine_in(trial.settings, "auditor") as engine, engine.connect() as connection:
        archives = await archives_of(connection, trial.archives)
        master = master_of(trial.settings, trial.master)
        return await what_if(connection, master, *policy, span, chosen=trial.chosen, archives=archives)


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


def as_html(found: dict[str, Any], policy: str) -> str:
    """A page that needs nothing from elsewhere."""
    causes = Counter(criterion for flip in found["flips"] for criterion in flip["because"])
    most = sorted(causes.items(), key=lambda pair: (-pair[1], pair[0]))
    return page("what_if.html.j2", found=found, policy=policy, causes=most[:20])


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [f"{found['cases']} cases, {len(found['flips'])} items would come out otherwise"]
    if found["erased"] or found["failed"]:
        lines.append(f"left out: {found['erased']} erased, {found['failed']} that could not be evaluated")
    for code, changes in found["by_code"].items():
        lines += [f"  {code}: {change}: {count}" for change, count in changes.items()]
    cited = found["citations"]
    if cited["cases"]:
        lines.append(f"{cited['cases']} determinations would cite other evidence:")
        lines += [f"  + {statement}: {count}" for statement, count in cited["cited_anew"].items()]
        lines += [f"  - {statement}: {count}" for statement, count in cited["no_longer_cited"].items()]
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
