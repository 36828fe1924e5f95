"""« Mot de passe oublié ? », and the first login of an account that was imported without a password (N-04)."""

from threading import Barrier, Thread

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from idp.domain.account import AccountStatus
from idp.flows.operators import accounts
from idp.hashing import PasswordHasher
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of, hidden_of, path_of

NEW = "quatre nouveaux mots ensemble"


def ask(provider: Provider, login: str = "anne.pierre", browser: FlaskClient | None = None) -> TestResponse:
    browser = browser or provider.browser()
    page = browser.get("/password/forgot")
    return browser.post("/password/forgot", data={"csrf": csrf_of(page), "login": login})


def choose(provider: Provider, path: str, password: str = NEW, again: str | None = None) -> TestResponse:
    browser = provider.browser()
    data = {"csrf": csrf_of(browser.get("/password/forgot")), "password": password}
    return browser.post(path, data={**data, "confirmation": password if again is None else again})


def link(provider: Provider, login: str = "anne.pierre") -> str:
    ask(provider, login)
    return provider.last_reset_path()


def waiting(provider: Provider) -> int:
    with provider.services.db.read() as tx:
        return int(tx._connection.exec_driver_sql("SELECT count(*) FROM outbox").scalar_one())


@pytest.mark.parametrize("login", ["anne.pierre", "anne.pierre@chu.example", "nobody", "nobody@chu.example", "x" * 999])
def test_the_same_answer_and_the_same_work_for_anybody(provider: Provider, login: str) -> None:
    answered = ask(provider, login)
    assert (answered.status_code, path_of(answered)) == (303, "/password/sent")
    assert waiting(provider) == 1
    assert not provider.events("password.reset_requested")  # the request itself knows nobody
    assert len(provider.mails()) == (1 if login.startswith("anne") else 0)
    assert waiting(provider) == 0


def test_nothing_typed_nothing_sent(provider: Provider) -> None:
    assert "Renseignez votre identifiant" in ask(provider, "  ").text
    assert waiting(provider) == 0


@pytest.mark.parametrize("status", [AccountStatus.SUSPENDED, AccountStatus.CLOSED, AccountStatus.PENDING])
def test_no_link_for_an_account_that_is_not_active(provider: Provider, status: AccountStatus) -> None:
    accounts.set_status(provider.desk, "anne.pierre", status, "test")
    ask(provider)
    assert not provider.mails()


def test_no_link_without_an_address_and_five_mails_an_hour(provider: Provider) -> None:
    provider.add_account("nomail", email="")
    ask(provider, "nomail")
    assert not provider.mails()
    for _ in range(7):
        assert path_of(ask(provider)) == "/password/sent"
    assert len(provider.mails()) == 5
    provider.clock.advance(hours=1)
    ask(provider)
    assert len(provider.mails()) == 6


def test_the_whole_way(provider: Provider) -> None:
    rp = RelyingParty(provider)
    tokens = rp.tokens()
    path = link(provider)
    assert "30 minutes" in provider.mails()[-1].text
    assert path_of(choose(provider, path)) == "/password/done"
    assert provider.browser().get("/password/done").status_code == 200
    assert rp.silent()["error"] == "login_required"
    assert rp.userinfo(tokens["access_token"]).status_code == 401
    assert "incorrect" in rp.give_password(rp.open_login()).text
    assert "code" in answer_of(rp.give_password(rp.open_login(), password=NEW))
    notice = provider.mails()[-1]
    assert "a changé" in notice.subject
    assert NEW not in notice.text + notice.html
    changed = provider.events("password.changed")[0]
    assert (changed.subject, changed.detail) == (tokens["claims"]["sub"], {"by": "mailbox"})


def test_a_code_that_was_not_exchanged_yet_dies_too(provider: Provider) -> None:
    rp = RelyingParty(provider)
    path = link(provider)
    code = rp.login()["code"]
    choose(provider, path)
    assert rp.token(code).status_code == 400


def test_a_login_in_progress_with_the_old_password_ends(provider: Provider) -> None:
    """The thief is at the consent page when the holder chooses a new password."""
    thief = RelyingParty(provider)
    login = thief.open_login(prompt="consent")
    thief.give_password(login)
    page = thief.browser.get(login)
    choose(provider, link(provider))
    thief.browser.post(f"{login}/consent", data={**hidden_of(page), "decision": "allow"})
    assert "login-password" in thief.browser.get(login).text
    assert thief.silent()["error"] == "login_required"


def test_gateways_follow_the_link_and_the_press_still_works(provider: Provider) -> None:
    path = link(provider)
    for _ in range(10):
        assert provider.browser().head(path).status_code == 200
        assert provider.browser().get(path).status_code == 200
    browser = provider.browser()
    page = browser.get(path)
    assert page.text.count("<form") == 1
    assert "anne.pierre" in page.text
    data = {"csrf": csrf_of(page), "password": NEW, "confirmation": NEW}
    assert path_of(browser.post(path, data=data)) == "/password/done"


@pytest.mark.parametrize(("minutes", "status"), [(29.9, 200), (30, 410)])
def test_a_link_lives_thirty_minutes(provider: Provider, minutes: float, status: int) -> None:
    path = link(provider)
    provider.clock.advance(minutes=minutes)
    assert provider.browser().get(path).status_code == status
    assert choose(provider, path).status_code == (303 if status == 200 else 410)


def test_a_link_works_once(provider: Provider) -> None:
    path = link(provider)
    choose(provider, path)
    assert provider.browser().get(path).status_code == 410
    assert choose(provider, path, "encore un autre mot de passe").status_code == 410
    assert "code" in answer_of((rp := RelyingParty(provider)).give_password(rp.open_login(), password=NEW))


