"""``priorauth criteria export`` and ``import``: a criteria set to FHIR R4 and back."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from services.cli.errors import REFUSED, USAGE, fail
from services.cli.output import print_json, print_lines
from services.cli.target import AsJson
from services.criteria_evaluation.domain.fhir_export import to_bundle
from services.criteria_evaluation.domain.fhir_import import from_bundle
from services.criteria_evaluation.domain.lexicon import load_lexicon
from shared.clinical.evidence import load_evidence
from shared.clinical.policy_yaml import load_mapping
from shared.platform.files import write_whole
from shared.policy import PolicyError, PolicyFile, read_policy, read_policy_bytes

_CRITERIA = typer.Option("--criteria", help="A folder of criteria sets; without it, those that ship with the code.")


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("export")(export_command)
    app.command("import")(import_command)


def export_command(
    set_id: Annotated[str, typer.Argument(metavar="ID", help="A set's id.")],
    to: Annotated[Path, typer.Option("--to", help="The file to write; one that exists is replaced.")],
    criteria: Annotated[Path | None, _CRITERIA] = None,
    version: Annotated[str | None, typer.Option(help="Which version, where the folder has several.")] = None,
) -> None:
    """Writes a set as a FHIR R4 Bundle: PlanDefinition, Questionnaire, and Library with the YAML itself."""
    try:
        name = _file_of(set_id, version, read_policy("criteria", criteria))
        lexicon = load_lexicon(read_policy("lexicon"))
        vocabulary = {name: (term.kind, term.unit, term.values) for name, term in lexicon.vocabulary.items()}
        library = load_evidence(read_policy("evidence"), vocabulary)
        bundle = to_bundle(read_policy_bytes("criteria", name, criteria), name, lexicon.vocabulary, library)
    except PolicyError as error:
        fail(REFUSED, str(error))
    _write(to, bundle)
    print_lines(f"Wrote {to}: {set_id} from {name}.")


def import_command(
    file: Annotated[Path, typer.Argument(help="A FHIR Bundle that `priorauth criteria export` wrote.")],
    to: Annotated[Path, typer.Option("--to", help="The folder of criteria sets to write the set's YAML to.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the set's file where it exists.")] = False,
    as_json: AsJson = False,
) -> None:
    """Writes the YAML of a set that a FHIR Bundle holds; the attached file itself where the Bundle carries it."""
    try:
        content = file.read_bytes()
    except OSError as error:
        fail(USAGE, f"{file} cannot be read: {type(error).__name__}.")
    try:
        imported = from_bundle(content, file.name, load_lexicon(read_policy("lexicon")).vocabulary)
    except PolicyError as error:
        fail(REFUSED, str(error))
    ref = imported.criteria_set.ref
    target = to / f"{ref.id}.yaml"
    if target.exists() and not force:
        fail(REFUSED, f"{target} exists; name another folder, or replace it with --force.")
    _write(target, imported.content)
    if as_json:
        row = {"id": ref.id, "version": ref.version, "title": ref.title, "digest": ref.digest}
        print_json({**row, "file": str(target), "attached": imported.attached})
    else:
        origin = "the attached file" if imported.attached else "written from the PlanDefinition and the Questionnaire"
        print_lines(f"Wrote {target}: {ref.id} {ref.version} {ref.digest}, {origin}.")


def _file_of(set_id: str, version: str | None, files: Sequence[PolicyFile]) -> str:
    """The name of the file that holds the set."""
    heads = [(file.name, load_mapping(file.name, file.text)) for file in files]
    found = {str(head.get("version")): name for name, head in heads if head.get("id") == set_id}
    if not found:
        fail(
            USAGE, f"There is no criteria set {set_id}; `priorauth criteria list` names those that ship with the code."
        )
    if version is None and len(found) > 1:
        fail(USAGE, f"{set_id} is there in versions {', '.join(sorted(found))}; name one with --version.")
    name = found.get(version) if version is not None else next(iter(found.values()))
    if name is None:
        fail(USAGE, f"There is no version {version} of {set_id}, only {', '.join(sorted(found))}.")
    return name


def _write(target: Path, content: bytes) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, content, replace=True)
    except OSError as error:
        fail(USAGE, f"{target} cannot be written: {type(error).__name__}.")
