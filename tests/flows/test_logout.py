"""RP-Initiated Logout 1.0, with the rows of the conformance plan."""

from collections.abc import Callable
from urllib.parse import urlencode

import jwt
import pytest
from werkzeug.test import TestResponse

from tests.fakes.provider import RP, Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, error_of, page_error_of, path_of

HOME = f"{RP}/rp/"


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return RelyingParty(provider)


def ask(rp: RelyingParty, **values: str) -> TestResponse:
    """GET /logout: the first answer."""
    return rp.browser.get("/logout?" + urlencode(values))


def confirm(rp: RelyingParty, asked: TestResponse, decision: str = "confirm") -> TestResponse:
    """The person's press on the confirmation page."""
    assert asked.status_code == 303, asked.text
    path = path_of(asked)
    assert path.startswith("/logout/")
    page = rp.browser.get(path)
    assert page.status_code == 200
    assert 'id="logout-confirm"' in page.text
    assert 'id="logout-cancel"' in page.text
    return rp.post(path, page=path, decision=decision)


def is_signed_in(rp: RelyingParty) -> bool:
    response = rp.authorize(prompt="none")
    return "code=" in response.headers["Location"] or error_of(response) != "login_required"


def shows_logged_out(rp: RelyingParty, response: TestResponse) -> bool:
    assert path_of(response) == "/logged-out"
    return 'id="logged-out"' in rp.browser.get("/logged-out").text


@pytest.mark.spec("RP-Initiated Logout §2, §3")
def test_oidcc_rp_initiated_logout(rp: RelyingParty) -> None:
    tokens = rp.tokens()
    asked = ask(rp, id_token_hint=tokens["id_token"], post_logout_redirect_uri=HOME, state="a b&c")
    assert is_signed_in(rp), "nothing ends before the person confirms"
    left = confirm(rp, asked)
    assert (left.status_code, left.headers["Location"]) == (303, f"{HOME}?state=a+b%26c")
    assert error_of(rp.authorize(prompt="none")) == "login_required"
    assert rp.userinfo(tokens["access_token"]).status_code == 401
    (event,) = rp.provider.events("session.ended")
    assert event.subject == tokens["claims"]["sub"]


def test_oidcc_rp_initiated_logout_no_state(rp: RelyingParty) -> None:
    asked = ask(rp, id_token_hint=rp.tokens()["id_token"], post_logout_redirect_uri=HOME)
    assert confirm(rp, asked).headers["Location"] == HOME
    assert not is_signed_in(rp)


def test_oidcc_rp_initiated_logout_no_params(rp: RelyingParty) -> None:
    rp.login()
    assert shows_logged_out(rp, confirm(rp, ask(rp)))
    assert not is_signed_in(rp)


def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(rp: RelyingParty) -> None:
    assert shows_logged_out(rp, confirm(rp, ask(rp, id_token_hint=rp.tokens()["id_token"], state="s")))
    assert not is_signed_in(rp)


def test_oidcc_rp_initiated_logout_only_state(rp: RelyingParty) -> None:
    rp.login()
    assert shows_logged_out(rp, confirm(rp, ask(rp, state="s")))
    assert not is_signed_in(rp)


def _unsigned(hint: str) -> str:
    """oidcc-rp-initiated-logout-modified-id-token-hint: the same claims, alg none."""
    payload = jwt.decode(hint, options={"verify_signature": False})
    return jwt.encode(payload, "", algorithm="none", headers={"kid": jwt.get_unverified_header(hint)["kid"]})


def _foreign(hint: str) -> str:
    """oidcc-rp-initiated-logout-bad-id-token-hint: signed by another key."""
    payload = jwt.decode(hint, options={"verify_signature": False})
    return jwt.encode(payload, "k" * 32, "HS256", headers={"kid": jwt.get_unverified_header(hint)["kid"]})


@pytest.mark.parametrize("forge", [_unsigned, _foreign, lambda hint: hint[:-4] + "AAAA", lambda hint: "garbage"])
def test_hint_that_we_did_not_sign_never_redirects(rp: RelyingParty, forge: Callable[[str], str]) -> None:
    hint = forge(rp.tokens()["id_token"])
    assert page_error_of(ask(rp, id_token_hint=hint, post_logout_redirect_uri=HOME)) == "invalid_request"
    assert page_error_of(ask(rp, id_token_hint=hint)) == "invalid_request"
    assert is_signed_in(rp)


@pytest.mark.parametrize(
    "target",
    [
        f"{RP}/rp/elsewhere",  # oidcc-rp-initiated-logout-bad-post-logout-redirect-uri
        f"{HOME}?foo=bar",  # oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri
        f"{RP}/rp",
        f"{RP}/rp/callback",
        f"{RP}/other/",
        "https://evil.example/",
        "javascript:alert(1)",
    ],
)
def test_unregistered_target_never_redirects(rp: RelyingParty, target: str) -> None:
    rp.provider.add_client("other")
    hint = rp.tokens()["id_token"]
    assert page_error_of(ask(rp, id_token_hint=hint, post_logout_redirect_uri=target)) == "invalid_request"
    assert is_signed_in(rp)


