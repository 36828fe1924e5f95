"""Adding an authenticator application: after a fresh proof of two factors, confirmed by a code, once."""

import html
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from idp.domain.account import AccountStatus
from idp.domain.authn import Assurance
from idp.domain.throttle import Limit
from idp.flows.operators import accounts
from idp.flows.operators.purging import purge
from idp.flows.portal import adding, totp
from idp.flows.portal.door import Visitor
from idp.flows.services import Services
from idp.store.conformance import race
from tests.fakes.enrolling import (
    TOTP,
    add_totp,
    current,
    give_totp,
    given_passkey,
    means,
    proven,
    secret_of,
    with_authenticators,
)
from tests.fakes.portal import MEANS, at_the_portal, by_password, copy_of, enter, remove
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, path_of


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return with_authenticators(start)


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return proven(provider)


def confirm(rp: RelyingParty, **form: str) -> int:
    """Send the form; the status."""
    return rp.post(TOTP, page=TOTP, **{"name": "Mon téléphone", **form}).status_code


# -- refusals ----------------------------------------------------------------------------


def test_a_password_alone_adds_nothing(provider: Provider) -> None:
    rp = enter(provider, by_password)
    assert path_of(rp.browser.get(TOTP)).startswith("/login/")
    provider.add_account("karim.benali", email="")
    karim = at_the_portal(provider, "karim.benali")
    assert karim.browser.get(TOTP).status_code == 403


@pytest.mark.parametrize("token", [None, "forged"])
def test_a_form_of_elsewhere_is_refused(provider: Provider, rp: RelyingParty, token: str | None) -> None:
    secret = secret_of(rp.browser.get(TOTP))
    form = {"code": current(secret, provider), "name": "x", **({"csrf": token} if token else {})}
    assert rp.browser.post(TOTP, data=form).status_code == 403
    assert means(provider, "totp") == []


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "000000"])
def test_a_wrong_code_adds_nothing_and_the_secret_stays(provider: Provider, rp: RelyingParty, code: str) -> None:
    secret = secret_of(rp.browser.get(TOTP))
    assert confirm(rp, code=code) == 400
    assert means(provider, "totp") == []
    assert secret_of(rp.browser.get(TOTP)) == secret
    assert len(provider.events("means.add_refused")) == (code == "000000")


def test_a_code_of_two_steps_ago_adds_nothing(provider: Provider, rp: RelyingParty) -> None:
    secret = secret_of(rp.browser.get(TOTP))
    assert confirm(rp, code=current(secret, provider, -2)) == 400
    assert confirm(rp, code=current(secret, provider, -1)) == 303


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\u202eb"])
def test_a_name_that_is_none_is_refused(provider: Provider, rp: RelyingParty, name: str) -> None:
    secret = secret_of(rp.browser.get(TOTP))
    assert confirm(rp, code=current(secret, provider), name=name) == 400
    assert means(provider, "totp") == []
    assert confirm(rp, code=current(secret, provider)) == 303


def test_a_secret_dies_after_ten_minutes(provider: Provider, rp: RelyingParty) -> None:
    secret = secret_of(rp.browser.get(TOTP))
    provider.clock.advance(minutes=10)
    asked = path_of(rp.browser.get(TOTP))
    rp.give_otp(asked)
    assert secret_of(rp.browser.get(TOTP)) != secret
    assert confirm(rp, code=current(secret, provider)) == 400


def test_a_secret_is_of_one_session(provider: Provider, rp: RelyingParty) -> None:
    secret, other = secret_of(rp.browser.get(TOTP)), proven(provider, TOTP)
    assert secret_of(other.browser.get(TOTP)) != secret
    assert confirm(other, code=current(secret, provider)) == 400


def test_five_wrong_codes_wear_a_secret_out(
    provider: Provider, rp: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adding, "ATTEMPTS", Limit(most=100, window=timedelta(hours=1)))
    secret = secret_of(rp.browser.get(TOTP))
    for _ in range(5):
        assert confirm(rp, code="000000") == 400
    assert confirm(rp, code=current(secret, provider)) == 400
    assert secret_of(rp.browser.get(TOTP)) != secret


def test_wrong_codes_are_delayed_whatever_the_secret(provider: Provider, rp: RelyingParty) -> None:
    for _ in range(5):
        confirm(rp, code="000000")
    confirm(rp, code="000000")  # worn out: a new secret
    secret = secret_of(rp.browser.get(TOTP))
    refused = rp.post(TOTP, page=TOTP, code=current(secret, provider), name="x")
    assert refused.status_code == 400
    assert "Réessayez dans 2 min" in refused.text


def test_a_sixth_application_is_one_too_many(provider: Provider, rp: RelyingParty) -> None:
    for _ in range(5):
        add_totp(rp)
    refused = rp.browser.get(TOTP)
    assert path_of(refused) == MEANS
    shown = rp.browser.get(MEANS).text
    assert re.search(r'role="alert"[^§]*retirez-en un', shown)
    assert f'href="{TOTP}"' not in shown


def test_without_the_method_there_is_no_page(start: Callable[..., Provider]) -> None:
    provider = start()
    provider.add_account("anne.pierre")
    rp = proven(provider)
    assert rp.browser.get(TOTP).status_code == 404
    assert TOTP not in rp.browser.get(MEANS).text


