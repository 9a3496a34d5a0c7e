"""``priorauth submit`` and ``priorauth cases``: requests and cases of a running installation."""

from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

import typer

from services.cli.errors import REFUSED, USAGE, fail
from services.cli.keys import erase_command
from services.cli.output import print_json, print_lines
from services.cli.target import AsJson, DataDir, Url, base_url, call, master_key, run, settings_for
from shared import flow
from shared.case.history import History, Proposed
from shared.events.model import CaseRedriven
from shared.journal.commands import CaseNotFoundError, append_one
from shared.journal.crypto import MasterKey
from shared.platform.database import make_engine
from shared.platform.settings import Settings

cases_app = typer.Typer(no_args_is_help=True, help="Cases of a running installation.")


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("submit")(submit)
    cases_app.command("erase")(erase_command)
    app.add_typer(cases_app, name="cases")


def submit(
    request: Annotated[Path, typer.Argument(help="A PAS request Bundle (JSON).")],
    wait: Annotated[int, typer.Option(min=0, max=60, help="Seconds to wait for the determination.")] = 10,
    url: Url = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Submits a request to Claim/$submit."""
    try:
        body = request.read_bytes()
    except OSError:
        fail(USAGE, f"{request} cannot be read.")
    base = base_url(url, data_dir)
    headers = {"Content-Type": "application/fhir+json", "Prefer": f"wait={wait}"}
    response = call("POST", f"{base}/fhir/Claim/$submit", content=body, headers=headers)
    if as_json:
        print_json(response.json())
        return
    case = call("GET", f"{base}/cases/{response.headers['x-case-id']}").json()
    _print_case(case)


@cases_app.command("list")
def list_command(
    state: Annotated[str | None, typer.Option(help="Only cases in this state.")] = None,
    after: Annotated[str | None, typer.Option(help="Continue after this case.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    url: Url = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Lists cases in order of arrival."""
    given = {"state": state, "after": after, "limit": limit}
    params = {name: value for name, value in given.items() if value is not None}
    page = call("GET", f"{base_url(url, data_dir)}/cases", params=params).json()
    if as_json:
        print_json(page)
    else:
        print_lines(*(f"{c['id']}  {c['state']:<22} {c['priority']:<9} due {c['due_at']}" for c in page["cases"]))


@cases_app.command("show")
def show(case_id: UUID, url: Url = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Shows a case with its timeline."""
    case = call("GET", f"{base_url(url, data_dir)}/cases/{case_id}").json()
    if as_json:
        print_json(case)
    else:
        _print_case(case)


@cases_app.command("redrive")
def redrive(
    case_id: UUID,
    reason: Annotated[str, typer.Option(help="Why it may succeed now; stands in the journal.")] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Releases a case from quarantine: each consumer takes up what it has not handled."""
    settings = settings_for(data_dir)
    history = run(_redrive(settings, master_key(settings), case_id, reason))
    result = {"id": str(case_id), "state": history.state, "quarantined": history.quarantined}
    if as_json:
        print_json(result)
    else:
        print_lines(f"{case_id} is released and goes on from {history.state}.")


async def _redrive(settings: Settings, master: MasterKey, case_id: UUID, reason: str) -> History:
    engine = make_engine(settings, "service", 1)

    def decide(history: History) -> Proposed | None:
        if not history.quarantined:
            fail(REFUSED, "The case is not in quarantine.")
        return Proposed(flow.CASE_REDRIVEN, CaseRedriven(reason), {})

    try:
        return await append_one(
            engine,
            master,
            case_id,
            decide,
            actor="operator:cli",
            consumer=flow.OPERATIONS.name,
            causation_id=uuid4(),
        )
    except CaseNotFoundError as error:
        fail(REFUSED, str(error))
    finally:
        await engine.dispose()


def _print_case(case: dict[str, Any]) -> None:
    print_lines(
        f"{case['id']}  {case['state']}  {case['priority']}  due {case['due_at']}",
        *(f"  {e['sequence']:>3} {e['recorded_at']}  {e['type']:<32} {e['actor']}" for e in case["timeline"]),
    )
