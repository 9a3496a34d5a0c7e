"""A case as it was known at an instant, and what changed between two: pure.

Two times tell two stories. By recorded time: what stood in the journal then, and so what a decision could rest on. By
effective time: what had happened by then, including what the journal learned of later.
"""

from datetime import datetime
from typing import Any, Literal

from shared.case.history import History, Recorded
from shared.case.view import case_view

By = Literal["recorded", "effective"]


def as_of(history: History, at: datetime, by: By = "recorded") -> History:
    """The history with the events up to and including ``at``; without events where the case had none yet."""
    known = History(history.case_id, history.payer, history.key)
    for event in history.events:
        if _when(event, by) <= at:
            known.add(event)
    return known


def _when(event: Any, by: By) -> datetime:
    instant: datetime = event.recorded_at if by == "recorded" else event.occurred_at
    return instant


def view_as_of(history: History, at: datetime, by: By = "recorded") -> dict[str, Any]:
    """The JSON of ``priorauth audit as-of``: the case as ``GET /cases/{id}`` would have shown it, and what came late.

    ``late`` are events that had happened by ``at`` and stood in the journal only afterwards. By recorded time they are
    not part of the view; by effective time they are, and this says which.
    """
    known = as_of(history, at, by)
    late = [e for e in history.events if isinstance(e, Recorded) and e.occurred_at <= at < e.recorded_at]
    return {
        "case": str(history.case_id),
        "at": at.isoformat(),
        "by": by,
        "known": bool(known.events),
        "view": case_view(known) if known.events else None,
        "late": [
            {
                "sequence": e.sequence,
                "type": e.type,
                "occurred_at": e.occurred_at.isoformat(),
                "recorded_at": e.recorded_at.isoformat(),
            }
            for e in late
        ],
    }


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What two views differ in: events that came between them, and each field with both values."""
    old, new = before["view"] or {}, after["view"] or {}
    seen = {event["sequence"] for event in old.get("timeline", ())}
    fields = [key for key in dict.fromkeys([*old, *new]) if key != "timeline"]
    return {
        "from": before["at"],
        "to": after["at"],
        "events": [event for event in new.get("timeline", ()) if event["sequence"] not in seen],
        "changed": {key: [old.get(key), new.get(key)] for key in fields if old.get(key) != new.get(key)},
    }
