"""Writes what documents the interfaces from the code: AsyncAPI, OpenAPI, JSON Schemas, the flow and the states.

``python -m services.cli.docs`` writes them; a test calls ``documents()`` and compares, so that they cannot drift.
"""

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from faststream.specification import AsyncAPI
from pydantic import SecretBytes, SecretStr

from services.cli.offline import determine_request, read_file
from services.criteria_evaluation.schemas import policy_schemas
from shared import flow
from shared.case.states import STATES, TRANSITIONS, UNCHANGING
from shared.events.envelope import EventMessage
from shared.events.model import MODELS
from shared.journal.crypto import MasterKey
from shared.letters.from_case import draft_letter
from shared.letters.render import render_pages
from shared.messaging.broker import describe_publishers, make_broker, subscribe
from shared.platform.database import make_engine
from shared.platform.sender import sender_of
from shared.platform.service import Runtime
from shared.platform.settings import Settings

ROOT = Path(__file__).parents[2]
_SETTINGS = Settings(
    database_url=SecretStr("postgresql://unused@localhost/unused"),
    master_key=SecretBytes(bytes(32)),
    kafka_bootstrap_servers="localhost:9092",
    criteria_dir=None,
)


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI document of all topics, with who reads and who writes them."""
    broker = make_broker(_SETTINGS, "docs")

    async def consume(_: Sequence[EventMessage]) -> None:
        """Not called: only described."""

    for service in flow.SERVICES.values():
        if service.reads:
            subscribe(broker, service, consume, _SETTINGS)
    describe_publishers(broker, flow.EVENT_TYPES)
    specification = AsyncAPI(broker, title="priorauth", version="1", description="One topic per event type.")
    document: dict[str, Any] = json.loads(specification.to_specification().to_json())
    return document


def openapi(service: str) -> dict[str, Any]:
    """The OpenAPI document of a service."""
    runtime = Runtime(service, _SETTINGS, make_engine(_SETTINGS), MasterKey(bytes(32)))
    document: dict[str, Any] = importlib.import_module(f"services.{service}.app").build(runtime).openapi()
    return document


def flow_picture() -> str:
    """The flow as a Mermaid graph: from ``shared/flow.py``, one edge an event type and reader."""
    lines = ["flowchart LR", "    provider([provider]) -- HTTP --> intake"]
    for service in flow.PIPELINE:
        for reader in flow.PIPELINE:
            common = [t for t in service.appends if t in reader.reads]
            if common:
                lines.append(f'    {service.name} -- "{"<br>".join(common)}" --> {reader.name}')
    lines += [
        "    notification -- notice --> provider",
        *(f"    {s.name} -. append .-> journal[(journal)]" for s in flow.PIPELINE),
        "    journal -- relay --> kafka[[Kafka: one topic per event type]]",
        "    kafka -. all of them .-> console",
    ]
    return "\n".join(lines)


def state_picture() -> str:
    """The state machine as a Mermaid diagram, from ``shared/case/states.py``."""
    lines = ["stateDiagram-v2"]
    names = {"new": "[*]"}
    for (before, event), after in sorted(TRANSITIONS.items(), key=lambda t: (_order(t[0][0]), t[0][1])):
        lines.append(f"    {names.get(before, before)} --> {after}: {event.removesuffix('.v1')}")
    unchanging = ", ".join(sorted(e.removesuffix(".v1") for e in UNCHANGING))
    lines.append(f"    note right of submitted: In any state and without changing it: {unchanging}")
    return "\n".join(lines)


def _order(state: str) -> int:
    return STATES.index(state) if state in STATES else -1


def documents() -> dict[str, str]:
    """File name under ``docs/`` to content."""
    made = {"asyncapi.json": asyncapi()}
    made |= {f"openapi-{name}.json": openapi(name) for name in ("intake", "determination", "console")}
    _, components = msgspec.json.schema_components(MODELS.values(), ref_template="#/$defs/{name}")
    types = {event_type: {"$ref": f"#/$defs/{model.__name__}"} for event_type, model in MODELS.items()}
    made["events.schema.json"] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What the journal stores of each event (as MessagePack, encrypted)",
        "properties": types,
        "$defs": components,
    }
    made |= policy_schemas()
    texts = {name: json.dumps(document, indent=2, sort_keys=True) + "\n" for name, document in made.items()}
    texts["flow.md"] = (
        "# The flow and the states of a case\n\nDrawn from `shared/flow.py` and `shared/case/states.py` by "
        "`python -m services.cli.docs`.\n\n"
        f"```mermaid\n{flow_picture()}\n```\n\n```mermaid\n{state_picture()}\n```\n"
    )
    return texts


def picture() -> bytes:
    """The first page of the demo case's letter, as PNG."""
    request = read_file(Path(__file__).parent / "demo_cases" / "1-l2-corpectomy.json", [], None)
    document = determine_request(request)
    letter = draft_letter(document, request.bundle, request.requested_on, sender_of(_SETTINGS))
    return render_pages(document, letter)[0]


def main() -> None:
    """Writes the documents and the picture of the README."""
    for name, content in documents().items():
        (ROOT / "docs" / name).write_text(content, encoding="utf-8")
    (ROOT / "docs" / "images" / "determination.png").write_bytes(picture())


if __name__ == "__main__":
    main()
