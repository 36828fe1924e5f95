"""« Gérer votre compte »: sessions that are ended, and what services were given."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from idp.flows.operators import accounts
from idp.store.accounts import Accounts
from idp.store.sessions import Sessions
from tests.fakes.holder import Holder
from tests.fakes.provider import ALL_SCOPES, Provider
from tests.fakes.refreshing import GRANTS, INVALID_GRANT, make_offline, refreshed, refusal_of
from tests.fakes.relying_party import RelyingParty, path_of

PAGE = "/compte/account"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1 Version/17.5 Mobile Safari/604.1"
OFFLINE = "openid offline_access"


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start(egress=[{"label": "CHU de Bordeaux", "networks": ["127.0.0.0/28"]}])
    made.add_client("rp")
    made.add_account("anne.pierre")
    made.add_account("karim.benali")
    return made


@pytest.fixture
def anne(provider: Provider) -> Holder:
    return Holder.signed_in(provider)


def sessions_of(provider: Provider, login: str = "anne.pierre") -> list[str]:
    """session_ids, the one opened last first."""
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login(login)
        assert account
        idle = provider.services.settings.session_idle
        found = tx.own_data.open_sessions(account.account_id, provider.clock.now(), idle)
    return sorted((each.session_id for each in found), reverse=True)


def is_in(holder: Holder) -> bool:
    return holder.browser.get("/compte").status_code == 200


def ended(provider: Provider) -> list[Any]:
    return [event.detail for event in provider.events("session.ended")]


# -- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["sessions/{id}/end", "sessions/end-others", "sessions/end-all"])
def test_nothing_ends_by_a_get(provider: Provider, anne: Holder, action: str) -> None:
    (own,) = sessions_of(provider)
    assert anne.browser.get(f"{PAGE}/{action.format(id=own)}").status_code == 405
    assert is_in(anne)


@pytest.mark.parametrize(
    "action",
    ["sessions/{id}/end", "sessions/end-others", "sessions/end-all", "consents/rp/withdraw", "services/rp/disconnect"],
)
@pytest.mark.parametrize("how", ["no token", "another browser's token", "cross-site"])
def test_a_form_of_another_is_refused(provider: Provider, anne: Holder, action: str, how: str) -> None:
    other = Holder.signed_in(provider)
    form = {"no token": {}, "another browser's token": {"csrf": other.csrf()}, "cross-site": {"csrf": anne.csrf()}}[how]
    headers = {"Sec-Fetch-Site": "cross-site"} if how == "cross-site" else {}
    before = sessions_of(provider)
    response = anne.browser.post(f"{PAGE}/{action.format(id=before[0])}", data=form, headers=headers)
    assert response.status_code == 403
    assert sessions_of(provider) == before


@pytest.mark.parametrize("action", ["sessions/end-others", "sessions/end-all", "consents/rp/withdraw"])
def test_who_is_not_signed_in_is_asked(provider: Provider, anne: Holder, action: str) -> None:
    stranger = RelyingParty(provider)
    response = stranger.post(f"{PAGE}/{action}", page="/password/forgot")
    assert path_of(response).startswith("/authorize?")
    assert is_in(anne)


def test_the_session_of_another_account_does_not_exist(provider: Provider, anne: Holder) -> None:
    karim = Holder.signed_in(provider, "karim.benali")
    (his,) = sessions_of(provider, "karim.benali")
    for session_id in (his, str(uuid4()), "x", "%00", "'", his + "x"):
        assert anne.post(f"{PAGE}/sessions/{session_id}/end", page=PAGE).status_code == 404
    assert is_in(karim)
    assert ended(provider) == []


@pytest.mark.parametrize("what", ["consents/{}/withdraw", "services/{}/disconnect"])
def test_what_another_account_gave_does_not_exist(provider: Provider, anne: Holder, what: str) -> None:
    provider.add_client("asking", consent="first", grant_types=GRANTS)
    karim = RelyingParty(provider, "asking")
    path = karim.open_login()
    karim.give_password(path, "karim.benali")
    karim.consent(path)
    tokens = karim.redeem(path_of(karim.browser.get(path)).partition("code=")[2].partition("&")[0])
    for client_id in ("asking", "unknown", "%00", "é", "x" * 300):
        assert anne.post(f"{PAGE}/{what.format(client_id)}", page=PAGE).status_code == 404
    assert refreshed(karim, tokens["refresh_token"])
    assert not provider.events("consent.withdrawn")
    assert not provider.events("grant.revoked")


# -- sessions ----------------------------------------------------------------------------


def test_the_page_names_each_browser_and_network(provider: Provider, anne: Holder) -> None:
    phone = RelyingParty(provider, browser=provider.browser())
    phone.browser.environ_base |= {"HTTP_USER_AGENT": IPHONE, "REMOTE_ADDR": "198.51.100.7"}
    phone.login()
    Holder.signed_in(provider, "karim.benali")
    html = anne.browser.get(PAGE).text
    assert html.count('/end"') == 2
    assert "Safari sous iPhone" in html
    assert "198.51.100.0/24" in html
    assert "CHU de Bordeaux (127.0.0.0/24)" in html
    assert html.count("cette session") == 1
    assert "2 novembre 2026 à 09:00" in html
    assert "Safari on iPhone" in anne.browser.get(f"{PAGE}?lang=en").text


def test_a_session_that_has_slept_too_long_is_not_open(provider: Provider, anne: Holder) -> None:
    RelyingParty(provider).login()
    for _ in range(2):
        provider.clock.advance(minutes=20)
        html = anne.browser.get(PAGE).text
    assert html.count('/end"') == 1


def test_one_is_ended_with_its_refresh_tokens(provider: Provider, anne: Holder) -> None:
    offline = make_offline(provider)
    offline.browser.environ_base["HTTP_USER_AGENT"] = IPHONE
    tokens = offline.tokens(scope=OFFLINE)
    other = Holder.signed_in(provider)
    provider.clock.advance(minutes=6)  # no proof is fresh any more: none is asked for
    _, theirs, _ = sessions_of(provider)
    done = anne.post(f"{PAGE}/sessions/{theirs}/end", page=PAGE)
    assert path_of(done) == PAGE
    assert "La session est fermée." in anne.browser.get(PAGE).text
    assert offline.silent()["error"] == "login_required"
    assert refusal_of(offline.refresh(tokens["refresh_token"])) == INVALID_GRANT
    assert offline.userinfo(tokens["access_token"]).status_code == 401
    assert is_in(other)
    assert ended(provider) == [{"reason": "holder", "session": theirs}]
    assert path_of(anne.post(f"{PAGE}/sessions/{theirs}/end", page=PAGE)) == PAGE  # the other tab
    assert len(ended(provider)) == 1


def test_ones_own_is_a_logout(provider: Provider, anne: Holder) -> None:
    other = Holder.signed_in(provider)
    own = sessions_of(provider)[1]
    assert path_of(anne.post(f"{PAGE}/sessions/{own}/end", page=PAGE)) == "/logged-out"
    assert not is_in(anne)
    assert is_in(other)


def test_all_others_are_ended(provider: Provider, anne: Holder) -> None:
    karim = Holder.signed_in(provider, "karim.benali")
    others = [Holder.signed_in(provider) for _ in range(2)]
    assert path_of(anne.post(f"{PAGE}/sessions/end-others", page=PAGE)) == PAGE
    assert is_in(anne)
    assert is_in(karim)
    assert not any(is_in(other) for other in others)
    assert len(ended(provider)) == 2


def test_all_are_ended_and_what_lasts_with_them(provider: Provider, anne: Holder) -> None:
    offline = make_offline(provider)
    tokens = offline.tokens(scope=OFFLINE)
    karim = Holder.signed_in(provider, "karim.benali")
    assert path_of(anne.post(f"{PAGE}/sessions/end-all", page=PAGE)) == "/logged-out"
    assert not is_in(anne)
    assert is_in(karim)
    assert refusal_of(offline.refresh(tokens["refresh_token"])) == INVALID_GRANT
    assert ended(provider) == [{"reason": "holder", "sessions": "2"}]


@pytest.mark.parametrize("action", ["{id}/end", "end-others", "end-all"])
def test_the_account_is_locked_before_anything_ends(
    provider: Provider, anne: Holder, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """Else a login that is under way would open a session that nobody ends (PostgreSQL)."""
    Holder.signed_in(provider)
    theirs, _ = sessions_of(provider)
    calls: list[str] = []
    for owner, name in ((Accounts, "lock"), (Sessions, "_end")):
        monkeypatch.setattr(owner, name, noting(calls, name, getattr(owner, name)))
    anne.post(f"{PAGE}/sessions/{action.format(id=theirs)}", page=PAGE)
    assert calls == ["lock", "_end"]


def noting(calls: list[str], name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def noted(*args: Any, **kwargs: Any) -> Any:
        calls.append(name)
        return original(*args, **kwargs)

    return noted


def test_the_services_are_told(provider: Provider, anne: Holder) -> None:
    provider.add_client("told", backchannel_logout_uri="https://rp.example/backchannel")
    told = RelyingParty(provider, "told")
    told.tokens()
    anne.post(f"{PAGE}/sessions/end-others", page=PAGE)
    with provider.services.db.read() as tx:
        assert tx.outbox.is_due(provider.clock.now(), logouts=True)


# -- services ----------------------------------------------------------------------------


def test_accesses_are_shown_with_their_dates(provider: Provider, anne: Holder) -> None:
    for client_id, name in (("ror", "ROR"), ("elea", "ELEA"), ("gone", "Retiré"), ("over", "Échu")):
        provider.add_client(client_id, name=name, needs_entitlement=True)
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        for client_id, days in (("ror", None), ("elea", 90), ("gone", None), ("over", 0)):
            until = None if days is None else provider.clock.now() + timedelta(days=days)
            accounts.entitle(provider.desk, tx, account, client_id, until)
    accounts.withdraw(provider.desk, "anne.pierre", "gone")
    html = anne.browser.get(PAGE).text
    assert "Accordé le 2 novembre 2026, jusqu'au 31 janvier 2027" in html
    assert html.count("Accordé le") == 2
    assert "Retiré" not in html
    assert "Échu" not in html


def test_a_consent_is_withdrawn(provider: Provider, anne: Holder) -> None:
    provider.add_client("asking", name="Agenda", consent="first")
    rp = RelyingParty(provider, "asking", anne.browser)
    path = path_of(rp.authorize())
    rp.consent(path)
    tokens = rp.redeem(path_of(anne.browser.get(path)).partition("code=")[2].partition("&")[0])
    html = anne.browser.get(PAGE).text
    assert "Votre identité, Votre adresse e-mail" in html
    assert "Accord donné le 2 novembre 2026" in html
    provider.clock.advance(minutes=6)
    assert path_of(anne.post(f"{PAGE}/consents/asking/withdraw", page=PAGE)) == PAGE
    assert "/consents/asking" not in anne.browser.get(PAGE).text
    assert rp.userinfo(tokens["access_token"]).status_code == 401
    assert path_of(rp.authorize()).startswith("/login/")
    (event,) = provider.events("consent.withdrawn")
    assert (event.actor, event.subject, event.client_id) == (event.subject, event.actor, "asking")
    assert anne.post(f"{PAGE}/consents/asking/withdraw", page=PAGE).status_code == 404


def test_a_service_that_stays_connected_is_disconnected(provider: Provider, anne: Holder) -> None:
    offline = make_offline(provider)
    first, second = offline.tokens(scope=OFFLINE), offline.redeem(offline.silent(scope=OFFLINE)["code"])
    provider.add_client("bound", grant_types=GRANTS)
    bound = RelyingParty(provider, "bound", anne.browser)
    kept = bound.redeem(bound.silent()["code"])
    html = anne.browser.get(PAGE).text
    assert "Reste connecté jusqu'au 12 novembre 2026 à 09:00" in html
    assert "jusqu'à la fin de la session, au plus tard le 2 novembre 2026 à 13:00" in html
    assert html.count("/disconnect") == 2
    assert path_of(anne.post(f"{PAGE}/services/offline/disconnect", page=PAGE)) == PAGE
    for tokens in (first, second):
        assert refusal_of(offline.refresh(tokens["refresh_token"])) == INVALID_GRANT
        assert offline.userinfo(tokens["access_token"]).status_code == 401
    assert refreshed(bound, kept["refresh_token"])
    assert [event.client_id for event in provider.events("grant.revoked")] == ["offline"]
    assert anne.browser.get(PAGE).text.count("/disconnect") == 1
    assert anne.post(f"{PAGE}/services/offline/disconnect", page=PAGE).status_code == 404


def test_a_connection_that_is_over_is_not_shown(provider: Provider, anne: Holder) -> None:
    offline = make_offline(provider)
    offline.tokens(scope=OFFLINE)
    provider.add_client("none", scopes=ALL_SCOPES)
    RelyingParty(provider, "none", anne.browser).silent()
    assert anne.browser.get(PAGE).text.count("/disconnect") == 1
    provider.clock.advance(days=10)
    assert "/disconnect" not in Holder.signed_in(provider).browser.get(PAGE).text
