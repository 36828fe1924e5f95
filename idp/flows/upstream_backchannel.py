"""Told by an upstream that sessions ended there, we end those that rest on them (OIDC Back-Channel Logout 1.0)."""

import flask

from idp.domain.audit import AuditEvent
from idp.errors import JourneyError, ProtocolError
from idp.flows import upstream_sessions
from idp.flows.oidc.token import form_of_request
from idp.flows.services import Services
from idp.methods.federation import Federation
from idp.methods.federation.faults import LoginRefused
from idp.methods.federation.logout_tokens import LoggedOut
from idp.methods.federation.tokens import SKEW
from idp.outgoing import Unreachable
from idp.web.parameters import single

KNOWN = frozenset({"logout_token"})


def blueprint(services: Services) -> flask.Blueprint:
    """POST /upstream/<method>/backchannel-logout, where the settings say that we listen."""
    bp = flask.Blueprint("upstream_backchannel", __name__)

    @bp.post("/upstream/<name>/backchannel-logout")
    def backchannel_logout(name: str) -> flask.Response:
        method = services.registry.get(name)
        if not isinstance(method, Federation) or not method.hears_logout:
            raise JourneyError("not_found", status=404)
        token = single(form_of_request(KNOWN), KNOWN).get("logout_token")
        if token is None:
            raise ProtocolError("invalid_request", "logout_token is missing.")
        try:
            told = method.logged_out(token, services.now())
        except LoginRefused as refusal:
            raise ProtocolError("invalid_request", "logout_token is refused.", detail=f"{name}: {refusal}") from refusal
        except Unreachable as refusal:
            raise ProtocolError("temporarily_unavailable", detail=f"{name}: {refusal}") from refusal
        end(services, name, told)
        response = flask.Response(status=200)
        response.headers["Cache-Control"] = "no-store"
        return response

    return bp


def end(services: Services, name: str, told: LoggedOut) -> None:
    """End what rests on it here. Services are told of it in turn, by what the end of a session writes into the outbox.

    Once or twice is the same: what signed in later stays, so that an upstream may tell again what failed.
    """
    now = services.now()
    sub_digest, sid_digest = upstream_sessions.note_end(services, name, told)
    with services.db.write() as tx:
        found = tx.upstream_sessions.resting_on(
            name, sub_digest=sub_digest, sid_digest=sid_digest, until=told.at + SKEW
        )
        for account_id in sorted({account_id for _, account_id in found}):
            tx.accounts.lock(account_id)  # before its sessions, as whoever ends all of them does
        for session_id, account_id in found:
            if tx.sessions.end(session_id, now):
                detail = {"reason": "upstream", "method": name, "session": session_id}
                services.record(tx, AuditEvent("session.ended", f"upstream:{name}", account_id, detail=detail))
