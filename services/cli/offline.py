"""``priorauth determine``: the whole determination without a server, by the same pure code as the services."""

import datetime as dt
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.errors import REFUSED, USAGE, fail
from services.cli.options import AsJson
from services.cli.output import print_json, print_lines
from services.criteria_evaluation.policy import Policy, load_policy
from services.criteria_evaluation.request import evaluate_request
from services.determination.domain.determine import determine
from services.evidence_lookup.domain.attach import attach
from services.evidence_lookup.related import literature_of
from services.intake.domain.attachments import Attachment
from services.intake.domain.pas_request import PasRequest, read_request
from services.intake.domain.problems import RequestRefusedError
from services.intake.handlers import submission
from shared.clinical.document import determination_document
from shared.clinical.evidence import EvidenceLibrary, load_evidence
from shared.clinical.model import Evaluation
from shared.clinical.stored import StoredDocument
from shared.events.model import CaseSubmitted
from shared.letters.model import Audience, Language
from shared.platform.settings import get_settings
from shared.policy import PolicyError, read_policy


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("determine")(determine_command)


def determine_command(
    request: Annotated[Path, typer.Argument(help="A PAS request Bundle (JSON).")],
    note: Annotated[list[Path] | None, typer.Option(help="A chart note to add; may be given several times.")] = None,
    on: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day of the request.")] = None,
    criteria: Annotated[Path | None, typer.Option(help="A folder of criteria sets instead of those shipped.")] = None,
    evidence: Annotated[Path | None, typer.Option(help="A folder of evidence instead of that shipped.")] = None,
    as_json: AsJson = False,
    html: Annotated[Path | None, typer.Option(help="Write the letter as HTML.")] = None,
    pdf: Annotated[Path | None, typer.Option(help="Write the letter as PDF.")] = None,
    audience: Annotated[
        Audience, typer.Option(help="Whom the letter is for; the member's is in plain language.")
    ] = "provider",
    lang: Annotated[
        Language | None, typer.Option(help="The letter's language; the member's own where it is not given.")
    ] = None,
) -> None:
    """Determines a request offline and prints the determination."""
    parsed = read_file(request, note or [], on.date() if on else None)
    document = determine_request(parsed, criteria, evidence)
    if html or pdf:
        _write_letter(document, parsed, (audience, lang), html, pdf)
    if as_json:
        print_json(document)
    elif not (html or pdf):
        print_lines(document["text"])


def read_file(path: Path, notes: list[Path], on: dt.date | None) -> PasRequest:
    """Reads a request and its notes. Ends the command where they cannot be read or are refused."""
    try:
        body = path.read_bytes()
        extra = tuple(_note(n) for n in notes)
    except OSError as error:
        fail(USAGE, f"{error.filename} cannot be read.")
    day = dt.datetime.combine(on, dt.time(), dt.UTC) if on else dt.datetime.now(dt.UTC)
    try:
        parsed = read_request(body, day)
    except RequestRefusedError as error:
        fail(REFUSED, "; ".join(f"{p.expression} {p.diagnostics}".strip() for p in error.problems))
    return replace(parsed, documents=(*parsed.documents, *extra), requested_on=on or parsed.requested_on)


def _note(path: Path) -> Attachment:
    data = path.read_bytes()
    kind = {".html": "text/html", ".htm": "text/html", ".pdf": "application/pdf", ".rtf": "application/rtf"}
    content_type = kind.get(path.suffix.lower(), "text/plain; charset=utf-8")
    return Attachment(f"sha256:{hashlib.sha256(data).hexdigest()}", data, content_type, path.name)


def determine_request(
    request: PasRequest, criteria_dir: Path | None = None, evidence_dir: Path | None = None
) -> dict[str, Any]:
    """``priorauth.determination/1`` of a request. Ends the command where the policy cannot be used."""
    try:
        policy = load_policy(criteria_dir, evidence_dir)
        library = load_evidence(read_policy("evidence", evidence_dir))
    except PolicyError as error:
        fail(REFUSED, str(error))
    return document_of(request, policy, library)


def document_of(request: PasRequest, policy: Policy, library: EvidenceLibrary) -> dict[str, Any]:
    """``priorauth.determination/1`` of a request, by the services' own code."""
    evaluation = evaluate_parsed(request, policy)
    evidence = literature_of(get_settings().literature_index)(evaluation).beside(attach(library, evaluation))
    conclusion = determine(evaluation, evidence)
    return determination_document(evaluation, evidence, conclusion, priority=request.priority)


def evaluate_parsed(request: PasRequest, policy: Policy) -> Evaluation:
    """The evaluation of a request, by the service's own code."""
    submitted = submission(request).data
    if not isinstance(submitted, CaseSubmitted):
        raise TypeError("A submission of another shape.")
    stored = {d.id: StoredDocument(d.id, d.content_type, d.data) for d in request.documents}
    return evaluate_request(submitted, [], policy, stored)


def _write_letter(
    document: dict[str, Any],
    request: PasRequest,
    reader: tuple[Audience, Language | None],
    html: Path | None,
    pdf: Path | None,
) -> None:
    # The libraries that lay out a letter take a while to load, and most determinations are printed without one.
    from shared.letters.from_case import draft_letter
    from shared.letters.render import render_html, render_pdf
    from shared.platform.sender import sender_of

    letter = draft_letter(document, request.bundle, request.requested_on, sender_of(get_settings()), *reader)
    try:
        if html:
            html.write_text(render_html(document, letter), encoding="utf-8")
        if pdf:
            pdf.write_bytes(render_pdf(document, letter))
    except OSError as error:
        fail(USAGE, f"{error.filename} cannot be written.")
