"""« Mon compte »: the provider's own portal, which is one of its registered clients and has a policy like the others.

It is a public client with PKCE whose code is exchanged in this process. Being signed in to it is having a redeemed
grant in the session: it ends with the session, and needs no session of its own.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import flask

from idp.domain.account import Account
from idp.domain.client import Client
from idp.domain.decide import Issue
from idp.domain.ids import new_token
from idp.domain.request import AuthorizationRequest
from idp.errors import JourneyError, ProtocolError
from idp.flows import answer, visits
from idp.flows.oidc.token import exchange
from idp.flows.services import Services
from keys.seal import SealBroken

CALLBACK = "/compte/callback"
LOGIN_LIFETIME = timedelta(minutes=20)
TOUCH_AFTER = timedelta(minutes=1)
SEAL = "portal"


def blueprint(services: Services) -> flask.Blueprint:
    """The pages of the account portal."""
    bp = flask.Blueprint("portal", __name__)

    @bp.get("/")
    def root() -> flask.Response:
        return answer.see_other("/compte")

    @bp.get("/compte")
    def home() -> flask.Response:
        account = _signed_in(services)
        if account is None:
            return _start_login(services)
        with services.db.read() as tx:
            tiles = tx.accounts.tiles(account.account_id, services.now())
        start = {"iss": services.settings.issuer}  # third-party initiated login (OIDC Core §4)
        shown = [
            {
                "name": tile.name,
                "url": answer.with_query(tile.initiate_login_uri, start),
                "logo_uri": tile.logo_uri,
                "description": tile.description,
            }
            for tile in tiles
        ]
        return services.pages.render(
            "portal/home.html",
            person=account.full_name,
            tiles=shown,
            logout_url="/compte/logout",
            images=[tile.logo_uri for tile in tiles],
        )

    @bp.get(CALLBACK)
    def callback() -> flask.Response:
        """The answer of /authorize, in the browser that asked."""
        response = answer.see_other("/compte")
        transaction = _transaction(services)
        state = flask.request.args.get("state", "")
        if transaction is None or not hmac.compare_digest(transaction["state"].encode(), state.encode()):
            if not _has_session(services):
                raise JourneyError("portal_failed", status=400, detail="no such login was started here")
            return response  # another tab started a login since: the session is there, /compte asks nothing
        _exchange(services, transaction["verifier"])
        services.browser.forget(response, "portal")
        return response

    @bp.post("/compte/logout")
    def logout() -> flask.Response:
        services.browser.check_form()
        with services.db.write() as tx:
            session = visits.current_session(services, tx)
            if session:
                answer.end_session(services, tx, session, "logout")
        response = answer.see_other("/logged-out")
        services.browser.forget(response, "session")
        return response

    return bp


def _client(services: Services) -> Client:
    client = services.configuration.client(services.settings.portal_client_id)
    if client is None:
        raise JourneyError("not_found", status=404, detail="the portal's client is not registered")
    return client


def _signed_in(services: Services) -> Account | None:
    """The holder of the session, if the portal's policy accepts it now and the portal was given a grant in it."""
    client, now = _client(services), services.now()
    with services.db.read() as tx:
        situation = visits.look_up(services, tx, client)
        session = situation.session
        if session is None or not tx.grants.has_live(session.session_id, client.client_id):
            return None
    if now - session.last_seen_at >= TOUCH_AFTER:
        with services.db.write() as tx:
            tx.sessions.touch(session.session_id, now)
    facts = replace(situation.facts(), consented_by=session.account_id)  # or its grant would not be there
    silent = AuthorizationRequest(client.client_id, client.redirect_uris[0], ("openid",), now, prompt=("none",))
    decision = visits.judge(services, silent, situation.policy, facts)
    return situation.account if isinstance(decision, Issue) else None


def _start_login(services: Services) -> flask.Response:
    state, verifier = new_token(), new_token()
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "client_id": services.settings.portal_client_id,
        "redirect_uri": services.settings.issuer + CALLBACK,
        "response_type": "code",
        "scope": "openid",
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    response = answer.see_other(f"/authorize?{urlencode(query)}")
    sealed = services.data_keys.seal(json.dumps({"state": state, "verifier": verifier}).encode(), purpose=SEAL)
    cookie = base64.urlsafe_b64encode(sealed).decode()
    services.browser.set(response, "portal", cookie, LOGIN_LIFETIME)
    return response


def _has_session(services: Services) -> bool:
    with services.db.read() as tx:
        return visits.current_session(services, tx) is not None


def _exchange(services: Services, verifier: str) -> None:
    """Check the rest of the answer and exchange its code. Raises JourneyError("portal_failed")."""
    given = flask.request.args
    if given.get("iss") != services.settings.issuer:
        raise JourneyError("portal_failed", status=400, detail="iss")
    if "code" not in given:
        raise JourneyError("portal_failed", status=403, detail=given.get("error", ""))
    form = {
        "grant_type": "authorization_code",
        "client_id": services.settings.portal_client_id,
        "code": given["code"],
        "redirect_uri": services.settings.issuer + CALLBACK,
        "code_verifier": verifier,
    }
    try:
        exchange(services, {}, form)
    except ProtocolError as error:
        raise JourneyError("portal_failed", status=403, detail=error.detail or error.code) from error


def _transaction(services: Services) -> dict[str, str] | None:
    """What `_start_login` left in this browser, None if nothing did."""
    try:
        sealed = base64.urlsafe_b64decode(services.browser.read("portal") or "")
        found: dict[str, str] = json.loads(services.data_keys.open(sealed, purpose=SEAL))
    except (ValueError, SealBroken):
        return None
    return found
