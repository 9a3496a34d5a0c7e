"""What every HTTP API has: health, metrics, RFC 9457 problems, and request metrics by route template."""

import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.platform import telemetry
from shared.platform.database import is_unavailable
from shared.platform.logs import get_logger

log = get_logger()
Check = Callable[[], Awaitable[bool]]
RETRY_AFTER_SECONDS = 5


class ProblemError(Exception):
    """An answer other than success, as RFC 9457 has it. ``detail`` is one sentence and says nothing of a patient."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An ``application/problem+json`` response."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(body, status, dict(headers or {}), media_type="application/problem+json")


def make_api(service: str, title: str, checks: Mapping[str, Check]) -> FastAPI:
    """A FastAPI application with ``/livez``, ``/readyz``, ``/metrics`` and our error answers."""
    # FastAPI's own spans would carry addresses and errors as they are; ours are declared in ``telemetry.py``.
    quiet: Any = {"tracing": False, "metrics": False, "logs": False}
    api = FastAPI(title=title, docs_url=None, redoc_url=None, version="1", telemetry=quiet)
    api.add_middleware(RequestMetrics, service=service)
    _add_problems(api)

    @api.get("/livez", tags=["health"])
    async def livez() -> dict[str, str]:
        """The event loop answers."""
        return {"status": "alive"}

    @api.get("/readyz", tags=["health"], responses={503: {"description": "Something it needs is away."}})
    async def readyz() -> Response:
        """Every dependency answers: the database, Kafka, and for consumers the assignment of partitions."""
        results = {name: await check() for name, check in checks.items()}
        for name, ok in results.items():
            telemetry.READY.labels(service, name).set(ok)
        ready = all(results.values())
        return JSONResponse({"status": "ready" if ready else "waiting", "checks": results}, 200 if ready else 503)

    @api.get("/metrics", tags=["health"], response_class=Response)
    async def metrics() -> Response:
        """Prometheus text."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return api


def _add_problems(api: FastAPI) -> None:
    @api.exception_handler(ProblemError)
    async def _problem(_: Request, error: ProblemError) -> Response:
        return problem(error.status, error.detail, error.headers)

    @api.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> Response:
        return problem(error.status_code, str(error.detail), error.headers)

    @api.exception_handler(404)
    async def _missing(_: Request, __: Exception) -> Response:
        return problem(404, "There is nothing at this address.")

    @api.exception_handler(405)
    async def _method(_: Request, __: Exception) -> Response:
        return problem(405, "This address does not take that method.")

    @api.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> Response:
        # The values themselves are left out: they may be a patient's.
        where = ", ".join(sorted({".".join(str(p) for p in e["loc"]) for e in error.errors()}))
        return problem(422, f"These parts of the request are not valid: {where}.")


def _failed(error: Exception) -> JSONResponse:
    if is_unavailable(error):
        log.warning("database away", exc_info=error)
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return problem(503, "The service cannot reach its database; try again later.", headers)
    log.error("request failed", exc_info=error)
    return problem(500, "The request could not be handled; operators have been told.")


class RequestMetrics:
    """Counts and times requests by route template, so that no identifier becomes a label; answers what was raised.

    Starlette's own last resort raises again after it has answered, and the server then cuts the connection.
    """

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 0

        async def observe(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, observe)
        except Exception as error:
            # Whatever it is, the caller gets an answer, unless one is half sent.
            if status:
                raise
            await _failed(error)(scope, receive, observe)
        finally:
            route: Any = scope.get("route")
            path = getattr(route, "path", "unmatched")
            telemetry.HTTP_REQUESTS.labels(self._service, path, str(status or 500)).inc()
            telemetry.HTTP_SECONDS.labels(self._service, path).observe(time.perf_counter() - start)
