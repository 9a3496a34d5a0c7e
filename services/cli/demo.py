"""``priorauth demo``: the whole platform on this machine, and real cases going through it."""

import asyncio
import os
import secrets
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import httpx
import typer
import uvicorn
from rich.panel import Panel
from rich.text import Text

from services.cli.console import entry_link
from services.cli.errors import CommandError
from services.cli.output import stdout
from services.cli.target import settings_for
from services.cli.trace_view import Span, SpanStore, receiver, trace_tree
from services.cli.up import supervise
from shared.platform.embedded.server import choose_port
from shared.platform.service import Server
from shared.platform.settings import Settings
from shared.platform.topology import process_specs

EXPECTED_SECONDS = 30.0
CLINICIAN = "demo-clinician"


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the demo cases.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Keep the data here instead of a temporary folder.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Intake's port; 0 takes a free one.")] = 0,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the first case in a browser.")] = False,
) -> None:
    """Starts everything, PostgreSQL and Kafka included, and sends the demo cases through."""
    if data_dir is not None:
        _run(data_dir, port, once, open_browser)
        return
    with tempfile.TemporaryDirectory(prefix="priorauth-", ignore_cleanup_errors=True) as folder:
        _run(Path(folder), port, once, open_browser)


def _run(data_dir: Path, port: int, once: bool, open_browser: bool) -> None:
    collector_port = choose_port()
    clinician = secrets.token_urlsafe(24)
    env = {
        "PRIORAUTH_TRACE_URL": f"http://127.0.0.1:{collector_port}/api/v3/traces/{{trace_id}}",
        "PRIORAUTH_CLINICIAN_TOKENS": f"{CLINICIAN}:{clinician}",
        "PRIORAUTH_OTLP_ENDPOINT": f"http://127.0.0.1:{collector_port}",
        "PRIORAUTH_TRACE_SAMPLE_RATIO": "1",
        "PRIORAUTH_NOTICE_CHANNEL": "maildir",
        "PRIORAUTH_MAILDIR": str(data_dir / "maildir"),
    }
    plan = process_specs(data_dir, embedded=True, port=port, settings=settings_for(None), settings_env=env)
    store = SpanStore()
    failures: list[BaseException] = []

    async def show() -> None:
        try:
            cases = await _show_all(plan.addresses.url("intake"), store)
            if not once:
                key = (data_dir / "master.key").read_text(encoding="utf-8").strip()
                settings = Settings(master_key=key, clinician_tokens=f"{CLINICIAN}:{clinician}")
                link = entry_link(settings, plan.addresses.url("console"), CLINICIAN, UUID(cases[0]))
                _say_where(plan.addresses.url("intake"), data_dir, link)
                if open_browser:
                    _open(link)
                await asyncio.Event().wait()
        except Exception as error:
            # What went wrong is told after everything has been stopped in order.
            failures.append(error)

    stdout.print("Starting PostgreSQL, Kafka and the services (the first run fetches Kafka, some 45 MB) ...")
    with _collector(store, collector_port):
        supervise(plan, show)
    if failures:
        reason = str(failures[0]) if isinstance(failures[0], CommandError) else type(failures[0]).__name__
        raise CommandError(1, f"The demo did not come to its end: {reason}.")


@contextmanager
def _collector(store: SpanStore, port: int) -> Iterator[None]:
    """Takes spans in on a thread of its own, until the last service has sent what it had."""
    server = Server(uvicorn.Config(receiver(store), host="127.0.0.1", port=port, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(5)


async def _show_all(base_url: str, store: SpanStore) -> list[str]:
    """Sends every demo case through; returns the cases."""
    stdout.print(f"Everything is up: [bold]{base_url}[/bold]\n")
    folder = resources.files("services.cli").joinpath("demo_cases")
    cases = []
    async with httpx.AsyncClient(base_url=base_url, timeout=75) as client:
        for number, entry in enumerate(sorted(folder.iterdir(), key=lambda e: e.name)):
            stdout.rule(f"[bold]{entry.name.removesuffix('.json')}")
            cases.append(await _show_case(client, entry.read_bytes(), store, whole=number == 0))
    return cases


async def _show_case(client: httpx.AsyncClient, body: bytes, store: SpanStore, *, whole: bool) -> str:
    headers = {"Content-Type": "application/fhir+json", "Prefer": "wait=0"}
    response = await client.post("/fhir/Claim/$submit", content=body, headers=headers)
    if response.status_code != 200:
        raise CommandError(1, f"the request was answered with {response.status_code}")
    case_id: str = response.headers["x-case-id"]
    case = await _follow(client, case_id)
    determination = (await client.get(f"/cases/{case_id}/determination")).json()
    text = determination["text"] if whole else _brief(determination)
    stdout.print(Panel(Text(text), title="Determination", width=110), soft_wrap=False)
    spans = await _spans(store, case)
    stdout.print(trace_tree(spans))
    stdout.print()
    return case_id


async def _follow(client: httpx.AsyncClient, case_id: str) -> dict[str, Any]:
    """Shows each step as it happens, until the notice is there."""
    seen = 0
    async with asyncio.timeout(EXPECTED_SECONDS):
        while True:
            case: dict[str, Any] = (await client.get(f"/cases/{case_id}")).json()
            for event in case["timeline"][seen:]:
                stdout.print(_step(event))
            seen = len(case["timeline"])
            if any(e["type"].startswith(("notice.delivered", "case.quarantined")) for e in case["timeline"]):
                return case
            await asyncio.sleep(0.02)


def _step(event: dict[str, Any]) -> str:
    change = event["state_after"] if event["state_after"] != event["state_before"] else ""
    when, type_ = event["recorded_at"][11:23], event["type"]
    return f"[dim]{when}[/dim]  {type_:<32}  [bold]{change:<22}[/bold]  [dim]{event['actor']}[/dim]"


def _brief(determination: dict[str, Any]) -> str:
    lines = [determination["summary"], *determination["reasons"]]
    lines += [f"? {m['question']}" for m in determination["missing"]]
    return "\n".join(dict.fromkeys(lines))


async def _spans(store: SpanStore, case: dict[str, Any]) -> list[Span]:
    """The case's trace, once every step's span has arrived."""
    trace_id = case["trace_id"]
    wanted = {"intake", "criteria_evaluation", "evidence_lookup", "determination", "notification", "relay"}
    with suppress(TimeoutError):
        async with asyncio.timeout(10):
            while not _whole(store.of(trace_id), wanted):
                await asyncio.sleep(0.05)
    return store.of(trace_id)


def _whole(spans: list[Span], services: set[str]) -> bool:
    """Whether every service has sent its spans and none is without its parent."""
    ids = {s.span_id for s in spans}
    return services <= {s.service for s in spans} and sum(s.parent_id not in ids for s in spans) == 1


def _say_where(base_url: str, data_dir: Path, link: str) -> None:
    stdout.print(f"It stays up at [bold]{base_url}[/bold]. The first case in the console (the link works once):")
    stdout.print(f"  {link}", soft_wrap=True)
    stdout.print("Or try:")
    stdout.print(f"  priorauth cases list --data-dir {data_dir}", soft_wrap=True)
    stdout.print(f"  priorauth console link --data-dir {data_dir}", soft_wrap=True)
    stdout.print(f"  priorauth audit verify --data-dir {data_dir}", soft_wrap=True)
    stdout.print("Ctrl-C ends it.")


def _open(link: str) -> None:
    """Opens a browser where there is a display to show it on."""
    if sys.platform in {"darwin", "win32"} or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(link)
    else:
        stdout.print("There is no display here, so no browser was opened.")
