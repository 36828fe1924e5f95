"""Probes: alive, and ready to serve."""

import flask
import structlog

from idp.errors import Unavailable
from idp.flows.services import Services
from idp.pki.expiry import LIMITS, Validity, validities
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
        status = "failed" if failed else "ok"
        told = {"status": status, "failed": failed, "warnings": _warnings()}
        return flask.jsonify(told), 503 if failed else 200

    def _warnings() -> list[str]:
        """What will stop cards, and stops nothing else: the process is ready all the same."""
        found = validities(services.card_trust, services.now()) if services.card_trust else ()
        return [f"{each.name}: {each.kind} {_when(each)}" for each in found if each.is_over or each.within]

    def _keys() -> None:
        if not services.configuration.catch_up():  # asked here too: no request may come to a process that is not ready
            raise KeyUnavailable("the keys could not be read again after a change")
        for alg in ("RS256", "ES256"):
            ring.active(services.signer.keys(), alg, services.now())
        services.signer.check()

    return bp


def _when(validity: Validity) -> str:
    if validity.until is None:
        return "not known"
    if validity.is_over or validity.within is None:
        return "ran out"
    is_told_in_days = validity.within in LIMITS
    return f"less than {validity.within.days} days left" if is_told_in_days else "runs out soon, and no later one came"
