"""The logins of one's account, those that were refused included, and what to do about one that is not one's own."""

import re
from typing import Any
from uuid import UUID

import flask

from idp.domain.texts import N_, Text
from idp.errors import JourneyError
from idp.flows.portal import places
from idp.flows.portal.account import PAGE
from idp.flows.portal.door import HOME, Visitor, opened
from idp.flows.portal.frame import draw
from idp.flows.services import Services
from idp.store import Tx
from idp.store.own_data import Attempt

HISTORY = f"{PAGE}/history"
LENGTH = 50
ID = re.compile(r"[0-9a-f-]{36}")
OUTCOMES: dict[str, Text] = {
    "login.succeeded": N_("Connexion réussie"),
    "login.failed": N_("Essai refusé"),
    "login.throttled": N_("Essai bloqué après trop d'échecs"),
    "login.qr_refused": N_("Connexion refusée sur un téléphone"),
}
INSUFFICIENT: Text = N_("Authentification insuffisante pour le service")


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The list, 50 a page, and the page of one login."""

    @bp.get(HISTORY)
    @opened(services, HISTORY)
    def history(visitor: Visitor) -> flask.Response:
        account_id, after = visitor.account.account_id, flask.request.args.get("after")
        with services.db.read() as tx:
            before = _attempt(tx, visitor, after) if after else None
            found = tx.own_data.attempts(account_id, LENGTH + 1, before=before)
        rows = [_said(services, each) for each in found[:LENGTH]]
        more = f"{HISTORY}?after={found[LENGTH - 1].event_id}" if len(found) > LENGTH else None
        newest = HISTORY if before else None
        return draw(
            services,
            visitor,
            "portal/history.html",
            here="account",
            page=HISTORY,
            back_url=PAGE,
            rows=rows,
            more_url=more,
            newest_url=newest,
        )

    @bp.get(f"{HISTORY}/<uuid:event>")
    @opened(services, HISTORY)
    def not_me(visitor: Visitor, event: UUID) -> flask.Response:
        """« Ce n'était pas moi »."""
        with services.db.read() as tx:
            found = _attempt(tx, visitor, str(event))
        return draw(
            services,
            visitor,
            "portal/account_not_me.html",
            here="account",
            back_url=HISTORY,
            row=_said(services, found),
            end_others_url=f"{PAGE}/sessions/end-others",
            password_url=f"{HOME}/password",
            means_url=f"{HOME}/means",
        )


def _attempt(tx: Tx, visitor: Visitor, event_id: str) -> Attempt:
    """Raises JourneyError for what is no login of the visitor's account."""
    found = tx.own_data.attempt(visitor.account.account_id, event_id) if ID.fullmatch(event_id) else None
    if found is None:
        raise JourneyError("not_found", status=404, detail="no login of this account")
    return found


def _said(services: Services, found: Attempt) -> dict[str, Any]:
    say = services.pages.say
    method = services.registry.get(found.method or "")
    words, values = places.browser(found.browser) if found.browser is not None else ("", {})
    outcome = INSUFFICIENT if found.reason == "too_weak" else OUTCOMES[found.name]
    return {
        "id": found.event_id,
        "at": found.at,
        "succeeded": found.name == "login.succeeded",
        "outcome": say(outcome),
        "method": say(method.offer.label) if method else found.method,
        "service": found.service,
        "browser": say(words, **values) if words else None,
        "network": say(places.network(found.network, services.settings.egress)) if found.network else None,
    }
