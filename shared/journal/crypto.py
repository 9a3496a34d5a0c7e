"""Encryption of clinical content: AES-256-GCM under a key per case, which the master key wraps.

Ciphertexts are ``nonce (12 bytes) | ciphertext | tag (16 bytes)``. The associated data ties an event's content to its
case and sequence, so that content cannot be moved to another row. Deleting a case's wrapped key erases its content.
Source: NIST SP 800-38D.
"""

import contextlib
import os
from collections.abc import Mapping
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class KeyUnavailableError(Exception):
    """A key cannot be opened: it was erased, or the master key is another one."""


class MasterKey:
    """Wraps and opens the keys of cases. 32 bytes.

    ``previous`` are older master keys by id: they still open what they wrapped, until it is wrapped anew.
    """

    def __init__(self, raw: bytes, key_id: str = "1", previous: Mapping[str, bytes] | None = None) -> None:
        older = previous or {}
        if any(len(key) != 32 for key in (raw, *older.values())):
            raise ValueError("A master key must be 32 bytes.")
        if key_id in older:
            raise ValueError("The master key and a previous one have the same id.")
        self.id = key_id
        self._cipher = AESGCM(raw)
        self._older = tuple(AESGCM(key) for key in older.values())

    def wrap(self, key: bytes, case_id: UUID) -> bytes:
        """A case's key as it is stored."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, key, case_id.bytes)

    def open(self, wrapped: bytes, case_id: UUID) -> bytes:
        """The key of a case.

        Raises:
            KeyUnavailableError: it was wrapped by another master key or for another case.
        """
        for cipher in (self._cipher, *self._older):
            with contextlib.suppress(InvalidTag, ValueError):
                return cipher.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], case_id.bytes)
        raise KeyUnavailableError("A case's key does not open with this master key.")


def new_key() -> bytes:
    """A fresh 256-bit key."""
    return os.urandom(32)


def seal(key: bytes, content: bytes, bound_to: bytes) -> bytes:
    """Encrypts ``content``; it opens only together with the same ``bound_to``."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, content, bound_to)


def unseal(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    """Decrypts.

    Raises:
        KeyUnavailableError: wrong key, wrong place, or the bytes were altered.
    """
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], bound_to)
    except (InvalidTag, ValueError) as error:
        raise KeyUnavailableError("Stored content does not open with its case's key.") from error


def event_binding(case_id: UUID, sequence: int) -> bytes:
    """What an event's content is bound to."""
    return case_id.bytes + sequence.to_bytes(4, "big")
