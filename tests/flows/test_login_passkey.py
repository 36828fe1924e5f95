"""Passkeys at the login: without a name, after the password, and what does not hold."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from idp.cli.doctor import stores
from idp.cli.doctor.finding import Level
from idp.domain.authn import Assurance
from idp.store.conformance import race
from tests.fakes.authenticator import Authenticator, b64, new_key
from tests.fakes.enrolling import (
    answer_with,
    give_passkey,
    given_passkey,
    means,
    options_of,
    records,
    with_authenticators,
)
from tests.fakes.portal import enter
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of, path_of


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return with_authenticators(start)


@pytest.fixture
def key(provider: Provider) -> Authenticator:
    return given_passkey(provider)


def at_the_second(provider: Provider, login: str = "anne.pierre") -> tuple[RelyingParty, str]:
    """A login of the service that asks for a passkey after the password, which was given; its page."""
    rp = RelyingParty(provider, "strong")
    path = rp.open_login()
    rp.post(f"{path}/passkey", page=path)
    rp.post(f"{path}/passkey", page=f"{path}/passkey", login=login, password=PASSWORD)
    return rp, f"{path}/passkey"


# -- refusals ----------------------------------------------------------------------------


def test_an_unknown_key_is_refused_and_audited(provider: Provider, key: Authenticator) -> None:
    rp = RelyingParty(provider)
    refused = give_passkey(rp, rp.open_login(), Authenticator())
    assert "pas reconnue" in refused.text
    (event,) = provider.events("login.failed")
    assert (event.detail, event.subject) == ({"method": "passkey", "reason": "passkey_refused"}, None)


def test_an_answer_of_another_login_is_refused(provider: Provider, key: Authenticator) -> None:
    """The challenge is of one Interaction: what somebody else had signed in theirs signs nobody in here."""
    theirs, mine = RelyingParty(provider), RelyingParty(provider)
    pages = []
    for rp in (theirs, mine):
        path = rp.open_login()
        rp.post(f"{path}/passkey", page=path)
        pages.append(f"{path}/passkey")
    answer = key.get(options_of(theirs.browser.get(pages[0])))
    form = {"csrf": csrf_of(mine.browser.get(pages[1])), "credential": answer}
    assert mine.browser.post(pages[1], data=form).status_code == 200
    assert not provider.events("login.succeeded")


@pytest.mark.parametrize("step", [0, 1])
def test_of_one_answer_sent_many_times_at_once_one_counts(provider: Provider, step: int) -> None:
    """Also of a key that does not count."""
    key = given_passkey(provider, step=step)
    rp = RelyingParty(provider)
    path = rp.open_login()
    rp.post(f"{path}/passkey", page=path)
    shown = rp.browser.get(f"{path}/passkey")
    form = {"csrf": csrf_of(shown), "credential": key.get(options_of(shown))}
    tabs = []
    for _ in range(4):
        tab = provider.browser()
        cookie = rp.browser.get_cookie("__Host-sesame-browser")
        assert cookie
        tab.set_cookie("__Host-sesame-browser", cookie.value, secure=True)
        tabs.append(tab)
    statuses = race(lambda number: tabs[number].post(f"{path}/passkey", data=form).status_code, len(tabs))
    assert statuses.count(303) >= 1
    assert len(provider.events("login.succeeded")) == 1
    assert provider.events("passkey.copied") == []
    assert provider.events("alert.raised") == []


def test_wrong_answers_keep_nobody_out_but_whoever_sends_them(provider: Provider, key: Authenticator) -> None:
    """Who knows the password sends nonsense; tries are counted for that login."""
    rp, page = at_the_second(provider)
    for _ in range(26):
        shown = rp.post(page, page=page, credential="nonsense")
        if "Trop d&#39;essais" in shown.text:
            break
    else:
        pytest.fail("as many as one likes")
    holder, theirs = at_the_second(provider)
    assert answer_of(answer_with(holder, theirs, key))["code"]


def test_a_wrong_signature_is_audited_as_a_try_against_whose_key_it_says_it_is(
    provider: Provider, key: Authenticator
) -> None:
    rp = RelyingParty(provider)
    give_passkey(rp, rp.open_login(), replace(key, key=new_key()))
    (event,) = provider.events("login.failed")
    assert event.subject == records(provider)[0].account_id


@pytest.mark.parametrize("page", ["another origin", "another host"])
def test_a_phishing_page_gets_nothing(provider: Provider, key: Authenticator, page: str) -> None:
    """It may show our challenge, but the browser writes its own origin, and offers no key for another host."""
    evil = "https://idp.example.evil"
    lie = replace(key, origin=evil) if page == "another origin" else replace(key, origin=evil, rp_id="idp.example.evil")
    rp = RelyingParty(provider)
    assert give_passkey(rp, rp.open_login(), lie).status_code == 200
    assert not provider.events("login.succeeded")


def test_a_key_that_was_taken_away_is_refused(provider: Provider, key: Authenticator) -> None:
    (made,) = means(provider, "passkey")
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        tx.means.remove(account.account_id, made.credential_id, provider.clock.now())
    rp = RelyingParty(provider)
    assert give_passkey(rp, rp.open_login(), key).status_code == 200
    assert not provider.events("login.succeeded")


def test_a_counter_that_went_back_is_refused_audited_and_support_is_alerted(
    provider: Provider, key: Authenticator
) -> None:
    copy = replace(key)
    rp = RelyingParty(provider)
    answer_of(give_passkey(rp, rp.open_login(), key))
    thief = RelyingParty(provider)
    refused = give_passkey(thief, thief.open_login(), copy)
    assert "peut-être été copiée" in refused.text
    (made,) = means(provider, "passkey")
    (event,) = provider.events("passkey.copied")
    assert event.detail == {"means": made.credential_id, "counter": "1"}
    assert provider.events("alert.raised")[0].detail["kind"] == "passkey.copied"
    support, holder = sorted(provider.mails()[-2:], key=lambda mail: "compteur" not in mail.text)
    assert "compteur" in support.text
    assert "il y en a peut-être une copie" in holder.text
    assert "/not-me/" in holder.text
    assert provider.events("login.failed")[0].detail["reason"] == "passkey_copied"
    assert len(provider.events("login.succeeded")) == 1


def test_a_key_that_does_not_count_may_be_used_again(provider: Provider) -> None:
    key = given_passkey(provider, step=0, is_backup_eligible=True)
    for _ in range(2):
        rp = RelyingParty(provider)
        assert answer_of(give_passkey(rp, rp.open_login(), key))["code"]


def test_somebody_elses_key_is_no_second_factor(provider: Provider, key: Authenticator) -> None:
    provider.add_account("karim.benali")
    theirs = given_passkey(provider, "karim.benali")
    rp, page = at_the_second(provider)
    assert answer_with(rp, page, theirs).status_code == 200
    assert not provider.events("login.succeeded")


def test_the_keys_of_a_person_are_listed_after_the_password_alone(provider: Provider, key: Authenticator) -> None:
    rp = RelyingParty(provider)
    path = rp.open_login(login_hint="anne.pierre")
    rp.post(f"{path}/passkey", page=path)
    assert '"allowCredentials": []' in options_of(rp.browser.get(f"{path}/passkey"))
    rp, page = at_the_second(provider)
    assert '"allowCredentials": [{' in options_of(rp.browser.get(page))


def test_without_a_script_the_page_says_what_to_do(provider: Provider, key: Authenticator) -> None:
    rp = RelyingParty(provider)
    path = rp.open_login()
    rp.post(f"{path}/passkey", page=path)
    shown = rp.browser.get(f"{path}/passkey")
    assert "<noscript>" in shown.text
    assert "style=" not in shown.text
    assert "script-src 'self';" in shown.headers["Content-Security-Policy"]
    pressed = rp.post(f"{path}/passkey", page=f"{path}/passkey", credential="", challenge="")
    assert "Aucune clé d&#39;accès" in pressed.text


# -- what it is worth --------------------------------------------------------------------


@pytest.mark.parametrize(("synced", "kind"), [(False, "hwk"), (True, "swk")])
def test_without_a_name(provider: Provider, synced: bool, kind: str) -> None:
    key = given_passkey(provider, is_backup_eligible=synced)
    rp = RelyingParty(provider)
    claims = rp.redeem(answer_of(give_passkey(rp, rp.open_login(), key))["code"])["claims"]
    assert (claims["amr"], claims["acr"]) == ([kind, "user", "mfa"], "eidas1")
    (made,) = means(provider, "passkey")
    assert made.last_used_at == provider.clock.now()


def test_after_the_password(provider: Provider) -> None:
    key = given_passkey(provider)
    rp, page = at_the_second(provider)
    assert "Étape 2 sur 2" in rp.browser.get(page).text
    answer = answer_of(answer_with(rp, page, key))
    claims = rp.redeem(answer["code"])["claims"]
    assert (claims["amr"], claims["acr"]) == (["pwd", "hwk", "user", "mfa"], "eidas1")


def test_after_the_password_too_the_key_verifies_its_holder(provider: Provider, key: Authenticator) -> None:
    rp, page = at_the_second(provider)
    assert "pas reconnue" in answer_with(rp, page, replace(key, verifies=False)).text
    assert not provider.events("login.succeeded")


def test_what_little_enrolled_is_worth_no_more(provider: Provider) -> None:
    key = given_passkey(provider, level=Assurance.LOW)
    rp = RelyingParty(provider)
    claims = rp.redeem(answer_of(give_passkey(rp, rp.open_login(), key))["code"])["claims"]
    assert claims["acr"] == "urn:sesame:acr:low"


@pytest.mark.parametrize(("host", "found"), [("idp.example", 0), ("old.example", 1)])
def test_the_doctor_counts_keys_that_the_issuers_host_made_useless(provider: Provider, host: str, found: int) -> None:
    given_passkey(provider, rp_id=host)
    told = list(stores.passkeys(provider.services.settings))
    assert [each.level for each in told] == [Level.WARN] * found
    assert all("another host than idp.example: 1;" in each.text for each in told)


def test_it_lets_one_into_the_portal_without_a_password(provider: Provider) -> None:
    """Also an account that has none."""
    provider.add_account("luc.martin", password=None)
    key = given_passkey(provider, "luc.martin")
    rp = RelyingParty(provider, "portail")
    path = path_of(rp.browser.get(path_of(rp.browser.get("/compte/means/totp"))))
    callback = path_of(give_passkey(rp, path, key))
    assert path_of(rp.browser.get(callback)) == "/compte/means/totp"
    assert rp.browser.get("/compte/means/totp").status_code == 200


def test_who_proves_themselves_again_is_offered_their_own_keys(provider: Provider, key: Authenticator) -> None:
    rp = enter(provider, lambda rp, path: give_passkey(rp, path, key))
    provider.clock.advance(minutes=6)
    page = path_of(rp.browser.get("/compte/means/totp")) + "/passkey"
    rp.post(page, page=page.removesuffix("/passkey"))
    assert f'"id": "{b64(key.webauthn_id)}"' in options_of(rp.browser.get(page))
