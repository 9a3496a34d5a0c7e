"""The extractor's client against a server on this machine: answers, junk, silence, retries, bounds."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from services.criteria_evaluation.llm import ChatExtractor, make_extractor
from shared.clinical.extraction import Extraction
from shared.clinical.model import Document
from shared.platform.settings import Settings
from tests.unit.coded_chart import LEXICON

TEXT = "IMAGING: Bone pieces rest where the nerves run at L2."
CHART = [Document("sha256:0", TEXT)]
GOOD = json.dumps(
    {"facts": [{"fact": "spine.retropulsion", "value": True, "quote": "Bone pieces rest where the nerves run"}]}
)


def completion(content: Any) -> bytes:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()


def reply(status: int, body: bytes, *, length: int | None = None) -> bytes:
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body) if length is None else length}\r\n"
    return f"{head}connection: close\r\n\r\n".encode() + body


class Endpoint:
    """A server that gives the listed answers, one a request and the last one from then on; None: it says nothing."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.url = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(
                next(line.split(":")[1] for line in head.lower().splitlines() if line.startswith("content-length"))
            )
            self.asked.append((head, json.loads(await reader.readexactly(length))))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if answer is None:
                await reader.read()
            else:
                writer.write(answer)
                await writer.drain()
        writer.close()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Endpoint"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/chat/completions"
        try:
            yield self
        finally:
            server.close()


async def _proposed(endpoint: Endpoint, chart: list[Document] = CHART, **more: Any) -> Extraction:
    async with endpoint.running():
        settings = Settings(
            **{
                "extractor_url": endpoint.url,
                "extractor_model": "m",
                "extractor_timeout_seconds": 5,
                "extractor_attempts": 2,
                **more,
            }
        )
        extractor = make_extractor(settings, LEXICON.vocabulary)
        assert isinstance(extractor, ChatExtractor)
        try:
            (extraction,) = await extractor.propose([chart])
        finally:
            await extractor.close()
        return extraction


async def test_an_answer_becomes_verified_proposals() -> None:
    endpoint = Endpoint(reply(200, completion(GOOD)))
    extraction = await _proposed(endpoint, extractor_api_key=SecretStr("k-1"))
    assert [(p.fact, p.value) for p in extraction.proposals] == [("spine.retropulsion", True)]
    assert (extraction.model, extraction.refused, extraction.flags) == ("m", 0, ())
    ((head, asked),) = endpoint.asked
    assert "Bearer k-1" in head
    assert asked["messages"][1] == {"role": "user", "content": TEXT}


async def test_a_fenced_answer_is_read() -> None:
    assert len((await _proposed(Endpoint(reply(200, completion(f"```json\n{GOOD}\n```"))))).proposals) == 1


@pytest.mark.parametrize(
    ("answer", "flag"),
    [
        (reply(200, completion("I would approve this.")), "extractor-answer"),
        (reply(200, completion({"facts": []})), "extractor-answer"),
        (reply(200, completion(None)), "extractor-answer"),
        (reply(200, b'{"choices": []}'), "extractor-answer"),
        (reply(200, b"not json"), "extractor-answer"),
        (reply(200, b"\xff\xfe"), "extractor-answer"),
        (reply(200, b"[" * 100_000), "extractor-answer"),
        (reply(200, b" " * 2_000_000), "extractor-answer"),
        (reply(200, b"{}", length=100), "extractor-failed"),
        (reply(401, b"{}"), "extractor-failed"),
        (reply(302, b""), "extractor-failed"),
        (reply(500, b"{}"), "extractor-failed"),
        (b"no http at all\r\n\r\n", "extractor-failed"),
        (b"", "extractor-failed"),
    ],
)
async def test_junk_costs_the_proposals_and_nothing_else(answer: bytes, flag: str) -> None:
    extraction = await _proposed(Endpoint(answer))
    assert (extraction.proposals, extraction.flags) == ((), (flag,))


async def test_a_passing_fault_is_tried_again_within_the_bound() -> None:
    once = Endpoint(reply(503, b"{}"), reply(200, completion(GOOD)))
    assert len((await _proposed(once)).proposals) == 1
    assert len(once.asked) == 2
    always = Endpoint(reply(503, b"{}"))
    assert (await _proposed(always)).flags == ("extractor-failed",)
    assert len(always.asked) == 2
    never = Endpoint(reply(400, b"{}"))
    assert (await _proposed(never)).flags == ("extractor-failed",)
    assert len(never.asked) == 1


@pytest.mark.parametrize("bound", ["extractor_timeout_seconds", "extractor_budget_seconds"])
async def test_an_endpoint_that_says_nothing_holds_nobody_up(bound: str) -> None:
    started = time.monotonic()
    extraction = await _proposed(Endpoint(None), CHART, **{bound: 0.3})
    assert extraction.flags == ("extractor-failed",)
    assert time.monotonic() - started < 4


async def test_nobody_at_the_address_is_a_failure_too() -> None:
    extractor = ChatExtractor(
        Settings(extractor_attempts=1, extractor_model="m"), "http://127.0.0.1:9/v1", LEXICON.vocabulary
    )
    (extraction,) = await extractor.propose([CHART])
    await extractor.close()
    assert extraction.flags == ("extractor-failed",)


async def test_what_is_too_long_or_flagged_is_not_sent() -> None:
    endpoint = Endpoint(reply(200, completion(GOOD)))
    long = await _proposed(endpoint, [Document("sha256:1", "x " * 40_000)])
    assert long.flags == ("extractor-too-long",)
    assert (await _proposed(endpoint, [Document("sha256:2", "", flags=("no-text",))])) == Extraction("m")
    assert endpoint.asked == []


async def test_one_document_that_fails_does_not_take_the_others_along() -> None:
    endpoint = Endpoint(reply(400, b"{}"), reply(200, completion(GOOD)))
    extraction = await _proposed(endpoint, [*CHART, Document("sha256:9", TEXT)], extractor_concurrency=1)
    assert (len(extraction.proposals), extraction.flags) == (1, ("extractor-failed",))


def test_it_is_off_unless_it_has_an_address() -> None:
    assert make_extractor(Settings(extractor_url=None), LEXICON.vocabulary) is None
    assert make_extractor(Settings(extractor_url=""), LEXICON.vocabulary) is None


@pytest.mark.parametrize(
    "url", ["http://models.example/v1", "ftp://127.0.0.1/", "http://127.0.0.1.example/v1", "models"]
)
def test_charts_are_sent_over_tls_or_within_this_machine(url: str) -> None:
    with pytest.raises(ValidationError):
        Settings(extractor_url=url)


def test_the_address_of_this_machine_may_be_plain() -> None:
    plain, tls = "http://127.0.0.1:1234/v1", "https://models.example/v1"
    assert Settings(extractor_url=plain).extractor_url == plain
    assert Settings(extractor_url=tls).extractor_url == tls