@pytest.mark.parametrize("more", [{}, {"client_id": "rp"}])
def test_oidcc_rp_initiated_logout_no_id_token_hint(rp: RelyingParty, more: dict[str, str]) -> None:
    rp.login()
    assert page_error_of(ask(rp, post_logout_redirect_uri=HOME, state="s", **more)) == "invalid_request"
    assert is_signed_in(rp)


@pytest.mark.spec("RP-Initiated Logout §2")
def test_client_id_must_be_the_audience_of_the_hint(rp: RelyingParty) -> None:
    rp.provider.add_client("other")
    hint = rp.tokens()["id_token"]
    assert page_error_of(ask(rp, id_token_hint=hint, client_id="other")) == "invalid_request"
    asked = ask(rp, id_token_hint=hint, client_id="rp", post_logout_redirect_uri=HOME)
    assert confirm(rp, asked).headers["Location"] == HOME


def test_expired_hint_is_good(rp: RelyingParty) -> None:
    hint = rp.tokens()["id_token"]
    rp.provider.clock.advance(minutes=25)
    asked = ask(rp, id_token_hint=hint, post_logout_redirect_uri=HOME)
    assert confirm(rp, asked).headers["Location"] == HOME


def test_cancel_ends_nothing(rp: RelyingParty) -> None:
    tokens = rp.tokens()
    asked = ask(rp, id_token_hint=tokens["id_token"], post_logout_redirect_uri=HOME)
    stayed = confirm(rp, asked, "cancel")
    assert path_of(stayed) == "/compte"
    assert is_signed_in(rp)
    assert rp.userinfo(tokens["access_token"]).status_code == 200


def test_cross_site_post_finds_the_session_by_our_own_get(rp: RelyingParty) -> None:
    """A cross-site POST carries no Lax cookie."""
    fields = {"id_token_hint": rp.tokens()["id_token"], "post_logout_redirect_uri": HOME, "state": "s"}
    headers = {"Sec-Fetch-Site": "cross-site"}
    asked = rp.provider.browser().post("/logout", data=fields, headers=headers)
    assert fields["id_token_hint"] not in path_of(asked)
    assert confirm(rp, asked).headers["Location"] == f"{HOME}?state=s"
    assert not is_signed_in(rp)


def test_confirmation_needs_this_browsers_form(rp: RelyingParty) -> None:
    rp.login()
    path = path_of(ask(rp))
    for data in (
        {},
        {"csrf": "é"},
        {"csrf": "forged"},
        {"csrf": csrf_of(rp.provider.browser().get("/password/forgot"))},
    ):
        assert rp.browser.post(path, data={"decision": "confirm", **data}).status_code == 403
    own = {"decision": "confirm", "csrf": csrf_of(rp.browser.get(path))}
    assert rp.browser.post(path, data=own, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert is_signed_in(rp)


def test_confirmation_works_once(rp: RelyingParty) -> None:
    rp.login()
    asked = ask(rp)
    path = path_of(asked)
    fields = {"decision": "confirm", "csrf": csrf_of(rp.browser.get(path))}
    assert rp.browser.post(path, data=fields).status_code == 303
    assert rp.browser.post(path, data=fields).status_code == 410
    assert rp.browser.get(path).status_code == 410


def test_nobody_signed_in_goes_straight_back(rp: RelyingParty) -> None:
    hint = rp.tokens()["id_token"]
    stranger = RelyingParty(rp.provider)
    asked = ask(stranger, id_token_hint=hint, post_logout_redirect_uri=HOME, state="s")
    assert stranger.browser.get(path_of(asked)).headers["Location"] == f"{HOME}?state=s"
    assert is_signed_in(rp), "a hint alone ends nobody's session"


def test_logout_ends_every_service_of_the_session_only(provider: Provider) -> None:
    provider.add_client("other")
    rp, elsewhere = RelyingParty(provider), RelyingParty(provider)
    rp.login()
    other = RelyingParty(provider, "other", rp.browser)
    there = other.redeem(other.silent()["code"])["access_token"]
    kept = elsewhere.tokens()["access_token"]
    confirm(rp, ask(rp))
    assert other.userinfo(there).status_code == 401
    assert elsewhere.userinfo(kept).status_code == 200
    assert is_signed_in(elsewhere)


def test_code_that_was_not_redeemed_dies_with_the_session(rp: RelyingParty) -> None:
    code = rp.login()["code"]
    confirm(rp, ask(rp))
    response = rp.token(code)
    assert (response.status_code, (response.json or {})["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("name", ["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"])
def test_repeated_parameter_is_refused(rp: RelyingParty, name: str) -> None:
    assert page_error_of(rp.browser.get(f"/logout?{name}=a&{name}=b")) == "invalid_request"


def test_confirmation_page_may_post_to_the_service_it_leads_to(rp: RelyingParty) -> None:
    hint = rp.tokens()["id_token"]
    asked = ask(rp, id_token_hint=hint, post_logout_redirect_uri=HOME, ui_locales="en")
    page = rp.browser.get(path_of(asked))
    assert "form-action 'self' https://rp.example;" in page.headers["Content-Security-Policy"]
    assert page.headers["Content-Language"] == "en"
