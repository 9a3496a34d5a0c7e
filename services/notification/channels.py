"""How a notice leaves the house: a webhook, a mail server, or a maildir, behind one port."""

import asyncio
import mailbox
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

import aiosmtplib
import httpx
from standardwebhooks import Webhook

from services.notification.domain.message import message_of
from services.notification.domain.notice import Notice, webhook_body
from shared.platform.settings import Settings

_TIMEOUT: Final = httpx.Timeout(10.0, connect=5.0)
_SMTP_TIMEOUT: Final = 10.0
_READ_AT_MOST: Final = 64 * 1024
_GONE: Final = 410


class DeliveryError(Exception):
    """An attempt failed. ``code`` is a word such as ``http_503``; nothing that the other side said is kept.

    ``retryable`` is False where trying again cannot help.
    """

    def __init__(self, code: str, *, retryable: bool = True) -> None:
        super().__init__(code)
        self.code = code
        self.retryable = retryable


class Channel(Protocol):
    """Where notices go. ``wants_letter`` says whether the letter is to be rendered for it."""

    name: str
    wants_letter: bool

    async def send(self, notice: Notice) -> None:
        """Sends one notice; returns when the other side has taken it.

        Raises:
            DeliveryError: it has not, or nobody knows.
        """
        ...

    async def close(self) -> None:
        """Lets connections go; a later ``send`` opens new ones."""
        ...


class WebhookChannel:
    """POST per Standard Webhooks 1.0: ``webhook-id``, ``webhook-timestamp``, ``webhook-signature`` (HMAC-SHA256).

    ``webhook-id`` is the notice's id in every attempt, so a receiver drops what it has had. Redirects are not
    followed: the address that was agreed on is the one that gets the notice.
    """

    name = "webhook"
    wants_letter = False

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._signer = Webhook(secret)
        self._client: httpx.AsyncClient | None = None

    async def send(self, notice: Notice) -> None:
        """Delivered means any 2xx; 410 Gone ends the attempts."""
        body = webhook_body(notice)
        now = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "user-agent": "priorauth",
            "webhook-id": str(notice.id),
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(str(notice.id), now, body),
        }
        try:
            status = await self._post(body, headers)
        except httpx.TimeoutException as error:
            raise DeliveryError("timeout") from error
        except httpx.TransportError as error:
            raise DeliveryError("tls" if isinstance(error.__cause__, ssl.SSLError) else "connection") from error
        if not 200 <= status < 300:
            raise DeliveryError(f"http_{status}", retryable=status != _GONE)

    async def _post(self, body: str, headers: dict[str, str]) -> int:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=False, trust_env=False)
        async with self._client.stream("POST", self._url, content=body, headers=headers) as response:
            # What the receiver answers is ignored. A little of it is read away, so that the connection can be used
            # again; a long answer costs the connection instead of our memory.
            taken = 0
            async for chunk in response.aiter_raw():
                taken += len(chunk)
                if taken > _READ_AT_MOST:
                    break
            return response.status_code

    async def close(self) -> None:
        """Closes the pool."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


class MaildirChannel:
    """A maildir on this machine: for development, and for a mail system that picks messages up."""

    name = "maildir"
    wants_letter = True

    def __init__(self, path: Path, sender: str, recipient: str) -> None:
        self._path = path
        self._sender = sender
        self._recipient = recipient

    async def send(self, notice: Notice) -> None:
        """Delivered means that the file has its final name and was synced."""
        raw = message_of(notice, self._sender, self._recipient).as_bytes()
        try:
            await asyncio.to_thread(self._write, raw)
        except OSError as error:
            raise DeliveryError("maildir") from error

    def _write(self, raw: bytes) -> None:
        # mailbox makes the box first and its folders after, and a second writer would find it half made.
        self._path.parent.mkdir(parents=True, exist_ok=True)
        for folder in (self._path, *(self._path / name for name in ("tmp", "new", "cur"))):
            folder.mkdir(mode=0o700, exist_ok=True)
        mailbox.Maildir(self._path, create=False).add(raw)

    async def close(self) -> None:
        """Nothing is open between messages."""


class SmtpChannel:
    """A mail server. ``tls`` is ``required`` (refuse to send in the clear), or ``offered`` (use it where it is there)."""

    name = "smtp"
    wants_letter = True

    def __init__(
        self,
        host: str,
        port: int,
        sender: str,
        recipient: str,
        *,
        tls_required: bool = False,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        self._sender = sender
        self._recipient = recipient
        self._host = host
        self._port = port
        self._start_tls = True if tls_required else None
        self._username = username
        self._password = password

    async def send(self, notice: Notice) -> None:
        """Delivered means that the server answered the message with 250. A 5xx answer ends the attempts."""
        message = message_of(notice, self._sender, self._recipient)
        try:
            await aiosmtplib.send(
                message,
                hostname=self._host,
                port=self._port,
                start_tls=self._start_tls,
                username=self._username,
                password=self._password,
                timeout=_SMTP_TIMEOUT,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _answered(error.recipients[0].code) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _answered(error.code) from error
        except aiosmtplib.SMTPTimeoutError as error:
            raise DeliveryError("timeout") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise DeliveryError("connection") from error

    async def close(self) -> None:
        """A connection lives for one message."""


def _answered(code: int) -> DeliveryError:
    return DeliveryError(f"smtp_{code}", retryable=code < 500)


def make_channel(settings: Settings) -> Channel | None:
    """The channel that the deployment chose; None where notices are only prepared.

    Raises:
        SystemExit: the chosen channel lacks a setting; names the variable to set.
    """
    match settings.notice_channel:
        case "webhook":
            if settings.webhook_url is None or settings.webhook_secret is None:
                raise SystemExit("Set PRIORAUTH_WEBHOOK_URL and PRIORAUTH_WEBHOOK_SECRET for the webhook channel.")
            return WebhookChannel(settings.webhook_url, settings.webhook_secret.get_secret_value())
        case "maildir":
            if settings.maildir is None:
                raise SystemExit("Set PRIORAUTH_MAILDIR for the maildir channel.")
            return MaildirChannel(settings.maildir, settings.mail_from, settings.mail_to)
        case "smtp":
            password = settings.smtp_password
            return SmtpChannel(
                settings.smtp_host,
                settings.smtp_port,
                settings.mail_from,
                settings.mail_to,
                tls_required=settings.smtp_tls_required,
                username=settings.smtp_username,
                password=password.get_secret_value() if password is not None else None,
            )
        case "none":
            return None
