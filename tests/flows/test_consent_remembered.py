"""Consent: what is remembered, for whom, and what ends it."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest

from idp.flows.operators import accounts
from tests.fakes.consents import give, is_asked, party, remembered, statements, withdraw_before_the_next_write
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, path_of


def test_it_is_kept_and_audited_with_the_code(provider: Provider) -> None:
    rp = party(provider, "first")
    path = is_asked(rp)
    assert path
    rp.consent(path)
    assert remembered(provider) == set()  # no code was asked for yet
    assert not provider.events("authorization.consented")
    rp.browser.get(path)
    (consented,), issued = provider.events("authorization.consented"), provider.events("authorization.issued")[0]
    assert (consented.client_id, consented.actor, consented.subject) == ("asking", issued.actor, issued.subject)
    assert consented.detail == {"scopes": "email openid profile"}


def test_withdrawn_it_is_asked_again_and_the_tokens_are_dead(provider: Provider) -> None:
    rp = party(provider, "first")
    kept = RelyingParty(provider, "rp", rp.browser)
    tokens, others = rp.redeem(give(rp)["code"]), kept.redeem(kept.silent()["code"])
    accounts.withdraw_consent(provider.desk, "anne.pierre", "asking")
    assert rp.userinfo(tokens["access_token"]).status_code == 401
    assert kept.userinfo(others["access_token"]).status_code == 200
    assert is_asked(rp)
    assert provider.events("consent.withdrawn")[0].client_id == "asking"


def test_withdrawn_while_the_request_comes_it_is_asked(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Single sign-on decides in the unit that writes."""
    rp = party(provider, "first")
    give(rp)
    withdraw_before_the_next_write(provider, monkeypatch)
    assert path_of(rp.authorize()).startswith("/login/")


def test_withdrawn_while_the_code_is_made_there_is_none(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read before, withdrawn, then written: the unit that writes looks again."""
    rp = party(provider, "first")
    give(rp)
    path = rp.open_login(prompt="select_account")
    rp.post(f"{path}/account", choice="continue")
    withdraw_before_the_next_write(provider, monkeypatch)
    response = rp.browser.get(path)
    assert (response.status_code, "interaction_gone" in response.text) == (410, True)


def test_of_two_answers_at_once_one_counts(provider: Provider) -> None:
    rp = party(provider, "first")
    path = is_asked(rp)
    assert path
    rp.consent(path)
    jar = [rp.browser.get_cookie(f"__Host-sesame-{name}") for name in ("browser", "session")]
    barrier, got = Barrier(2), list[int]()

    def finish() -> None:
        browser = provider.browser()
        for cookie in jar:
            assert cookie
            browser.set_cookie(cookie.key, cookie.value, secure=True)
        barrier.wait(10)
        got.append(browser.get(path).status_code)

    threads = [Thread(target=finish) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(got) == [303, 410]
    assert len(provider.events("authorization.consented")) == 1


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("fr", ["Votre identifiant technique", "même quand vous n&#39;êtes pas connecté(e)", "Votre accord est gardé"]),
        ("en", ["Your technical identifier", "even when you are not signed in", "Your agreement is kept"]),
    ],
)
def test_the_page_names_what_is_shared_and_the_access_that_lasts(
    provider: Provider, lang: str, said: list[str]
) -> None:
    rp = party(
        provider,
        "first",
        scopes=("openid", "email", "offline_access"),
        grant_types=("authorization_code", "refresh_token"),
        offline_lifetime=timedelta(days=30),
    )
    path = is_asked(rp, scope="openid email offline_access", ui_locales=lang)
    assert path
    page = rp.browser.get(path).text
    assert [text for text in said if text not in page] == []
    assert "offline_access" not in page


def test_the_page_of_a_client_that_always_asks_promises_no_memory(provider: Provider) -> None:
    rp = party(provider, "always")
    path = is_asked(rp)
    assert path
    assert "Votre accord est gardé" not in rp.browser.get(path).text


def test_the_portal_may_ask_too(provider: Provider) -> None:
    """« Mon compte » is a client like the others: with a consent each time it opens, and asks nothing until it does."""
    with provider.services.db.write() as tx:
        tx.clients._change("portail", consent="always")
    browser = provider.browser()
    rp = RelyingParty(provider, "portail", browser)
    path = path_of(browser.get(path_of(browser.get("/compte"))))
    rp.give_password(path)
    rp.consent(path)
    assert path_of(browser.get(path_of(browser.get(path)))) == "/compte"
    assert browser.get("/compte").status_code == 200


def test_a_client_that_never_asks_pays_nothing(provider: Provider) -> None:
    rp = party(provider, "never")
    assert not [statement for statement in statements(provider, rp) if "consent." in statement]
