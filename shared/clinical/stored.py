"""A document of a chart as it came."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document's bytes as they were received. ``id`` is ``sha256:`` and the hex digest of ``data``."""

    id: str
    content_type: str
    data: bytes
