"""Consent: asked never, at first or always; kept for the account that was asked, and for what it was asked."""

import json
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import event

from idp.flows.operators import accounts
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, error_of, hidden_of, path_of

ALLOW = 'id="consent-allow"'


def party(provider: Provider, consent: str, **changes: Any) -> RelyingParty:
    """A client with this rule, and a browser in which anne.pierre is signed in to another."""
    provider.add_client("asking", consent=consent, **changes)
    other = RelyingParty(provider)
    other.login()
    return RelyingParty(provider, "asking", other.browser)


def is_asked(rp: RelyingParty, **changes: str | None) -> str | None:
    """The path of the page that asks; None if the client was answered at once."""
    response = rp.authorize(**changes)
    if "code" in response.headers["Location"]:
        return None
    assert ALLOW in rp.browser.get(path_of(response)).text
    return path_of(response)


def give(rp: RelyingParty, **changes: str | None) -> dict[str, str]:
    path = is_asked(rp, **changes)
    assert path
    assert path_of(rp.consent(path)) == path
    return answer_of(rp.browser.get(path))


def remembered(provider: Provider, login: str = "anne.pierre") -> set[str]:
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login(login)
        assert account
        return {scope for consent in tx.consents.of(account.account_id) for scope in consent.scopes}


# when it is asked


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


# for whom it counts


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


# how it is kept


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


def withdraw_before_the_next_write(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    database = provider.services.db

    def write_after_a_withdrawal() -> object:
        monkeypatch.undo()
        accounts.withdraw_consent(provider.desk, "anne.pierre", "asking")
        return database.write()

    monkeypatch.setattr(database, "write", write_after_a_withdrawal)


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


# what the page says


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


# what it costs


def statements(provider: Provider, rp: RelyingParty, **changes: str | None) -> list[str]:
    """The SQL of one authorization that asks nothing."""
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(provider.services.db.engine, "before_cursor_execute", note)
    try:
        assert answer_of(rp.authorize(**changes))["code"]
    finally:
        event.remove(provider.services.db.engine, "before_cursor_execute", note)
    return said


def test_a_client_that_never_asks_pays_nothing(provider: Provider) -> None:
    rp = party(provider, "never")
    assert not [statement for statement in statements(provider, rp) if "consent." in statement]
