"""The pieces of a composed letter: plain data that every form prints, in which each text says its language."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

Json = dict[str, Any]

_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
)


def text(value: str, *, lang: str = "", name: str = "") -> Json:
    """A text. ``lang`` is empty for the letter's own language; ``name`` is its id for the check of required contents."""
    return {"id": name, "text": value, "lang": lang}


def detail(value: str, *, lang: str = "", label: str = "") -> Json:
    """A line under a point. The label is in the letter's own language whatever the text's is."""
    return {"label": label, "text": value, "lang": lang}


def point(
    value: str,
    cites: Sequence[tuple[int, bool]] = (),
    details: Sequence[Json] = (),
    *,
    lang: str = "",
    name: str = "",
) -> Json:
    """A point of a list, with the sources that it cites as (number, verified)."""
    return {
        **text(value, lang=lang, name=name),
        "cites": [{"number": number, "verified": verified} for number, verified in cites],
        "details": list(details),
    }


def section(
    name: str,
    heading: str,
    *,
    paragraphs: Sequence[Json] = (),
    points: Sequence[Json] = (),
    table: Json | None = None,
    entries: Sequence[Json] = (),
) -> Json:
    """A section: paragraphs, then points, a table, or numbered entries."""
    return {
        "id": name,
        "heading": heading,
        "paragraphs": list(paragraphs),
        "points": list(points),
        "table": table,
        "entries": list(entries),
    }


def printed(content: Mapping[str, Any]) -> Json:
    """What a composed letter says, by section and by the ids within it, for the check of required contents."""
    found: Json = {"title": content["title"], "lead": content["lead"], "closing": content["closing"]}
    found["contacts"] = {contact["id"]: contact["value"] for contact in content["contacts"]}
    for part in content["sections"]:
        texts = [*part["paragraphs"], *part["points"]]
        found[part["id"]] = {
            **{entry["id"]: entry["text"] for entry in texts if entry["id"]},
            "paragraphs": [entry["text"] for entry in part["paragraphs"]],
            "points": [entry["text"] for entry in part["points"]],
            "rows": part["table"]["rows"] if part["table"] else [],
        }
    return found


def printable(value: Any) -> Any:
    """Without control characters and without marks that reorder text: what is read is what is written."""
    if isinstance(value, str):
        return _UNPRINTABLE.sub("\ufffd", value) if _UNPRINTABLE.search(value) else value
    if isinstance(value, list):
        return [printable(entry) for entry in value]
    if isinstance(value, dict):
        return {key: printable(entry) for key, entry in value.items()}
    return value
