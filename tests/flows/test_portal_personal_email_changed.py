"""Another e-mail address: who is signed in, who is told, and how it is undone."""

import re
from collections.abc import Callable

import pytest

from idp.domain.alert import NOT_ME, Alert
from idp.domain.ids import new_id
from idp.flows.operators import alerts, contacts
from tests.fakes.holder import Holder
from tests.fakes.mailer import Mail
from tests.fakes.new_address import CODE, EMAIL, NEW, OLD, address_of, asked, changed
from tests.fakes.portal import by_card, enter, with_card
from tests.fakes.provider import ISSUER, PASSWORD, Provider
from tests.fakes.refreshing import INVALID_GRANT, make_offline, refusal_of
from tests.fakes.relying_party import RelyingParty, path_of

SUPPORT = "support@region.example"


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start(brand={"support_email": SUPPORT})
    made.add_client("rp")
    made.add_account("anne.pierre")
    return made


@pytest.fixture
def anne(provider: Provider) -> Holder:
    """Signed in to the portal, with a fresh proof of the highest level that she has."""
    return Holder.proven(provider, EMAIL)


# -- the change --------------------------------------------------------------------------


def test_the_new_address_signs_in_and_the_old_one_no_more(provider: Provider, anne: Holder) -> None:
    assert path_of(changed(anne)) == "/compte/personal"
    html = anne.browser.get("/compte/personal").text
    assert NEW in html
    assert "est changée" in html
    assert address_of(provider) == NEW
    rp = RelyingParty(provider)
    assert rp.give_password(rp.open_login(), OLD).status_code != 303
    assert rp.give_password(rp.open_login(), NEW).status_code == 303


def test_one_time_codes_go_to_the_new_address(provider: Provider, anne: Holder) -> None:
    provider.add_client("strong", methods=("email_otp",))
    changed(anne)
    rp = RelyingParty(provider, "strong")
    rp.give_otp(rp.open_login())
    assert provider.mails()[-1].to == NEW


def test_a_code_that_the_old_address_has_signs_nobody_in(provider: Provider, anne: Holder) -> None:
    provider.add_client("strong", methods=("email_otp",))
    code = asked(anne)
    thief = RelyingParty(provider, "strong")
    login = thief.open_login()
    thief.post(f"{login}/email_otp", page=login)
    thief.post(f"{login}/email_otp", page=f"{login}/email_otp", login="anne.pierre", password=PASSWORD)
    stolen = provider.last_code()
    assert path_of(anne.post(CODE, page=CODE, code=code)) == "/compte/personal"
    response = thief.post(f"{login}/email_otp", page=f"{login}/email_otp", code=stolen)
    assert response.status_code == 200
    assert "plus valable" in response.text


def test_support_changes_it_and_the_old_address_is_told_without_a_link_that_acts(provider: Provider) -> None:
    """Support may be taking it from whoever reads it now: what was mailed there is good no more."""
    provider.add_client("strong", methods=("email_otp",))
    thief = RelyingParty(provider, "strong")
    login = thief.open_login()
    thief.post(f"{login}/email_otp", page=login)
    thief.post(f"{login}/email_otp", page=f"{login}/email_otp", login="anne.pierre", password=PASSWORD)
    stolen = provider.last_code()
    contacts.set_email(provider.services, provider.desk, "anne.pierre", NEW, "identity card seen")
    *_, told, alert = provider.mails()
    assert "identity_change.alone" in alert.subject
    assert (told.to, NEW in told.text, "/not-me/" in told.text) == (OLD, False, False)
    assert "Prévenez tout de suite l'assistance" in told.text
    response = thief.post(f"{login}/email_otp", page=f"{login}/email_otp", code=stolen)
    assert response.status_code == 200
    assert "plus valable" in response.text


def test_other_sessions_end_and_this_one_stays(provider: Provider, anne: Holder) -> None:
    other = RelyingParty(provider)
    tokens = other.tokens()
    mine = RelyingParty(provider, "rp", anne.browser)
    kept = mine.redeem(mine.silent()["code"])
    changed(anne)
    assert other.silent()["error"] == "login_required"
    assert other.userinfo(tokens["access_token"]).status_code == 401
    assert "code" in mine.silent()
    assert mine.userinfo(kept["access_token"]).status_code == 200
    (event,) = provider.events("account.email_changed")
    assert event.detail["sessions"] == "1"


def test_what_was_to_stay_connected_without_a_session_ends_too(provider: Provider, anne: Holder) -> None:
    thief = make_offline(provider)
    tokens = thief.tokens(scope="openid offline_access")
    changed(anne)
    assert refusal_of(thief.refresh(tokens["refresh_token"])) == INVALID_GRANT
    assert thief.userinfo(tokens["access_token"]).status_code == 401


