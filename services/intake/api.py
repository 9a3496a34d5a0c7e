"""HTTP of intake: ``Claim/$submit`` and the views of a case."""

import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from fastapi import Body, FastAPI, Header, Query, Request, Response
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from services.intake.domain.pas_request import PasRequest, read_request
from services.intake.domain.problems import Problem, RequestRefusedError, body_too_large, operation_outcome
from services.intake.responses import pas_response
from services.intake.store import ACTOR, Received, Submission, Submissions
from shared import flow
from shared.case.history import History, Proposed
from shared.case.ids import derived_id
from shared.case.states import IllegalTransitionError
from shared.case.view import case_view, determination_view
from shared.events.model import CaseAppealed
from shared.journal.commands import CaseNotFoundError, append_one
from shared.journal.crypto import KeyUnavailableError
from shared.journal.group import GroupCommit
from shared.journal.listing import is_archived, list_cases
from shared.journal.store import CONTENT_OF_DETERMINATION, read_histories
from shared.journal.watch import DeterminationWatch
from shared.platform import telemetry
from shared.platform.database import is_unavailable
from shared.platform.http import RETRY_AFTER_SECONDS, ProblemError
from shared.platform.logs import get_logger
from shared.platform.service import Runtime

log = get_logger()
IdempotencyKey = Annotated[str | None, Header(max_length=200)]
FHIR = "application/fhir+json"
_JSON_TYPES = ("application/fhir+json", "application/json", "text/json")
_ARCHIVED = "This case was archived; it can be asked for from the archive."
_WAIT = re.compile(r"\bwait\s*=\s*(\d{1,4})")


class Intake:
    """What the endpoints share."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.settings = runtime.settings
        self._reader = runtime.reader
        self.submissions = Submissions(runtime.engine, runtime.master)
        self.group: GroupCommit[Submission, Received] = GroupCommit(self.submissions.write)
        self.watch = DeterminationWatch(runtime.reader, runtime.settings)

    async def read(self, case_id: UUID, *, content: bool, needs: Collection[str] = CONTENT_OF_DETERMINATION) -> History:
        """A case's history, with the content of those event types in ``needs``.

        Raises:
            ProblemError: 404 where there is none; 410 where it was archived, or its content is wanted and was erased.
        """
        async with self._reader.connect() as connection:
            histories = await read_histories(connection, self.runtime.master, [case_id], needs if content else ())
            history = histories.get(case_id)
            if history is None and await is_archived(connection, case_id):
                raise ProblemError(410, _ARCHIVED)
        if history is None:
            raise ProblemError(404, "There is no case with that id.")
        if content and history.key is None:
            raise ProblemError(410, "The clinical content of this case was erased.")
        return history

    async def receive(self, request: PasRequest, traceparent: str | None) -> Received:
        """Stores a request. Raises RequestRefusedError where a follow-up finds no case, or one that cannot take it."""
        if request.kind == "initial":
            return await self.group.submit(Submission(request, traceparent))
        try:
            received = await self.submissions.follow_up(request)
        except IllegalTransitionError as error:
            raise RequestRefusedError((Problem("conflict", str(error), "Bundle.entry[0].resource"),), 409) from error
        except CaseNotFoundError as error:
            problem = Problem("deleted", "The case of that Claim was archived or erased.", "Bundle.entry[0].resource")
            raise RequestRefusedError((problem,), 410) from error
        if received is None:
            text = "No request with that Claim identifier is known; send it as a new one."
            problem = Problem("not-found", text, "Bundle.entry[0].resource.related")
            raise RequestRefusedError((problem,), 404)
        return received

    async def appeal(self, case_id: UUID, reason: str, key: str | None) -> History:
        """Records an appeal. Raises ProblemError 404 or 409."""
        try:
            return await append_one(
                self.runtime.engine,
                self.runtime.master,
                case_id,
                lambda _: Proposed(flow.CASE_APPEALED, CaseAppealed(reason), {}),
                actor=ACTOR,
                consumer=f"{flow.INTAKE.name}.appeal",
                causation_id=derived_id("appeal", str(case_id), key or str(uuid4())),
            )
        except CaseNotFoundError as error:
            await self.read(case_id, content=True)
            raise ProblemError(404, str(error)) from error
        except IllegalTransitionError as error:
            raise ProblemError(409, str(error)) from error


def add_submit(api: FastAPI, intake: Intake) -> None:
    """Adds ``Claim/$submit``."""

    @api.post("/fhir/Claim/$submit", tags=["fhir"], response_class=Response, openapi_extra=_SUBMIT_DOC)
    async def submit(request: Request, prefer: Annotated[str, Header()] = "") -> Response:
        """Da Vinci PAS 2.2.1 ``Claim/$submit``: a request Bundle in, a response Bundle out."""
        tracer = trace.get_tracer(telemetry.TRACER)
        parent = telemetry.parse_traceparent(request.headers.get("traceparent"))
        context = trace.set_span_in_context(trace.NonRecordingSpan(parent)) if parent else None
        with tracer.start_as_current_span(telemetry.SPAN_SUBMIT, context=context, kind=SpanKind.SERVER) as span:
            try:
                return await _submit(intake, request, prefer, span)
            except RequestRefusedError as error:
                return _fhir(operation_outcome(error.problems), error.status)
            except ProblemError as error:
                return _fhir(operation_outcome((Problem("deleted", error.detail),)), error.status)
            except Exception as error:
                if not is_unavailable(error):
                    raise
                log.warning("database away", exc_info=error)
                problem = Problem("transient", "The database is away; send the same Bundle again later.")
                return _fhir(operation_outcome((problem,)), 503, {"Retry-After": str(RETRY_AFTER_SECONDS)})


async def _submit(intake: Intake, request: Request, prefer: str, span: trace.Span) -> Response:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in _JSON_TYPES:
        text = "Send the Bundle as application/fhir+json."
        raise RequestRefusedError((Problem("not-supported", text),), 415)
    body = await _body(request, intake.settings.max_body_bytes)
    parsed = read_request(body, datetime.now(UTC))
    received = await intake.receive(parsed, telemetry.format_traceparent(span.get_span_context()))
    span.set_attribute(telemetry.ATTR_CASE, str(received.case_id))
    seconds = _wait_seconds(prefer, intake.settings.submit_wait_seconds)
    if seconds > 0 and received.awaited:
        await intake.watch.wait(received.case_id, received.sequence, seconds, maybe_there=received.repeated)
    history = await intake.read(received.case_id, content=True)
    base_url = (intake.settings.public_base_url or str(request.base_url)).rstrip("/") + "/fhir"
    return _fhir(pas_response(history, datetime.now(UTC), base_url), 200, {"X-Case-Id": str(received.case_id)})


def _wait_seconds(prefer: str, default: float) -> float:
    """RFC 7240 ``Prefer: wait=N``, at most a minute."""
    found = _WAIT.search(prefer)
    return min(float(found.group(1)), 60.0) if found else default


async def _body(request: Request, limit: int) -> bytes:
    """The request's body, given up on as soon as it is over the limit."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise body_too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise body_too_large(limit)
    return bytes(body)


