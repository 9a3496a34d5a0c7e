"""``priorauth audit export`` and ``check``: an evidence bundle, and its check with neither database nor network."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import msgspec
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.cli.audit_access import Why, note_access
from services.cli.errors import CHECK_FAILED, REFUSED, USAGE, fail
from services.cli.output import print_json, print_lines
from services.cli.page import page
from services.cli.target import ArchiveDir, AsJson, DataDir, archives_of, engine_in, master_key, run, settings_for
from services.criteria_evaluation.policy import load_policy
from shared.case.history import History
from shared.case.view import determination_view
from shared.events.model import MODELS
from shared.journal.bundle import Material, check_bundle, make_bundle, read_events
from shared.journal.bundle_verifier import BundleError
from shared.journal.checkpoint import CheckpointError, CheckpointFiles, load_private_key, load_public_key
from shared.journal.crypto import MasterKey
from shared.journal.documents import StoredDocument, read_documents
from shared.journal.sealing import installation_of
from shared.journal.store import read_histories
from shared.platform.files import write_whole
from shared.platform.settings import Settings
from shared.policy import Kind, digest_of, read_policy

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def export_command(
    case: Annotated[UUID, typer.Option("--case", help="The case.")],
    out: Annotated[Path, typer.Option("--out", help="The bundle's file; one that is there is not replaced.")],
    redacted: Annotated[bool, typer.Option(help="Without clinical content; the chain stays verifiable.")] = False,
    checkpoints: Annotated[
        Path | None, typer.Option(help="A folder of checkpoints to prove the events against.")
    ] = None,
    public_key: Annotated[Path | None, typer.Option(help="The public key (PEM) of those checkpoints.")] = None,
    key: Annotated[Path | None, typer.Option(help="A private key (PEM) that signs the bundle.")] = None,
    why: Why = "export",
    archives: ArchiveDir = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Writes one file that proves a case without these servers."""
    settings = settings_for(data_dir)
    settings = settings.model_copy(update={"archive_dir": archives or settings.archive_dir})
    if (checkpoints is None) != (public_key is None):
        fail(USAGE, "--checkpoints and --public-key go together.")
    if out.exists():
        fail(REFUSED, f"{out} is there already; name another file.")
    try:
        seals = (CheckpointFiles(checkpoints), load_public_key(public_key)) if checkpoints and public_key else None
        signer = load_private_key(key) if key is not None else None
        raw = run(_export(settings, None if redacted else master_key(settings), case, seals, signer, why))
    except CheckpointError as error:
        fail(REFUSED, str(error))
    _write(out, raw)
    result = {"case": str(case), "file": str(out), "bytes": len(raw), "redacted": redacted, "sealed": seals is not None}
    if as_json:
        print_json(result)
    else:
        print_lines(f"{out}: {len(raw):,} bytes. Check it with `priorauth audit check {out}`.")


def _write(out: Path, raw: bytes) -> None:
    try:
        write_whole(out, raw, mode=0o600)
    except FileExistsError:
        fail(REFUSED, f"{out} is there already; name another file.")
    except OSError as error:
        fail(USAGE, f"{out} cannot be written ({error.strerror}).")


async def _export(
    settings: Settings,
    master: MasterKey | None,
    case: UUID,
    seals: tuple[CheckpointFiles, Ed25519PublicKey] | None,
    signer: Ed25519PrivateKey | None,
    why: str,
) -> bytes:
    async with engine_in(settings, "auditor") as engine:
        if master is not None:
            await note_access(engine, "export", why, case)
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            archives = await archives_of(connection, settings.archive_dir, case)
            history = (await read_histories(connection, master, [case], tuple(MODELS), archives)).get(case)
            if history is None:
                fail(REFUSED, f"There is no case {case}.")
            if master is not None and history.key is None:
                fail(REFUSED, "The content of this case was erased or does not open; export it with --redacted.")
            documents: list[StoredDocument] = []
            if history.key is not None:
                found = await read_documents(connection, {case: history.key}, [case])
                documents = list(found.get(case, {}).values())
            material = Material(
                case,
                await installation_of(connection),
                datetime.now(UTC).isoformat(timespec="seconds"),
                await read_events(connection, case, archives),
                history.key,
                documents,
            )
    extra = _extra(history, material, settings.criteria_dir, sealed=seals is not None)
    return make_bundle(replace(material, extra=extra), checkpoints=seals, key=signer)


