"""The authorization endpoint (OIDC Core §3.1.2.1, RFC 6749 §4.1.1, RFC 9126 §4)."""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

import flask
from werkzeug.datastructures import MultiDict

from idp.domain.decide import Issue, Refuse
from idp.domain.ids import new_token
from idp.errors import JourneyError, ProtocolError
from idp.flows import answer, pushed, visits
from idp.flows.oidc.validate import KNOWN, validate
from idp.flows.services import Services
from idp.web.parameters import single

POSTED = "authorize.posted"
POSTED_LIFETIME = timedelta(minutes=5)
REFERENCE = frozenset({"client_id", "request_uri"})


def blueprint(services: Services) -> flask.Blueprint:
    """GET and POST /authorize."""
    bp = flask.Blueprint("authorize", __name__)

    @bp.get("/authorize")
    def authorize() -> flask.Response:
        reference = _reference(flask.request.args)
        if reference is None:
            return _authorize(services, flask.request.args)
        return _authorize_pushed(services, reference)

    @bp.post("/authorize")
    def authorize_by_post() -> flask.Response:
        """A cross-site POST carries no Lax cookie: the request is checked, stored, and taken up by our own GET."""
        form = flask.request.form
        reference = _reference(form)
        if reference is not None:
            return answer.see_other(f"/authorize?{urlencode(reference)}")
        validate(services, form)
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


def _reference(values: "MultiDict[str, str]") -> Mapping[str, str] | None:
    """client_id and request_uri of a pushed request, the only parameters that count with it; None for another."""
    if not any(value.startswith(pushed.URN) for value in values.getlist("request_uri")):
        return None
    return single(values, REFERENCE)


def _authorize_pushed(services: Services, reference: Mapping[str, str]) -> flask.Response:
    key = pushed.key_of(reference["request_uri"])
    values = pushed.load(services, key, reference.get("client_id"))
    try:
        return _authorize(services, MultiDict(values), key)
    except ProtocolError as error:
        if error.redirect is not None and not pushed.spend(services, key):
            raise pushed.unusable() from error
        raise


def _authorize(services: Services, values: "MultiDict[str, str]", key: str | None = None) -> flask.Response:
    """What was decided is answered in the same unit, in which account and access stay what they are."""
    valid = validate(services, values, pushed=key)
    client, request = valid.client, valid.request
    may_issue = services.browser.read("session") is not None
    with services.db.write() if may_issue else services.db.read() as tx:
        situation = visits.look_up(services, tx, client, redirect=request.return_path, hold=may_issue)
        decision = visits.judge(services, request, situation.policy, situation.facts())
        if isinstance(decision, Issue) and situation.session:
            if not pushed.spend(services, key):
                raise pushed.unusable()
            session = situation.session
            code = answer.issue_code(
                services, tx, request, decision.proof, session_id=session.session_id, account_id=session.account_id
            )
    match decision:
        case Issue():
            return answer.send(services, request.return_path, {"code": code})
        case Refuse(error, description):
            raise ProtocolError(error, description, redirect=request.return_path)
        case _:
            interaction = visits.open_interaction(services, request)
            return answer.see_other(f"/login/{interaction.id}")
