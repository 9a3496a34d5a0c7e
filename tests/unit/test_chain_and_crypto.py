"""The chain can be checked with the standard library alone; content opens only where it belongs."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from shared.journal.chain import GENESIS, link
from shared.journal.compression import pack, unpack
from shared.journal.crypto import KeyUnavailableError, MasterKey, event_binding, new_key, seal, unseal

CASE = UUID(int=7)
MOMENT = datetime(2026, 11, 16, 9, 30, 0, 123456, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
moments = st.datetimes(EPOCH.replace(tzinfo=None), timezones=st.just(UTC))
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def _event(**changes: Any) -> dict[str, Any]:
    return {
        "case_id": CASE,
        "sequence": 1,
        "event_id": UUID(int=8),
        "type_": "case.submitted.v1",
        "state_before": "new",
        "state_after": "submitted",
        "actor": "system:intake",
        "payer": "HEALTHPLAN7",
        "consumer": "intake",
        "causation_id": UUID(int=9),
        "occurred_at": MOMENT,
        "recorded_at": MOMENT,
        "traceparent": None,
        "code_version": "priorauth/1",
        "public": "{}",
        "data": b"\x00\x0a\xff",
    } | changes


def _with_the_standard_library(previous: bytes, event: dict[str, Any]) -> bytes:
    header = [
        str(event["case_id"]),
        event["sequence"],
        str(event["event_id"]),
        event["type_"],
        event["state_before"],
        event["state_after"],
        event["actor"],
        event["payer"],
        event["consumer"],
        str(event["causation_id"]),
        (event["occurred_at"] - EPOCH) // timedelta(microseconds=1),
        (event["recorded_at"] - EPOCH) // timedelta(microseconds=1),
        event["traceparent"],
        event["code_version"],
        event["public"],
    ]
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(previous + text.encode() + b"\n" + event["data"]).digest()


@given(words, words, st.none() | words, st.binary(max_size=60), moments)
def test_the_standard_library_computes_the_same_hash(
    actor: str, public: str, traceparent: str | None, data: bytes, moment: datetime
) -> None:
    event = _event(actor=actor, public=public, traceparent=traceparent, data=data, recorded_at=moment)
    assert link(GENESIS, **event) == _with_the_standard_library(GENESIS, event)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sequence", 2),
        ("state_after", "approved"),
        ("actor", "clinician:1"),
        ("payer", "OTHER"),
        ("recorded_at", MOMENT + timedelta(microseconds=1)),
        ("public", '{"a":1}'),
        ("data", b"\x00\x0a\xfe"),
    ],
)
def test_any_change_changes_the_hash(name: str, value: object) -> None:
    assert link(GENESIS, **_event()) != link(GENESIS, **_event(**{name: value}))
    assert link(GENESIS, **_event()) != link(bytes([1] * 32), **_event())


@given(st.binary(max_size=200), st.integers(1, 2**31 - 1), st.integers(1, 2**31 - 1))
def test_content_opens_only_at_its_own_place(content: bytes, sequence: int, other: int) -> None:
    key = new_key()
    sealed = seal(key, content, event_binding(CASE, sequence))
    assert unseal(key, sealed, event_binding(CASE, sequence)) == content
    assert content == b"" or content not in sealed or len(content) < 4
    if other != sequence:
        with pytest.raises(KeyUnavailableError):
            unseal(key, sealed, event_binding(CASE, other))


def test_altered_content_does_not_open() -> None:
    key = new_key()
    sealed = bytearray(seal(key, b"chart", event_binding(CASE, 1)))
    sealed[-1] ^= 1
    with pytest.raises(KeyUnavailableError):
        unseal(key, bytes(sealed), event_binding(CASE, 1))


def test_a_case_key_opens_with_its_master_key_and_for_its_case_only() -> None:
    master, key = MasterKey(bytes(32)), new_key()
    wrapped = master.wrap(key, CASE)
    assert master.open(wrapped, CASE) == key
    for wrong, case_id in ((MasterKey(bytes([1] * 32)), CASE), (master, UUID(int=1))):
        with pytest.raises(KeyUnavailableError):
            wrong.open(wrapped, case_id)


@given(st.binary(max_size=5000))
def test_packed_content_comes_back(content: bytes) -> None:
    assert unpack(pack(content)) == content


def test_what_is_no_frame_or_claims_to_be_huge_is_refused() -> None:
    huge = zstandard.ZstdCompressor(level=1).compress(bytes(300 * 1024 * 1024))
    for packed in (b"", b"no frame", huge):
        with pytest.raises(zstandard.ZstdError):
            unpack(packed)


def test_threads_pack_and_unpack_at_the_same_time() -> None:
    contents = [bytes([n % 251]) * 200_000 + n.to_bytes(4, "big") for n in range(200)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda content: unpack(pack(content)), contents)) == contents
