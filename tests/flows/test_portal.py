"""« Mon compte »: a client like the others, with the tiles of one's own services."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from idp.flows.operators import accounts
from tests.fakes.provider import ISSUER, PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, path_of

CALLBACK = "/compte/callback"


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start()
    for client_id, name, needed in (("ror", "ROR", True), ("espace", "Espace Pro", True), ("open", "Ouvert", False)):
        uri = f"https://rp.example/{client_id}/start"
        made.add_client(client_id, name=name, needs_entitlement=needed, initiate_login_uri=uri)
    made.add_client("hidden", name="Sans tuile")
    made.add_client("query", name="Avec question", initiate_login_uri="https://rp.example/start?a=1")
    made.add_account("anne.pierre")
    return made


def entitle(provider: Provider, client_id: str, for_minutes: int | None = None) -> None:
    until = None if for_minutes is None else provider.clock.now() + timedelta(minutes=for_minutes)
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        accounts.entitle(provider.desk, tx, account, client_id, until)


def answered(browser: FlaskClient) -> str:
    """Start at /compte and sign in; the path of the callback with its answer, not yet followed."""
    login = path_of(browser.get(path_of(browser.get("/compte"))))
    form = {"csrf": csrf_of(browser.get(login)), "login": "anne.pierre", "password": PASSWORD}
    return path_of(browser.post(f"{login}/password", data=form))


def signed_in(provider: Provider) -> FlaskClient:
    browser = provider.browser()
    assert path_of(browser.get(answered(browser))) == "/compte"
    return browser


def altered(callback: str, **changes: str | None) -> str:
    values = {name: found[0] for name, found in parse_qs(urlsplit(callback).query).items()}
    kept = {name: value for name, value in {**values, **changes}.items() if value is not None}
    return f"{CALLBACK}?{urlencode(kept)}"


def refused(response: TestResponse, status: int) -> None:
    assert response.status_code == status
    assert "portal_failed" in response.text


def test_the_root_leads_there_and_asks_to_sign_in(provider: Provider) -> None:
    browser = provider.browser()
    assert path_of(browser.get("/")) == "/compte"
    query = parse_qs(urlsplit(path_of(browser.get("/compte"))).query)
    assert query["client_id"] == ["portail"]
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [ISSUER + CALLBACK]


def test_tiles_are_the_services_that_one_may_open(provider: Provider) -> None:
    entitle(provider, "ror")
    entitle(provider, "espace", for_minutes=5)
    browser = signed_in(provider)
    html = browser.get("/compte").text
    assert "Anne Pierre" in html
    start = urlencode({"iss": ISSUER})
    for url in (
        f"https://rp.example/ror/start?{start}",
        f"https://rp.example/espace/start?{start}",
        f"https://rp.example/open/start?{start}",
        f"https://rp.example/start?a=1&amp;{start}",
    ):
        assert f'href="{url}"' in html
    assert html.count('class="tile"') == 4
    assert "Sans tuile" not in html
    provider.clock.advance(minutes=5)
    accounts.withdraw(provider.desk, "anne.pierre", "ror")
    html = browser.get("/compte").text
    assert html.count('class="tile"') == 2
    assert "/ror/start" not in html


def test_the_session_of_another_service_gets_in_without_a_question(provider: Provider) -> None:
    rp = RelyingParty(provider, "open")
    rp.login()
    callback = path_of(rp.browser.get(path_of(rp.browser.get("/compte"))))
    assert callback.startswith(CALLBACK)
    assert path_of(rp.browser.get(callback)) == "/compte"
    assert rp.browser.get("/compte").status_code == 200


def test_logout_ends_the_session_of_all(provider: Provider) -> None:
    browser = signed_in(provider)
    rp = RelyingParty(provider, "open", browser)
    assert "code" in rp.silent()
    done = rp.post("/compte/logout", page="/compte")
    assert path_of(done) == "/logged-out"
    assert browser.get("/logged-out").status_code == 200
    assert rp.silent()["error"] == "login_required"
    assert browser.get("/compte").status_code == 303
    assert provider.events("session.ended")[0].detail == {"reason": "logout"}


def test_logout_is_no_link(provider: Provider) -> None:
    browser = signed_in(provider)
    assert browser.get("/compte/logout").status_code == 405
    assert browser.get("/compte").status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "wrong"},
        {"state": None},
        {"state": "é"},
        {"state": "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"iss": "é"},
    ],
)
@pytest.mark.spec("RFC 9207 §2.4")
def test_an_answer_that_was_not_asked_for_is_refused(provider: Provider, changes: dict[str, str | None]) -> None:
    browser = provider.browser()
    answer = browser.get(altered(answered(browser), **changes))
    if "iss" in changes:
        refused(answer, 400)
    else:
        assert path_of(answer) == "/compte"  # as a tab whose login another one overtook: its code is left alone
    assert path_of(browser.get("/compte")).startswith("/authorize?")


@pytest.mark.parametrize("code", ["wrong", "é", "x" * 5000, "", None])
def test_a_wrong_code_is_refused(provider: Provider, code: str | None) -> None:
    browser = provider.browser()
    refused(browser.get(altered(answered(browser), code=code)), 403)
    assert browser.get("/compte").status_code == 303


def test_an_error_of_the_provider_is_shown_as_a_page(provider: Provider) -> None:
    browser = provider.browser()
    callback = altered(answered(browser), code=None, error="access_denied<script>")
    response = browser.get(callback)
    refused(response, 403)
    assert "<script>" not in response.text


def test_an_answer_in_another_browser_is_refused(provider: Provider) -> None:
    """Login CSRF: the thief's own answer, followed by the victim, signs nobody in."""
    thief = provider.browser()
    callback = answered(thief)
    victim = provider.browser()
    refused(victim.get(callback), 400)
    started = victim.get("/compte")
    assert started.status_code == 303
    refused(victim.get(callback), 400)
    assert victim.get("/compte").status_code == 303


