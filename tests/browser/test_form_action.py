"""From a form of the provider to the relying party: Chromium applies `form-action` to the redirects after a post."""

import base64
import hashlib
import secrets
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.visitor import PORTAL, PORTAL_LOGIN, ROR_LOGIN, Visitor

REFUSED = "Vous n'êtes pas connecté"  # the service did not begin this login, and takes answers by GET


def authorize_url(visitor: Visitor, client_id: str, **asked: str) -> tuple[str, str]:
    """An authorization request of a client of demo.json, and its redirect URI."""
    client = next(each for each in visitor.demo.description["clients"] if each["client_id"] == client_id)
    redirect_uri: str = client["redirect_uris"][0]
    challenge = base64.urlsafe_b64encode(hashlib.sha256(secrets.token_bytes(32)).digest()).rstrip(b"=").decode()
    query = {
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": "openid",
        "state": secrets.token_urlsafe(),
        "nonce": secrets.token_urlsafe(),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **asked,
    }
    return f"{visitor.demo.description['issuer']}/authorize?{urlencode(query)}", redirect_uri


@pytest.mark.parametrize(("response_mode", "method"), [("query", "GET"), ("form_post", "POST")])
def test_the_answer_reaches_the_relying_party(visitor: Visitor, response_mode: str, method: str) -> None:
    page = visitor.page
    url, redirect_uri = authorize_url(visitor, "ror", response_mode=response_mode)
    page.goto(url)
    visitor.sees(ROR_LOGIN)
    page.click("#method-email_otp")
    visitor.types_password("karim.benali")
    code = visitor.demo.mail("karim.benali").code

    with (
        visitor.watch.expecting(400 if method == "GET" else 405),
        page.expect_request(lambda request: request.url.startswith(redirect_uri)) as reached,
    ):
        page.fill("#otp-code", code)
        page.click("#otp-submit")
        visitor.sees(REFUSED)
    assert reached.value.method == method
    assert "code=" in (reached.value.post_data or reached.value.url)


def test_cancelling_reaches_the_relying_party_by_form_post(visitor: Visitor) -> None:
    url, redirect_uri = authorize_url(visitor, "ror", response_mode="form_post")
    visitor.page.goto(url)

    with (
        visitor.watch.expecting(405),
        visitor.page.expect_request(lambda request: request.url.startswith(redirect_uri)) as reached,
    ):
        visitor.page.click("#login-cancel")
        visitor.sees(REFUSED)
    assert reached.value.method == "POST"
    assert "error=access_denied" in (reached.value.post_data or "")


def test_without_javascript_the_whole_login_works(visit: Visit) -> None:
    visitor = visit(java_script_enabled=False)
    visitor.opens("portail")
    visitor.sees(PORTAL_LOGIN)
    expect(visitor.page.get_by_role("button", name="Afficher le mot de passe")).to_have_count(0)
    visitor.types_password("karim.benali")
    visitor.sees(PORTAL)

    visitor.page.get_by_role("link", name="ROR Nouvelle-Aquitaine").click()
    visitor.sees(ROR_LOGIN)
    visitor.page.click("#method-email_otp")
    expect(visitor.page.locator("#otp-resend")).to_be_enabled()
    visitor.types_code("karim.benali")
    expect(visitor.page.locator("#who")).to_have_text("Karim Benali")

    visitor.page.click("#logout")
    visitor.page.click("#logout-confirm")
    expect(visitor.page.get_by_text("Vous êtes déconnecté.")).to_be_visible()


def test_without_javascript_form_post_is_a_button(visit: Visit) -> None:
    visitor = visit(java_script_enabled=False)
    url, redirect_uri = authorize_url(visitor, "ror", response_mode="form_post", prompt="none")
    visitor.page.goto(url)
    visitor.sees("Retour au service")

    with (
        visitor.watch.expecting(405),
        visitor.page.expect_request(lambda request: request.url.startswith(redirect_uri)) as reached,
    ):
        visitor.page.get_by_role("button", name="Continuer").click()
        visitor.sees(REFUSED)
    assert reached.value.method == "POST"
    assert "error=login_required" in (reached.value.post_data or "")
