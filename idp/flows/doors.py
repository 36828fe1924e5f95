"""The door of each of our own sites, the portal and the console: how one is let in, and who is there.

Each is a public client with PKCE whose code is exchanged in this process. Being signed in to it is having a redeemed
grant in the session: it ends with the session, and needs no session of its own.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import wraps
from typing import Any
from urllib.parse import quote, urlencode

import flask

from idp.domain.account import Account
from idp.domain.authn import Assurance
from idp.domain.client import Client
from idp.domain.decide import Issue
from idp.domain.ids import new_token
from idp.domain.interaction import Purpose
from idp.domain.request import AuthorizationRequest
from idp.domain.session import Session
from idp.errors import JourneyError, ProtocolError
from idp.flows import answer, farewell, upstream_sessions, visits
from idp.flows.oidc.token import exchange
from idp.flows.services import Services
from idp.flows.subjects import subject
from idp.settings import Settings
from keys.seal import SealBroken

LOGIN_LIFETIME = timedelta(minutes=20)
TOUCH_AFTER = timedelta(minutes=1)
MAX_PAGE = 100  # what is kept of a login is in a cookie

View = Callable[..., flask.Response]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is signed in to one of our sites, and in which session."""

    account: Account
    session: Session


@dataclass(frozen=True, slots=True)
class Door:
    """The way into a site. name: of its cookie, and what that is sealed for; home: where its pages begin.

    client_id: what the settings call its client. least: what its policy must ask for, or nobody is let in.
    """

    name: str
    home: str
    client_id: Callable[[Settings], str]
    least: Assurance = Assurance.LOW

    @property
    def failed(self) -> str:
        """The code of a sign-in that led nowhere; its sentences are in `idp.web.texts`."""
        return f"{self.name}_failed"

    @property
    def callback(self) -> str:
        return f"{self.home}/callback"

    def add_routes(self, bp: flask.Blueprint, services: Services) -> None:
        """The way in and the way out."""

        @bp.get(self.callback)
        def callback() -> flask.Response:
            """The answer of /authorize, in the browser that asked."""
            transaction = self._transaction(services)
            state = flask.request.args.get("state", "")
            if transaction is None or not hmac.compare_digest(transaction["state"].encode(), state.encode()):
                if not _has_session(services):
                    raise JourneyError(self.failed, status=400, detail="no such login was started here")
                return answer.see_other(self.home)  # another tab started a login since: the session is there
            self._exchange(services, transaction["verifier"])
            response = answer.see_other(transaction["page"])
            services.browser.forget(response, self.name)
            return response

        @bp.post(f"{self.home}/logout")
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

    def opened(
        self, services: Services, page: str, *, check: Callable[[Visitor], None] | None = None
    ) -> Callable[[View], View]:
        """A view for somebody who is signed in, whom it gets as its first argument.

        A form is checked before anything else; then check, which raises JourneyError for whoever may not. page: where
        to come back to after the sign-in that is asked of others; values of the route stand in it in braces.
        """

        def wrap(view: View) -> View:
            @wraps(view)
            def run(**values: Any) -> flask.Response:
                if flask.request.method == "POST":
                    services.browser.check_form()
                found = self.visitor(services)
                if found is None:
                    return self.start_login(services, filled(page, values))
                if check:
                    check(found)
                return view(found, **values)

            return run

        return wrap

    def client(self, services: Services) -> Client:
        """This site, as a client. Raises JourneyError if it is not registered."""
        found = services.configuration.client(self.client_id(services.settings))
        if found is None:
            raise JourneyError("not_found", status=404, detail=f"the client of the {self.name} is not registered")
        return found

    def visitor(self, services: Services) -> Visitor | None:
        """The holder of the session, if the site's policy accepts it now and the site was given a grant in it.

        Raises JourneyError("site_closed") where the policy asks for less than `least`.
        """
        site, now = self.client(services), services.now()
        with services.db.read() as tx:
            situation = visits.look_up(services, tx, site)
            if situation.policy.min_assurance < self.least:
                raise JourneyError(
                    "site_closed", status=403, detail=f"{site.client_id}: its policy asks for too little"
                )
            session = situation.session
            if session is None or not tx.grants.has_live(session.session_id, site.client_id):
                return None
            account = tx.accounts.get(session.account_id)
        if now - session.last_seen_at >= TOUCH_AFTER:
            with services.db.write() as tx:
                tx.sessions.touch(session.session_id, now)
        facts = replace(situation.facts(), consented_by=session.account_id)  # or its grant would not be there
        silent = AuthorizationRequest(site.client_id, site.redirect_uris[0], ("openid",), now, prompt=("none",))
        decision = visits.judge(services, silent, situation.policy, facts)
        return Visitor(account, session) if account and isinstance(decision, Issue) else None

    def start_login(self, services: Services, page: str) -> flask.Response:
        """To /authorize, and back to `page`."""
        state, verifier = new_token(), new_token()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "client_id": self.client_id(services.settings),
            "redirect_uri": services.settings.issuer + self.callback,
            "response_type": "code",
            "scope": "openid",
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        response = answer.see_other(f"/authorize?{urlencode(query)}")
        kept = {"state": state, "verifier": verifier, "page": page if len(page) <= MAX_PAGE else self.home}
        sealed = services.data_keys.seal(json.dumps(kept).encode(), purpose=self.name)
        cookie = base64.urlsafe_b64encode(sealed).decode()
        services.browser.set(response, self.name, cookie, LOGIN_LIFETIME)
        return response

    def ask(self, services: Services, account: Account, purpose: Purpose) -> flask.Response:
        """Begin an Interaction of the site itself."""
        site = self.client(services)
        request = AuthorizationRequest(
            site.client_id,
            site.redirect_uris[0],
            ("openid",),
            services.now(),
            hint_sub=subject(services, site, account.account_id),
        )
        interaction = visits.open_interaction(services, request, purpose)
        return answer.see_other(f"/login/{interaction.id}")

    def _exchange(self, services: Services, verifier: str) -> None:
        """Check the rest of the answer and exchange its code. Raises JourneyError."""
        given = flask.request.args
        if given.get("iss") != services.settings.issuer:
            raise JourneyError(self.failed, status=400, detail="iss")
        if "code" not in given:
            raise JourneyError(self.failed, status=403, detail=given.get("error", ""))
        form = {
            "grant_type": "authorization_code",
            "client_id": self.client_id(services.settings),
            "code": given["code"],
            "redirect_uri": services.settings.issuer + self.callback,
            "code_verifier": verifier,
        }
        try:
            exchange(services, {}, form)
        except ProtocolError as error:
            raise JourneyError(self.failed, status=403, detail=error.detail or error.code) from error

    def _transaction(self, services: Services) -> dict[str, str] | None:
        """What `start_login` left in this browser, None if nothing did."""
        try:
            sealed = base64.urlsafe_b64decode(services.browser.read(self.name) or "")
            found: dict[str, str] = json.loads(services.data_keys.open(sealed, purpose=self.name))
        except (ValueError, SealBroken):
            return None
        return found


def filled(page: str, values: Mapping[str, Any]) -> str:
    """The address of a page, with the values of its route."""
    return page.format(**{name: quote(str(value), safe="") for name, value in values.items()})


def _has_session(services: Services) -> bool:
    with services.db.read() as tx:
        return visits.current_session(services, tx) is not None
