"""Structured logs: one JSON object a line, with the request's id, and no secret.

Paths are written as their route ("/login/<handle>"), never as they were asked for: they may hold a one-use link.
"""

import json
import logging
import re
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import structlog

HANDLER = "sesame"
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
SECRETS = frozenset(
    {
        "password",
        "code",
        "token",
        "secret",
        "cookie",
        "authorization",
        "client_secret",
        "id_token",
        "access_token",
        "csrf",
    }
)

# What PostgreSQL adds to the first line of an error, in the server's language: the values of a row.
ROW = re.compile(r"\A((?:psycopg|sqlalchemy)\.[^\n]*\n).*", re.DOTALL)
ENCODER = json.JSONEncoder(ensure_ascii=False, default=repr)


def configure(level: str) -> None:
    """Send all logs to standard error as JSON, those of libraries (alembic, granian, warnings) too.

    Authlib's, which print tokens at DEBUG, and those of other libraries start at WARNING.
    """
    shared: list[Any] = [
        _add_request,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _redact,
    ]
    rendered: list[Any] = [
        structlog.processors.ExceptionRenderer(_without_rows),
        structlog.processors.JSONRenderer(serializer=_write),
    ]
    structlog.configure(
        processors=[*shared, *rendered],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    _adopt_libraries(logging.getLevelNamesMapping()[level], shared, rendered)
    quiet_authlib()


def _adopt_libraries(level: int, shared: list[Any], rendered: list[Any]) -> None:
    """Standard logging and warnings, in the same shape; what `configure` set before is replaced."""
    handler = logging.StreamHandler(sys.stderr)
    handler.set_name(HANDLER)
    handler.setLevel(max(level, logging.WARNING))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
        )
    )
    root = logging.getLogger()
    for old in [old for old in root.handlers if old.get_name() == HANDLER]:
        root.removeHandler(old)
    root.addHandler(handler)
    logging.captureWarnings(capture=True)


def quiet_authlib() -> None:
    """Authlib logs tokens at DEBUG: that level is closed, whatever the root logger says."""
    logging.getLogger("authlib").setLevel(logging.WARNING)


def write_request(method: str, route: str, status: int, seconds: float) -> None:
    """One line a request, in the shape of the others."""
    _requests.info("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))


def _request_line(_logger: Any, level: str, event: Any) -> str:
    """What the processors of other lines would make of this one: its fields are known, and none of them is a secret."""
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return ENCODER.encode({**event, "request_id": request_id.get(), "level": level, "timestamp": now})


# Where to, and from which level on, is what `configure` says.
_requests: Any = structlog.wrap_logger(None, processors=[_request_line])


def _add_request(_logger: Any, _name: str, event: Any) -> Any:
    if current := request_id.get():
        event.setdefault("request_id", current)
    return event


def _redact(_logger: Any, _name: str, event: Any) -> Any:
    for key in event:
        if key.lower() in SECRETS:
            event[key] = "[redacted]"
    return event


def _without_rows(exc_info: Any) -> str:
    """A traceback in which no error says what is in the database."""
    return "".join(ROW.sub(r"\1", part) for part in traceback.format_exception(*exc_info)).rstrip()


def _write(event: Any, **_options: Any) -> str:
    """structlog's default would make an encoder for each line."""
    return ENCODER.encode(event)