def _extra(history: History, material: Material, criteria_dir: Path | None, *, sealed: bool) -> dict[str, bytes]:
    document = determination_view(history) if material.key is not None else None
    files, policy = _policy(document, criteria_dir)
    if document is not None:
        files["determination.json"] = msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"
        files["determination.txt"] = str(document["text"]).encode()
    files["index.html"] = _page(material, document, policy, sealed=sealed)
    return files


def _policy(document: dict[str, Any] | None, criteria_dir: Path | None) -> tuple[dict[str, bytes], str]:
    """The policy files that the determination was made with, where this code still has them."""
    if document is None or document["criteria_set"] is None:
        return {}, "none: no criteria set decided, or the bundle is redacted"
    wanted = document["criteria_set"]
    current = {s.id: s.digest for s in load_policy(criteria_dir).criteria_sets}
    evidence = read_policy("evidence")
    if (
        current.get(wanted["id"]) != wanted["digest"]
        or digest_of(*(f.text for f in evidence)) != document["evidence_library"]
    ):
        return (
            {},
            "not enclosed: this installation has another version by now; the determination names the digests it used",
        )
    files = {}
    kinds: tuple[Kind, ...] = ("criteria", "evidence", "lexicon")
    for kind in kinds:
        for file in read_policy(kind, criteria_dir if kind == "criteria" else None):
            if kind != "criteria" or f"id: {wanted['id']}\n" in file.text:
                files[f"policy/{kind}/{file.name}"] = file.text.encode()
    return (
        files,
        f"the criteria set {wanted['id']} {wanted['version']} with its digest, the evidence library and the lexicon",
    )


def _page(material: Material, document: dict[str, Any] | None, policy: str, *, sealed: bool) -> bytes:
    text = page(
        "bundle_page.html.j2",
        case=str(material.case_id),
        installation=material.installation,
        made_at=material.made_at,
        redacted=material.key is None,
        events=_rows(material.events),
        text=document["text"] if document is not None else None,
        policy=policy,
        sealed=sealed,
    )
    return text.encode()


def _rows(events: Sequence[Any]) -> list[dict[str, Any]]:
    return [e | {"recorded": (_EPOCH + timedelta(microseconds=e["recorded_at"])).isoformat()} for e in events]


def check_command(
    file: Annotated[Path, typer.Argument(help="The bundle.")],
    public_key: Annotated[
        Path | None, typer.Option(help="The public key (PEM) that the health plan published.")
    ] = None,
    installation: Annotated[str | None, typer.Option(help="The installation that it must be of.")] = None,
    as_json: AsJson = False,
) -> None:
    """Checks an evidence bundle with neither database nor network."""
    try:
        key = None
        if public_key is not None:
            load_public_key(public_key)
            key = public_key.read_bytes()
        problems, shown = check_bundle(file.read_bytes(), key, installation)
    except OSError:
        fail(USAGE, f"{file} cannot be read.")
    except (BundleError, CheckpointError, json.JSONDecodeError) as error:
        fail(REFUSED, f"{file.name}: {error}")
    if as_json:
        print_json({"intact": not problems, "problems": problems, "shown": shown})
    else:
        print_lines(*(f"  {line}" for line in shown), *(f"! {line}" for line in problems))
        print_lines("Nothing was found to be altered." if not problems else f"{len(problems)} problems.")
    if problems:
        raise typer.Exit(CHECK_FAILED)
