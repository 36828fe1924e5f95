"""Consent: asked never, at first or always; kept for the account that was asked, and for what it was asked."""

import json

import pytest

from tests.fakes.consents import ALLOW, give, is_asked, party, remembered
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, error_of, hidden_of, path_of


def test_a_service_of_the_region_asks_nothing(provider: Provider) -> None:
    rp = party(provider, "never")
    assert is_asked(rp) is None
    assert is_asked(rp, scope="openid phone address") is None
    assert remembered(provider) == set()


def test_asked_at_first_it_is_asked_once(provider: Provider) -> None:
    rp = party(provider, "first")
    assert give(rp)["code"]
    assert is_asked(rp) is None
    assert is_asked(rp, scope="openid email") is None
    assert rp.silent()["code"]


def test_asked_in_another_browser_it_is_remembered_too(provider: Provider) -> None:
    give(party(provider, "first"))
    assert "code" in RelyingParty(provider, "asking").login()


def test_a_new_scope_is_asked_for_and_then_all_are_remembered(provider: Provider) -> None:
    rp = party(provider, "first")
    give(rp, scope="openid email")
    assert error_of(rp.authorize(scope="openid phone", prompt="none")) == "consent_required"
    give(rp, scope="openid phone")
    assert is_asked(rp, scope="openid email phone") is None
    assert remembered(provider) == {"openid", "email", "phone"}


def test_a_claim_that_is_asked_by_name_counts_as_its_scope(provider: Provider) -> None:
    rp = party(provider, "first")
    give(rp, scope="openid")
    for part in ("userinfo", "id_token"):
        by_name = json.dumps({part: {"phone_number": None}})
        path = is_asked(rp, scope="openid", claims=by_name)
        assert path
        assert "Votre téléphone" in rp.browser.get(path).text
    give(rp, scope="openid", claims=by_name)
    assert is_asked(rp, scope="openid", claims=by_name) is None
    assert is_asked(rp, scope="openid phone") is None


def test_asked_always_it_is_asked_each_time(provider: Provider) -> None:
    rp = party(provider, "always")
    for _ in range(2):
        assert give(rp)["code"]


@pytest.mark.spec("OIDC Core §3.1.2.1")
@pytest.mark.parametrize("consent", ["never", "first", "always"])
def test_prompt_consent_asks_whatever_is_remembered(provider: Provider, consent: str) -> None:
    rp = party(provider, consent)
    for _ in range(2):
        assert give(rp, prompt="consent")["code"]


@pytest.mark.spec("OIDC Core §3.1.2.6")
@pytest.mark.parametrize("consent", ["first", "always"])
def test_prompt_none_where_a_consent_is_needed(provider: Provider, consent: str) -> None:
    rp = party(provider, consent)
    assert error_of(rp.authorize(prompt="none")) == "consent_required"
    give(rp)
    answer = answer_of(rp.authorize(prompt="none"))
    assert answer.get("error") == (None if consent == "first" else "consent_required")


def test_it_is_asked_after_a_login_too(provider: Provider) -> None:
    provider.add_client("asking", consent="first")
    rp = RelyingParty(provider, "asking")
    path = rp.open_login()
    assert path_of(rp.give_password(path)) == path
    assert path_of(rp.consent(path)) == path
    assert answer_of(rp.browser.get(path))["code"]
    rp.provider.clock.advance(minutes=31)
    assert "code" in rp.login()


def test_a_refusal_is_told_and_not_remembered(provider: Provider) -> None:
    rp = party(provider, "first")
    path = is_asked(rp)
    assert path
    assert error_of(rp.consent(path, "deny")) == "access_denied"
    assert provider.events("authorization.refused_consent")
    assert is_asked(rp)


def test_a_consent_is_for_one_service_and_one_account(provider: Provider) -> None:
    give(party(provider, "first"))
    provider.add_account("paul.durand")
    provider.add_client("second", consent="first")
    for client_id, login in (("asking", "paul.durand"), ("second", "anne.pierre")):
        rp = RelyingParty(provider, client_id)
        path = rp.open_login()
        rp.give_password(path, login)
        assert ALLOW in rp.browser.get(path).text


def test_the_page_of_one_person_is_not_the_consent_of_the_next(provider: Provider) -> None:
    """Anne leaves the page open and signs out; Paul signs in, in another tab: the old page must not speak for him."""
    provider.add_account("paul.durand")
    rp = party(provider, "first")
    path = is_asked(rp)
    assert path
    page = rp.browser.get(path)
    other = RelyingParty(provider, "rp", rp.browser)
    switched = other.open_login(prompt="select_account")
    other.post(f"{switched}/account", page=switched, choice="other")
    answer_of(other.give_password(switched, login="paul.durand"))
    rp.browser.post(f"{path}/consent", data={**hidden_of(page), "decision": "allow"})
    asked = rp.browser.get(path)
    assert ALLOW in asked.text
    assert "Paul Durand" in asked.text
    assert not provider.events("authorization.consented")


def test_a_consent_of_the_account_that_was_left_does_not_count(provider: Provider) -> None:
    """Anne consents, and before the code is asked for, the login goes on as Paul."""
    provider.add_account("paul.durand")
    provider.add_client("asking", consent="first")
    rp = RelyingParty(provider, "asking")
    path = rp.open_login(prompt="login")
    rp.give_password(path)
    rp.consent(path)
    other = RelyingParty(provider, "rp", rp.browser)
    switched = other.open_login(prompt="select_account")
    other.post(f"{switched}/account", page=switched, choice="other")
    answer_of(other.give_password(switched, login="paul.durand"))
    rp.give_password(path, login="paul.durand")
    assert ALLOW in rp.browser.get(path).text
    assert not provider.events("authorization.consented")
