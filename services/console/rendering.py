"""Templates, static files and the headers that every answer of the console carries."""

import base64
import hashlib
import re
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any, Final

import jinja2
from fastapi import FastAPI, Response
from fastapi.responses import HTMLResponse
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.console.domain.timeline import duration
from services.console.domain.words import event_words, outcome_mark, state_words
from shared.platform.http import ProblemError

_PACKAGE: Final = "services.console"
_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".txt": "text/plain",
    ".svg": "image/svg+xml",
}
_STYLE: Final = re.compile(r"<style>(.*?)</style>", re.DOTALL)
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing from elsewhere and nothing inline: what a chart or a note says can never run."""
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Browsers name no origin for forms under ``no-referrer``, and the check of origins needs it.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}


class SecurityHeaders:
    """Adds the headers to every answer that does not say otherwise, errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, guarded if scope["type"] == "http" else send)


def render(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page, or a part of one."""
    return HTMLResponse(_environment().get_template(template).render(**values), status)


def add_static(api: FastAPI) -> None:
    """Serves what the pages load. An address with the file's digest never changes its content."""

    @api.get("/ui/static/{name}", include_in_schema=False)
    async def static(name: str, v: str = "") -> Response:
        files = _static()
        if name not in files:
            raise ProblemError(404, "There is no such file.")
        content, digest = files[name]
        cached = "public, max-age=31536000, immutable" if v == digest else "no-cache"
        kind = _TYPES["." + name.rpartition(".")[2]]
        return Response(content, headers={"Cache-Control": cached, "ETag": f'"{digest}"'}, media_type=kind)


@cache
def _static() -> dict[str, tuple[bytes, str]]:
    folder = resources.files(_PACKAGE).joinpath("static")
    read = {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}
    return {name: (data, hashlib.sha256(data).hexdigest()[:16]) for name, data in read.items()}


def asset(name: str) -> str:
    """The address of a static file."""
    return f"/ui/static/{name}?v={_static()[name][1]}"


def letter_headers(html: str) -> dict[str, str]:
    """The headers of a letter: its own style by digest and nothing else, in a sandbox, framed by our own page alone."""
    digests = [hashlib.sha256(style.encode()).digest() for style in _STYLE.findall(html)]
    styles = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests) or "'none'"
    policy = (
        f"default-src 'none'; style-src {styles}; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox"
    )
    return {"Content-Security-Policy": policy, "X-Frame-Options": "SAMEORIGIN"}


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(_PACKAGE, "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "asset": asset,
        "event_words": event_words,
        "outcome_mark": outcome_mark,
        "state_words": state_words,
    }
    environment.filters |= {"instant": _instant, "duration": duration}
    return environment


def _instant(moment: datetime) -> str:
    """A time as people read it; its machine form stands beside it in ``<time>``."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
