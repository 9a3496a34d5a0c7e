"""Hearing of the journal's commits: one connection that listens, and connects again where the database went away."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from shared.journal.store import CHANNEL
from shared.platform.database import connect_raw
from shared.platform.logs import get_logger
from shared.platform.settings import Settings

log = get_logger()
_RECONNECT_SECONDS: Final = 1.0


async def listen(
    settings: Settings, heard: Callable[[list[str]], None], each_round: Callable[[], Awaitable[None]]
) -> None:
    """Calls ``heard`` with the types of the events of each commit, and ``each_round`` over and over, until cancelled.

    ``each_round`` is to wait for what it needs itself; an error of it is logged and the connection is made anew.
    """

    def on_notify(*args: object) -> None:
        heard(str(args[-1]).split(","))

    while True:
        try:
            connection = await connect_raw(settings)
        except Exception as error:  # Whatever keeps it away may pass; readiness says meanwhile that it is.
            log.warning("listener away, waiting", exc_info=error)
            await asyncio.sleep(_RECONNECT_SECONDS)
            continue
        try:
            await connection.add_listener(CHANNEL, on_notify)
            while not connection.is_closed():
                await each_round()
        except Exception as error:  # As above.
            log.warning("listener interrupted", exc_info=error)
            await asyncio.sleep(_RECONNECT_SECONDS / 2)
        finally:
            with contextlib.suppress(Exception):
                await connection.close(timeout=1)
