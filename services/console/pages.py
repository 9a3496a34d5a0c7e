"""The pages: the list of cases, one case, its notes, its letter, its trace."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, Literal
from uuid import UUID, uuid4

from fastapi import FastAPI, Header, Query, Request, Response

from services.console.access import Access, PageError, Viewer
from services.console.api import listed
from services.console.commands import DECISIONS, Refusal, may_decide
from services.console.content import Content, Why, document_refs, read_content, read_letter
from services.console.domain.case_page import case_page, notes
from services.console.domain.chart import quotes_of
from services.console.domain.highlight import highlighted, placed
from services.console.domain.words import STATE
from services.console.rendering import letter_headers, render
from services.console.store import list_rows, trace_of
from services.console.stream import Movements, event_stream
from services.console.traces import fetch_trace
from shared.case.view import determination_view
from shared.clinical.attachment_text import document_text
from shared.journal.crypto import KeyUnavailableError
from shared.letters.model import Audience, LetterIncompleteError
from shared.letters.render import render_html, render_pdf
from shared.platform.sender import sender_of
from shared.platform.service import Runtime

_PAGE: Final = 50
Htmx = Annotated[str, Header(alias="hx-request")]
LastEvent = Annotated[str, Header(alias="last-event-id")]


@dataclass(slots=True)
class Pages:
    """What the pages share."""

    runtime: Runtime
    access: Access
    movements: Movements

    async def read(self, case_id: UUID, viewer: Viewer, why: Why, number: int | None = None) -> Content:
        """A case's content, with a document of it. Raises PageError 404 where there is no such case."""
        runtime = self.runtime
        content = await read_content(runtime.reader, runtime.master, case_id, number, who=viewer, why=why)
        if content is None:
            raise PageError(404, "There is no case with that id.")
        return content

    async def case(self, case_id: UUID, viewer: Viewer, draft: "Draft | None" = None) -> Response:
        """The page of a case; with ``draft``, what a clinician wrote and why it was not taken."""
        content = await self.read(case_id, viewer, "case page")
        page = case_page(content.history, document_refs(content.history), datetime.now(UTC))
        settings = self.runtime.settings
        return render(
            "case.html.j2",
            draft.refusal.status if draft else 200,
            page=page,
            viewer=viewer,
            decisions=DECISIONS if page.decidable and may_decide(settings, viewer) else {},
            draft=draft,
            form_token=self.access.form_token(viewer),
            form_key=draft.key if draft else str(uuid4()),
            spans=bool(settings.trace_url and page.trace_id),
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """A decision that was not taken, so that nothing that was written is lost."""

    refusal: Refusal
    decision: str
    rationale: str
    key: str


def add_pages(api: FastAPI, pages: Pages) -> None:
    """Adds the list and the page of a case with its parts."""
    _add_list(api, pages)
    _add_case(api, pages)
    _add_letter(api, pages)
    _add_streams(api, pages)


def _add_list(api: FastAPI, pages: Pages) -> None:
    @api.get("/", include_in_schema=False)
    async def cases(
        request: Request,
        state: str = "",
        payer: Annotated[str, Query(max_length=200)] = "",
        quarantined: bool = False,
        after: UUID | None = None,
    ) -> Response:
        viewer = pages.access.viewer(request)
        if state and state not in STATE:
            raise PageError(422, "There is no such state; choose one from the list.")
        async with pages.runtime.reader.connect() as connection:
            rows = await list_rows(
                connection,
                state=state or None,
                payer=payer.strip() or None,
                quarantined=quarantined or None,
                after=after,
                limit=_PAGE + 1,
            )
        now = datetime.now(UTC)
        return render(
            "cases.html.j2",
            cases=[listed(row, now) for row in rows[:_PAGE]],
            next=rows[_PAGE - 1].case_id if len(rows) > _PAGE else None,
            filters={"state": state, "payer": payer.strip(), "quarantined": quarantined},
            first=after is None,
            states=STATE,
            viewer=viewer,
            form_token=pages.access.form_token(viewer),
        )


def _add_case(api: FastAPI, pages: Pages) -> None:
    @api.get("/ui/cases/{case_id}", include_in_schema=False)
    async def case(request: Request, case_id: UUID) -> Response:
        return await pages.case(case_id, pages.access.viewer(request))

    @api.get("/ui/cases/{case_id}/notes/{number}", include_in_schema=False)
    async def note(request: Request, case_id: UUID, number: int, hx_request: Htmx = "") -> Response:
        viewer = pages.access.viewer(request)
        content = await pages.read(case_id, viewer, "note", number)
        if content.erased:
            raise PageError(410, "The clinical content of this case was erased.")
        refs, stored = document_refs(content.history), content.note
        if stored is None:
            raise PageError(404, "The case has no such document.")
        document = determination_view(content.history)
        found = quotes_of(document, stored.id) if document else {}
        text, flags = await asyncio.to_thread(document_text, refs[number - 1].content_type, stored.data)
        quotes = placed(text, ((quote, words) for quote, (words, _) in found.items()))
        return render(
            "note_part.html.j2" if hx_request else "note.html.j2",
            case_id=case_id,
            note=notes(refs)[number - 1],
            body=highlighted(text, quotes),
            quotes=[(quote.anchor, *found[quote]) for quote in quotes],
            unplaced=len(found) - len(quotes),
            flags=flags,
            viewer=viewer,
            form_token=pages.access.form_token(viewer),
        )

    @api.get("/ui/cases/{case_id}/trace", include_in_schema=False)
    async def trace(request: Request, case_id: UUID) -> Response:
        pages.access.viewer(request)
        async with pages.runtime.reader.connect() as connection:
            trace_id = await trace_of(connection, case_id)
        url = pages.runtime.settings.trace_url
        if not url or trace_id is None:
            raise PageError(404, "There is no trace of this case to be asked for.")
        return render("trace_part.html.j2", bars=await fetch_trace(url, trace_id))


def _add_letter(api: FastAPI, pages: Pages) -> None:
    async def made(request: Request, case_id: UUID, audience: Audience, form: Literal["html", "pdf"]) -> bytes:
        """The letter as it was given out, else as it would be given out now; the console keeps none itself."""
        viewer, runtime = pages.access.viewer(request), pages.runtime
        sender = sender_of(runtime.settings)
        try:
            found = await read_letter(
                runtime.reader, runtime.master, case_id, audience, form, sender, who=viewer, why="letter"
            )
            if found is None:
                raise PageError(404, "There is no such letter: the case has none yet, or it is the clinician's own.")
            if found.kept is not None:
                return found.kept
            if form == "html":
                return render_html(found.document, found.context).encode()
            return await asyncio.to_thread(render_pdf, found.document, found.context)
        except KeyUnavailableError as error:
            raise PageError(410, "The clinical content of this case was erased.") from error
        except LetterIncompleteError as error:
            raise PageError(409, str(error)) from error

    @api.get("/ui/cases/{case_id}/letter", include_in_schema=False)
    async def letter(request: Request, case_id: UUID, audience: Audience = "provider") -> Response:
        html = (await made(request, case_id, audience, "html")).decode()
        return Response(html, headers=letter_headers(html), media_type="text/html")

    @api.get("/ui/cases/{case_id}/letter.pdf", include_in_schema=False)
    async def pdf(request: Request, case_id: UUID, audience: Audience = "provider") -> Response:
        headers = {"Content-Disposition": f'inline; filename="letter-{case_id}.pdf"'}
        data = await made(request, case_id, audience, "pdf")
        return Response(data, headers=headers, media_type="application/pdf")


def _add_streams(api: FastAPI, pages: Pages) -> None:
    @api.get("/ui/events", include_in_schema=False)
    async def of_all(request: Request) -> Response:
        pages.access.viewer(request)
        return event_stream(pages.movements.of(None, 0))

    @api.get("/ui/cases/{case_id}/events", include_in_schema=False)
    async def of_case(request: Request, case_id: UUID, after: int = 0, last_event_id: LastEvent = "") -> Response:
        pages.access.viewer(request)
        seen = int(last_event_id) if last_event_id.isdigit() and len(last_event_id) < 10 else after
        return event_stream(pages.movements.of(case_id, seen))
