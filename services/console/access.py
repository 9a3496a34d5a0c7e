"""Who may look at the console's pages: a signed session, a bearer token, or a gateway that names the person.

The pages show charts, so a console without tokens lets nobody in. Tokens are long and random; what stands in a cookie or
in a link is a signed pass and never the token.
"""

import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from fastapi import Request, Response

from services.console.domain.passes import Kind, Pass, accept, bearer_of, issue, secret_of
from shared.platform.http import ProblemError
from shared.platform.settings import Settings

COOKIE: Final = "priorauth_console"
LINK_SECONDS: Final = 12 * 3600
FORM_SECONDS: Final = 12 * 3600
Role = Literal["clinician", "reader"]


class PageError(ProblemError):
    """An answer other than success that is shown as a page."""


class AccessError(PageError):
    """The page is not for whoever asked, or not yet; a 401 is shown with the way in."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks. Only a ``clinician`` may decide."""

    id: str
    role: Role

    @property
    def name(self) -> str:
        """As the journal writes actors."""
        return f"{self.role}:{self.id}"


class Access:
    """Lets people in, by the settings' tokens."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._used: dict[str, int] = {}

    def viewer(self, request: Request) -> Viewer:
        """Who asks.

        Raises:
            AccessError: 401 where nobody is signed in.
        """
        found = self._by_bearer(request) or self._by_session(request)
        if found is None:
            raise AccessError(401, "Sign in to see cases.", {"WWW-Authenticate": "Bearer"})
        return found

    def by_token(self, token: str) -> Viewer | None:
        """Whose token this is."""
        given = token.strip().encode()
        for who, secret in tokens(self._settings).items():
            if hmac.compare_digest(given, secret):
                return self._named(who)
        return None

    def start_session(self, viewer: Viewer, request: Request, response: Response) -> None:
        """Gives the browser a session. The cookie is out of reach of scripts and of other sites' forms."""
        seconds = int(self._settings.console_session_hours * 3600)
        value = new_pass(self._settings, "session", viewer.id, seconds)
        # Behind a gateway that ends TLS, the gateway's header says how the browser came.
        secure = "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", ""))
        response.set_cookie(COOKIE, value, max_age=seconds, httponly=True, samesite="lax", secure=secure, path="/")

    def take_link(self, code: str) -> Viewer:
        """Whom a one-time link lets in; the link is spent.

        Raises:
            AccessError: 403 where the link is not good, or was used before.
        """
        found = self._accepted(code, "link")
        now = time.time()
        self._used = {nonce: expires for nonce, expires in self._used.items() if expires > now}
        if found is None or found.nonce in self._used:
            raise AccessError(403, "This link was used before or has expired; `priorauth console link` makes another.")
        self._used[found.nonce] = found.expires
        return self._named(found.who)

    def form_token(self, viewer: Viewer) -> str:
        """What a form of this viewer must bring back; another site cannot read it."""
        return new_pass(self._settings, "form", viewer.id, FORM_SECONDS)

    def check_form(self, viewer: Viewer, token: str, request: Request) -> None:
        """Raises AccessError 403 where a form was not made for this viewer, or comes from another site's page."""
        check_origin(request)
        found = self._accepted(token, "form")
        if found is None or found.who != viewer.id:
            raise AccessError(403, "This form is too old; load the page again and send it once more.")

    def _named(self, who: str) -> Viewer:
        return Viewer(who, "clinician" if who in self._settings.clinician_tokens else "reader")

    def _accepted(self, text: str, kind: Kind) -> Pass | None:
        who = bearer_of(text)
        return accept(text, kind, _secret(self._settings, who), time.time()) if who is not None else None

    def _by_bearer(self, request: Request) -> Viewer | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        caller = self.by_token(token)
        header = self._settings.console_user_header
        if caller is None or caller.role == "clinician" or not header:
            return caller
        # The token is the gateway's; whom it has signed in stands in its header, and without a name nobody has.
        person = request.headers.get(header, "").strip()
        return self._named(person) if person else None

    def _by_session(self, request: Request) -> Viewer | None:
        found = self._accepted(request.cookies.get(COOKIE, ""), "session")
        return self._named(found.who) if found else None


def tokens(settings: Settings) -> dict[str, bytes]:
    """Every token that lets somebody in, by whom."""
    every = {**settings.console_tokens, **settings.clinician_tokens}
    return {who: secret.get_secret_value().encode() for who, secret in every.items() if secret.get_secret_value()}


def new_pass(settings: Settings, kind: Kind, who: str, seconds: int) -> str:
    """A signed pass that is good for ``seconds``."""
    given = Pass(kind, who, int(time.time()) + seconds, secrets.token_urlsafe(12))
    return issue(given, _secret(settings, who))


def check_origin(request: Request) -> None:
    """Raises AccessError 403 where a browser says that a form comes from another site.

    Browsers name a form's origin in ``Origin``, and newer ones in ``Sec-Fetch-Site`` too. A request with neither is no
    browser's, so nobody's cookie was sent along against their will.
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    own = request.headers.get("host", "")
    if site != "same-origin" or (origin is not None and urlsplit(origin).netloc != own):
        raise AccessError(403, "This form was sent from another site and was not accepted.")


def _secret(settings: Settings, who: str) -> bytes:
    if settings.master_key is None:
        raise AccessError(503, "The console has no master key; set PRIORAUTH_MASTER_KEY.")
    return secret_of(settings.master_key.get_secret_value(), tokens(settings).get(who, b""))