def test_an_answer_is_taken_once(provider: Provider) -> None:
    browser = provider.browser()
    callback = answered(browser)
    planted = browser.get_cookie("__Host-sesame-portal")
    assert planted
    assert path_of(browser.get(callback)) == "/compte"
    assert path_of(browser.get(callback)) == "/compte"  # nothing was asked; the person is in
    browser.set_cookie("__Host-sesame-portal", planted.value, secure=True)
    refused(browser.get(callback), 403)


@pytest.mark.parametrize("cookie", ["x", "AAAA", "é".encode().decode("latin-1"), "x" * 500, "AQ=="])
def test_an_invented_transaction_is_refused(provider: Provider, cookie: str) -> None:
    browser = provider.browser()
    response = browser.get(f"{CALLBACK}?state=x&code=x", headers={"Cookie": f"__Host-sesame-portal={cookie}"})
    refused(response, 400)


def test_a_policy_that_no_longer_accepts_the_password_asks_again(provider: Provider) -> None:
    browser = signed_in(provider)
    provider.clock.advance(seconds=1)
    provider.set_policy("portail", ("email_otp",))
    assert browser.get("/compte").status_code == 303


def test_looking_at_the_portal_keeps_the_session_awake(provider: Provider) -> None:
    browser = provider.browser()
    browser.get(answered(browser))
    for _ in range(4):
        provider.clock.advance(minutes=20)
        assert browser.get("/compte").status_code == 200
    provider.clock.advance(minutes=30)
    assert browser.get("/compte").status_code == 303


def test_two_tabs_end_in_the_portal_both(provider: Provider) -> None:
    browser = provider.browser()
    first = path_of(browser.get(path_of(browser.get("/compte"))))
    second = path_of(browser.get(path_of(browser.get("/compte"))))
    rp = RelyingParty(provider, "open", browser)
    assert path_of(browser.get(path_of(rp.give_password(first)))) == "/compte"
    assert path_of(browser.get(path_of(browser.get(second)))) == "/compte"
    assert browser.get("/compte").status_code == 200
