"""The door of the portal: how one is let in, and how a page asks who is there.

The portal is a public client with PKCE whose code is exchanged in this process. Being signed in to it is having a
redeemed grant in the session: it ends with the session, and needs no session of its own.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import wraps
from urllib.parse import urlencode

import flask

from idp.domain.account import Account
from idp.domain.client import Client
from idp.domain.decide import Issue
from idp.domain.ids import new_token
from idp.domain.request import AuthorizationRequest
from idp.domain.session import Session
from idp.errors import JourneyError, ProtocolError
from idp.flows import answer, farewell, temporary, upstream_sessions, visits
from idp.flows.oidc.token import exchange
from idp.flows.services import Services
from keys.seal import SealBroken

HOME = "/compte"
CALLBACK = f"{HOME}/callback"
LOGIN_LIFETIME = timedelta(minutes=20)
TOUCH_AFTER = timedelta(minutes=1)
SEAL = "portal"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is signed in to the portal, and in which session."""

    account: Account
    session: Session


View = Callable[..., flask.Response]


def opened(services: Services, page: str, *, takes_away: bool = False) -> Callable[[View], View]:
    """A view for somebody who is signed in, whom it gets as its first argument.

    A form is checked before anything else, and refused in a session that an emergency code opened unless it
    takes_away, as ending a session does. page: where to come back to after the sign-in that is asked of others;
    values of the route stand in it in braces, and only such as a converter has checked.
    """

    def wrap(view: View) -> View:
        @wraps(view)
        def run(**values: str) -> flask.Response:
            if flask.request.method == "POST":
                services.browser.check_form()
            found = visitor(services)
            if found is None:
                return start_login(services, page.format(**values))
            if flask.request.method == "POST" and not takes_away:
                temporary.refuse_change(services, found.session)
            return view(found, **values)

        return run

    return wrap


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The way in and the way out."""

    @bp.get("/")
    def root() -> flask.Response:
        return answer.see_other(HOME)

    @bp.get(CALLBACK)
    def callback() -> flask.Response:
        """The answer of /authorize, in the browser that asked."""
        transaction = _transaction(services)
        state = flask.request.args.get("state", "")
        if transaction is None or not hmac.compare_digest(transaction["state"].encode(), state.encode()):
            if not _has_session(services):
                raise JourneyError("portal_failed", status=400, detail="no such login was started here")
            return answer.see_other(HOME)  # another tab started a login since: the session is there, no question
        _exchange(services, transaction["verifier"])
        response = answer.see_other(transaction["page"])
        services.browser.forget(response, "portal")
        return response

    @bp.post(f"{HOME}/logout")
    def logout() -> flask.Response:
        services.browser.check_form()
        with services.db.write() as tx:
            session = visits.current_session(services, tx)
            upstream = upstream_sessions.of(tx, session)
            if session:
                answer.end_session(services, tx, session, "logout")
        response = farewell.leave(services, session, upstream)
        services.browser.forget(response, "session")
        return response


def client(services: Services) -> Client:
    """The portal, as a client. Raises JourneyError if it is not registered."""
    found = services.configuration.client(services.settings.portal_client_id)
    if found is None:
        raise JourneyError("not_found", status=404, detail="the portal's client is not registered")
    return found


def visitor(services: Services) -> Visitor | None:
    """The holder of the session, if the portal's policy accepts it now and the portal was given a grant in it."""
    portal, now = client(services), services.now()
    with services.db.read() as tx:
        situation = visits.look_up(services, tx, portal)
        session = situation.session
        if session is None or not tx.grants.has_live(session.session_id, portal.client_id):
            return None
        account = tx.accounts.get(session.account_id)
    if now - session.last_seen_at >= TOUCH_AFTER:
        with services.db.write() as tx:
            tx.sessions.touch(session.session_id, now)
    facts = replace(situation.facts(), consented_by=session.account_id)  # or its grant would not be there
    silent = AuthorizationRequest(portal.client_id, portal.redirect_uris[0], ("openid",), now, prompt=("none",))
    decision = visits.judge(services, silent, situation.policy, facts)
    return Visitor(account, session) if account and isinstance(decision, Issue) else None


def start_login(services: Services, page: str) -> flask.Response:
    """To /authorize, and back to `page`."""
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
    kept = {"state": state, "verifier": verifier, "page": page}
    sealed = services.data_keys.seal(json.dumps(kept).encode(), purpose=SEAL)
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
