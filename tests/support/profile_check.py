"""A small profile checker: cardinalities, fixed values, patterns, unknown elements and extensions of a snapshot.

It knows enough of StructureDefinition for the resources that this project writes; slices other than extensions are
checked by tests themselves.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Definitions = Mapping[str, Mapping[str, Any]]


def violations(resource: Mapping[str, Any], definitions: Definitions) -> list[str]:
    """What is wrong with a resource by the profile that its ``meta.profile`` names."""
    profile = definitions[resource["meta"]["profile"][0]]
    elements = {e["id"]: e for e in profile["snapshot"]["element"] if ":" not in e["id"]}
    found = list(_element(resource, resource["resourceType"], elements))
    return found + list(_extensions(resource, definitions))


def _element(node: Mapping[str, Any], path: str, elements: Mapping[str, Any]) -> Iterator[str]:
    children = {id_: e for id_, e in elements.items() if id_.rpartition(".")[0] == path}
    if not children:
        return
    known: set[str] = {"resourceType"}
    for id_, element in children.items():
        name = id_.rpartition(".")[2]
        keys = _keys(name, element, node)
        known.update(keys)
        values = [v for key in keys for v in (node[key] if isinstance(node[key], list) else [node[key]])]
        limit = element.get("max", "*")
        if len(values) < element.get("min", 0) or (limit != "*" and len(values) > int(limit)):
            yield f"{id_}: {len(values)} values, {element.get('min', 0)}..{limit} allowed"
        wanted = {k: v for k, v in element.items() if k.startswith(("fixed", "pattern"))}
        for value in values:
            if any(not _contains(value, pattern) for pattern in wanted.values()):
                yield f"{id_}: not as the profile fixes it"
            if isinstance(value, Mapping) and "resourceType" not in value:
                yield from _element(value, id_, elements)
    yield from (f"{path}.{key}: no such element" for key in node if key not in known and not key.startswith("_"))


def _keys(name: str, element: Mapping[str, Any], node: Mapping[str, Any]) -> list[str]:
    if not name.endswith("[x]"):
        return [name] if name in node else []
    stem = name.removesuffix("[x]")
    types = [t["code"] for t in element.get("type", ())]
    return [key for t in types if (key := stem + t[0].upper() + t[1:]) in node]


def _contains(value: Any, pattern: Any) -> bool:
    if isinstance(pattern, Mapping):
        return isinstance(value, Mapping) and all(k in value and _contains(value[k], p) for k, p in pattern.items())
    if isinstance(pattern, list):
        return isinstance(value, list) and all(any(_contains(v, p) for v in value) for p in pattern)
    return bool(value == pattern)


def _extensions(node: Any, definitions: Definitions) -> Iterator[str]:
    for member in node.values() if isinstance(node, Mapping) else node:
        if isinstance(member, Mapping | list):
            yield from _extensions(member, definitions)
    if isinstance(node, Mapping):
        for extension in node.get("extension", ()):
            definition = definitions.get(extension["url"])
            if definition is not None:
                yield from _extension(extension, definition)
            elif extension["url"].startswith("http"):
                yield f"{extension['url']}: not of this guide"


def _extension(extension: Mapping[str, Any], definition: Mapping[str, Any]) -> Iterator[str]:
    elements = {e["id"]: e for e in definition["snapshot"]["element"]}
    value = elements.get("Extension.value[x]", {})
    keys = _keys("value[x]", value, extension)
    present = [key for key in extension if key.startswith("value")]
    if present != keys or (value.get("max") == "0" and present) or (value.get("min", 0) and not present):
        yield f"{extension['url']}: a value of another type than the guide's"
    parts = {
        t.get("profile", [""])[0].partition("|")[0]
        for e in elements.values()
        if e["path"] == "Extension.extension"
        for t in e.get("type", ())
    } | {e["fixedUri"] for e in elements.values() if e["path"] == "Extension.extension.url" and "fixedUri" in e}
    for part in extension.get("extension", ()):
        if part["url"] not in parts:
            yield f"{extension['url']}: no part {part['url']}"
