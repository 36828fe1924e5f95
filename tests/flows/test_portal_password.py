"""« Modifier mon mot de passe »: who may, with what, and what ends with the password before."""

from collections.abc import Callable
from threading import Barrier, Thread

import pytest

from idp.domain.account import PasswordCredential
from idp.domain.authn import Assurance
from idp.hashing import PasswordHasher
from tests.fakes import national_card
from tests.fakes.holder import Holder
from tests.fakes.national_card import ANNE
from tests.fakes.password_page import NEW, PAGE, change
from tests.fakes.portal import METHODS, by_card, enter
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of, path_of

CURRENT_WRONG, TOO_MANY = "Le mot de passe actuel est incorrect.", "Réessayez dans 2 min"


@pytest.fixture
def holder(provider: Provider) -> Holder:
    return Holder.proven(provider, PAGE)


def stored(provider: Provider) -> PasswordCredential | None:
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        return tx.accounts.password(account.account_id)


def enrolled(provider: Provider) -> Assurance:
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        return next(each.enrolled for each in tx.means.credentials(account.account_id) if each.kind == "password")


def unchanged(provider: Provider) -> None:
    assert not provider.events("password.changed")
    rp = RelyingParty(provider)
    assert "code" in answer_of(rp.give_password(rp.open_login()))


def test_nobody_who_is_not_signed_in(provider: Provider) -> None:
    browser = provider.browser()
    assert path_of(browser.get(PAGE)).startswith("/authorize?")
    csrf = csrf_of(browser.get("/password/forgot"))
    form = {"csrf": csrf, "current": PASSWORD, "password": NEW, "confirmation": NEW}
    assert path_of(browser.post(PAGE, data=form)).startswith("/authorize?")
    unchanged(provider)


def test_a_form_of_another_site_is_refused(holder: Holder) -> None:
    form = {"csrf": "x", "current": PASSWORD, "password": NEW, "confirmation": NEW}
    assert holder.browser.post(PAGE, data=form).status_code == 403
    unchanged(holder.provider)


@pytest.mark.parametrize("acts", [False, True])
def test_a_stale_proof_is_asked_again_and_comes_back(holder: Holder, *, acts: bool) -> None:
    csrf = holder.csrf()
    holder.provider.clock.advance(minutes=5, seconds=1)
    form = {"csrf": csrf, "current": PASSWORD, "password": NEW, "confirmation": NEW}
    asked = path_of(holder.browser.post(PAGE, data=form) if acts else holder.browser.get(PAGE))
    assert asked.startswith("/login/")
    assert not holder.provider.events("password.changed")
    assert path_of(holder.give_otp(asked)) == PAGE
    assert path_of(change(holder)) == "/password/done"


def test_a_password_alone_is_not_enough_where_there_is_a_code_too(provider: Provider) -> None:
    holder = Holder.signed_in(provider)
    assert path_of(holder.browser.get(PAGE)).startswith("/login/")


@pytest.mark.parametrize("current", ["", "wrong", PASSWORD + " ", PASSWORD.upper(), "x" * 5000, "\N{NULL}"])
def test_the_present_password_is_needed_exactly(holder: Holder, current: str) -> None:
    page = change(holder, current)
    assert page.status_code == 400
    assert CURRENT_WRONG in page.text
    assert 'aria-describedby="current-password-error" aria-invalid="true"' in page.text
    assert 'href="#error-summary"' not in page.text
    assert NEW not in page.text
    assert holder.provider.events("password.change_refused")[0].outcome == "refused"
    unchanged(holder.provider)


def test_wrong_ones_are_counted_as_those_of_a_login(holder: Holder) -> None:
    """In this browser, which the account knows, and its login with it; others are not delayed."""
    for _ in range(5):
        assert CURRENT_WRONG in change(holder, "wrong").text
    page = change(holder)
    assert page.status_code == 400
    assert TOO_MANY in page.text
    assert NEW not in page.text
    assert holder.provider.events("login.throttled")[0].detail == {"method": "password", "reason": "too_many_attempts"}
    unchanged(holder.provider)  # elsewhere
    here = RelyingParty(holder.provider, browser=holder.browser)
    assert TOO_MANY in here.give_password(here.open_login(prompt="login")).text
    holder.provider.clock.advance(seconds=65)
    assert path_of(change(holder)) == "/password/done"


def test_wrong_ones_slow_the_network(start: Callable[..., Provider]) -> None:
    provider = start(failures_per_10_min=1)
    provider.add_account("anne.pierre")
    holder = Holder.proven(provider, PAGE)
    paused: list[float] = []
    provider.services.network._sleep = paused.append
    for _ in range(3):
        change(holder, "wrong")
    assert paused


def test_a_right_one_with_a_bad_new_one_costs_no_try(holder: Holder) -> None:
    for _ in range(8):
        assert "au moins 12 caractères" in change(holder, password="court").text
    assert path_of(change(holder)) == "/password/done"


