"""The door of the console: who is let in, and who is not."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import flask
import pytest

from idp.domain.authn import Assurance
from idp.domain.rights import Right
from idp.flows.console.door import Operator, allowed
from tests.fakes.console import add_console, enter, give_role, send, sign_in
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, path_of

DESTROY = "/console/destroy"


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start()
    add_console(made)
    return made


@pytest.fixture
def destroys(provider: Provider) -> list[str]:
    """Gives the console a page that asks for a fresh proof; the names of those who used it."""
    used: list[str] = []

    def view(operator: Operator) -> flask.Response:
        if flask.request.method == "POST":
            used.append(operator.name)
        return flask.Response(f'<input type="hidden" name="csrf" value="{provider.services.browser.csrf_token}">')

    guarded = allowed(provider.services, Right.PEOPLE_SUSPEND, DESTROY, fresh=True)(view)
    provider.app.add_url_rule(DESTROY, "console.destroy", guarded, methods=["GET", "POST"])
    return used


def test_without_a_session_one_is_asked_to_sign_in(provider: Provider) -> None:
    response = provider.browser().get("/console")
    assert response.status_code == 303
    query = parse_qs(urlsplit(response.headers["Location"]).query)
    assert query["client_id"] == ["console"]
    assert query["code_challenge_method"] == ["S256"]


def test_a_role_opens_the_console(provider: Provider) -> None:
    response = sign_in(provider, "nadia.support", ("support", "*")).browser.get("/console")
    assert response.status_code == 200
    assert "Assistance régionale" in response.text
    assert 'href="/console/people"' in response.text
    assert 'href="/console/audit"' not in response.text
    assert response.headers["Cache-Control"] == "no-store"


def test_without_a_role_access_is_refused_and_recorded(provider: Provider) -> None:
    nobody = sign_in(provider, "anne.pierre")
    response = nobody.browser.get("/console")
    assert response.status_code == 403
    assert "Accès refusé" in response.text
    (event,) = provider.events("console.denied")
    assert (event.outcome, event.detail) == ("refused", {"page": "/console"})
    assert event.actor == event.subject


def test_a_role_that_is_taken_away_ends_at_once(provider: Provider) -> None:
    nadia = sign_in(provider, "nadia.support", ("support", "*"))
    assert nadia.browser.get("/console").status_code == 200
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("nadia.support")
        assert account
        (grant,) = tx.operator_roles.of(account.account_id)
        assert tx.operator_roles.revoke(account.account_id, grant.role, grant.scope)
    assert nadia.browser.get("/console").status_code == 403


def test_a_password_alone_does_not_open_it(provider: Provider) -> None:
    """A session that a weaker service opened is asked for more, and gets no code until it gave it."""
    provider.add_client("rp", methods=("password",))
    provider.add_account("nadia.support")
    give_role(provider, "nadia.support", "support")
    rp = RelyingParty(provider)
    rp.browser.get(path_of(rp.give_password(rp.open_login(), "nadia.support")).removeprefix("https://rp.example"))
    step_up = path_of(rp.browser.get(path_of(rp.browser.get("/console"))))
    assert step_up.startswith("/login/")
    arrived = rp.browser.get(path_of(rp.give_otp(step_up, "nadia.support", password=None)))
    assert path_of(arrived) == "/console"
    assert rp.browser.get("/console").status_code == 200


def test_a_policy_that_asks_for_too_little_closes_it(provider: Provider) -> None:
    nadia = sign_in(provider, "nadia.support", ("support", "*"))
    provider.clock.advance(seconds=1)
    provider.set_policy("console", ("password", "email_otp"))
    response = nadia.browser.get("/console")
    assert response.status_code == 403
    assert "site_closed" in response.text
    provider.clock.advance(seconds=1)
    provider.set_policy("console", ("email_otp",), min_assurance=Assurance.MEDIUM)
    assert nadia.browser.get("/console").status_code == 200


def test_the_portal_is_not_the_console(provider: Provider) -> None:
    """A session in which the portal was let in, by a method that the console accepts, has no grant of the console."""
    provider.add_account("nadia.support")
    give_role(provider, "nadia.support", "support")
    rp = RelyingParty(provider, "portail")
    login = path_of(rp.browser.get(path_of(rp.browser.get("/compte"))))
    rp.browser.get(path_of(rp.give_otp(login, "nadia.support")))
    assert rp.browser.get("/compte").status_code == 200
    response = rp.browser.get("/console")
    assert response.status_code == 303
    assert "client_id=console" in response.headers["Location"]


def test_a_form_without_its_token_is_refused(provider: Provider, destroys: list[str]) -> None:
    nadia = sign_in(provider, "nadia.support", ("support", "*"), page=DESTROY)
    assert nadia.browser.post(DESTROY).status_code == 403
    assert nadia.browser.post(DESTROY, data={"csrf": "x"}).status_code == 403
    assert send(nadia, DESTROY, DESTROY).status_code == 200
    assert destroys == ["nadia.support"]


def test_a_session_that_ended_is_over_in_the_console(provider: Provider) -> None:
    nadia = sign_in(provider, "nadia.support", ("support", "*"))
    response = send(nadia, "/console/logout", "/console")
    assert response.status_code == 303
    assert nadia.browser.get("/console").status_code == 303


def test_without_the_right_a_page_is_refused(provider: Provider, destroys: list[str]) -> None:
    auditor = sign_in(provider, "paul.auditor", ("auditor", "*"))
    shown = auditor.browser.get("/console")
    assert auditor.browser.get(DESTROY).status_code == 403
    assert auditor.browser.post(DESTROY, data={"csrf": csrf_of(shown)}).status_code == 403
    assert destroys == []
    assert [event.detail for event in provider.events("console.denied")] == [{"page": DESTROY}] * 2


def test_a_role_for_one_service_opens_nothing_about_people(provider: Provider, destroys: list[str]) -> None:
    scoped = sign_in(provider, "karim.support", ("support", "console"))
    assert scoped.browser.get("/console").status_code == 200
    assert scoped.browser.get(DESTROY).status_code == 403


def test_what_destroys_asks_for_a_fresh_proof(provider: Provider, destroys: list[str]) -> None:
    nadia = sign_in(provider, "nadia.support", ("support", "*"), page=DESTROY)
    csrf = csrf_of(nadia.browser.get(DESTROY))
    provider.clock.advance(minutes=5, seconds=1)
    asked = nadia.browser.post(DESTROY, data={"csrf": csrf})
    assert path_of(asked).startswith("/login/")
    assert destroys == []
    login = path_of(nadia.browser.get(DESTROY))
    arrived = nadia.give_otp(login, "nadia.support")
    assert path_of(arrived) == DESTROY
    assert send(nadia, DESTROY, DESTROY).status_code == 200
    assert destroys == ["nadia.support"]


def test_an_emergency_code_opens_no_console(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    nadia = sign_in(provider, "nadia.support", ("support", "*"))
    monkeypatch.setattr("idp.flows.temporary.temporary_until", lambda proofs: provider.clock.now())
    response = nadia.browser.get("/console")
    assert response.status_code == 403
    assert "temporary_session" in response.text


def test_head_does_nothing(provider: Provider) -> None:
    assert provider.browser().head("/console").status_code == 405


def test_an_operator_comes_back_to_the_page_that_was_asked_for(provider: Provider) -> None:
    provider.add_account("nadia.support")
    give_role(provider, "nadia.support", "support")
    assert enter(provider, "nadia.support", "/console").browser.get("/console").status_code == 200


def test_an_answer_that_nobody_asked_for_is_refused(provider: Provider) -> None:
    response = provider.browser().get("/console/callback?code=x&state=y")
    assert response.status_code == 400
    assert "console_failed" in response.text