def test_two_presses_at_once_have_one_winner(provider: Provider) -> None:
    path, barrier, got = link(provider), Barrier(2), list[int]()

    def press(password: str) -> None:
        barrier.wait(10)
        got.append(choose(provider, path, password).status_code)

    threads = [Thread(target=press, args=(f"{NEW} numéro {n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(got) == [303, 410]
    assert len(provider.events("password.changed")) == 1


def test_using_one_link_ends_the_others(provider: Provider) -> None:
    first = link(provider)
    second = link(provider, "anne.pierre@chu.example")
    assert choose(provider, first).status_code == 303
    assert choose(provider, second).status_code == 410


def test_a_stranger_stops_nobodys_reset(provider: Provider) -> None:
    """Asking for somebody else spends one's own allowance, and kills no link that was sent."""
    mine = link(provider)
    elsewhere = {"REMOTE_ADDR": "203.0.113.7"}
    for _ in range(8):
        stranger = provider.browser()
        stranger.environ_base.update(elsewhere)
        ask(provider, browser=stranger)
    assert len(provider.mails()) == 6
    ask(provider)
    assert len(provider.mails()) == 7
    assert choose(provider, mine).status_code == 303


@pytest.mark.parametrize("token", ["x", "x" * 3000, "%00", "é", "' OR 1=1"])
def test_an_invented_link(provider: Provider, token: str) -> None:
    link(provider)
    assert provider.browser().get(f"/password/reset/{token}").status_code == 410
    assert choose(provider, f"/password/reset/{token}").status_code == 410


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        ("court", None, "au moins 12 caractères"),
        ("x" * 129, None, "au plus 128 caractères"),
        ("anne.pierre2026", None, "contient votre nom"),
        (NEW, NEW + "s", "ne sont pas identiques"),
        ("", None, "au moins 12 caractères"),
    ],
)
def test_what_may_not_be_chosen_uses_nothing_up(
    provider: Provider, password: str, again: str | None, said: str
) -> None:
    path = link(provider)
    page = choose(provider, path, password, again)
    assert page.status_code == 200
    assert said in page.text
    assert NEW not in page.text
    assert not provider.events("password.changed")
    assert choose(provider, path).status_code == 303


def test_an_account_suspended_meanwhile(provider: Provider) -> None:
    path = link(provider)
    accounts.set_status(provider.desk, "anne.pierre", AccountStatus.SUSPENDED, "test")
    assert provider.browser().get(path).status_code == 410
    assert choose(provider, path).status_code == 410


def test_the_first_login_of_an_imported_account(provider: Provider) -> None:
    provider.add_account("imported", password=None)
    path = link(provider, "imported@chu.example")
    assert "première connexion" in provider.mails()[-1].text
    choose(provider, path)
    rp = RelyingParty(provider)
    assert "code" in answer_of(rp.give_password(rp.open_login(), "imported", NEW))


def test_a_reset_makes_the_mailbox_the_only_factor(provider: Provider) -> None:
    provider.add_client("ror", methods=("email_otp",))
    choose(provider, link(provider))
    rp = RelyingParty(provider, "ror")
    claims = rp.redeem(answer_of(rp.give_otp(rp.open_login(), password=NEW))["code"])["claims"]
    assert (claims["amr"], claims["acr"]) == (["pwd", "otp"], "urn:sesame:acr:low")


def test_the_pages_speak_the_persons_language(provider: Provider) -> None:
    browser = provider.browser()
    browser.get("/password/forgot?lang=en")
    ask(provider, browser=browser)
    assert "valid for 30 minutes" in provider.mails()[-1].text


def test_twenty_mails_an_hour_whoever_asks(provider: Provider) -> None:
    for host in range(8):
        browser = provider.browser()
        browser.environ_base["REMOTE_ADDR"] = f"198.51.{host}.1"
        for login in ["anne.pierre", "anne.pierre@chu.example"] * 2:
            ask(provider, login, browser)
    assert len(provider.mails()) == 20


def test_a_new_password_forgets_the_wrong_guesses_of_the_old_one(provider: Provider) -> None:
    guesser = RelyingParty(provider)
    path = guesser.open_login()
    for _ in range(6):
        guesser.give_password(path, password="wrong guess")
    choose(provider, link(provider))
    rp = RelyingParty(provider)
    assert "code" in answer_of(rp.give_password(rp.open_login(), password=NEW))


def test_a_new_password_forgets_the_guesses_in_a_remembered_browser_too(provider: Provider) -> None:
    rp = RelyingParty(provider)
    rp.login()
    path = rp.open_login(prompt="login")
    for _ in range(6):
        rp.give_password(path, password="wrong guess")
    choose(provider, link(provider))
    assert "code" in answer_of(rp.give_password(path, password=NEW))


def test_a_first_factor_dies_with_the_password_that_made_it(provider: Provider) -> None:
    provider.add_client("ror", methods=("email_otp",))
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    rp.post(f"{path}/email_otp", page=path)
    rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login="anne.pierre", password=PASSWORD)
    code = provider.last_code()
    choose(provider, link(provider))
    page = f"{path}/email_otp"
    assert 'id="login-password"' in rp.post(page, page=page, code=code).text
    assert rp.browser.get("/compte").status_code == 303


def test_a_password_that_changes_while_it_is_checked_opens_nothing(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    rp = RelyingParty(provider)
    path, new = rp.open_login(), link(provider)
    verify = PasswordHasher.verify

    def slowly(self: PasswordHasher, digest: str | None, password: str) -> bool:
        is_right = verify(self, digest, password)
        monkeypatch.undo()
        choose(provider, new)
        return is_right

    monkeypatch.setattr(PasswordHasher, "verify", slowly)
    assert rp.give_password(path).status_code == 410
    assert not provider.events("login.succeeded")
