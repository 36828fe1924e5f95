"""« Gérer votre compte » (P-095): open sessions, and the services that were given something."""

from typing import Any

import flask

from idp.domain.alert import CLOSE_REQUESTED, Alert
from idp.domain.audit import AuditEvent
from idp.domain.client import CLIENT_ID
from idp.domain.texts import N_
from idp.errors import JourneyError
from idp.flows import consents
from idp.flows.portal import places
from idp.flows.portal.door import HOME, Visitor, opened
from idp.flows.portal.frame import done, draw
from idp.flows.services import Services
from idp.store import Tx
from idp.store.own_data import Agreement, OpenSession
from idp.web.scopes import SCOPE_TEXTS

PAGE = f"{HOME}/account"


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The page, and what ends a consent or a connection that lasts."""

    @bp.get(PAGE)
    @opened(services, PAGE)
    def account(visitor: Visitor) -> flask.Response:
        with services.db.read() as tx:
            shown = _shown(services, tx, visitor)
        return draw(services, visitor, "portal/account.html", here="account", page=PAGE, **shown)

    @bp.post(f"{PAGE}/consents/<client_id>/withdraw")
    @opened(services, PAGE, takes_away=True)
    def withdraw_consent(visitor: Visitor, client_id: str) -> flask.Response:
        account_id = visitor.account.account_id
        _require_client_id(client_id)
        with services.db.write() as tx:
            if not consents.withdraw(tx, account_id, client_id, services.now()):
                raise JourneyError("not_found", status=404, detail=f"no consent to {client_id}")
            services.record(tx, AuditEvent("consent.withdrawn", account_id, account_id, client_id))
        return done(services, visitor, N_("Votre accord est retiré."), PAGE)

    @bp.post(f"{PAGE}/services/<client_id>/disconnect")
    @opened(services, PAGE, takes_away=True)
    def disconnect(visitor: Visitor, client_id: str) -> flask.Response:
        """All that the service was given: what it holds for now, too."""
        account_id, idle = visitor.account.account_id, services.settings.session_idle
        _require_client_id(client_id)
        with services.db.write() as tx:
            tx.accounts.lock(account_id)
            kept = {each.client_id for each in tx.own_data.kept_accesses(account_id, services.now(), idle)}
            if client_id not in kept:
                raise JourneyError("not_found", status=404, detail=f"{client_id} is not connected")
            tx.grants.revoke_for(account_id, client_id, services.now())
            services.record(tx, AuditEvent("grant.revoked", account_id, account_id, client_id))
        return done(services, visitor, N_("Le service n'est plus connecté à votre compte."), PAGE)


def _require_client_id(written: str) -> None:
    """Raises JourneyError for what no client is called: a database is not asked for just anything."""
    if not CLIENT_ID.fullmatch(written):
        raise JourneyError("not_found", status=404, detail="no client_id")


def close_request(tx: Tx, account_id: str) -> Alert | None:
    """The holder's open request to close the account."""
    found = tx.alerts.of_account(account_id, CLOSE_REQUESTED)
    return next((alert for alert in found if alert.closed_at is None), None)


def _shown(services: Services, tx: Tx, visitor: Visitor) -> dict[str, Any]:
    account_id, now, idle = visitor.account.account_id, services.now(), services.settings.session_idle
    sessions = tx.own_data.open_sessions(account_id, now, idle)
    asked = close_request(tx, account_id)
    return {
        "sessions": [_session(services, each, visitor.session.session_id) for each in sessions],
        "accesses": tx.own_data.accesses(account_id, now),
        "agreements": [_agreement(services, each) for each in tx.own_data.agreements(account_id)],
        "kept": tx.own_data.kept_accesses(account_id, now, idle),
        "close_asked_at": asked.at if asked else None,
    }


def _session(services: Services, found: OpenSession, own: str) -> dict[str, Any]:
    words, values = places.browser(found.user_agent)
    say = services.pages.say
    return {
        "id": found.session_id,
        "browser": say(words, **values),
        "network": say(places.network(found.ip_prefix, services.settings.egress)),
        "opened_at": found.created_at,
        "used_at": found.last_seen_at,
        "is_this": found.session_id == own,
        "ends_at": found.expires_at if found.is_temporary else None,
    }


def _agreement(services: Services, found: Agreement) -> dict[str, Any]:
    titles = [title for scope, (title, _) in SCOPE_TEXTS.items() if scope in found.scopes]
    said = [services.pages.say(title) for title in titles]
    return {"client_id": found.client_id, "name": found.name, "scopes": said, "given_at": found.given_at}
