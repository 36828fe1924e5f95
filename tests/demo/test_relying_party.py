"""The relying party refuses whatever its provider did not say to it, and tells a person why without a 500."""

import base64
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey
from werkzeug.test import TestResponse

from demo.relying_party import create_app
from demo.service import ServiceConfig


def begin(browser: FlaskClient, provider: Any) -> dict[str, str]:
    """Press the button, and return a good answer of the provider."""
    asked = provider.authorize(browser.get("/login").location)
    return {"code": "c1", "state": asked["state"], "iss": provider.issuer}


def answer(browser: FlaskClient, parameters: dict[str, str]) -> TestResponse:
    return browser.get("/callback", query_string=parameters)


def assert_refused(browser: FlaskClient, response: TestResponse, code: str) -> None:
    assert response.status_code == 400
    assert f'<code id="error">{code}</code>' in response.text
    assert 'id="login"' in browser.get("/").text


def test_the_public_page_offers_to_log_in(browser):
    page = browser.get("/").text
    assert "Se connecter" in page
    assert "L&#39;offre de soins de la région." in page


@pytest.mark.spec("RFC 7636 §4.3, OpenID Connect Core §3.1.2.1")
def test_login_asks_with_pkce_state_and_nonce(browser, provider, service):
    location = browser.get("/login", query_string={"login_hint": "anne"}).location
    asked = provider.authorize(location)
    assert location.startswith(provider.issuer + "/authorize?")
    assert asked["code_challenge_method"] == "S256"
    assert asked["scope"] == "openid profile email identite_ps habilitations"
    assert asked["redirect_uri"] == service.redirect_uri
    assert asked["login_hint"] == "anne"
    assert asked["state"]
    assert asked["nonce"]


def test_a_good_answer_signs_the_person_in(browser, provider):
    response = answer(browser, begin(browser, provider))
    assert (response.status_code, response.location) == (303, "/")
    page = browser.get("/").text
    for shown in ("Anne Martin", "10001234567", "urn:example:medium", "pwd otp mfa"):
        assert shown in page


def test_nested_and_strange_claims_are_readable(browser, provider):
    provider.userinfo |= {"otherIds": [{"identifiant": "81", "origine": "RPPS"}], "email_verified": True, "new": None}
    provider.wrong = {"auth_time": 10**30}
    answer(browser, begin(browser, provider))
    page = browser.get("/").text
    for shown in ("identifiant : 81, origine : RPPS", "<td>oui</td>", "non communiqué", f"<td>{10**30}</td>"):
        assert shown in page


def test_a_service_without_roles_asks_for_none(service, provider):
    browser = create_app(ServiceConfig(**{**fields(service), "roles": {}})).test_client()
    assert provider.authorize(browser.get("/login").location)["scope"] == "openid profile email identite_ps"
    answer(browser, begin(browser, provider))
    assert 'id="roles"' not in browser.get("/").text


def test_roles_are_shown_with_their_establishments(browser, provider):
    given = [("PORTEUR_OFFRE", "330781196"), ("PSL", None), ("PORTEUR_OFFRE", "330781204")]
    provider.userinfo["habilitations"] = [{"code": code, **({"perimeter": at} if at else {})} for code, at in given]
    answer(browser, begin(browser, provider))
    page = browser.get("/").text
    for shown in ("Porteur d&#39;offre", "Établissements (FINESS) : 330781196, 330781204", "Sans établissement"):
        assert page.count(shown) == 1
    assert 'data-claim="habilitations"' not in page


@pytest.mark.parametrize("received", [None, "PSL", {}, [None, "PSL", {"perimeter": "1"}, {"code": "ADMIN"}]])
def test_roles_that_are_none_of_the_service_are_nothing_to_it(browser, provider, received):
    provider.userinfo["habilitations"] = received
    answer(browser, begin(browser, provider))
    assert "Aucun profil ne vous a été donné" in browser.get("/").text


@pytest.mark.spec("RFC 6749 §2.3.1")
def test_the_client_authenticates_with_basic(browser, provider):
    answer(browser, begin(browser, provider))
    kind, value = provider.token_requests[0]["authorization"].split()
    client_id, _, secret = base64.b64decode(value).decode().partition(":")
    assert (kind, client_id, secret) == ("Basic", "ror", "a:secret")


def test_the_cookie_holds_no_token(browser, provider):
    answer(browser, begin(browser, provider))
    cookie = browser.get_cookie("demo_ror")
    assert cookie is not None
    assert len(cookie.value) < 300
    assert cookie.http_only


def test_the_two_services_have_cookies_of_their_own(service, provider):
    names = {
        create_app(ServiceConfig(**{**fields(service), "key": key})).config["SESSION_COOKIE_NAME"]
        for key in ("ror", "espace_pro")
    }
    assert len(names) == 2


@pytest.mark.spec("RFC 6749 §4.1.2.1")
def test_an_error_of_the_provider_is_a_page(browser, provider):
    state = begin(browser, provider)["state"]
    error = {"error": "access_denied", "error_description": "<b>annulé</b>", "state": state, "iss": provider.issuer}
    response = answer(browser, error)
    assert_refused(browser, response, "access_denied")
    assert "&lt;b&gt;annulé&lt;/b&gt;" in response.text


@pytest.mark.spec("OpenID Connect Core §3.1.2.7, RFC 6749 §10.12")
@pytest.mark.parametrize("changes", [{"state": "other"}, {"state": ""}, {"state": "é\x00"}])
def test_a_bad_state_is_refused(browser, provider, changes):
    assert_refused(browser, answer(browser, begin(browser, provider) | changes), "mismatching_state")
    assert provider.token_requests == []


def test_an_answer_without_parameters_is_refused(browser):
    assert_refused(browser, browser.get("/callback"), "mismatching_state")


