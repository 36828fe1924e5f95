"""Structured logs: one JSON object a line, with the request's id, and no secret.

Paths are written as their route ("/login/<handle>"), never as they were asked for: they may hold a one-use link.
"""

import logging
import re
import sys
import time
from typing import Any

import flask
import structlog

from idp.domain.ids import new_id

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


def configure(level: str) -> None:
    """Send all logs to standard error as JSON; Authlib's, which print tokens at DEBUG, start at WARNING."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _redact,
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    quiet_authlib()


def quiet_authlib() -> None:
    """Authlib logs tokens at DEBUG: that level is closed, whatever the root logger says."""
    logging.getLogger("authlib").setLevel(logging.WARNING)


def begin_request() -> None:
    """Take the proxy's X-Request-Id or draw one, and bind it to every line of this request."""
    given = flask.request.headers.get("X-Request-Id", "")
    flask.g.request_id = given if REQUEST_ID.fullmatch(given) else new_id()
    flask.g.started = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=flask.g.request_id)


def end_request(response: flask.Response) -> flask.Response:
    """One line a request."""
    response.headers["X-Request-Id"] = flask.g.request_id
    rule = flask.request.url_rule
    structlog.get_logger().info(
        "request",
        method=flask.request.method,
        route=rule.rule if rule else "unknown",
        status=response.status_code,
        ms=round((time.perf_counter() - flask.g.started) * 1000, 1),
    )
    return response


def _redact(_logger: Any, _name: str, event: Any) -> Any:
    return {key: "[redacted]" if key.lower() in SECRETS else value for key, value in event.items()}
