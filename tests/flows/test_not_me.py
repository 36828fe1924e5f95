"""« Ce n'était pas moi »: the link in a letter takes away, once, and restores nothing."""

import re
from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from idp.domain.alert import NOT_ME
from idp.flows import letters, not_me_link
from idp.flows.operators import alerts
from tests.fakes.provider import ISSUER, PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty

NEW_PASSWORD = "une phrase de passe neuve"
SUPPORT = "support@region.example"


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start(brand={"support_email": SUPPORT})
    made.add_client("rp")
    made.add_client("code", methods=("email_otp:alone",))
    made.add_account("anne.pierre")
    return made


def reset(provider: Provider, rp: RelyingParty, password: str = NEW_PASSWORD) -> TestResponse:
    """Whoever holds the mailbox chooses a password."""
    rp.post("/password/forgot", page="/password/forgot", login="anne.pierre")
    path = provider.last_reset_path()
    return rp.post(path, page=path, password=password, confirmation=password)


def link_of(provider: Provider) -> str:
    """Path of the link in the last letter."""
    found = re.search(rf"{ISSUER}(/not-me/[\w-]+)", provider.mails()[-1].text)
    assert found, provider.mailer.sent[-1].text
    return found.group(1)


def changed(provider: Provider) -> tuple[str, RelyingParty]:
    """The password was changed through the mailbox, by whomever; its link, and a browser signed in by it."""
    rp = RelyingParty(provider)
    reset(provider, rp)
    path = link_of(provider)
    assert "code" in rp.silent() or rp.give_password(rp.open_login(), password=NEW_PASSWORD).status_code == 303
    return path, rp


def open_alerts(provider: Provider) -> list[str]:
    with provider.services.db.read() as tx:
        return [alert.kind for alert in tx.alerts.latest(10)]


def has_password(provider: Provider) -> bool:
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        return tx.accounts.password(account.account_id) is not None


# -- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_changes_nothing(provider: Provider, method: str) -> None:
    """Mail gateways follow links."""
    path, rp = changed(provider)
    response = getattr(provider.browser(), method)(path)
    assert response.status_code == 200
    assert "code" in rp.silent()
    assert has_password(provider)
    assert not provider.events("account.not_me")


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("broken", ["expired", "altered", "cut", "nonsense", "of another purpose", "not ASCII"])
def test_a_link_that_is_not_good_is_a_clear_page(provider: Provider, broken: str, method: str) -> None:
    path, rp = changed(provider)
    if broken == "expired":
        provider.clock.advance(days=7)
    elif broken == "altered":
        path = path[:60] + ("A" if path[60] != "A" else "B") + path[61:]
    elif broken == "cut":
        path = path[:-4]
    elif broken == "nonsense":
        path = "/not-me/nonsense"
    elif broken == "not ASCII":
        path = "/not-me/%C3%A9%00"
    else:
        path = f"/not-me/{provider.services.data_keys.seal(b'{}', purpose='portal').hex()}"
    response = getattr(provider.browser(), method)(path)
    assert response.status_code == 410
    assert "plus valable" in response.text
    assert not provider.events("account.not_me")
    assert open_alerts(provider) == []
    del rp


def test_a_link_is_good_for_seven_days(provider: Provider) -> None:
    path, _ = changed(provider)
    provider.clock.advance(days=7, seconds=-1)
    assert provider.browser().get(path).status_code == 200


# -- the press ---------------------------------------------------------------------------


def test_the_press_ends_what_the_new_password_opened(provider: Provider) -> None:
    path, thief = changed(provider)
    tokens = thief.redeem(thief.silent()["code"])
    response = provider.browser().post(path)  # on another device: no cookie, no form token
    assert response.status_code == 303
    assert response.headers["Location"].endswith(path)
    assert thief.silent()["error"] == "login_required"
    assert thief.userinfo(tokens["access_token"]).status_code == 401
    again = thief.give_password(thief.open_login(), password=NEW_PASSWORD)
    assert again.status_code != 303
    assert not has_password(provider)  # it does not come back when support closes the alert
    (event,) = provider.events("account.not_me")
    assert (event.actor, event.detail["event"]) == ("anonymous", "password.changed")


def test_a_later_password_ends_too(provider: Provider) -> None:
    path, thief = changed(provider)
    provider.clock.advance(minutes=5)
    reset(provider, thief, "encore une autre phrase")
    provider.browser().post(path)
    assert thief.give_password(thief.open_login(), password="encore une autre phrase").status_code != 303
    assert not has_password(provider)


def test_nobody_else_is_concerned(provider: Provider) -> None:
    provider.add_account("karim.benali")
    karim = RelyingParty(provider)
    karim.give_password(karim.open_login(), "karim.benali")
    path, _ = changed(provider)
    provider.browser().post(path)
    assert "code" in karim.silent()


