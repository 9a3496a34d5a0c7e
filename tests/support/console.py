"""The console over a real database, with cases made by the services' own code, served over HTTP in this process."""

import asyncio
import html
import json
import re
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import httpx
import uvicorn
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.access import new_pass
from services.console.api import add_views
from services.console.handlers import Projector
from services.console.site import add_site
from services.criteria_evaluation.handlers import EvaluateCriteria
from services.criteria_evaluation.policy import load_policy
from services.determination.api import add_commands
from services.determination.handlers import Determine
from services.evidence_lookup.handlers import AttachEvidence
from services.evidence_lookup.library import compile_library
from services.intake.domain.pas_request import read_request
from services.intake.store import Submission, Submissions
from services.notification.handlers import PrepareNotice
from shared import flow
from shared.journal.crypto import MasterKey
from shared.messaging.consumer import Consumer
from shared.messaging.work import Handler
from shared.platform.database import make_engine
from shared.platform.embedded.server import choose_port
from shared.platform.http import make_api
from shared.platform.policy import PolicyHolder
from shared.platform.service import Runtime, Server
from shared.platform.settings import Settings
from shared.policy import read_policies
from tests.support.cases import TRACEPARENT, messages
from tests.support.consuming import MASTER, settings_of
from tests.support.running import ROOT
from tests.support.servers import eventually

READER_TOKEN: Final = "a-readers-long-and-random-token"
CLINICIAN_TOKEN: Final = "a-clinicians-long-and-random-token"
DEMO_CASES: Final = sorted((ROOT / "services/cli/demo_cases").glob("*.json"))
APPROVED, ASKED, REFERRED = DEMO_CASES[:3]


@cache
def handlers() -> tuple[tuple[flow.ServiceFlow, Handler], ...]:
    """What each service answers with, in the order of the flow; reading the policy takes a second or more."""
    policy = load_policy()
    library = PolicyHolder(flow.EVIDENCE_LOOKUP.name, read_policies, compile_library)
    return (
        (flow.CRITERIA_EVALUATION, EvaluateCriteria(lambda: policy)),
        (flow.EVIDENCE_LOOKUP, AttachEvidence(library)),
        (flow.DETERMINATION, Determine(90)),
        (flow.NOTIFICATION, PrepareNotice("none")),
    )


class Workshop:
    """Takes requests through the services' handlers, a step at a time, without Kafka."""

    def __init__(self, engine: AsyncEngine, master: MasterKey) -> None:
        self.engine = engine
        self.master = master
        self._handlers = handlers()

    async def submit(self, body: bytes) -> UUID:
        """Stores a request as a new case."""
        request = read_request(body, datetime.now(UTC))
        [received] = await Submissions(self.engine, self.master).write([Submission(request, TRACEPARENT)])
        await self.project(received.case_id)
        return received.case_id

    async def finish(self, case_id: UUID, services: Sequence[flow.ServiceFlow] = flow.PIPELINE) -> UUID:
        """Lets the services answer, as far as ``services`` go."""
        for service, handler in self._handlers:
            if service in services:
                due = [m for m in await messages(self.engine, [case_id]) if m.type in service.reads]
                await Consumer(service, handler, self.engine, self.master, attempts=1).consume(due[-1:])
        await self.project(case_id)
        return case_id

    async def project(self, case_id: UUID) -> None:
        """Brings the list up to date, as the console does on a message."""
        await Projector(self.engine, gather_seconds=0).consume(await messages(self.engine, [case_id]))


@dataclass(slots=True)
class Desk:
    """A console that answers at ``url``, and the determination service that its decisions go to."""

    url: str
    settings: Settings
    workshop: Workshop

    def link(self, who: str = "dr-osei", path: str = "") -> str:
        """A one-time link."""
        return f"{self.url}/ui/enter/{new_pass(self.settings, 'link', who, 600)}{path}"

    def client(self, token: str | None = READER_TOKEN) -> httpx.AsyncClient:
        """A client that shows a bearer token with every request, or none."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=30)


@asynccontextmanager
async def desk(database: str, **changes: Any) -> AsyncIterator[Desk]:
    """A running console on a migrated database."""
    tokens = {"console_tokens": f"reader:{READER_TOKEN}", "clinician_tokens": f"dr-osei:{CLINICIAN_TOKEN}"}
    settings = settings_of(database, **(tokens | changes))
    engine = make_engine(settings)
    workshop = Workshop(engine, MASTER)
    try:
        async with serving(determination_api(engine, settings)) as determination:
            settings = settings.model_copy(update={"determination_url": determination} | changes)
            runtime = Runtime("console", settings, engine, MASTER)
            async with serving(console_api(runtime), runtime) as url:
                yield Desk(url, settings, workshop)
    finally:
        await engine.dispose()


def console_api(runtime: Runtime) -> FastAPI:
    """The console's application without its subscription."""
    api = make_api("console", "console", {})
    add_views(api, runtime.engine)
    add_site(api, runtime)
    return api


def determination_api(engine: AsyncEngine, settings: Settings) -> FastAPI:
    """The clinicians' commands."""
    api = make_api("determination", "determination", {})
    add_commands(api, Runtime("determination", settings, engine, MASTER))
    return api


@asynccontextmanager
async def serving(api: FastAPI, runtime: Runtime | None = None) -> AsyncIterator[str]:
    """Serves an application with its background tasks; ends as a process does."""
    port = choose_port()
    server = Server(uvicorn.Config(api, host="127.0.0.1", port=port, log_config=None, lifespan="off"))
    tasks = [asyncio.create_task(server.serve())]
    tasks += [asyncio.ensure_future(background()) for background in (runtime.background if runtime else ())]
    try:
        await eventually(lambda: server.started)
        yield f"http://127.0.0.1:{port}"
    finally:
        if runtime is not None:
            runtime.stopping.set()
        server.should_exit = True
        await tasks[0]
        for task in tasks[1:]:
            task.cancel()
        await asyncio.gather(*tasks[1:], return_exceptions=True)


def demo(path: str, identifier: str, change: Callable[[str], str] | None = None) -> bytes:
    """A demo case as a request of its own, its note changed."""
    bundle = json.loads((APPROVED.parent / path).read_bytes())
    bundle["identifier"] = {**bundle["identifier"], "value": identifier}
    for resource in (entry["resource"] for entry in bundle["entry"]):
        if resource["resourceType"] == "Claim":
            resource["identifier"] = [{"system": "urn:test", "value": identifier}]
        if resource["resourceType"] == "DocumentReference" and change is not None:
            attachment = resource["content"][0]["attachment"]
            attachment["data"] = b64encode(change(b64decode(attachment["data"]).decode()).encode()).decode()
    return json.dumps(bundle).encode()


def field(page: str, name: str) -> str:
    """The value of a form's hidden field."""
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found, name
    return html.unescape(found.group(1))
