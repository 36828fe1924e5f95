"""What both hosts of the simulator share: their Flask application, its headers, its failures, its error page."""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

import flask
from werkzeug import Response

from demo.pro_sante_connect.behaviour import Behaviour, Endpoint, Switch
from demo.servers import LOOPBACK

ENDPOINTS = frozenset(Endpoint)
MAX_BODY = 64 * 1024  # bytes


def application(behaviour: Behaviour) -> flask.Flask:
    """Views that are named after an `Endpoint` are slow or down when the behaviour says so; pages never are."""
    app = flask.Flask("demo")  # its templates and static files
    # A page of another site must not press buttons by giving its own name this machine's address.
    app.config["TRUSTED_HOSTS"] = ["localhost", LOOPBACK]
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.before_request(lambda: _fail(behaviour))
    app.after_request(_protect)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    return app


def problem(sentence: str, status: int = 400) -> tuple[str, int]:
    return flask.render_template("pro_sante_connect/message.html", title="Demande refusée", sentence=sentence), status


def redirect(uri: str, parameters: Mapping[str, str | None]) -> Response:
    """Without the parameters that are None."""
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    separator = "&" if urlsplit(uri).query else "?"
    return flask.redirect(f"{uri}{separator}{query}" if query else uri, 303)


def form_leads_away() -> None:
    """Chromium applies `form-action` to every redirect that follows a post: to the client, then wherever that sends."""
    flask.g.form_action = ""


def refuse_other_origins() -> None:
    """Other ports of localhost too: a page of one must not press a button of this one."""
    if flask.request.headers.get("Origin") != flask.request.host_url.rstrip("/"):
        flask.abort(403)


def _fail(behaviour: Behaviour) -> Response | None:
    if flask.request.endpoint not in ENDPOINTS:
        return None
    endpoint = Endpoint(flask.request.endpoint)
    behaviour.wait(endpoint)
    if behaviour.conduct.touches(Switch.DOWN, endpoint):
        return flask.Response("Service Unavailable", 503, mimetype="text/plain")
    return None


def _protect(response: flask.Response) -> flask.Response:
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
        + flask.g.get("form_action", "; form-action 'self'")
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    return response