def test_the_whole_way(holder: Holder) -> None:
    """Other sessions, their grants, and this one end; the holder is told; the password before opens nothing."""
    provider = holder.provider
    elsewhere = RelyingParty(provider)
    tokens = elsewhere.tokens()
    assert path_of(change(holder)) == "/password/done"
    assert holder.browser.get_cookie("__Host-sesame-session") is None
    assert "Mon compte ESEA" in holder.browser.get("/password/done").text
    assert elsewhere.silent()["error"] == "login_required"
    assert elsewhere.userinfo(tokens["access_token"]).status_code == 401
    assert path_of(holder.browser.get("/compte")).startswith("/authorize?")
    rp = RelyingParty(provider)
    assert "incorrect" in rp.give_password(rp.open_login()).text
    assert "code" in answer_of(rp.give_password(rp.open_login(), password=NEW))
    (event,) = provider.events("password.changed")
    assert (event.actor, event.detail) == (event.subject, {"by": "portal"})
    letter = next(mail for mail in provider.mails() if "a changé" in mail.subject)
    assert NEW not in letter.text + letter.html
    assert "/not-me/" in letter.text


def test_the_cookie_of_before_opens_nothing(holder: Holder) -> None:
    kept = holder.cookie
    change(holder)
    holder.browser.set_cookie("__Host-sesame-session", kept, secure=True)
    assert holder.browser.get("/compte").status_code == 303


def test_links_of_a_reset_end_too(holder: Holder) -> None:
    holder.browser.post("/password/forgot", data={"csrf": holder.csrf(), "login": "anne.pierre"})
    link = holder.provider.last_reset_path()
    change(holder)
    assert holder.provider.browser().get(link).status_code == 410


def test_two_tabs_have_one_winner(holder: Holder) -> None:
    csrf, barrier, got = holder.csrf(), Barrier(2), list[int]()
    cookies = [(cookie.key, cookie.value) for cookie in holder.browser._cookies.values()]

    def press(number: int) -> None:
        browser = holder.provider.browser()
        for name, value in cookies:
            browser.set_cookie(name, value, secure=True)
        new = f"{NEW} numéro {number}"
        barrier.wait(10)
        form = {"csrf": csrf, "current": PASSWORD, "password": new, "confirmation": new}
        got.append(browser.post(PAGE, data=form).status_code)

    threads = [Thread(target=press, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(holder.provider.events("password.changed")) == 1
    assert got.count(303) >= 1


@pytest.mark.parametrize("ends", ["session", "password", "account"])
def test_what_ends_while_the_password_is_hashed_stops_it(
    holder: Holder, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    """« Ce n'était pas moi », or support, at this instant: a thief's change must not outlive it."""
    provider, hashed = holder.provider, PasswordHasher.hash
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
    assert account

    def slowly(self: PasswordHasher, password: str) -> str:
        digest, now = hashed(self, password), provider.clock.now()
        with provider.services.db.write() as tx:
            if ends == "session":
                tx.sessions.end_all(account.account_id, now)
            elif ends == "password":
                known = tx.accounts.password(account.account_id)
                assert known
                tx.means.revoke_since(account.account_id, known.credential_id, now)
            else:
                tx.accounts.set_status(account.account_id, type(account.status).SUSPENDED, now)
        return digest

    monkeypatch.setattr(PasswordHasher, "hash", slowly)
    assert change(holder).status_code == 409
    assert not provider.events("password.changed")


@pytest.mark.parametrize(("anchor", "expected"), [("knowledge", "knowledge"), ("mailbox", "mailbox")])
def test_whoever_holds_the_mailbox_alone_sets_a_password_of_the_mailbox(
    start: Callable[..., Provider], anchor: str, expected: str
) -> None:
    provider = start()
    provider.add_account("anne.pierre", anchor=anchor)
    change(Holder.proven(provider, PAGE))
    found = stored(provider)
    assert found
    assert found.anchor == expected
    assert enrolled(provider) is (Assurance.MEDIUM if expected == "knowledge" else Assurance.LOW)


@pytest.fixture
def with_card(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    national_card.install(monkeypatch)
    made = start(methods=METHODS)
    made.clock.advance(seconds=1)
    made.set_policy("portail", METHODS)
    made.add_client("rp", methods=("password", "national_card"))
    return made


@pytest.mark.parametrize("password", [None, PASSWORD])
def test_a_card_vouches_for_whoever_sets_it(with_card: Provider, password: str | None) -> None:
    """An account without a password has nothing to give; one whose password came through the mailbox gives it."""
    with_card.add_account("anne.pierre", password=password, anchor="mailbox", rpps=ANNE["rpps"])
    rp = enter(with_card, by_card, page=PAGE)
    page = rp.browser.get(PAGE).text
    assert ("Définir mon mot de passe" in page) is (password is None)
    assert ('name="current"' in page) is (password is not None)
    form = {"csrf": csrf_of(rp.browser.get(PAGE)), "password": NEW, "confirmation": NEW}
    given = {"current": password} if password else {}
    assert path_of(rp.browser.post(PAGE, data={**form, **given})) == "/password/done"
    found = stored(with_card)
    assert found
    assert found.anchor == "knowledge"
    assert enrolled(with_card) >= Assurance.SUBSTANTIAL
