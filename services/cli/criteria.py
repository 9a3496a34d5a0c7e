"""``priorauth criteria``: the criteria sets, for those who write them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli import criteria_coverage, criteria_fhir, criteria_show
from services.cli.errors import CHECK_FAILED, REFUSED, fail
from services.cli.output import print_json, print_lines
from services.cli.target import AsJson
from services.criteria_evaluation.bench import Finding, check_folder
from services.criteria_evaluation.policy import Policy, load_policy
from services.criteria_evaluation.schemas import policy_schemas
from shared.clinical.criteria_model import CriteriaSet
from shared.policy import PolicyError

app = typer.Typer(no_args_is_help=True, help=__doc__)
criteria_show.add_to(app)
criteria_coverage.add_to(app)
criteria_fhir.add_to(app)


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """The sets that ship with the code."""
    try:
        policy: Policy = load_policy(None)
    except PolicyError as error:
        fail(REFUSED, str(error))
    _print_sets(policy.criteria_sets, as_json)


@app.command("check")
def check(
    directory: Annotated[Path, typer.Argument(help="A folder of criteria sets (*.yaml).")],
    evidence: Annotated[Path | None, typer.Option(help="A folder of evidence instead of that shipped.")] = None,
    as_json: AsJson = False,
) -> None:
    """Everything that is wrong with a folder of sets, with file and line.

    Ends with 1 where a set is wrong, and with 3 where a file cannot be read as one.
    """
    try:
        sets, findings = check_folder(directory, evidence)
    except PolicyError as error:
        fail(REFUSED, str(error))
    if as_json:
        print_json({"sets": [_row(s) for s in sets], "findings": [_finding(f) for f in findings]})
    elif findings:
        print_lines(*(_line(f) for f in findings))
    else:
        _print_sets(sets, as_json=False)
    if findings:
        raise typer.Exit(REFUSED if any(f.unreadable for f in findings) else CHECK_FAILED)


@app.command("schema")
def schema() -> None:
    """The JSON Schema of a criteria set, for editors: it completes facts and fields, and marks what does not belong."""
    print_json(policy_schemas()["criteria.schema.json"])


@app.command("lexicon-schema")
def lexicon_schema() -> None:
    """The JSON Schema of a file of the lexicon, for editors."""
    print_json(policy_schemas()["lexicon.schema.json"])


def _finding(finding: Finding) -> dict[str, Any]:
    return {"file": finding.file, "line": finding.line, "place": finding.place, "reason": finding.reason}


def _line(finding: Finding) -> str:
    where = f"{finding.file}, line {finding.line}" if finding.line else finding.file
    return f"{where}: {finding.place + ': ' if finding.place else ''}{finding.reason}"


def _row(criteria_set: CriteriaSet) -> dict[str, Any]:
    ref = criteria_set.ref
    return {"id": ref.id, "version": ref.version, "title": ref.title, "digest": ref.digest}


def _print_sets(sets: tuple[CriteriaSet, ...], as_json: bool) -> None:
    rows = [_row(s) for s in sets]
    if as_json:
        print_json(rows)
    else:
        print_lines(*(f"{r['id']}  {r['version']}  {r['digest'][:19]}  {r['title']}" for r in rows))
