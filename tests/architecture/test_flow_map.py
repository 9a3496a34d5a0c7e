"""``shared/flow.py`` is the map; this holds it against the subscribers, the handlers and the state machine that exist."""

import importlib
import re
from pathlib import Path

import pytest
from faststream.kafka import KafkaBroker
from faststream.kafka.publisher.usecase import LogicPublisher
from faststream.kafka.subscriber.usecase import LogicSubscriber
from pydantic import SecretBytes, SecretStr

from services.cli.answers import make_answers
from services.cli.docs import documents, flow_picture, state_picture
from shared import flow
from shared.case.states import TRANSITIONS, UNCHANGING
from shared.events.model import MODELS
from shared.journal.crypto import MasterKey
from shared.platform.database import make_engine
from shared.platform.service import Runtime
from shared.platform.settings import Settings

ROOT = Path(__file__).parents[2]
SETTINGS = Settings(
    database_url=SecretStr("postgresql://unused@localhost/unused"),
    master_key=SecretBytes(bytes(32)),
    criteria_dir=None,
    notice_channel="none",
)


def _built(name: str) -> Runtime:
    runtime = Runtime(name, SETTINGS, make_engine(SETTINGS), MasterKey(bytes(32)))
    importlib.import_module(f"services.{name}.app").build(runtime)
    return runtime


def _subscribed(broker: KafkaBroker | None) -> set[str]:
    subscribers = broker.subscribers if broker is not None else []
    topics: set[str] = set()
    for subscriber in subscribers:
        assert isinstance(subscriber, LogicSubscriber)
        topics.update(subscriber.topic_names)
    return topics


@pytest.mark.parametrize("name", list(flow.SERVICES))
def test_each_service_subscribes_to_what_the_map_says(name: str) -> None:
    assert _subscribed(_built(name).broker) == set(flow.topics_of(name))


def test_the_relay_publishes_every_event_type_and_subscribes_to_none() -> None:
    broker = _built("relay").broker
    assert broker is not None
    assert _subscribed(broker) == set()
    assert {p.topic for p in broker.publishers if isinstance(p, LogicPublisher)} == {
        flow.topic(t) for t in flow.EVENT_TYPES
    }


def test_every_event_type_has_one_writer_a_model_and_a_transition() -> None:
    writers = [t for s in flow.WRITERS for t in s.appends]
    assert sorted(writers) == sorted(set(writers))
    assert set(writers) == set(MODELS) == {t for _, t in TRANSITIONS} | UNCHANGING


def test_what_a_service_reads_comes_from_a_service_before_it() -> None:
    made: set[str] = set()
    for service in flow.PIPELINE:
        assert set(service.reads) <= made, service.name
        made |= set(service.appends)


def test_each_service_appends_only_what_the_map_gives_it() -> None:
    """The events that a service's code names in a Proposed are those of its line in the map, and all of them are."""
    constants = {name: value for name, value in vars(flow).items() if isinstance(value, str)}
    for service in flow.PIPELINE:
        source = "\n".join(p.read_text() for p in (ROOT / "services" / service.name).rglob("*.py"))
        named = {constants[c] for c in re.findall(r"flow\.([A-Z_]+)\b", source) if constants.get(c) in MODELS}
        assert set(service.appends) <= named, service.name
        proposed = {constants[c] for c in re.findall(r"Proposed\(\s*flow\.([A-Z_]+)", source)}
        assert proposed <= set(service.appends), service.name


def test_every_consumer_of_the_pipeline_can_be_replayed() -> None:
    assert set(make_answers()) == {s.name for s in flow.PIPELINE if s.reads}


def test_the_documents_made_from_the_code_have_not_drifted() -> None:
    for name, content in documents().items():
        assert (ROOT / "docs" / name).read_text() == content, f"run python -m services.cli.docs: {name}"


def test_the_readme_shows_the_flow_as_the_map_has_it() -> None:
    readme = (ROOT / "README.md").read_text()
    assert flow_picture() in readme
    assert state_picture() in readme