def test_the_sessions_of_others_stay(provider: Provider, anne: Holder) -> None:
    provider.add_account("karim.benali")
    karim = RelyingParty(provider)
    karim.give_password(karim.open_login(), "karim.benali")
    changed(anne)
    assert "code" in karim.silent()


def test_links_to_choose_a_password_end(provider: Provider, anne: Holder) -> None:
    rp = RelyingParty(provider)
    rp.post("/password/forgot", page="/password/forgot", login="anne.pierre")
    waiting = provider.last_reset_path()
    assert provider.browser().get(waiting).status_code == 200
    changed(anne)
    assert provider.browser().get(waiting).status_code == 410


def test_the_event_holds_no_address_but_beside_it(provider: Provider, anne: Holder) -> None:
    changed(anne)
    (event,) = provider.events("account.email_changed")
    assert not any("@" in value for value in event.detail.values())
    assert event.personal["former"] == OLD
    assert event.personal["network"] == "127.0.0.0/24"


def test_the_password_keeps_its_anchor(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was set through the mailbox before is not worth more by a new one. A card proves who changes it."""
    provider = with_card(start, monkeypatch)
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login(OLD)
        assert account
        tx.accounts.set_password(account.account_id, "of the mailbox", "mailbox", provider.clock.now())
    changed(Holder(provider, enter(provider, by_card, page=EMAIL).browser))
    assert address_of(provider) == NEW
    with provider.services.db.read() as tx:
        password = tx.accounts.password(account.account_id)
    assert password
    assert password.anchor == "mailbox"


# -- the notice --------------------------------------------------------------------------


def notice_of(provider: Provider) -> tuple[Mail, str]:
    mail = next(mail for mail in reversed(provider.mails()) if "a changé" in mail.subject)
    found = re.search(rf"{ISSUER}(/not-me/[\w-]+)", mail.text)
    assert found, mail.text
    return mail, found.group(1)


def test_the_old_address_is_told(provider: Provider, anne: Holder) -> None:
    changed(anne)
    mail, path = notice_of(provider)
    assert mail.to == OLD
    assert "a•••@clinique.example" in mail.text
    assert NEW not in mail.text + mail.html
    assert path in mail.html
    page = provider.browser().get(path)
    assert "adresse e-mail de votre compte a été changée" in page.text


def test_it_was_not_me_ends_the_sessions_and_closes_the_new_mailbox(provider: Provider, anne: Holder) -> None:
    changed(anne)
    _, path = notice_of(provider)
    thief = RelyingParty(provider)
    assert provider.browser().post(path).status_code == 303
    assert anne.browser.get("/compte").status_code == 303
    sent = len(provider.mails())
    thief.post("/password/forgot", page="/password/forgot", login=NEW)
    assert len(provider.mails()) == sent
    told = [mail.to for mail in provider.mails() if "est bloqué" in mail.subject]
    assert told == [OLD]  # the new address is believed no more
    (event,) = provider.events("account.not_me")
    assert event.detail["event"] == "account.email_changed"
    assert provider.browser().post(path).status_code == 303  # again, and nothing more
    assert len(provider.events("account.not_me")) == 1


def test_support_gives_the_old_address_back(provider: Provider, anne: Holder) -> None:
    changed(anne)
    _, path = notice_of(provider)
    provider.browser().post(path)
    with provider.services.db.read() as tx:
        (alert,) = tx.alerts.latest(10)
    (change,) = provider.events("account.email_changed")
    assert alert.detail["means"] == change.detail["change"]
    assert alert.detail["email"] == "not verified any more"
    told = next(mail for mail in provider.mails() if mail.to == SUPPORT)
    assert "sesame account show anne.pierre" in told.text
    assert "redonnez la bonne avant de fermer l'alerte" in told.text
    assert OLD not in told.text
    contacts.set_email(provider.services, provider.desk, "anne.pierre", change.personal["former"], "identity card seen")
    assert address_of(provider) == OLD
    alerts.close(provider.desk, alert.alert_id, "identity card seen")
    rp = RelyingParty(provider)
    rp.post("/password/forgot", page="/password/forgot", login=OLD)
    assert provider.mails()[-1].to == OLD


def test_no_change_while_the_holder_waits_for_support(provider: Provider, anne: Holder) -> None:
    """Whoever has another means than the mailbox still signs in; letters go on to the address that is known."""
    code = asked(anne)
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        tx.alerts.add(Alert(new_id(), NOT_ME, provider.clock.now(), account.account_id))
    assert anne.post(CODE, page=CODE, code=code).status_code == 403
    assert address_of(provider) == OLD
