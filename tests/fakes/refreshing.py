"""Clients that refresh."""

from datetime import timedelta
from typing import Any

from werkzeug.test import TestResponse

from idp.flows import answer
from tests.fakes.provider import ALL_SCOPES, Provider
from tests.fakes.relying_party import RelyingParty

GRANTS = ("authorization_code", "refresh_token")


INVALID_GRANT = (400, "invalid_grant")


RACERS = 4


def make(provider: Provider, client_id: str = "app", **changes: Any) -> RelyingParty:
    provider.add_client(client_id, **{"grant_types": GRANTS, **changes})
    return RelyingParty(provider, client_id)


def make_offline(provider: Provider) -> RelyingParty:
    scopes, lifetime = (*ALL_SCOPES, "offline_access"), timedelta(days=10)
    return make(provider, "offline", scopes=scopes, offline_lifetime=lifetime)


def refusal_of(response: TestResponse) -> tuple[int, str]:
    assert response.headers["Cache-Control"] == "no-store"
    return response.status_code, (response.json or {})["error"]


def refreshed(rp: RelyingParty, token: str, **changes: str) -> dict[str, Any]:
    response = rp.refresh(token, **changes)
    assert response.status_code == 200, response.text
    assert response.headers["Cache-Control"] == "no-store"
    return dict(response.json or {})


def logout(rp: RelyingParty) -> None:
    """As /logout and the portal do."""
    cookie, provider = rp.browser.get_cookie("__Host-sesame-session"), rp.provider
    assert cookie
    with provider.services.db.write() as tx:
        found = tx.sessions.find(cookie.value, provider.clock.now(), provider.services.settings.session_idle)
        assert found
        answer.end_session(provider.services, tx, found, "logout")
