"""Structured logs: one JSON object a line, with the request's id, and no secret.

Paths are written as their route ("/login/<handle>"), never as they were asked for: they may hold a one-use link.
"""

import json
import logging
import re
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import flask
import structlog

from idp.domain.ids import new_id

HANDLER = "sesame"
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
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
        structlog.processors.format_exc_info,
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


def begin_request(is_from_proxy: Callable[[], bool] = lambda: False) -> None:
    """Take our proxy's X-Request-Id or draw one, and bind it to every line of this request.

    is_from_proxy: `Network.is_from_proxy`; anybody else's would join foreign requests in logs and audit.
    """
    given = flask.request.environ.get("HTTP_X_REQUEST_ID")
    chosen = given if given and REQUEST_ID.fullmatch(given) and is_from_proxy() else new_id()
    kept = flask.g
    kept.request_id, kept.started = chosen, time.perf_counter()
    request_id.set(chosen)


def end_request(response: flask.Response) -> flask.Response:
    """One line a request."""
    response.headers.add("X-Request-Id", flask.g.request_id)
    request = flask.request
    rule = request.url_rule
    structlog.get_logger().info(
        "request",
        method=request.method,
        route=rule.rule if rule else "unknown",
        status=response.status_code,
        ms=round((time.perf_counter() - flask.g.started) * 1000, 1),
    )
    return response


def _add_request(_logger: Any, _name: str, event: Any) -> Any:
    if current := request_id.get():
        event.setdefault("request_id", current)
    return event


def _redact(_logger: Any, _name: str, event: Any) -> Any:
    for key in event:
        if key.lower() in SECRETS:
            event[key] = "[redacted]"
    return event


def _write(event: Any, **_options: Any) -> str:
    """structlog's default would make an encoder for each line."""
    return ENCODER.encode(event)