def test_support_is_alerted_and_the_holder_is_told(provider: Provider) -> None:
    path, _ = changed(provider)
    sent = len(provider.mails())
    provider.browser().post(path)
    told, alert = sorted(provider.mails()[sent:], key=lambda mail: mail.to == SUPPORT)
    assert told.to == "anne.pierre@chu.example"
    assert SUPPORT in told.text
    assert "http" not in told.text  # the mailbox may be another's
    assert alert.to == SUPPORT
    assert NOT_ME in alert.subject
    assert "anne.pierre" in alert.text
    assert open_alerts(provider) == [NOT_ME]


def test_a_second_press_says_that_it_was_done(provider: Provider) -> None:
    path, _ = changed(provider)
    provider.browser().post(path)
    sent = len(provider.mails())
    assert provider.browser().post(path).status_code == 303
    assert "est bloqué" in provider.browser().get(path).text
    assert len(provider.mails()) == sent
    assert len(provider.events("account.not_me")) == 1


# -- what stays closed -------------------------------------------------------------------


def test_the_mailbox_lets_nobody_in_until_support_says_so(provider: Provider) -> None:
    path, thief = changed(provider)
    thief.post("/password/forgot", page="/password/forgot", login="anne.pierre")
    waiting = provider.last_reset_path()
    provider.browser().post(path)
    assert provider.browser().get(waiting).status_code == 410
    provider.mails()
    sent = len(provider.mailer.sent)
    thief.post("/password/forgot", page="/password/forgot", login="anne.pierre")
    assert len(provider.mails()) == sent  # the answer is the same for anybody, and no letter leaves

    with provider.services.db.read() as tx:
        (alert,) = tx.alerts.latest(10)
    alerts.close(provider.desk, alert.alert_id, "seen at the desk, the mailbox is hers")
    assert provider.browser().get(waiting).status_code == 410
    reset(provider, thief, PASSWORD)
    assert thief.give_password(thief.open_login()).status_code == 303
    assert "est bloqué" in provider.browser().get(path).text  # and the old link does it no harm
    provider.browser().post(path)
    assert "code" in thief.silent()


def test_a_code_by_mail_lets_nobody_in_either(provider: Provider) -> None:
    path, _ = changed(provider)
    thief = RelyingParty(provider, "code")
    login = thief.open_login()
    thief.post(f"{login}/email_otp", page=login)
    thief.post(f"{login}/email_otp", page=f"{login}/email_otp", login="anne.pierre")
    code = provider.last_code()
    provider.browser().post(path)
    response = thief.post(f"{login}/email_otp", page=f"{login}/email_otp", code=code)
    assert response.status_code == 403
    assert "boîte mail" in response.text
    assert thief.silent()["error"] == "login_required"


def test_a_password_that_is_being_chosen_is_refused(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """The holder presses the button while the new one is hashed, and another link is made at that moment."""
    path, thief = changed(provider)
    thief.post("/password/forgot", page="/password/forgot", login="anne.pierre")
    waiting = provider.last_reset_path()
    digest = provider.services.hasher.hash(NEW_PASSWORD)

    def press(_password: str) -> str:
        provider.browser().post(path)
        with provider.services.db.write() as tx:
            account = tx.accounts.find_by_login("anne.pierre")
            assert account
            now = provider.clock.now()
            tx.resets.add(waiting.rpartition("/")[2], account.account_id, now, now.replace(year=2030))
        return digest

    monkeypatch.setattr(provider.services.hasher, "hash", press)
    response = thief.post(waiting, page=waiting, password=NEW_PASSWORD, confirmation=NEW_PASSWORD)
    assert response.status_code == 403
    monkeypatch.undo()
    assert thief.give_password(thief.open_login(), password=NEW_PASSWORD).status_code != 303


def test_a_link_for_another_means(provider: Provider) -> None:
    """A session of which a letter will speak: nothing to revoke, everything to end."""
    rp = RelyingParty(provider)
    claims = rp.tokens()["claims"]
    url = not_me_link.link(provider.services, claims["sub"], claims["sid"], "password.changed")
    provider.browser().post(url.removeprefix(ISSUER))
    assert rp.silent()["error"] == "login_required"
    assert rp.give_password(rp.open_login()).status_code == 303  # the password was not in question


def test_the_links_page_is_in_english_too(provider: Provider) -> None:
    path, _ = changed(provider)
    assert "It was not you?" in provider.browser().get(f"{path}?lang=en").text


def test_a_letter_without_a_link_does_not_exist(provider: Provider) -> None:
    """The template wants one: a journey that forgets it gives the letter up, loudly."""
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        letters.tell(provider.services, tx, account, "password_changed", "fr")
    provider.mails()
    assert [event.detail["kind"] for event in provider.events("letter.given_up")] == ["password_changed"]
