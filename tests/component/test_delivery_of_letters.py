"""A request's letter in a mailbox, through the real services: evaluated, determined, rendered, delivered."""

import asyncio
import functools
import hashlib
import itertools
import json
import mailbox
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Literal
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.criteria_evaluation.handlers import EvaluateCriteria
from services.criteria_evaluation.policy import load_policy
from services.determination.handlers import Determine
from services.evidence_lookup.handlers import AttachEvidence
from services.evidence_lookup.library import compile_library
from services.intake.domain.pas_request import read_request
from services.intake.store import Submission, Submissions
from services.notification.channels import DeliveryError
from services.notification.deliver import Deliverer, make_deliverer
from services.notification.domain.notice import Notice, Rendered
from services.notification.handlers import PrepareNotice
from services.notification.letters import FORMS, renderer
from shared import flow
from shared.case.history import History, Recorded
from shared.journal.crypto import MasterKey
from shared.journal.documents import StoredDocument
from shared.journal.letters import CONTENT_OF_LETTER, Form, keep_letters, kept_letters
from shared.journal.store import read_histories
from shared.letters.model import Audience
from shared.messaging.consumer import Consumer
from shared.messaging.work import Handler
from shared.platform.policy import PolicyHolder
from shared.platform.sender import sender_of
from shared.platform.settings import Settings
from shared.policy import read_policies
from tests.support.cases import TRACEPARENT, messages
from tests.support.spine import spine_request


async def decide(engine: AsyncEngine, master: MasterKey, bundle: dict[str, object], channel: str) -> UUID:
    """Takes a request through every service up to its notice."""
    request = read_request(json.dumps(bundle).encode(), datetime.now(UTC))
    (received,) = await Submissions(engine, master).write([Submission(request, TRACEPARENT)])
    policy = load_policy()
    steps: tuple[tuple[flow.ServiceFlow, Handler], ...] = (
        (flow.CRITERIA_EVALUATION, EvaluateCriteria(lambda: policy)),
        (flow.EVIDENCE_LOOKUP, AttachEvidence(PolicyHolder("evidence_lookup", read_policies, compile_library))),
        (flow.DETERMINATION, Determine(90)),
        (flow.NOTIFICATION, PrepareNotice(channel)),
    )
    for service, handler in steps:
        told = [m for m in await messages(engine, [received.case_id]) if m.type in service.reads]
        await Consumer(service, handler, engine, master).consume(told)
    return received.case_id


@pytest.mark.parametrize(
    ("seed", "outcome", "subject"),
    [
        (1, "approved", "Prior authorization approved"),
        (2, "information_requested", "Prior authorization: information needed"),
        (3, "clinical_review", "Prior authorization: in clinical review"),
    ],
)
async def test_the_letter_arrives_with_the_determination(
    engine: AsyncEngine,
    master: MasterKey,
    settings: Settings,
    tmp_path: Path,
    seed: int,
    outcome: Literal["approved", "information_requested", "clinical_review"],
    subject: str,
) -> None:
    case_id = await decide(engine, master, spine_request(seed, outcome), "maildir")
    chosen = settings.model_copy(update={"notice_channel": "maildir", "maildir": tmp_path / "box"})
    deliverer = make_deliverer(chosen, engine, master)
    assert deliverer is not None
    assert await deliverer.deliver_due(datetime.now(UTC)) == 1
    async with engine.connect() as connection:
        history = (await read_histories(connection, master, [case_id]))[case_id]
    assert [e.type for e in history.events[-3:]] == [flow.NOTICE_PREPARED, flow.NOTICE_RENDERED, flow.NOTICE_DELIVERED]
    (message,) = read(tmp_path / "box")
    assert message["Subject"] == f"{subject} (case {case_id})"
    plain = message.get_body(("plain",))
    assert plain is not None
    assert str(case_id) in plain.get_content()
    (pdf,) = message.iter_attachments()
    assert pdf.get_content().startswith(b"%PDF-")
    kept = await kept_forms(engine, master, case_id)
    html = message.get_body(("html",))
    assert html is not None
    # A message ends its lines in its own way; what they say is what was kept.
    sent: dict[Form, str | bytes] = {"text": plain.get_content(), "html": html.get_content(), "pdf": pdf.get_content()}
    for form, content in sent.items():
        data = kept[form].data
        assert kept[form].id == f"sha256:{hashlib.sha256(data).hexdigest()}"
        assert content == data if isinstance(content, bytes) else content.splitlines() == data.decode().splitlines()


