"""Registering a passkey: after a fresh proof of two factors, for one challenge of this session, once."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from idp.domain.authn import Assurance
from idp.flows.operators.purging import purge
from idp.store.conformance import race
from tests.fakes.authenticator import Authenticator, b64, unb64
from tests.fakes.ceremonies import created
from tests.fakes.enrolling import (
    PASSKEY,
    add_passkey,
    give_passkey,
    means,
    options_of,
    proven,
    records,
    register,
    with_authenticators,
)
from tests.fakes.portal import MEANS, at_the_portal, by_password, copy_of, enter, remove
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of, path_of


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return with_authenticators(start)


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return proven(provider)


def asked(rp: RelyingParty) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(options_of(rp.browser.get(PASSKEY)))
    return found


# -- refusals ----------------------------------------------------------------------------


def test_a_stale_proof_is_asked_anew_and_nothing_is_registered(provider: Provider, rp: RelyingParty) -> None:
    shown = rp.browser.get(PASSKEY)
    provider.clock.advance(minutes=10)
    form = {"csrf": csrf_of(shown), "name": "x", "credential": Authenticator().create(options_of(shown))}
    login = path_of(rp.browser.post(PASSKEY, data=form))
    assert login.startswith("/login/")
    assert means(provider, "passkey") == []
    assert path_of(rp.give_otp(login)) == PASSKEY


def test_what_was_begun_while_the_proof_was_fresh_may_be_finished(provider: Provider, rp: RelyingParty) -> None:
    shown = rp.browser.get(PASSKEY)
    provider.clock.advance(minutes=6)
    form = {"csrf": csrf_of(shown), "name": "x", "credential": Authenticator().create(options_of(shown))}
    assert path_of(rp.browser.post(PASSKEY, data=form)) == MEANS
    assert [each.enrolled for each in means(provider, "passkey")] == [Assurance.MEDIUM]


def test_a_password_alone_registers_nothing(provider: Provider) -> None:
    assert path_of(enter(provider, by_password).browser.get(PASSKEY)).startswith("/login/")
    provider.add_account("karim.benali", email="")
    assert at_the_portal(provider, "karim.benali").browser.get(PASSKEY).status_code == 403


@pytest.mark.parametrize("token", [None, "forged"])
def test_a_form_of_elsewhere_is_refused(provider: Provider, rp: RelyingParty, token: str | None) -> None:
    answer = Authenticator().create(options_of(rp.browser.get(PASSKEY)))
    form = {"credential": answer, "name": "x", **({"csrf": token} if token else {})}
    assert rp.browser.post(PASSKEY, data=form).status_code == 403
    assert means(provider, "passkey") == []


@pytest.mark.parametrize(
    "lie", [{"origin": "https://idp.example.evil"}, {"rp_id": "example"}, {"verifies": False}, {"is_framed": True}]
)
def test_what_does_not_hold_is_refused_and_audited(provider: Provider, rp: RelyingParty, lie: dict[str, Any]) -> None:
    refused = register(rp, Authenticator(**lie))
    assert refused.status_code == 400
    assert "pas pu être vérifiée" in refused.text
    assert means(provider, "passkey") == []
    (event,) = provider.events("means.add_refused")
    assert event.detail == {"method": "passkey", "reason": "refused"}
    assert 'data-refused="yes"' in refused.text
    assert "data-refused" not in rp.browser.get(PASSKEY).text


def test_a_key_that_keeps_nobody_is_refused_and_audited(provider: Provider, rp: RelyingParty) -> None:
    """Certificates of strangers, a bomb, a point off the curve: see tests/unit/test_ceremonies_hostile.py."""
    answer = created(b"\xd8\x1c\x80")
    options = asked(rp)
    parsed = json.loads(answer)
    said = {"type": "webauthn.create", "challenge": options["challenge"], "origin": "https://idp.example"}
    parsed["response"]["clientDataJSON"] = b64(json.dumps(said).encode())
    assert rp.post(PASSKEY, page=PASSKEY, name="x", credential=json.dumps(parsed)).status_code == 400
    assert len(provider.events("means.add_refused")) == 1
    assert means(provider, "passkey") == []


@pytest.mark.parametrize("answer", ["", "nonsense", "{}", "[" * 10000])
def test_nonsense_is_refused(provider: Provider, rp: RelyingParty, answer: str) -> None:
    assert rp.post(PASSKEY, page=PASSKEY, name="x", credential=answer).status_code == 400
    assert means(provider, "passkey") == []


def test_a_challenge_is_answered_once(provider: Provider, rp: RelyingParty) -> None:
    shown = rp.browser.get(PASSKEY)
    answer = Authenticator().create(options_of(shown))
    form = {"csrf": csrf_of(shown), "name": "x", "credential": answer}
    assert rp.browser.post(PASSKEY, data={**form, "credential": "nonsense"}).status_code == 400
    assert rp.browser.post(PASSKEY, data=form).status_code == 400
    assert means(provider, "passkey") == []


def test_a_challenge_is_of_one_session_and_dies(provider: Provider, rp: RelyingParty) -> None:
    other, key = proven(provider, PASSKEY), Authenticator()
    answer = key.create(options_of(other.browser.get(PASSKEY)))
    assert rp.post(PASSKEY, page=PASSKEY, name="x", credential=answer).status_code == 400
    shown = rp.browser.get(PASSKEY)
    provider.clock.advance(minutes=10)
    rp.give_otp(path_of(rp.browser.get(PASSKEY)))
    form = {"csrf": csrf_of(shown), "name": "x", "credential": key.create(options_of(shown))}
    assert "a expiré" in rp.browser.post(PASSKEY, data=form).text
    assert means(provider, "passkey") == []


def test_of_two_at_once_one_registers(provider: Provider, rp: RelyingParty) -> None:
    shown = rp.browser.get(PASSKEY)
    tabs = [copy_of(rp, provider) for _ in range(3)]
    form = {"csrf": csrf_of(shown), "name": "x", "credential": Authenticator().create(options_of(shown))}
    found = race(lambda number: tabs[number].post(PASSKEY, data=form).status_code, len(tabs))
    assert sorted(found) == [303, 400, 400]
    assert len(records(provider)) == 1


def test_an_id_that_another_account_has_is_refused(provider: Provider, rp: RelyingParty) -> None:
    key = add_passkey(rp)
    provider.add_account("karim.benali")
    karim = proven(provider, PASSKEY, "karim.benali")
    refused = register(karim, replace(key))
    assert refused.status_code == 400
    assert "déjà enregistrée" in refused.text
    assert "data-refused" not in refused.text  # the authenticator is not told to forget what another account signs with
    assert means(provider, "passkey", "karim.benali") == []
    assert len(records(provider)) == 1


def test_a_sixth_passkey_is_one_too_many(provider: Provider, rp: RelyingParty) -> None:
    for _ in range(5):
        add_passkey(rp)
    assert path_of(rp.browser.get(PASSKEY)) == MEANS
    assert "retirez-en un" in rp.browser.get(MEANS).text


# -- registered --------------------------------------------------------------------------


def test_it_is_kept_with_the_level_of_the_proof_and_the_holder_is_told(provider: Provider, rp: RelyingParty) -> None:
    key = add_passkey(rp, is_backup_eligible=True)
    (made,), (record,) = means(provider, "passkey"), records(provider)
    assert (made.name, made.enrolled, made.anchor) == ("Mon ordinateur", Assurance.MEDIUM, "passkey")
    assert (record.public_key, record.is_backup_eligible) == (key.public_key, True)
    assert record.transports == ("internal", "hybrid")
    (event,) = provider.events("means.added")
    assert event.detail == {"method": "passkey", "means": made.credential_id, "assurance": "MEDIUM"}
    assert "Un moyen d'authentification a été ajouté" in provider.mails()[-1].text
    assert "La clé d&#39;accès est ajoutée." in rp.browser.get(MEANS).text


def test_what_was_registered_signs_in(provider: Provider, rp: RelyingParty) -> None:
    key, visitor = add_passkey(rp), RelyingParty(provider)
    assert answer_of(give_passkey(visitor, visitor.open_login(), key))["code"]


def test_the_user_handle_is_random_and_stays(provider: Provider, rp: RelyingParty) -> None:
    first = unb64(asked(rp)["user"]["id"])
    assert len(first) == 32
    add_passkey(rp)
    again = asked(rp)
    assert unb64(again["user"]["id"]) == first == records(provider)[0].user_handle
    assert len(again["excludeCredentials"]) == 1
    add_passkey(proven(provider, PASSKEY))
    assert {record.user_handle for record in records(provider)} == {first}
    provider.add_account("karim.benali")
    karim = proven(provider, PASSKEY, "karim.benali")
    assert unb64(asked(karim)["user"]["id"]) != first


def test_of_two_first_passkeys_for_two_handles_one_counts(provider: Provider, rp: RelyingParty) -> None:
    """Two sessions: each drew a handle, for the account had none."""
    other, key = proven(provider, PASSKEY), Authenticator()
    shown = other.browser.get(PASSKEY)
    add_passkey(rp)
    form = {"csrf": csrf_of(shown), "name": "x", "credential": key.create(options_of(shown))}
    assert other.browser.post(PASSKEY, data=form).status_code == 409
    assert len(records(provider)) == 1
    add_passkey(other)
    assert len({record.user_handle for record in records(provider)}) == 1


def test_the_page_has_nothing_inline(provider: Provider, rp: RelyingParty) -> None:
    shown = rp.browser.get(PASSKEY)
    assert " style=" not in shown.text
    assert not re.search(r"<script(?! src=)", shown.text)
    assert "anne.pierre@" not in shown.text
    assert "Register a passkey" in rp.browser.get(f"{PASSKEY}?lang=en").text


def test_it_is_taken_away_like_any_other_and_what_is_stored_of_it_goes(provider: Provider, rp: RelyingParty) -> None:
    add_passkey(rp)
    (made,) = means(provider, "passkey")
    assert path_of(remove(rp, made.credential_id, understood="yes")) == f"{MEANS}/removed"
    assert records(provider) == []
    assert purge(provider.desk, provider.services.settings, is_stopped=lambda: False)["passkey"] == 1


def test_the_holder_gets_what_is_stored(provider: Provider, rp: RelyingParty) -> None:
    key = add_passkey(rp)
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        found = tx.personal_data.of(account.account_id)
    (passkey,), (handle,) = found["passkeys"], found["user_handles"]
    assert passkey["webauthn_id"] == key.webauthn_id
    assert handle == {"handle": key.user_handle}