def test_of_two_tabs_at_once_one_adds(provider: Provider, rp: RelyingParty) -> None:
    secret = secret_of(rp.browser.get(TOTP))
    tabs, csrf = [copy_of(rp, provider) for _ in range(3)], csrf_of(rp.browser.get(TOTP))
    form = {"csrf": csrf, "code": current(secret, provider), "name": "x"}
    found = race(lambda number: tabs[number].post(TOTP, data=form).status_code, len(tabs))
    assert sorted(found)[0] == 303
    assert set(found[1:] + found[:1]) <= {303, 400, 409}
    assert len(means(provider, "totp")) == 1


@pytest.mark.parametrize("step", ["attempt", "forgive"], ids=["before the try is counted", "after"])
def test_a_secret_that_another_tab_added_is_not_added_again_for_a_new_one_waits(
    provider: Provider, rp: RelyingParty, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    secret, goes_on = secret_of(rp.browser.get(TOTP)), getattr(adding, step)

    def meanwhile(services: Services, visitor: Visitor, kind: str) -> Any:
        """One tab took it, and another was told that it is over, and shows a new one."""
        services.ephemeral.take(totp.PENDING, visitor.session.session_id)
        totp._draw(services, visitor, adding.begin(services, visitor))
        return goes_on(services, visitor, kind)

    monkeypatch.setattr(adding, step, meanwhile)
    assert confirm(rp, code=current(secret, provider)) == 409
    assert means(provider, "totp") == []


# -- added -------------------------------------------------------------------------------


def test_it_is_added_with_the_level_of_the_proof_and_the_holder_is_told(provider: Provider, rp: RelyingParty) -> None:
    add_totp(rp, "  Mon   téléphone ")
    (made,) = means(provider, "totp")
    assert (made.name, made.enrolled, made.anchor) == ("Mon téléphone", Assurance.MEDIUM, "totp")
    (event,) = provider.events("means.added")
    assert event.detail == {"method": "totp", "means": made.credential_id, "assurance": "MEDIUM"}
    letter = provider.mails()[-1]
    assert "Un moyen d'authentification a été ajouté" in letter.text
    assert "/not-me/" in letter.text
    shown = rp.browser.get(MEANS).text
    assert "L&#39;application d&#39;authentification est ajoutée." in shown
    assert "Mon téléphone" in shown
    assert "jamais utilisé" in shown


def test_the_page_shows_code_and_secret_and_nothing_inline(provider: Provider, rp: RelyingParty) -> None:
    shown = rp.browser.get(TOTP)
    assert "<svg width" in shown.text
    uri = html.unescape(re.search(r'href="(otpauth:[^"]+)"', shown.text)[1])  # type: ignore[index]
    assert uri == f"otpauth://totp/esea:anne.pierre?secret={secret_of(shown)}&issuer=esea"
    assert " style=" not in shown.text
    assert not re.search(r"<script(?! src=)", shown.text)
    assert "img-src 'self' data:; form-action 'self'" in shown.headers["Content-Security-Policy"]
    assert shown.headers["Cache-Control"] == "no-store"
    assert "Add an authenticator application" in rp.browser.get(f"{TOTP}?lang=en").text


def test_the_code_that_confirmed_it_signs_nobody_in(provider: Provider, rp: RelyingParty) -> None:
    secret = add_totp(rp)
    other = RelyingParty(provider, "strong")
    path = other.open_login()
    other.post(f"{path}/totp", page=path)
    other.post(f"{path}/totp", page=f"{path}/totp", login="anne.pierre", password="correct cheval batterie agrafe")
    assert "a déjà servi" in give_totp(other, path, current(secret, provider)).text


def test_the_secret_is_nowhere_in_clear(provider: Provider, rp: RelyingParty) -> None:
    secret = add_totp(rp)
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        (stored,) = tx.totp_secrets.of(account.account_id)
        exported = tx.personal_data.of(account.account_id)
    assert secret.encode() not in stored.sealed
    assert secret not in repr(stored)
    (app,) = exported["authenticator_apps"]
    assert app == {"credential_id": stored.credential_id, "tries": 0, "blocked_at": None}
    assert secret not in json.dumps(exported, default=str)


def test_it_is_taken_away_like_any_other(provider: Provider, rp: RelyingParty) -> None:
    add_totp(rp)
    (made,) = means(provider, "totp")
    assert path_of(remove(rp, made.credential_id, understood="yes")) == f"{MEANS}/removed"
    assert means(provider, "totp") == []
    assert purge(provider.desk, provider.services.settings, is_stopped=lambda: False)["totp_secret"] == 1


def test_closing_the_account_takes_it_away(provider: Provider, rp: RelyingParty) -> None:
    add_totp(rp)
    accounts.set_status(provider.desk, "anne.pierre", AccountStatus.SUSPENDED, "a leave")
    assert len(means(provider, "totp")) == 1
    given_passkey(provider)
    accounts.set_status(provider.desk, "anne.pierre", AccountStatus.CLOSED, "gone")
    assert means(provider, "totp") == means(provider, "passkey") == []
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        assert tx.passkeys.handle(account.account_id) is None
