"""The 38 modules of oidcc-basic-certification-test-plan: one test each, here or where COVERED says.

Names: those of the OpenID Foundation's plan.
"""

import json
import math
from collections import Counter
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import jwt
import pytest

from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, error_of, page_error_of, path_of

pytestmark = pytest.mark.spec("oidcc-basic-certification-test-plan")
COVERED = {
    "idtoken-signature": "test_id_token.py::test_rs256_is_the_default",
    "userinfo-get": "test_userinfo.py::test_get_post_header_and_post_body",
    "userinfo-post-header": "test_userinfo.py::test_get_post_header_and_post_body",
    "userinfo-post-body": "test_userinfo.py::test_get_post_header_and_post_body",
    "ensure-request-without-nonce-succeeds-for-code-flow": "test_id_token.py::test_no_nonce_where_none_was_sent",
    "scope-profile": "test_userinfo.py::test_each_scope_gives_its_claims_and_no_others",
    "scope-email": "test_userinfo.py::test_each_scope_gives_its_claims_and_no_others",
    "scope-address": "test_userinfo.py::test_each_scope_gives_its_claims_and_no_others",
    "scope-phone": "test_userinfo.py::test_each_scope_gives_its_claims_and_no_others",
    "scope-all": "test_userinfo.py::test_all_claims_with_their_types",
    "display-page": "test_authorize_prompts.py::test_display_and_unknown_parameters_are_ignored",
    "display-popup": "test_authorize_prompts.py::test_display_and_unknown_parameters_are_ignored",
    "prompt-login": "test_authorize_prompts.py::test_prompt_login_asks_again_and_renews_auth_time",
    "prompt-none-logged-in": "test_authorize_prompts.py::test_prompt_none_with_a_session_answers_without_a_page",
    "max-age-1": "test_authorize_prompts.py::test_max_age",
    "max-age-10000": "test_authorize_prompts.py::test_max_age",
    "ensure-request-with-unknown-parameter-succeeds": (
        "test_authorize_prompts.py::test_display_and_unknown_parameters_are_ignored"
    ),
    "id-token-hint": "test_authorize_prompts.py::test_id_token_hint_of_the_person_signed_in_is_accepted_even_expired",
    "login-hint": "test_authorize_prompts.py::test_login_hint_fills_the_form_and_proves_nothing",
    "ui-locales": "test_authorize_prompts.py::test_ui_locales_choose_the_language",
    "claims-locales": "test_authorize_prompts.py::test_display_and_unknown_parameters_are_ignored",
    "codereuse": "test_token_codes.py::test_code_used_twice_revokes_what_it_gave",
    "codereuse-30seconds": "test_token_codes.py::test_code_used_twice_revokes_what_it_gave",
    "ensure-post-request-succeeds": "test_authorize_post.py::test_post_leads_to_the_login_page",
    "server-client-secret-post": "test_token.py::test_each_method_works_for_the_clients_that_registered_it_only",
}
ALLOWED_IN_ID_TOKEN = {
    "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "c_hash", "s_hash", "nbf",
    "jti", "sid", "txn",
}  # fmt: skip
UNSIGNED = jwt.encode({"iss": "rp", "client_id": "rp", "state": "inner"}, "", algorithm="none")


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return RelyingParty(provider)


def entropy_bits(value: str) -> float:
    """Shannon entropy, as the suite measures codes and tokens."""
    return -sum(n * math.log2(n / len(value)) for n in Counter(value).values())


def test_every_module_of_the_plan_has_a_test() -> None:
    here = Path(__file__)
    mine = [line.split("(")[0].removeprefix("def test_oidcc_") for line in here.read_text().splitlines()
            if line.startswith("def test_oidcc_")]  # fmt: skip
    assert len(mine) + len(COVERED) == 38
    assert not {name.replace("-", "_") for name in COVERED} & set(mine)
    for where in COVERED.values():
        file, _, name = where.partition("::")
        assert f"def {name}(" in (here.parent / file).read_text(), where


def test_pages_carry_the_ids_that_the_plan_drives(rp: RelyingParty) -> None:
    """§1.8; the other pages' ids are asserted where those pages are tested."""
    page = rp.browser.get(rp.open_login()).text
    for name in ("login-username", "login-password", "login-submit", "login-cancel"):
        assert page.count(f'id="{name}"') == 1, name
    assert "Service rp" in page


def test_oidcc_server(rp: RelyingParty) -> None:
    answer = rp.login()
    tokens = rp.redeem(answer["code"])
    assert tokens["expires_in"] > 0
    assert tokens["claims"].keys() <= ALLOWED_IN_ID_TOKEN
    assert rp.userinfo(tokens["access_token"]).status_code == 200
    for value in (answer["code"], tokens["access_token"]):
        assert entropy_bits(value) >= 96


