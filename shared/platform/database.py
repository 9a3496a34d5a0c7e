"""Connections to PostgreSQL, each in its role."""

import asyncio
from typing import Any, Literal

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.platform.settings import Settings, with_driver

Role = Literal["service", "auditor", "owner"]
"""The owner is the migrator's login as it is: for destroying and wrapping keys, which no service may do."""
_LONGEST_STATEMENT_SECONDS = 30.0


def role_url(settings: Settings, role: Role) -> tuple[str, dict[str, str]]:
    """The URL for a role and the server settings that go with it.

    Where no login of its own is configured, the migrator's login takes the role at the start of the session.
    """
    options = {"application_name": f"priorauth-{role}", "jit": "off"}
    if role == "owner":
        return settings.sqlalchemy_url, options
    if role == "service":
        # PostgreSQL keeps plans. One that was made while a table or a new partition was empty would read it from end to
        # end, for as long as no statistics are taken; every statement of the services has an index to go by.
        options["enable_seqscan"] = "off"
    own = settings.service_database_url if role == "service" else settings.auditor_database_url
    if own is not None:
        return with_driver(own.get_secret_value()), options
    return settings.sqlalchemy_url, options | {"role": f"priorauth_{role}"}


def make_engine(settings: Settings, role: Role = "service", pool_size: int | None = None) -> AsyncEngine:
    """An engine whose sessions act in ``role``; the auditor's are read-only on top of it."""
    url, options = role_url(settings, role)
    limits: dict[str, float] = {"timeout": 5}
    if role == "auditor":
        options = options | {"default_transaction_read_only": "on"}
    else:
        # A server that hangs is treated like one that is away; an audit may well read for hours.
        limits["command_timeout"] = _LONGEST_STATEMENT_SECONDS
    return create_async_engine(
        url,
        pool_size=pool_size or settings.database_pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=False,
        connect_args={"server_settings": options, **limits},
    )


async def connect_raw(settings: Settings, role: Role = "service") -> Any:
    """An asyncpg connection of its own, for LISTEN and for the relay's lease, which belong to a session."""
    url, options = role_url(settings, role)
    return await asyncpg.connect(url.replace("+asyncpg", ""), server_settings=options, timeout=5)


def is_unavailable(error: BaseException) -> bool:
    """Whether an error says that a server is away, so that the same call may succeed later.

    Covers lost and refused connections, a server that is starting or stopping, and deadlocks; a constraint or a wrong
    value is not among them.
    """
    if isinstance(error, (OperationalError, InterfaceError, PoolTimeoutError, OSError, asyncio.TimeoutError)):
        return True
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        cause: BaseException | None = error.orig
        while cause is not None:
            if _away(cause):
                return True
            cause = cause.__cause__
        return False
    return _away(error)


def _away(error: BaseException) -> bool:
    return isinstance(
        error,
        (
            asyncpg.PostgresConnectionError,
            asyncpg.CannotConnectNowError,
            asyncpg.AdminShutdownError,
            asyncpg.CrashShutdownError,
            asyncpg.InterfaceError,
            asyncpg.DeadlockDetectedError,
            asyncpg.SerializationError,
            asyncpg.TooManyConnectionsError,
            OSError,
        ),
    )
