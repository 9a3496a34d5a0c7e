"""Signed passes: who may look at the console, until when. Pure: the secret, the time and the nonce come from outside.

A pass is ``payload.signature``: the payload is JSON in base64url, the signature HMAC-SHA-256 (RFC 2104) over the
payload. It holds no secret and nothing of a patient. The kind is signed too, so that a link cannot serve as a session.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["session", "link", "form"]

_LONGEST: Final = 1024


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass says. ``expires`` is in seconds since the epoch; ``nonce`` tells passes of one person apart."""

    kind: Kind
    who: str
    expires: int
    nonce: str = ""


def secret_of(master_key: bytes, token: bytes) -> bytes:
    """The signing key of one person: whoever changes their token, or the master key, ends their passes."""
    return hmac.digest(master_key, b"priorauth console\x00" + token, hashlib.sha256)


def issue(given: Pass, secret: bytes) -> str:
    """The pass as text, fit for a cookie and for a path."""
    payload = _encode(json.dumps([given.kind, given.who, given.expires, given.nonce]).encode())
    return f"{payload}.{_sign(payload, secret)}"


def bearer_of(text: str) -> str | None:
    """Whom a pass names, before anything of it is believed: it says whose secret to check it with."""
    found = _read(text)
    return found.who if found else None


def accept(text: str, kind: Kind, secret: bytes, now: float) -> Pass | None:
    """The pass, or None where it is of another kind, is not signed with this secret, or has expired."""
    payload, _, signature = text.partition(".")
    if not hmac.compare_digest(_sign(payload, secret).encode(), signature.encode()):
        return None
    found = _read(text)
    return found if found is not None and found.kind == kind and now < found.expires else None


def _sign(payload: str, secret: bytes) -> str:
    return _encode(hmac.digest(secret, payload.encode(), hashlib.sha256))


def _read(text: str) -> Pass | None:
    if len(text) > _LONGEST:
        return None
    payload = text.partition(".")[0]
    try:
        content = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        kind, who, expires, nonce = content
    except (binascii.Error, ValueError, TypeError):
        return None
    if kind not in ("session", "link", "form") or not isinstance(expires, int):
        return None
    return Pass(kind, who, expires, nonce) if isinstance(who, str) and isinstance(nonce, str) else None


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
