"""The authorization endpoint (OIDC Core §3.1.2.1, RFC 6749 §4.1.1)."""

from datetime import timedelta

import flask
from werkzeug.datastructures import MultiDict

from idp.domain.decide import Issue, Refuse
from idp.domain.ids import new_token
from idp.errors import JourneyError, ProtocolError
from idp.flows import answer, visits
from idp.flows.oidc.validate import KNOWN, validate
from idp.flows.services import Services

POSTED = "authorize.posted"
POSTED_LIFETIME = timedelta(minutes=5)


def blueprint(services: Services) -> flask.Blueprint:
    """GET and POST /authorize."""
    bp = flask.Blueprint("authorize", __name__)

    @bp.get("/authorize")
    def authorize() -> flask.Response:
        return _authorize(services, flask.request.args)

    @bp.post("/authorize")
    def authorize_by_post() -> flask.Response:
        """A cross-site POST carries no Lax cookie: the request is checked, stored, and taken up by our own GET."""
        form = flask.request.form
        with services.db.read() as tx:
            validate(services, tx, form)
        handle = new_token()
        kept = {name: form[name] for name in form.keys() & KNOWN}
        services.ephemeral.put(POSTED, handle, kept, POSTED_LIFETIME)
        return answer.see_other(f"/authorize/posted/{handle}")

    @bp.get("/authorize/posted/<handle>")
    def authorize_posted(handle: str) -> flask.Response:
        stored = services.ephemeral.get(POSTED, handle)
        if stored is None:
            raise JourneyError("interaction_gone", status=410)
        return _authorize(services, MultiDict(stored))

    return bp


def _authorize(services: Services, values: "MultiDict[str, str]") -> flask.Response:
    with services.db.read() as tx:
        valid = validate(services, tx, values)
        situation = visits.look_up(services, tx, valid.client, redirect=valid.request.return_path)
    request = valid.request
    decision = visits.judge(services, request, situation.policy, situation.facts())
    match decision:
        case Issue(proof) if situation.session:
            session = situation.session
            with services.db.write() as tx:
                code = answer.issue_code(
                    services, tx, request, proof, session_id=session.session_id, account_id=session.account_id
                )
            return answer.send(services, request.return_path, {"code": code})
        case Refuse(code, description):
            raise ProtocolError(code, description, redirect=request.return_path)
        case _:
            interaction = visits.open_interaction(services, request)
            return answer.see_other(f"/login/{interaction.id}")
