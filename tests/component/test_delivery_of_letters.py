"""A request's letter in a mailbox, through the real services: evaluated, determined, rendered, delivered."""

import json
import mailbox
from datetime import UTC, datetime
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
from services.notification.deliver import make_deliverer
from services.notification.handlers import PrepareNotice
from shared import flow
from shared.journal.crypto import MasterKey
from shared.journal.store import read_histories
from shared.messaging.consumer import Consumer
from shared.messaging.work import Handler
from shared.platform.policy import PolicyHolder
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
    assert history.events[-1].type == flow.NOTICE_DELIVERED
    (message,) = read(tmp_path / "box")
    assert message["Subject"] == f"{subject} (case {case_id})"
    plain = message.get_body(("plain",))
    assert plain is not None
    assert str(case_id) in plain.get_content()
    (pdf,) = message.iter_attachments()
    assert pdf.get_content().startswith(b"%PDF-")


def read(path: Path) -> list[EmailMessage]:
    box = mailbox.Maildir(path, create=False)
    return [message_from_bytes(box.get_bytes(key), policy=default) for key in box.iterkeys()]
