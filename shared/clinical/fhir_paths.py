"""The resources of a stored Bundle and where each of them stands."""

from collections.abc import Iterator
from typing import Any

import msgspec

from shared.clinical.model import Resource

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def resources_of(bundle: bytes) -> tuple[Resource, ...]:
    """Every resource of the Bundle in order, with its path, for example ``Bundle.entry[3].resource``.

    ``bundle`` is a Bundle as intake stored it. A resource's contained resources (``....contained[0]``) and the entries
    of a Bundle that is itself an entry (``....entry[0].resource``) follow it. Entries without a resource are passed over.

    Raises:
        msgspec.DecodeError: the bytes are no JSON object.
    """
    return tuple(_entries("Bundle", _decode(bundle)))


def _entries(path: str, bundle: dict[str, Any]) -> Iterator[Resource]:
    entries = bundle.get("entry")
    for i, entry in enumerate(entries if isinstance(entries, list) else ()):
        body = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(body, dict):
            yield from _with_inner(f"{path}.entry[{i}].resource", body)


def _with_inner(path: str, body: dict[str, Any]) -> Iterator[Resource]:
    yield Resource(path, body)
    contained = body.get("contained")
    if isinstance(contained, list):
        for i, inner in enumerate(contained):
            if isinstance(inner, dict):
                yield Resource(f"{path}.contained[{i}]", inner)
    if body.get("resourceType") == "Bundle":
        yield from _entries(path, body)
