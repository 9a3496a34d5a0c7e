"""Structured logs: JSON lines on standard error, with case id and trace id, and nothing of a patient.

Log calls pass identifiers and counts only. As a second wall, ``drop_exception_text`` keeps an exception's class and
where it was raised and throws its message away, since a validation error's message quotes the value.
"""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog
from opentelemetry import trace


def add_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Adds the current trace id, if there is one and the event names none."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event.setdefault("trace_id", format(context.trace_id, "032x"))
    return event


def drop_exception_text(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replaces exception information by class name and frames (file, line, function)."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info if isinstance(info, BaseException) else info[1] if isinstance(info, tuple) else None
    if error is not None:
        event["error"] = type(error).__name__
        event["frames"] = [
            f"{Path(f.filename).name}:{f.lineno}:{f.name}" for f in traceback.extract_tb(error.__traceback__)[-8:]
        ]
    return event


def configure_logging(service: str, level: str = "INFO") -> None:
    """Sets up structlog and routes the standard library's loggers through it."""
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_trace,
        drop_exception_text,
    ]
    structlog.configure(
        processors=[*processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=processors,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # Libraries that log whole messages or every request are kept at warnings.
    for noisy in ("aiokafka", "httpx", "httpcore", "uvicorn.access", "sqlalchemy", "alembic", "faststream"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # aiokafka reports a refused connection on every attempt; readiness and our own retries say it once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    structlog.contextvars.bind_contextvars(service=service)


def get_logger() -> structlog.stdlib.BoundLogger:
    """A logger; bind ``case_id`` where one case is meant."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger()
    return logger