def test_words_of_an_error_without_our_state_are_not_repeated(browser):
    response = answer(browser, {"error": "access_denied", "error_description": "Appelez le 0 899"})
    assert_refused(browser, response, "mismatching_state")
    assert "0 899" not in response.text


def test_a_state_is_good_for_one_answer(browser, provider):
    good = begin(browser, provider)
    answer(browser, {"error": "login_required", "state": good["state"], "iss": provider.issuer})
    assert_refused(browser, answer(browser, good), "mismatching_state")


def test_a_state_is_good_in_one_browser(service, browser, provider):
    good = begin(browser, provider)
    other = create_app(service).test_client()
    assert_refused(other, answer(other, good), "mismatching_state")


@pytest.mark.spec("RFC 9207 §2.4")
@pytest.mark.parametrize("iss", ["https://attacker.example", "", None])
def test_a_wrong_or_missing_iss_is_refused_before_the_code_is_sent(browser, provider, iss):
    received = {name: value for name, value in (begin(browser, provider) | {"iss": iss}).items() if value is not None}
    assert_refused(browser, answer(browser, received), "mismatching_issuer")
    assert provider.token_requests == []


@pytest.mark.spec("OpenID Connect Core §3.1.3.7")
@pytest.mark.parametrize("wrong", [
    {"iss": "https://attacker.example"},
    {"aud": "another_client"},
    {"aud": "another_client", "azp": "ror"},
    {"nonce": "another"},
    {"exp": 1},
])  # fmt: skip
def test_a_wrong_id_token_is_refused(browser, provider, wrong):
    provider.wrong = wrong
    assert_refused(browser, answer(browser, begin(browser, provider)), "invalid_id_token")


def test_an_id_token_of_another_key_is_refused(browser, provider):
    provider.signing_key = RSAKey.generate_key(2048, {"kid": "k1"})
    assert_refused(browser, answer(browser, begin(browser, provider)), "invalid_id_token")


def test_an_answer_without_id_token_is_refused(browser, provider):
    provider.without_id_token = True
    assert_refused(browser, answer(browser, begin(browser, provider)), "invalid_id_token")


@pytest.mark.spec("OpenID Connect Core §5.3.2")
def test_userinfo_of_another_subject_is_refused(browser, provider):
    provider.userinfo = {"sub": "u2", "name": "Autre"}
    assert_refused(browser, answer(browser, begin(browser, provider)), "invalid_id_token")


def test_an_error_of_the_token_endpoint_is_a_page(browser, provider):
    good = begin(browser, provider)
    provider.asked["code_challenge"] = "another"
    assert_refused(browser, answer(browser, good), "invalid_grant")


@pytest.mark.spec("OpenID Connect Discovery §4.3")
def test_metadata_of_another_issuer_is_refused(browser, provider):
    provider.metadata = {"issuer": "https://attacker.example"}
    assert_refused(browser, browser.get("/login"), "mismatching_issuer")


@pytest.mark.spec("OpenID Connect Core §4")
def test_a_login_started_for_another_provider_is_refused(browser):
    assert_refused(
        browser, browser.get("/login", query_string={"iss": "https://attacker.example"}), "mismatching_issuer"
    )


def test_a_provider_that_is_down_is_a_page(service):
    app = create_app(ServiceConfig(**{**fields(service), "issuer": "http://127.0.0.1:9"}))
    response = app.test_client().get("/login")
    assert response.status_code == 502
    assert "provider_unreachable" in response.text


@pytest.mark.spec("OpenID Connect RP-Initiated Logout §2, §3")
def test_logout_ends_both_sessions(browser, provider, service):
    answer(browser, begin(browser, provider))
    response = browser.post("/logout", headers={"Origin": "http://localhost"})
    asked = {name: values[0] for name, values in parse_qs(urlsplit(response.location).query).items()}
    assert response.location.startswith(provider.issuer + "/logout?")
    assert asked["id_token_hint"].count(".") == 2
    assert asked["post_logout_redirect_uri"] == service.post_logout_redirect_uri
    page = browser.get("/", query_string={"state": asked["state"]}).text
    assert "Vous êtes déconnecté" in page
    assert "Anne Martin" not in page


def test_logout_by_another_port_of_localhost_is_refused(browser, provider):
    answer(browser, begin(browser, provider))
    assert browser.post("/logout", headers={"Origin": "http://localhost:8080"}).status_code == 403
    assert "Anne Martin" in browser.get("/").text


def test_logout_by_get_does_not_exist(browser):
    assert browser.get("/logout").status_code == 405


def test_the_state_of_a_logout_begins_no_session(browser, provider):
    answer(browser, begin(browser, provider))
    location = browser.post("/logout").location
    state = parse_qs(urlsplit(location).query)["state"][0]
    response = answer(browser, {"code": "c1", "state": state, "iss": provider.issuer})
    assert_refused(browser, response, "mismatching_state")


def test_pages_need_no_inline_style_or_script(browser):
    response = browser.get("/")
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "<script" not in response.text
    assert "style=" not in response.text
    assert browser.get("/theme.css").text == ":root { --accent: #1b3a6b; }\n"


@pytest.mark.parametrize("accent", ["blue", "#ffffff", "#fff", "#1b3a6b;}"])
def test_an_accent_that_cannot_be_read_is_refused(service, accent):
    with pytest.raises(ValueError, match="accent"):
        ServiceConfig(**{**fields(service), "accent": accent})


def test_the_secret_is_not_in_the_repr(service):
    assert service.client_secret not in repr(service)


def fields(service: ServiceConfig) -> dict[str, Any]:
    return {name: getattr(service, name) for name in ServiceConfig.__slots__}