def test_oidcc_response_type_missing(rp: RelyingParty) -> None:
    assert error_of(rp.authorize(response_type=None)) == "invalid_request"


def test_oidcc_idtoken_unsigned(provider: Provider) -> None:
    """Skipped by the suite: `none` is not advertised, and cannot be registered."""
    document = provider.browser().get("/.well-known/openid-configuration").json or {}
    assert "none" not in document["id_token_signing_alg_values_supported"]
    with pytest.raises(Exception, match="id_token_alg"):
        provider.add_client("unsigned", id_token_alg="none")


def test_oidcc_alternate_happy_flow(rp: RelyingParty) -> None:
    shuffled = dict(sorted(rp.request(scope="email profile openid").items(), reverse=True))
    path = path_of(rp.browser.get("/authorize?" + urlencode(shuffled)))
    assert rp.redeem(answer_of(rp.give_password(path))["code"])["scope"] == "openid profile email"


def test_oidcc_prompt_none_not_logged_in(rp: RelyingParty) -> None:
    state = "s" * 128
    assert error_of(rp.authorize(prompt="none", state=state), state=state) == "login_required"


def test_oidcc_ensure_request_with_acr_values_succeeds(rp: RelyingParty) -> None:
    document = rp.browser.get("/.well-known/openid-configuration").json or {}
    advertised = document["acr_values_supported"]
    assert rp.tokens(acr_values=" ".join(advertised))["claims"]["acr"] in advertised


def test_oidcc_ensure_registered_redirect_uri(rp: RelyingParty) -> None:
    response = rp.authorize(redirect_uri=f"{rp.redirect_uri}/foobar")
    assert page_error_of(response) == "invalid_request"
    assert "redirect_uri is not registered" in response.text


def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(rp: RelyingParty) -> None:
    response = rp.authorize(request_uri="https://suite.example/request.jwt#abc")
    assert error_of(response) == "request_uri_not_supported"


def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(rp: RelyingParty) -> None:
    assert error_of(rp.authorize(request=UNSIGNED)) == "request_not_supported"


def test_oidcc_claims_essential(rp: RelyingParty) -> None:
    tokens = rp.tokens(scope="openid", claims=json.dumps({"userinfo": {"name": {"essential": True}}}))
    assert "name" not in tokens["claims"]
    info = rp.userinfo(tokens["access_token"]).json or {}
    assert info["name"] == "Anne Pierre"


def test_oidcc_ensure_request_object_with_redirect_uri(rp: RelyingParty) -> None:
    request = jwt.encode({"client_id": "rp", "redirect_uri": rp.redirect_uri}, "", algorithm="none")
    response = rp.authorize(redirect_uri=f"{rp.redirect_uri}/wrong", request=request)
    assert page_error_of(response) == "invalid_request"


def test_oidcc_refresh_token(rp: RelyingParty) -> None:
    """Offline access is asked for with consent; the refreshed ID Token speaks of the same login, with no nonce."""
    document = rp.browser.get("/.well-known/openid-configuration").json or {}
    assert "refresh_token" in document["grant_types_supported"]
    assert "offline_access" in document["scopes_supported"]
    rp.provider.add_client(
        "suite",
        grant_types=("authorization_code", "refresh_token"),
        scopes=("openid", "offline_access"),
        offline_lifetime=timedelta(days=1),
    )
    suite = RelyingParty(rp.provider, "suite")
    path = suite.open_login(scope="openid offline_access", prompt="consent")
    suite.give_password(path)
    agreed = suite.browser.get(path_of(suite.consent(path)))
    first = suite.redeem(answer_of(agreed)["code"])
    second = suite.refresh(first["refresh_token"]).json or {}
    before, after = suite.verify(first["id_token"]), suite.verify(second["id_token"])
    same = ("iss", "sub", "aud", "auth_time")
    assert {name: before[name] for name in same} == {name: after[name] for name in same}
    assert "nonce" not in after
    assert suite.userinfo(second["access_token"]).status_code == 200


def test_oidcc_ensure_request_with_valid_pkce_succeeds(rp: RelyingParty) -> None:
    """And, as the other modules of the plan do, without: the suite's client is registered so."""
    assert rp.tokens()["id_token"]
    rp.provider.add_client("suite", require_pkce=False)
    suite = RelyingParty(rp.provider, "suite")
    answer = suite.login(code_challenge=None, code_challenge_method=None)
    assert answer["iss"] == ISSUER
    assert suite.token(answer["code"], code_verifier=None).status_code == 200
