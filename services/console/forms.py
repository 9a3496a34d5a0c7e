"""What browsers send: signing in and out, and a clinician's decision."""

import re
from typing import Final
from uuid import UUID

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from services.console.access import COOKIE, PageError, check_origin
from services.console.commands import read_form, send_decision
from services.console.pages import Draft, Pages
from services.console.rendering import render

_OWN: Final = re.compile(r"/(ui/cases/[0-9a-f-]{36}(/notes/\d{1,4})?)?")
_LONGEST_KEY: Final = 100


def add_forms(api: FastAPI, pages: Pages) -> None:
    """Adds the way in, the way out, the decision, and errors as pages."""
    _add_entry(api, pages)

    @api.post("/ui/cases/{case_id}/decisions", include_in_schema=False)
    async def decide(request: Request, case_id: UUID) -> Response:
        viewer = pages.access.viewer(request)
        form = await read_form(request)
        pages.access.check_form(viewer, form.get("form", ""), request)
        decision, rationale = form.get("decision", ""), form.get("rationale", "")
        key = form.get("key", "")[:_LONGEST_KEY]
        refusal = await send_decision(pages.runtime.settings, viewer, case_id, decision, rationale, key)
        if refusal is None:
            return RedirectResponse(f"/ui/cases/{case_id}", 303)
        return await pages.case(case_id, viewer, Draft(refusal, decision, rationale, key))

    @api.exception_handler(PageError)
    async def error(request: Request, problem: PageError) -> Response:
        if problem.status == 401:
            back = request.url.path if _OWN.fullmatch(request.url.path) else "/"
            page = render("enter.html.j2", 401, back=back, problem="")
        else:
            page = render("error.html.j2", problem.status, problem=problem.detail)
        page.headers.update(problem.headers)
        return page


def _add_entry(api: FastAPI, pages: Pages) -> None:
    @api.get("/ui/enter/{code}", include_in_schema=False)
    async def enter(request: Request, code: str, case: UUID | None = None) -> Response:
        viewer = pages.access.take_link(code)
        response = RedirectResponse(f"/ui/cases/{case}" if case else "/", 303)
        pages.access.start_session(viewer, request, response)
        return response

    @api.post("/ui/session", include_in_schema=False)
    async def sign_in(request: Request) -> Response:
        check_origin(request)
        form = await read_form(request)
        back = form.get("back", "/")
        back = back if _OWN.fullmatch(back) else "/"
        viewer = pages.access.by_token(form.get("token", ""))
        if viewer is None:
            return render("enter.html.j2", 401, back=back, problem="That token lets nobody in; check it and try again.")
        response = RedirectResponse(back, 303)
        pages.access.start_session(viewer, request, response)
        return response

    @api.post("/ui/leave", include_in_schema=False)
    async def leave(request: Request) -> Response:
        form = await read_form(request)
        pages.access.check_form(pages.access.viewer(request), form.get("form", ""), request)
        response = RedirectResponse("/", 303)
        response.delete_cookie(COOKIE, path="/")
        return response
