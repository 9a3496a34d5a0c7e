"""One contract for every channel, each against a real counterpart: an HTTP server, a mail server, a maildir."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

from services.notification.channels import (
    DeliveryError,
    SmtpChannel,
    WebhookChannel,
    make_channel,
)
from services.notification.domain.notice import Notice, Rendered, links_of
from shared.platform.settings import Settings
from tests.support.counterparts import SECRET, Counterpart, Folder, MailServer, Receiver

CASE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
AT = datetime(2026, 4, 2, 15, 30, tzinfo=UTC)
CHART = "Odalys Ferreira-Quist, retropulsed fragment at T9"
LETTER = Rendered(f"{CHART}\n", f"<!doctype html><p>{CHART}</p>", b"%PDF-1.7 \x00\xff synthetic")


def notice(attempt: int = 1, letter: Rendered | None = LETTER) -> Notice:
    links = links_of("https://payer.example/pa", CASE)
    identifier = UUID("5a3f5c9e-0d5e-5b7e-9a5e-2f9d1c6b7a10")
    return Notice(identifier, CASE, "approval", "case.approved", "approved", "approved", AT, AT, attempt, links, letter)


@pytest_asyncio.fixture(loop_scope="session", params=["webhook", "smtp", "maildir"])
async def counterpart(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Counterpart]:
    makers: dict[str, Callable[[], Counterpart]] = {
        "webhook": Receiver,
        "smtp": MailServer,
        "maildir": lambda: Folder(tmp_path),
    }
    other = makers[request.param]()
    await other.start()
    yield other
    await other.stop()


async def failure(sending: Awaitable[None]) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await sending
    return caught.value


async def test_a_notice_arrives_once_a_send(counterpart: Counterpart) -> None:
    await counterpart.channel.send(notice())
    assert len(counterpart.taken()) == 1


async def test_another_attempt_is_known_as_the_same_notice(counterpart: Counterpart) -> None:
    await counterpart.channel.send(notice(1))
    await counterpart.channel.send(notice(2))
    first, second = counterpart.taken()
    assert first == second
    assert str(notice().id) in first


async def test_a_notice_without_a_letter_arrives_too(counterpart: Counterpart) -> None:
    await counterpart.channel.send(notice(letter=None))
    assert len(counterpart.taken()) == 1


async def test_a_counterpart_that_is_away_is_tried_again(counterpart: Counterpart) -> None:
    await counterpart.stop()
    error = await failure(counterpart.channel.send(notice()))
    assert error.retryable
    assert CHART not in f"{error} {error.code}"
    await counterpart.start()
    await counterpart.channel.send(notice(2))
    assert len(counterpart.taken()) == 1


async def test_many_go_out_at_the_same_time(counterpart: Counterpart) -> None:
    await asyncio.gather(*(counterpart.channel.send(notice()) for _ in range(20)))
    assert len(counterpart.taken()) == 20


async def test_a_channel_can_be_closed_and_used_again(counterpart: Counterpart) -> None:
    await counterpart.channel.send(notice())
    await counterpart.channel.close()
    await counterpart.channel.close()
    await counterpart.channel.send(notice())
    assert len(counterpart.taken()) == 2


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    other = Receiver()
    await other.start()
    yield other
    await other.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def mail_server() -> AsyncIterator[MailServer]:
    other = MailServer()
    await other.start()
    yield other
    await other.stop()


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(410, False), (400, True), (401, True), (429, True), (500, True), (503, True), (304, True)],
)
async def test_webhook_answers(receiver: Receiver, status: int, retryable: bool) -> None:
    receiver.answers.append((status, {}, b"" if status == 304 else CHART.encode()))
    error = await failure(receiver.channel.send(notice()))
    assert (error.code, error.retryable) == (f"http_{status}", retryable)
    assert CHART not in str(error)


async def test_webhook_does_not_follow_redirects(receiver: Receiver) -> None:
    receiver.answers.append((307, {"location": f"http://127.0.0.1:{receiver.port}/elsewhere"}, b""))
    assert (await failure(receiver.channel.send(notice()))).code == "http_307"
    assert len(receiver.requests) == 1


async def test_webhook_survives_an_answer_without_end(receiver: Receiver) -> None:
    receiver.answers.append((200, {}, b"x" * 3_000_000))
    await receiver.channel.send(notice())
    await receiver.channel.send(notice())
    assert len(receiver.taken()) == 2


async def test_webhook_signature_covers_every_byte(receiver: Receiver) -> None:
    await receiver.channel.send(notice())
    headers, body = receiver.requests[0]
    Webhook(SECRET).verify(body, headers)
    for changed in (body.replace(b"approved", b"denied"), body + b" "):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(changed, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body, {**headers, "webhook-id": "another"})


async def test_webhook_with_another_secret_is_refused(receiver: Receiver) -> None:
    stranger = WebhookChannel(f"http://127.0.0.1:{receiver.port}/", "whsec_" + "YW5vdGhlciBzZWNyZXQgb2YgMjQgYnl0ZXM=")
    assert (await failure(stranger.send(notice()))).code == "http_401"
    await stranger.close()


async def test_webhook_carries_no_clinical_content(receiver: Receiver) -> None:
    await receiver.channel.send(notice(1))
    await receiver.channel.send(notice(2))
    (_, body), (_, again) = receiver.requests
    assert body == again
    payload: dict[str, Any] = json.loads(body)
    assert payload == {
        "type": "case.approved",
        "timestamp": "2026-04-02T15:30:00Z",
        "data": {
            "case_id": str(CASE),
            "state": "approved",
            "outcome": "approved",
            "notice": {"id": str(notice().id), "kind": "approval"},
            "links": {
                "case": f"https://payer.example/pa/cases/{CASE}",
                "determination": f"https://payer.example/pa/cases/{CASE}/determination",
                "letter": f"https://payer.example/pa/cases/{CASE}/letter",
            },
        },
    }


@pytest.mark.parametrize(("answer", "retryable"), [("451 later", True), ("550 no such desk", False)])
async def test_smtp_answers(mail_server: MailServer, answer: str, retryable: bool) -> None:
    mail_server.answers.append(answer)
    error = await failure(mail_server.channel.send(notice()))
    assert (error.code, error.retryable) == (f"smtp_{answer[:3]}", retryable)


async def test_smtp_that_must_encrypt_does_not_send_in_the_clear(mail_server: MailServer) -> None:
    channel = SmtpChannel("127.0.0.1", mail_server.port, "pa@payer.example", "d@provider.example", tls_required=True)
    assert (await failure(channel.send(notice()))).retryable
    assert mail_server.messages == []


async def test_a_message_holds_the_letter_in_three_forms_and_headers_hold_no_chart(mail_server: MailServer) -> None:
    await mail_server.channel.send(notice())
    await mail_server.channel.send(notice())
    first, second = mail_server.messages
    assert first == second
    message = message_from_bytes(first, policy=default)
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().replace("\r\n", "\n") == LETTER.text
    assert CHART in html.get_content()
    (pdf,) = message.iter_attachments()
    assert (pdf.get_content_type(), pdf.get_content()) == ("application/pdf", LETTER.pdf)
    assert not any("Ferreira" in value for value in message.values())
    assert str(CASE) in message["Subject"]


@pytest.mark.parametrize(
    ("channel", "variable"), [("webhook", "PRIORAUTH_WEBHOOK_URL"), ("maildir", "PRIORAUTH_MAILDIR")]
)
def test_a_channel_without_its_settings_names_them(channel: Any, variable: str) -> None:
    with pytest.raises(SystemExit, match=variable):
        make_channel(Settings(notice_channel=channel))


def test_the_deployment_chooses_the_channel(tmp_path: Path) -> None:
    assert make_channel(Settings(notice_channel="none")) is None
    chosen = make_channel(
        Settings(notice_channel="webhook", webhook_url="http://x.test", webhook_secret=SecretStr(SECRET))
    )
    assert chosen is not None
    assert (chosen.name, chosen.wants_letter) == ("webhook", False)
    mail = make_channel(Settings(notice_channel="maildir", maildir=tmp_path))
    assert mail is not None
    assert (mail.name, mail.wants_letter) == ("maildir", True)