def _fhir(resource: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(resource), status, headers, media_type=FHIR)


def add_views(api: FastAPI, intake: Intake) -> None:
    """Adds the views of cases."""

    @api.get("/cases", tags=["cases"])
    async def cases(
        state: str | None = None, after: UUID | None = None, limit: Annotated[int, Query(ge=1, le=500)] = 50
    ) -> dict[str, Any]:
        """Cases in order of arrival, in keyset pages: give ``next`` as ``after``."""
        async with intake.runtime.reader.connect() as connection:
            page = await list_cases(connection, state=state, after=after, limit=limit)
        return {"cases": page, "next": page[-1]["id"] if len(page) == limit else None}

    @api.get("/cases/{case_id}", tags=["cases"])
    async def case(case_id: UUID) -> dict[str, Any]:
        """A case's state, clock, items and timeline."""
        return case_view(await intake.read(case_id, content=False))

    @api.get("/cases/{case_id}/determination", tags=["cases"], response_class=Response)
    async def determination(case_id: UUID) -> Response:
        """The determination as ``priorauth.determination/1``."""
        return Response(msgspec.json.encode(await _document(case_id)), media_type="application/json")

    @api.post("/cases/{case_id}/appeal", tags=["cases"], status_code=202)
    async def appeal(
        case_id: UUID,
        reason: Annotated[str, Body(embed=True, max_length=10_000)] = "",
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, str]:
        """Asks that a decision be reconsidered: the case goes back to a clinician."""
        history = await intake.appeal(case_id, reason, idempotency_key)
        return {"id": str(case_id), "state": history.state}

    async def _document(case_id: UUID) -> dict[str, Any]:
        try:
            view = determination_view(await intake.read(case_id, content=True))
        except KeyUnavailableError as error:
            raise ProblemError(410, "The clinical content of this case cannot be opened.") from error
        if view is None:
            raise ProblemError(404, "This case has no determination yet.")
        return view


_SUBMIT_DOC: dict[str, Any] = {
    "requestBody": {"required": True, "content": {FHIR: {"schema": {"type": "object", "description": "PAS Bundle"}}}},
    "responses": {
        "200": {"description": "A PAS response Bundle.", "content": {FHIR: {"schema": {"type": "object"}}}},
        "4XX": {"description": "OperationOutcome: one issue a problem.", "content": {FHIR: {}}},
        "503": {"description": "The database is away; Retry-After says when to try again.", "content": {FHIR: {}}},
    },
}
