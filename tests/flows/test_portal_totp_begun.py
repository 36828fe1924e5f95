"""Adding an authenticator application: what was begun while the proof was fresh is finished within ten minutes."""

import base64
from collections.abc import Callable
from datetime import timedelta

import pytest

from idp.domain.authn import Assurance
from idp.domain.throttle import Limit
from idp.flows.portal import adding
from tests.fakes.enrolling import PASSKEY, TOTP, current, means, proven, secret_of, with_authenticators
from tests.fakes.portal import MEANS
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, path_of


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return with_authenticators(start)


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return proven(provider)


def test_a_stale_proof_shows_no_code_and_the_page_comes_back(provider: Provider, rp: RelyingParty) -> None:
    secret = secret_of(rp.browser.get(TOTP))
    provider.clock.advance(minutes=5, seconds=1)
    asked = path_of(rp.browser.get(TOTP))
    assert asked.startswith("/login/")
    assert path_of(rp.give_otp(asked)) == TOTP
    assert secret_of(rp.browser.get(TOTP)) == secret


def test_after_ten_minutes_a_fresh_proof_is_asked(provider: Provider, rp: RelyingParty) -> None:
    shown = rp.browser.get(TOTP)
    provider.clock.advance(minutes=10)
    form = {"csrf": csrf_of(shown), "code": current(secret_of(shown), provider), "name": "x"}
    assert path_of(rp.browser.post(TOTP, data=form)).startswith("/login/")
    assert means(provider, "totp") == []


def test_another_session_with_a_stale_proof_adds_nothing(provider: Provider, rp: RelyingParty) -> None:
    shown, other = rp.browser.get(TOTP), proven(provider)
    csrf = csrf_of(other.browser.get(PASSKEY))
    provider.clock.advance(minutes=6)
    form = {"csrf": csrf, "code": current(secret_of(shown), provider), "name": "x"}
    assert path_of(other.browser.post(TOTP, data=form)).startswith("/login/")
    assert means(provider, "totp") == []


def test_a_wrong_code_after_six_minutes_gives_no_more_time(
    provider: Provider, rp: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adding, "ATTEMPTS", Limit(most=100, window=timedelta(hours=1)))
    shown = rp.browser.get(TOTP)
    first, csrf = secret_of(shown), csrf_of(shown)
    provider.clock.advance(minutes=6)
    answers = [rp.browser.post(TOTP, data={"csrf": csrf, "code": "000000", "name": "x"}) for _ in range(6)]
    assert [secret_of(each) == first for each in answers] == [True] * 5 + [False]
    assert "valables 4 min" in answers[-1].text
    provider.clock.advance(minutes=4)
    form = {"csrf": csrf, "code": current(secret_of(answers[-1]), provider), "name": "x"}
    assert path_of(rp.browser.post(TOTP, data=form)).startswith("/login/")
    assert means(provider, "totp") == []


def test_a_secret_whose_data_key_is_gone_has_expired(provider: Provider, rp: RelyingParty) -> None:
    shown = rp.browser.get(TOTP)
    services = provider.services
    with services.db.engine.connect() as connection:
        (session_id,) = connection.exec_driver_sql("SELECT session_id FROM session").one()
    kept, _ = services.ephemeral.get_versioned("totp_enrolment", session_id) or ({}, 0)
    sealed = base64.b64encode(services.data_keys.seal(b"x", purpose="another")).decode()
    services.ephemeral.put("totp_enrolment", session_id, {**kept, "sealed": sealed}, timedelta(minutes=10))
    form = {"csrf": csrf_of(shown), "code": current(secret_of(shown), provider), "name": "x"}
    refused = rp.browser.post(TOTP, data=form)
    assert refused.status_code == 400
    assert "a expiré" in refused.text
    assert secret_of(refused) != secret_of(shown)


def test_an_application_that_took_six_minutes_to_install_is_added(provider: Provider, rp: RelyingParty) -> None:
    shown = rp.browser.get(TOTP)
    provider.clock.advance(minutes=6)
    form = {"csrf": csrf_of(shown), "code": current(secret_of(shown), provider), "name": "x"}
    assert path_of(rp.browser.post(TOTP, data=form)) == MEANS
    (made,) = means(provider, "totp")
    assert made.enrolled is Assurance.MEDIUM
