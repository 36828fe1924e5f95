"""Probes: alive, and ready to serve."""

import flask
import structlog

from idp.errors import Unavailable
from idp.flows.services import Services
from keys import ring
from keys.signer import KeyUnavailable


def blueprint(services: Services) -> flask.Blueprint:
    """/healthz says that the process runs, /readyz that it can sign people in."""
    bp = flask.Blueprint("health", __name__)

    @bp.get("/healthz")
    def healthz() -> flask.Response:
        return flask.jsonify({"status": "ok"})

    @bp.get("/readyz")
    def readyz() -> tuple[flask.Response, int]:
        checks = {"database": services.db.ping, "ephemeral_store": services.ephemeral.ping, "keys": _keys}
        failed = []
        for name, check in checks.items():
            try:
                check()
            except (Unavailable, KeyUnavailable) as error:
                structlog.get_logger().error("not ready", part=name, cause=str(error))
                failed.append(name)
        return flask.jsonify({"status": "failed" if failed else "ok", "failed": failed}), 503 if failed else 200

    def _keys() -> None:
        if not services.configuration.catch_up():  # asked here too: no request may come to a process that is not ready
            raise KeyUnavailable("the keys could not be read again after a change")
        for alg in ("RS256", "ES256"):
            ring.active(services.signer.keys(), alg, services.now())

    return bp
