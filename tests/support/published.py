"""The published PAS packages, where they lie beside the project: for checking against, never copied into it."""

import json
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

_FHIR = Path(__file__).parents[3] / "shared" / "fhir"
VERSIONS = ("2.0.1", "2.2.1")


@cache
def package(version: str) -> dict[str, Any]:
    """Every JSON file of the package by its path below ``package/``; empty where the package is not there."""
    path = _FHIR / f"hl7.fhir.us.davinci-pas-{version}.tgz"
    if not path.exists():
        return {}
    with tarfile.open(path) as archive:
        members = [m for m in archive.getmembers() if m.isfile() and m.name.endswith(".json")]
        files = {m.name.removeprefix("package/"): archive.extractfile(m) for m in members}
        return {name: json.loads(file.read()) for name, file in files.items() if file is not None}


def example_bundles(version: str) -> dict[str, dict[str, Any]]:
    """The example Bundles by name, such as ``SurgicalRequestBundleExample``."""
    prefix = "example/Bundle-"
    return {
        name.removeprefix(prefix).removesuffix(".json"): body
        for name, body in package(version).items()
        if name.startswith(prefix)
    }


def structure_definitions(version: str) -> dict[str, dict[str, Any]]:
    """The StructureDefinitions by canonical url."""
    return {
        body["url"]: body
        for name, body in package(version).items()
        if name.startswith("StructureDefinition-") and body.get("resourceType") == "StructureDefinition"
    }
