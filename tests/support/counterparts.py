"""The other sides of the notice channels, all real: an HTTP server, a mail server, a maildir."""

import asyncio
import mailbox
import socket
from abc import ABC, abstractmethod
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Final, cast

import uvicorn
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.types import Message, Receive, Scope, Send

from services.notification.channels import Channel, MaildirChannel, SmtpChannel, WebhookChannel
from tests.support.servers import eventually

SECRET: Final = "whsec_c2l4dGVlbiBieXRlcyBvciBtb3JlIGFyZSBuZWVkZWQ="


class Counterpart(ABC):
    """The other side of a channel."""

    channel: Channel

    @abstractmethod
    async def start(self) -> None:
        """Is there to take notices."""

    @abstractmethod
    async def stop(self) -> None:
        """Is away."""

    @abstractmethod
    def taken(self) -> list[str]:
        """By what the receiver tells one notice from another, for each that it took."""


class Receiver(Counterpart):
    """A provider's webhook endpoint, which verifies signatures as Standard Webhooks says."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.channel = WebhookChannel(f"http://127.0.0.1:{self.port}/notices", SECRET)
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.ids: list[str] = []
        self.hold: asyncio.Event | None = None
        """Answers are held back until it is set."""

    async def start(self) -> None:
        config = uvicorn.Config(self._serve, port=self.port, interface="asgi3", log_level="error", lifespan="off")
        self.server = uvicorn.Server(config)
        self.task = asyncio.create_task(self.server.serve())
        await eventually(lambda: self.server.started)

    async def stop(self) -> None:
        await self.channel.close()
        self.server.should_exit = True
        await self.task

    def taken(self) -> list[str]:
        return self.ids

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            part: Message = await receive()
            body += part.get("body", b"")
            more = part.get("more_body", False)
        headers = {k.decode(): v.decode() for k, v in scope["headers"]}
        self.requests.append((headers, body))
        if self.hold is not None:
            await self.hold.wait()
        status, extra, answer = self.answers.pop(0) if self.answers else (204, {}, b"")
        try:
            Webhook(SECRET).verify(body, headers)
        except WebhookVerificationError:
            status = 401
        if status < 300:
            self.ids.append(headers["webhook-id"])
        raw = [(k.encode(), v.encode()) for k, v in extra.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": answer})


class MailServer(Counterpart):
    """A mail server that keeps what it takes."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.channel = SmtpChannel("127.0.0.1", self.port, "pa@payer.example", "desk@provider.example")
        self.messages: list[bytes] = []
        self.answers: list[str] = []

    async def start(self) -> None:
        # aiosmtpd finds its hooks by names that are not ours to choose.
        handler = type("Handler", (), {"handle_DATA": lambda _, *given: self._take(*given)})()
        self.controller = Controller(handler, hostname="127.0.0.1", port=self.port)
        await asyncio.to_thread(self.controller.start)

    async def stop(self) -> None:
        await self.channel.close()
        await asyncio.to_thread(self.controller.stop)

    def taken(self) -> list[str]:
        return [str(message_from_bytes(m, policy=default)["Message-ID"]) for m in self.messages]

    async def _take(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answers:
            return self.answers.pop(0)
        self.messages.append(cast(bytes, envelope.content))
        return "250 taken"


class Folder(Counterpart):
    """A maildir, which is away while a file stands where its folder should be."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "mail" / "box"
        self.channel = MaildirChannel(self.path, "pa@payer.example", "desk@provider.example")

    async def start(self) -> None:
        self.path.parent.unlink(missing_ok=True)

    async def stop(self) -> None:
        await self.channel.close()
        if not self.path.exists():
            self.path.parent.write_text("in the way")

    def taken(self) -> list[str]:
        box = mailbox.Maildir(self.path, create=False)
        return [str(message["Message-ID"]) for message in box]
