"""Resolving the references of a Bundle (FHIR R4, 2.36.4.1): by fullUrl, relative to a fullUrl, or to a contained resource."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_AMBIGUOUS = -1


@dataclass(slots=True)
class BundleIndex:
    """Where the resources of a Bundle are found. Positions are indices into ``Bundle.entry``."""

    resources: list[dict[str, Any]] = field(default_factory=list)
    bases: list[str] = field(default_factory=list)
    by_url: dict[str, int] = field(default_factory=dict)
    by_type_and_id: dict[str, int] = field(default_factory=dict)

    def add(self, full_url: str, resource: dict[str, Any]) -> bool:
        """Adds the next entry. False where another entry has the same fullUrl."""
        position = len(self.resources)
        self.resources.append(resource)
        local = f"{resource.get('resourceType')}/{resource.get('id')}"
        self.bases.append(full_url.removesuffix(local) if full_url.endswith("/" + local) else "")
        self.by_type_and_id[local] = _AMBIGUOUS if local in self.by_type_and_id else position
        if not full_url:
            return True
        return self.by_url.setdefault(full_url, position) == position

    def resolve(self, reference: str, position: int) -> int | None:
        """The entry that ``reference``, which stands in the entry at ``position``, points to; None where there is none.

        A contained resource (``#id``) resolves to the entry that contains it.
        """
        if reference.startswith("#"):
            return position if self._contains(position, reference[1:]) else None
        url = reference.partition("/_history/")[0]
        found = self.by_url.get(url)
        if found is None and is_local(url):
            found = self.by_url.get(self.bases[position] + url)
            if found is None:
                # A sender that names its entries by urn:uuid and refers by Type/id means the only one of that name.
                found = self.by_type_and_id.get(url)
        return None if found == _AMBIGUOUS else found

    def _contains(self, position: int, identifier: str) -> bool:
        contained = self.resources[position].get("contained")
        if not identifier:
            return True
        return isinstance(contained, list) and any(
            isinstance(c, Mapping) and c.get("id") == identifier for c in contained
        )


def is_local(reference: str) -> bool:
    """True for a reference that names no server: ``Type/id``."""
    return "://" not in reference and not reference.startswith("urn:")


def must_resolve(reference: str) -> bool:
    """True where nothing outside of the Bundle can be meant: ``Type/id``, ``urn:uuid:...`` and ``#id``."""
    return "://" not in reference
