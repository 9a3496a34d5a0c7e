"""Asks the trace store for a case's spans. The page has the journal's own times too, so it may be away."""

import asyncio
from typing import Any, Final

import httpx

from services.console.domain.trace import Bar, bars, spans_of
from shared.platform.logs import get_logger

log = get_logger()
_SECONDS: Final = 3.0
_LARGEST: Final = 4_000_000


async def fetch_trace(url: str, trace_id: str) -> list[Bar] | None:
    """The bars of a trace, empty where the store does not have it (it was not sampled, or is gone); None where it is away."""
    try:
        async with asyncio.timeout(_SECONDS), httpx.AsyncClient(timeout=_SECONDS) as client:
            response = await client.get(url.replace("{trace_id}", trace_id), headers={"Accept": "application/json"})
        if response.status_code == 404:
            return []
        if response.status_code != 200 or len(response.content) > _LARGEST:
            log.warning("trace store refused", status=response.status_code)
            return None
        content: Any = response.json()
    except (httpx.HTTPError, TimeoutError, ValueError) as error:
        log.warning("trace store away", exc_info=error)
        return None
    return bars(spans_of(content))
