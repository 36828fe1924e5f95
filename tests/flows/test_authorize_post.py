"""Requests that come by POST, and answers that go by POST."""

import pytest

from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import (
    RelyingParty,
    answer_of,
    error_of,
    form_post_of,
    page_error_of,
    path_of,
)


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return RelyingParty(provider)


@pytest.mark.spec("OIDC Core §3.1.2.1")
def test_post_is_stored_and_taken_up_by_our_own_get(rp: RelyingParty) -> None:
    """A cross-site POST carries no Lax cookie: the one after the redirect does, and finds the session."""
    rp.login()
    stranger = rp.provider.browser()  # no cookie, as in a cross-site POST
    posted = stranger.post("/authorize", data=rp.request(), headers={"Sec-Fetch-Site": "cross-site"})
    assert posted.status_code == 303
    path = path_of(posted)
    assert path.startswith("/authorize/posted/")
    assert rp.request()["state"] not in path
    answer = answer_of(rp.browser.get(path))
    assert (answer["state"], answer["iss"]) == (rp.request()["state"], ISSUER)
    assert rp.redeem(answer["code"])["claims"]["nonce"] == rp.request()["nonce"]


def test_post_leads_to_the_login_page(rp: RelyingParty) -> None:
    opened = rp.browser.get(path_of(rp.browser.post("/authorize", data=rp.request())))
    assert answer_of(rp.give_password(path_of(opened)))["code"]


def test_post_is_checked_before_it_is_stored(rp: RelyingParty) -> None:
    assert error_of(rp.browser.post("/authorize", data=rp.request(scope="email"))) == "invalid_scope"
    wrong = rp.request(redirect_uri="https://evil.example/")
    assert page_error_of(rp.browser.post("/authorize", data=wrong)) == "invalid_request"


def test_posted_request_is_checked_again_when_it_is_taken_up(rp: RelyingParty) -> None:
    path = path_of(rp.browser.post("/authorize", data=rp.request()))
    with rp.provider.services.db.write() as tx:
        tx.clients.set_enabled("rp", False)
    assert page_error_of(rp.browser.get(path)) == "unauthorized_client"


def test_post_reads_its_body_only(rp: RelyingParty) -> None:
    request = rp.request()
    response = rp.browser.post("/authorize", query_string=request, data={})
    assert page_error_of(response) == "invalid_request"
    mixed = rp.browser.post("/authorize", query_string={"scope": "email", "state": "other"}, data=request)
    assert path_of(mixed).startswith("/authorize/posted/")


def test_posted_request_is_gone_after_five_minutes(rp: RelyingParty) -> None:
    path = path_of(rp.browser.post("/authorize", data=rp.request()))
    rp.provider.clock.advance(minutes=5)
    response = rp.browser.get(path)
    assert response.status_code == 410
    assert "Location" not in response.headers


def test_json_is_not_a_form(rp: RelyingParty) -> None:
    assert page_error_of(rp.browser.post("/authorize", json=rp.request())) == "invalid_request"


# Form Post Response Mode


@pytest.mark.spec("OAuth 2.0 Form Post Response Mode §2")
def test_form_post_of_a_success(rp: RelyingParty) -> None:
    answer = form_post_of(rp.give_password(rp.open_login(response_mode="form_post")))
    assert answer.keys() == {"code", "state", "iss"}
    assert rp.redeem(answer["code"])["claims"]["sub"]


def test_form_post_from_the_session(rp: RelyingParty) -> None:
    rp.login()
    answer = form_post_of(rp.authorize(response_mode="form_post", prompt="none"))
    assert answer.keys() == {"code", "state", "iss"}


def test_form_post_of_an_error(rp: RelyingParty) -> None:
    answer = form_post_of(rp.authorize(response_mode="form_post", prompt="none"))
    assert answer["error"] == "login_required"
    assert (answer["state"], answer["iss"]) == (rp.request()["state"], ISSUER)
    assert form_post_of(rp.authorize(response_mode="form_post", scope="email"))["error"] == "invalid_scope"


def test_form_post_after_cancel(rp: RelyingParty) -> None:
    path = rp.open_login(response_mode="form_post")
    assert form_post_of(rp.post(f"{path}/cancel", page=path))["error"] == "access_denied"


def test_form_post_is_escaped_and_never_kept(rp: RelyingParty) -> None:
    state = '"><script>alert(1)</script>&amp;'
    response = rp.authorize(response_mode="form_post", prompt="none", state=state)
    assert "<script>alert" not in response.text
    assert form_post_of(response)["state"] == state
    assert response.headers["Cache-Control"] == "no-store"
    assert "script-src 'self';" in response.headers["Content-Security-Policy"]


def test_login_page_may_post_to_itself_and_to_the_service_only(rp: RelyingParty) -> None:
    """Chromium applies form-action to the redirects that follow a post."""
    policy = rp.browser.get(rp.open_login()).headers["Content-Security-Policy"]
    assert "form-action 'self' https://rp.example;" in policy
