"""Event content to bytes and back, with upcasters for content that an older version wrote.

msgspec writes fields by name, so a new field with a default needs no upcaster. Any other change gets a new version
of the type and an entry in ``UPCASTERS``, which turns the old content into the next version's on read: the journal
itself is never rewritten.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from shared.events.model import MODELS, EventData

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

UPCASTERS: dict[str, tuple[str, Upcaster]] = {}
"""Old type to (next type, function over the decoded content)."""

_ENCODER = msgspec.msgpack.Encoder()
_DECODERS: dict[str, msgspec.msgpack.Decoder[Any]] = {t: msgspec.msgpack.Decoder(m) for t, m in MODELS.items()}


class UnknownEventTypeError(Exception):
    """An event of a type that neither the models nor the upcasters know."""


def encode(data: EventData) -> bytes:
    """The bytes that the journal encrypts."""
    return _ENCODER.encode(data)


def decode(
    event_type: str, raw: bytes, upcasters: Mapping[str, tuple[str, Upcaster]] | None = None
) -> tuple[str, EventData]:
    """The current type and the content of a stored event.

    Raises:
        UnknownEventTypeError: no model and no upcaster knows the type.
        msgspec.ValidationError: the content does not have the type's shape.
    """
    steps = UPCASTERS if upcasters is None else upcasters
    if event_type not in steps:
        decoder = _DECODERS.get(event_type)
        if decoder is None:
            raise UnknownEventTypeError(f"No model for {event_type}.")
        data: EventData = decoder.decode(raw)
        return event_type, data
    content = msgspec.msgpack.decode(raw)
    while event_type in steps:
        event_type, upcast = steps[event_type]
        content = upcast(content)
    model = MODELS.get(event_type)
    if model is None:
        raise UnknownEventTypeError(f"No model for {event_type}.")
    return event_type, msgspec.convert(content, model)
