"""The optional extractor over HTTP: any endpoint that speaks the chat completions API.

Its answers are proposals that the domain verifies. Whatever goes wrong here costs proposals and nothing else: the case is
evaluated without them, and a flag says so. No text of a chart and no answer is logged or stands in an error.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import httpx
import msgspec
import stamina

from services.criteria_evaluation.domain.extract.proposals import (
    FAILED,
    LONGEST_ANSWER,
    LONGEST_DOCUMENT,
    TOO_LONG,
    UNUSABLE,
    UnusableAnswerError,
    question,
    verified,
)
from services.criteria_evaluation.domain.vocabulary import Vocabulary
from shared.clinical.extraction import Extraction, Proposal
from shared.clinical.model import Document
from shared.platform.settings import Settings

_MOST_BYTES: Final = 4 * LONGEST_ANSWER
_TRY_AGAIN: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


class _AgainError(Exception):
    """The endpoint may answer if it is asked again."""


class _RefusedError(Exception):
    """The endpoint will not answer this."""


class _Message(msgspec.Struct):
    content: str


class _Choice(msgspec.Struct):
    message: _Message


class _Completion(msgspec.Struct):
    choices: list[_Choice]


_COMPLETION: Final = msgspec.json.Decoder(_Completion)


class ChatExtractor:
    """Asks the endpoint about each document; at most ``extractor_concurrency`` questions are open at once."""

    def __init__(self, settings: Settings, url: str, vocabulary: Vocabulary) -> None:
        self._settings = settings
        self._url = url
        self._vocabulary = vocabulary
        self._client: httpx.AsyncClient | None = None
        self._places = asyncio.Semaphore(settings.extractor_concurrency)

    async def propose(self, charts: Sequence[Sequence[Document]]) -> list[Extraction]:
        """One extraction for each chart, within ``extractor_budget_seconds`` for all of them."""
        tasks = [[asyncio.create_task(self._read(d)) for d in chart if not d.flags] for chart in charts]
        every = [task for chart in tasks for task in chart]
        if every:
            _, late = await asyncio.wait(every, timeout=self._settings.extractor_budget_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        return [self._joined(chart) for chart in tasks]

    async def close(self) -> None:
        """Ends the connections."""
        if self._client is not None:
            await self._client.aclose()

    def _joined(self, chart: Sequence["asyncio.Task[Extraction]"]) -> Extraction:
        missed = Extraction(self._settings.extractor_model, flags=(FAILED,))
        parts = [missed if task.cancelled() else task.result() for task in chart]
        return Extraction(
            self._settings.extractor_model,
            tuple(proposal for part in parts for proposal in part.proposals),
            sum(part.refused for part in parts),
            tuple(sorted({flag for part in parts for flag in part.flags})),
        )

    async def _read(self, document: Document) -> Extraction:
        """What the endpoint proposes for a document. Never raises."""
        found: tuple[Proposal, ...] = ()
        refused, flags = 0, tuple[str, ...]()
        if len(document.text) > LONGEST_DOCUMENT:
            return Extraction(self._settings.extractor_model, flags=(TOO_LONG,))
        try:
            async with self._places, asyncio.timeout(self._settings.extractor_timeout_seconds):
                found, refused = verified(await self._asked(document), document, self._vocabulary)
        except UnusableAnswerError:
            flags = (UNUSABLE,)
        except (_AgainError, _RefusedError, TimeoutError):
            flags = (FAILED,)
        return Extraction(self._settings.extractor_model, found, refused, flags)

    async def _asked(self, document: Document) -> str:
        body = msgspec.json.encode(
            {
                "model": self._settings.extractor_model,
                "messages": question(document, self._vocabulary),
                "response_format": {"type": "json_object"},
                "temperature": 0,
                "stream": False,
            }
        )
        answer = ""
        async for attempt in stamina.retry_context(
            on=_AgainError, attempts=self._settings.extractor_attempts, wait_initial=0.2, wait_max=2.0, timeout=None
        ):
            with attempt:
                answer = await self._post(body)
        return answer

    async def _post(self, body: bytes) -> str:
        """One request. Raises _AgainError, _RefusedError, or UnusableAnswerError."""
        if self._client is None:
            timeout = httpx.Timeout(self._settings.extractor_timeout_seconds, connect=5.0)
            self._client = httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False)
        headers = {"content-type": "application/json", "user-agent": "priorauth"}
        if self._settings.extractor_api_key is not None:
            headers["authorization"] = f"Bearer {self._settings.extractor_api_key.get_secret_value()}"
        answer = bytearray()
        try:
            async with self._client.stream("POST", self._url, content=body, headers=headers) as response:
                if response.status_code in _TRY_AGAIN:
                    raise _AgainError
                if response.status_code != httpx.codes.OK:
                    raise _RefusedError
                async for chunk in response.aiter_bytes():
                    answer += chunk
                    if len(answer) > _MOST_BYTES:
                        raise UnusableAnswerError("The answer is longer than any honest one.")
        except (httpx.TransportError, httpx.DecodingError):
            # What httpx says of it may hold the address; the cause is left out for that.
            raise _AgainError from None
        try:
            return _COMPLETION.decode(answer).choices[0].message.content
        except (msgspec.MsgspecError, IndexError, RecursionError):
            raise UnusableAnswerError("The answer is no chat completion.") from None


def make_extractor(settings: Settings, vocabulary: Vocabulary) -> ChatExtractor | None:
    """The extractor that the settings ask for, or None: it is off by default."""
    return ChatExtractor(settings, settings.extractor_url, vocabulary) if settings.extractor_url else None
