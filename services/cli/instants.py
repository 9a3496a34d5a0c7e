"""Instants as commands take them."""

from datetime import UTC, datetime


def as_utc(instant: datetime) -> datetime:
    """With a zone: UTC where none was given."""
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant
