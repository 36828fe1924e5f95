"""prompt, max_age, hints, acr and claims, as a person and a service meet them."""

import json
from typing import Any

import pytest

from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, error_of, path_of


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return RelyingParty(provider)


def asked(**members: Any) -> str:
    return json.dumps(members)


# prompt


@pytest.mark.spec("OIDC Core §3.1.2.6")
def test_prompt_none_without_a_session_is_login_required(rp: RelyingParty) -> None:
    assert error_of(rp.authorize(prompt="none")) == "login_required"


def test_prompt_none_with_a_session_answers_without_a_page(rp: RelyingParty) -> None:
    first = rp.tokens()["claims"]
    rp.provider.clock.advance(minutes=5)
    again = rp.redeem(rp.silent()["code"])["claims"]
    assert (again["sub"], again["auth_time"]) == (first["sub"], first["auth_time"])
    assert again["iat"] == first["iat"] + 300


@pytest.mark.parametrize("limit", [{"minutes": 30}, {"hours": 4}])
def test_prompt_none_after_the_session_has_died_is_login_required(rp: RelyingParty, limit: dict[str, float]) -> None:
    rp.login()
    rp.provider.clock.advance(**limit)
    assert error_of(rp.authorize(prompt="none")) == "login_required"


def test_prompt_none_where_the_policy_asks_for_more_is_login_required(rp: RelyingParty) -> None:
    rp.provider.add_client("ror", methods=("email_otp",))
    rp.login()
    ror = RelyingParty(rp.provider, "ror", rp.browser)
    assert error_of(ror.authorize(prompt="none")) == "login_required"


def test_prompt_none_without_access_to_the_service_is_access_denied(rp: RelyingParty) -> None:
    rp.provider.add_client("closed", needs_entitlement=True)
    rp.login()
    assert error_of(RelyingParty(rp.provider, "closed", rp.browser).authorize(prompt="none")) == "access_denied"


@pytest.mark.spec("OIDC Core §3.1.2.1")
def test_prompt_login_asks_again_and_renews_auth_time(rp: RelyingParty) -> None:
    first = rp.tokens()["claims"]
    rp.provider.clock.advance(seconds=2)
    second = rp.tokens(prompt="login")["claims"]
    assert second["auth_time"] == first["auth_time"] + 2
    assert (second["sub"], second["sid"]) == (first["sub"], first["sid"])


def test_prompt_login_asks_the_first_factor_again_too(rp: RelyingParty) -> None:
    rp.provider.add_client("ror", methods=("email_otp",))
    rp.login()
    ror = RelyingParty(rp.provider, "ror", rp.browser)
    path = ror.open_login(prompt="login")
    ror.post(f"{path}/email_otp", page=path)
    assert 'type="password"' in ror.browser.get(f"{path}/email_otp").text


def test_prompt_consent_asks_each_time(rp: RelyingParty) -> None:
    rp.login()
    for _ in range(2):
        path = rp.open_login(prompt="consent")
        page = rp.browser.get(path).text
        assert 'id="consent-allow"' in page
        assert 'id="consent-deny"' in page
        allowed = rp.consent(path)
        assert answer_of(rp.browser.get(path_of(allowed)))["code"]


def test_prompt_select_account_offers_the_account_at_hand(rp: RelyingParty) -> None:
    rp.login()
    path = rp.open_login(prompt="select_account")
    assert 'id="account-continue"' in rp.browser.get(path).text
    chosen = rp.post(f"{path}/account", page=path, choice="continue")
    assert answer_of(rp.browser.get(path_of(chosen)))["code"]


def test_prompt_select_account_lets_another_account_in(rp: RelyingParty) -> None:
    other = rp.provider.add_account("paul.durand")
    rp.login()
    path = rp.open_login(prompt="select_account")
    rp.post(f"{path}/account", page=path, choice="other")
    answer = answer_of(rp.give_password(path, login="paul.durand"))
    assert rp.redeem(answer["code"])["claims"]["sub"] == other.account_id


def test_prompt_select_account_without_a_session_is_a_login(rp: RelyingParty) -> None:
    assert rp.login(prompt="select_account")["code"]


def test_prompts_combine(rp: RelyingParty) -> None:
    first = rp.tokens()["claims"]
    rp.provider.clock.advance(seconds=9)
    path = rp.open_login(prompt="login consent")
    rp.give_password(path)
    allowed = rp.consent(path)
    claims = rp.redeem(answer_of(rp.browser.get(path_of(allowed)))["code"])["claims"]
    assert claims["auth_time"] == first["auth_time"] + 9


# max_age


@pytest.mark.spec("OIDC Core §3.1.2.1")
@pytest.mark.parametrize(
    ("max_age", "waited_s", "is_asked"), [("0", 0, True), ("1", 1, False), ("1", 2, True), ("10000", 1700, False)]
)
def test_max_age(rp: RelyingParty, max_age: str, waited_s: int, is_asked: bool) -> None:
    first = rp.tokens(max_age=max_age)["claims"]
    rp.provider.clock.advance(seconds=waited_s)
    if is_asked:
        assert error_of(rp.authorize(max_age=max_age, prompt="none")) == "login_required"
        answer = rp.login(max_age=max_age)
    else:
        answer = rp.silent(max_age=max_age)
    claims = rp.redeem(answer["code"])["claims"]
    assert claims["auth_time"] == first["auth_time"] + (waited_s if is_asked else 0)
    assert claims["sub"] == first["sub"]


# hints


@pytest.mark.spec("OIDC Core §3.1.2.1")
def test_id_token_hint_of_the_person_signed_in_is_accepted_even_expired(rp: RelyingParty) -> None:
    first = rp.tokens()
    rp.provider.clock.advance(minutes=20)
    claims = rp.redeem(rp.silent(id_token_hint=first["id_token"])["code"])["claims"]
    assert (claims["sub"], claims["auth_time"]) == (first["claims"]["sub"], first["claims"]["auth_time"])


def test_id_token_hint_of_another_person_is_login_required(rp: RelyingParty) -> None:
    hint = rp.tokens()["id_token"]
    rp.provider.add_account("paul.durand")
    other = RelyingParty(rp.provider)
    answer_of(other.give_password(other.open_login(), login="paul.durand"))
    assert error_of(other.authorize(id_token_hint=hint, prompt="none")) == "login_required"


def test_id_token_hint_refuses_the_login_of_another_person(rp: RelyingParty) -> None:
    hint = rp.tokens()["id_token"]
    rp.provider.add_account("paul.durand")
    other = RelyingParty(rp.provider)
    path = other.open_login(id_token_hint=hint)
    refused = other.give_password(path, login="paul.durand")
    assert refused.status_code == 200
    assert answer_of(other.give_password(path))["code"]


@pytest.mark.parametrize("hint", ["anne.pierre", "buffy@idp.example", "Hélène", '"><script>', "x" * 320])
def test_login_hint_fills_the_form_and_proves_nothing(rp: RelyingParty, hint: str) -> None:
    path = rp.open_login(login_hint=hint)
    page = rp.browser.get(path).text
    assert 'id="login-username"' in page
    assert "<script>" not in page
    if hint.isalnum():
        assert f'value="{hint}"' in page
    assert answer_of(rp.give_password(path))["code"]


# acr


@pytest.mark.spec("OIDC Core §3.1.2.1, §5.5.1.1")
@pytest.mark.parametrize(
    ("acr_values", "acr"),
    [
        ("urn:sesame:acr:low eidas1 eidas2 eidas3", "urn:sesame:acr:low"),
        ("eidas3", "urn:sesame:acr:low"),
        ("1 2", "urn:sesame:acr:low"),
    ],
)
def test_voluntary_acr_is_never_an_error(rp: RelyingParty, acr_values: str, acr: str) -> None:
    assert rp.tokens(acr_values=acr_values)["claims"]["acr"] == acr


def test_voluntary_acr_that_the_policy_can_reach_is_asked_for(rp: RelyingParty) -> None:
    rp.provider.add_client("both", methods=("email_otp", "password"))
    both = RelyingParty(rp.provider, "both")
    both.login()
    path = both.open_login(acr_values="eidas1")
    answer = answer_of(both.give_otp(path, password=None))
    assert both.redeem(answer["code"])["claims"]["acr"] == "eidas1"


def test_essential_acr_out_of_reach_is_refused(rp: RelyingParty) -> None:
    for values in (["eidas3"], ["unheard-of"]):
        claims = asked(id_token={"acr": {"essential": True, "values": values}})
        assert error_of(rp.authorize(claims=claims)) == "unmet_authentication_requirements"


def test_essential_acr_is_enforced_on_the_session(rp: RelyingParty) -> None:
    rp.provider.add_client("both", methods=("email_otp", "password"))
    both = RelyingParty(rp.provider, "both")
    both.login()
    claims = asked(id_token={"acr": {"essential": True, "value": "eidas1"}})
    assert error_of(both.authorize(claims=claims, prompt="none")) == "login_required"
    path = both.open_login(claims=claims)
    forged = both.post(f"{path}/password", page=path, login="anne.pierre", password="whatever it is")
    assert forged.status_code == 403
    answer = answer_of(both.give_otp(path, password=None))
    assert both.redeem(answer["code"])["claims"]["acr"] == "eidas1"


def test_acr_claim_without_essential_or_values_is_voluntary(rp: RelyingParty) -> None:
    for member in ({"values": ["eidas3"]}, {"essential": True}, None):
        assert (
            rp.tokens(claims=asked(id_token={"acr": member}), prompt="login")["claims"]["acr"] == "urn:sesame:acr:low"
        )


# claims, and what is only for show


@pytest.mark.spec("OIDC Core §5.5.1")
def test_sub_by_value_must_be_the_person_signed_in(rp: RelyingParty) -> None:
    sub = rp.tokens()["claims"]["sub"]
    other = rp.provider.add_account("paul.durand").account_id
    for part in ("id_token", "userinfo"):
        assert rp.silent(claims=asked(**{part: {"sub": {"value": sub}}}))["code"]
        response = rp.authorize(claims=asked(**{part: {"sub": {"value": other}}}), prompt="none")
        assert error_of(response) == "login_required"


def test_claims_that_are_unknown_or_not_the_clients_are_ignored(rp: RelyingParty) -> None:
    rp.provider.add_client("small", scopes=("openid", "profile"))
    small = RelyingParty(rp.provider, "small")
    names = {"email": {"essential": True}, "unheard_of": None, "name": None}
    tokens = small.tokens(scope="openid", claims=asked(id_token=names, userinfo=names, verified={"x": [1]}))
    assert tokens["claims"]["name"] == "Anne Pierre"
    assert not {"email", "unheard_of"} & tokens["claims"].keys()
    info = small.userinfo(tokens["access_token"]).json
    assert info == {"sub": tokens["claims"]["sub"], "name": "Anne Pierre"}


@pytest.mark.parametrize(
    ("locales", "lang"), [("en", "en"), ("en-GB fr", "en"), ("fr", "fr"), ("se", "fr"), ("*", "fr")]
)
def test_ui_locales_choose_the_language(rp: RelyingParty, locales: str, lang: str) -> None:
    page = rp.browser.get(rp.open_login(ui_locales=locales))
    assert page.headers["Content-Language"] == lang
    assert f'<html lang="{lang}">' in page.text


@pytest.mark.parametrize("display", ["page", "popup", "touch", "wap", "unheard-of"])
def test_display_and_unknown_parameters_are_ignored(rp: RelyingParty, display: str) -> None:
    assert rp.login(display=display, claims_locales="se", extra="foobar", é="é")["code"]
