"""RP-Initiated Logout 1.0: always confirmed by the person, unless nobody is signed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import flask
from werkzeug.datastructures import MultiDict

from idp.domain.client import Client
from idp.domain.ids import new_token
from idp.domain.session import Session
from idp.domain.upstream_session import UpstreamSession
from idp.errors import JourneyError, ProtocolError
from idp.flows import answer, farewell, upstream_sessions, visits
from idp.flows.services import Services
from idp.web.parameters import single
from keys.jws import InvalidToken, verify_jwt

KIND = "logout"
LIFETIME = timedelta(minutes=15)
KNOWN = frozenset(["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales", "logout_hint"])


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """A checked request to log out; `target` is a registered URI of a client that proved itself by a hint."""

    client: Client | None
    target: str | None
    state: str | None
    locales: tuple[str, ...]


def blueprint(services: Services) -> flask.Blueprint:
    """The end-session endpoint and its confirmation page."""
    bp = flask.Blueprint("logout", __name__)

    @bp.route("/logout", methods=["GET", "POST"])
    def logout() -> flask.Response:
        """Checked, stored, and taken up by our own GET: a cross-site POST carries no Lax cookie."""
        asked = validate(services, flask.request.form if flask.request.method == "POST" else flask.request.args)
        handle = new_token()
        stored = {
            "client_id": asked.client.client_id if asked.client else None,
            "target": asked.target,
            "state": asked.state,
            "locales": list(asked.locales),
        }
        services.ephemeral.put(KIND, handle, stored, LIFETIME)
        return answer.see_other(f"/logout/{handle}")

    @bp.get("/logout/<handle>")
    def confirm(handle: str) -> flask.Response:
        stored = _stored(services, handle)
        services.pages.prefer(tuple(stored["locales"]))
        session = _session(services)
        if session is None:
            services.ephemeral.take(KIND, handle)
            return _leave(services, stored, None, ())
        with services.db.read() as tx:
            account = tx.accounts.get(session.account_id)
        client = services.configuration.client(stored["client_id"]) if stored["client_id"] else None
        return services.pages.render(
            "logout.html",
            action=f"/logout/{handle}",
            service={"name": client.name, "logo_uri": client.logo_uri} if client else None,
            person=account.full_name if account else None,
            has_card=farewell.has_card(session),
            form_targets=[stored["target"]] if stored["target"] else [],
            images=[client.logo_uri if client else None],
        )

    @bp.post("/logout/<handle>")
    def decide(handle: str) -> flask.Response:
        services.browser.check_form()
        stored = services.ephemeral.take(KIND, handle)
        if stored is None:
            raise JourneyError("interaction_gone", status=410)
        if flask.request.form.get("decision") != "confirm":
            return answer.see_other("/compte")
        session, upstream = _session(services), list[UpstreamSession]()
        if session is not None:
            with services.db.write() as tx:
                upstream = upstream_sessions.of(tx, session)
                answer.end_session(services, tx, session, "logout")
        response = _leave(services, stored, session, upstream)
        services.browser.forget(response, "session")
        return response

    farewell.add_routes(bp, services)
    return bp


def validate(services: Services, values: "MultiDict[str, str]") -> LogoutRequest:
    """Check a logout request (RP-Initiated Logout §2, §3). Raises ProtocolError, never with a redirect."""
    given = single(values, KNOWN)
    hinted = _audience(services, given["id_token_hint"]) if "id_token_hint" in given else None
    client_id = given.get("client_id", hinted)
    if hinted is not None and client_id != hinted:
        raise ProtocolError("invalid_request", "client_id is not the audience of id_token_hint.")
    client = services.configuration.client(client_id) if client_id else None
    target = given.get("post_logout_redirect_uri")
    if target is not None:
        if hinted is None or client is None:
            raise ProtocolError("invalid_request", "post_logout_redirect_uri needs an id_token_hint.")
        if target not in client.post_logout_redirect_uris:
            raise ProtocolError("invalid_request", "post_logout_redirect_uri is not registered for this client.")
    return LogoutRequest(client, target, given.get("state"), tuple(given.get("ui_locales", "").split()))


def _audience(services: Services, hint: str) -> str:
    try:
        claims = verify_jwt(
            services.signer,
            hint,
            issuer=services.settings.issuer,
            audience=None,
            now=services.now(),
            allow_expired=True,
            require=("sub", "aud"),
            typ="JWT",
        )
    except InvalidToken as error:
        raise ProtocolError("invalid_request", "id_token_hint is not valid.", detail=str(error)) from error
    return str(claims["aud"])


def _stored(services: Services, handle: str) -> dict[str, Any]:
    stored = services.ephemeral.get(KIND, handle)
    if stored is None:
        raise JourneyError("interaction_gone", status=410)
    return stored


def _session(services: Services) -> Session | None:
    with services.db.read() as tx:
        return visits.current_session(services, tx)


def _leave(
    services: Services, stored: Mapping[str, Any], session: Session | None, upstream: Sequence[UpstreamSession]
) -> flask.Response:
    """Back to the service, with nothing but its `state`; else our own page."""
    state = {} if stored["state"] is None else {"state": stored["state"]}
    target = answer.with_query(stored["target"], state) if stored["target"] else None
    locales = tuple(stored["locales"])
    client_id = stored["client_id"]
    return farewell.leave(services, session, upstream, target=target, client_id=client_id, locales=locales)
