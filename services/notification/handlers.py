"""Every determination event in; ``notice.prepared`` out. The letter itself is rendered when it is asked for."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notification.store import schedule
from shared import flow
from shared.case.history import Accepted, Proposed, Recorded
from shared.case.ids import derived_id
from shared.events.model import NoticePrepared
from shared.messaging.work import PureHandler, Work

KINDS: Final = {
    flow.CASE_APPROVED: "approval",
    flow.CASE_PARTLY_APPROVED: "partial_approval",
    flow.CASE_DENIED: "denial",
    flow.CASE_INFORMATION_REQUESTED: "information_request",
    flow.CASE_REFERRED: "referral",
}


class PrepareNotice(PureHandler):
    """Prepares a notice and, where a channel is configured, schedules its delivery in the same transaction."""

    def __init__(self, channel: str, scheduled: Callable[[], None] | None = None) -> None:
        self._channel = channel
        self._scheduled = scheduled

    def handle(self, work: Work, prepared: Any) -> Proposed | None:
        """One notice a determination, whatever has happened to the case since."""
        return answer(work.cause, self._channel)

    async def conclude(self, connection: AsyncConnection, appended: Sequence[Accepted]) -> None:
        """Schedules deliveries, one statement a batch."""
        if self._channel != "none":
            await schedule(connection, appended)
            if self._scheduled is not None:
                self._scheduled()


def answer(cause: Recorded, channel: str) -> Proposed:
    """The notice of a determination. Pure: its id follows from the determination's."""
    notice_id = str(derived_id("notice", str(cause.event_id)))
    kind = KINDS[cause.type]
    data = NoticePrepared(notice_id, kind, cause.sequence, channel)
    return Proposed(flow.NOTICE_PREPARED, data, {"notice_id": notice_id, "kind": kind, "channel": channel})