class Flaky:
    """A channel that loses the first attempt, and what it was given."""

    name = "flaky"
    wants_letter = True

    def __init__(self) -> None:
        self.given: list[Notice] = []

    async def send(self, notice: Notice) -> None:
        self.given.append(notice)
        if len(self.given) == 1:
            raise DeliveryError("connection")

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_later_attempt_sends_the_letter_that_was_kept_before_the_first(
    engine: AsyncEngine, master: MasterKey, settings: Settings
) -> None:
    case_id = await decide(engine, master, spine_request(4, "approved"), "maildir")
    channel, made = Flaky(), itertools.count()
    render = renderer(sender_of(settings))

    def newer_each_time(history: History) -> Rendered | None:
        letter = render(history)
        return letter and replace(letter, text=f"{letter.text}\nmade by version {next(made)}\n")

    deliverer = Deliverer(engine, master, channel, newer_each_time, attempts=3, backoff=timedelta(0))
    now = datetime.now(UTC)
    assert await deliverer.deliver_due(now) == 1
    assert await deliverer.deliver_due(now + timedelta(minutes=1)) == 1
    first, second = channel.given
    assert first.letter is not None and first.letter == second.letter
    assert first.letter.text.endswith("made by version 0\n")
    events = await events_of(engine, master, case_id)
    assert [e.type for e in events[-3:]] == [flow.NOTICE_RENDERED, flow.NOTICE_FAILED, flow.NOTICE_DELIVERED]


async def test_the_same_forms_are_kept_once(engine: AsyncEngine, master: MasterKey) -> None:
    case_id = await decide(engine, master, spine_request(5, "approved"), "none")
    (determination,) = [e for e in await events_of(engine, master, case_id) if e.type == flow.CASE_APPROVED]
    keep = functools.partial(keep_letters, engine, master, case_id, determination, service=flow.INTAKE)
    await asyncio.gather(*(keep("member", "es", {"html": b"<p>hola"}) for _ in range(5)))
    await keep("member", "es", {"pdf": b"%PDF-1"})
    await keep("provider", "en", {"html": b"<p>hello"})
    events = [e for e in await events_of(engine, master, case_id) if e.type == flow.NOTICE_RENDERED]
    assert len(events) == 3
    assert all("es" not in e.public for e in events), "the language that a patient prefers is nobody else's business"
    assert {k: d.data for k, d in (await kept_forms(engine, master, case_id, "member", "es")).items()} == {
        "html": b"<p>hola",
        "pdf": b"%PDF-1",
    }
    assert (await kept_forms(engine, master, case_id, "member", "en")) == {}


async def events_of(engine: AsyncEngine, master: MasterKey, case_id: UUID) -> list[Recorded]:
    async with engine.connect() as connection:
        history = (await read_histories(connection, master, [case_id]))[case_id]
    return [e for e in history.events if isinstance(e, Recorded)]


async def kept_forms(
    engine: AsyncEngine, master: MasterKey, case_id: UUID, audience: Audience = "provider", language: str = "en"
) -> dict[Form, StoredDocument]:
    async with engine.connect() as connection:
        history = (await read_histories(connection, master, [case_id], CONTENT_OF_LETTER))[case_id]
        determination = history.latest(*flow.DETERMINATIONS)
        assert determination is not None
        return await kept_letters(connection, history, determination, audience, language, FORMS)


def read(path: Path) -> list[EmailMessage]:
    box = mailbox.Maildir(path, create=False)
    return [message_from_bytes(box.get_bytes(key), policy=default) for key in box.iterkeys()]
