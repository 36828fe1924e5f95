"""« Ce n'était pas moi » after another address or number: whoever made the change is shut out, their mailbox too."""

import re
from collections.abc import Callable

import pytest

from idp.domain.account import Account
from idp.domain.alert import NOT_ME
from idp.flows import not_me_link
from idp.flows.operators import alerts, contacts
from tests.fakes import national_card
from tests.fakes.holder import Holder
from tests.fakes.mailer import Mail
from tests.fakes.new_address import CODE, EMAIL, NEW, OLD, changed, code_of
from tests.fakes.portal import METHODS
from tests.fakes.provider import ISSUER, PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of

PHONE = "/compte/personal/phone"
THEIRS = "velours tampon girafe 82 minuit"


@pytest.fixture
def provider(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    """With a card and a federation that could be linked."""
    national_card.install(monkeypatch)
    made = start(methods=METHODS, brand={"support_email": "support@region.example"})
    made.add_client("rp")
    made.clock.advance(seconds=1)
    made.add_account("anne.pierre")
    made.clock.advance(hours=1)
    return made


def anne(provider: Provider) -> Account:
    with provider.services.db.read() as tx:
        found = tx.accounts.find_by_login("anne.pierre")
    assert found
    return found


def link_in(mail: Mail) -> str:
    found = re.search(rf"{ISSUER}(/not-me/[\w-]+)", mail.text)
    assert found, mail.text
    return found.group(1)


def letter(provider: Provider, words: str) -> str:
    """The path of the link in the last letter with these words."""
    return link_in([mail for mail in provider.mails() if words in mail.text and "/not-me/" in mail.text][-1])


def add_link(provider: Provider) -> None:
    with provider.services.db.write() as tx:
        tx.means.add_link(anne(provider).account_id, "national_card", provider.clock.now())


def means(provider: Provider) -> list[str]:
    account_id = anne(provider).account_id
    with provider.services.db.read() as tx:
        live = [link.method for link in tx.means.links(account_id)]
        return [*(credential.kind for credential in tx.means.credentials(account_id)), *live]


def set_password(provider: Provider, password: str) -> None:
    with provider.services.db.write() as tx:
        digest = provider.services.hasher.hash(password)
        tx.accounts.set_password(anne(provider).account_id, digest, "knowledge", provider.clock.now())


def change_phone(thief: Holder) -> None:
    thief.post(PHONE, phone="06 12 34 56 78")


def change_address(thief: Holder) -> None:
    changed(thief)


@pytest.mark.parametrize(
    ("page", "change", "words"), [(EMAIL, change_address, "adresse"), (PHONE, change_phone, "numéro")]
)
def test_the_press_takes_what_the_thief_had_and_added(
    provider: Provider, page: str, change: Callable[[Holder], None], words: str
) -> None:
    thief = Holder.proven(provider, page)
    change(thief)
    path = letter(provider, words)
    provider.clock.advance(minutes=2)
    set_password(provider, THEIRS)
    add_link(provider)
    assert provider.browser().post(path).status_code == 303
    assert means(provider) == []
    assert thief.browser.get("/compte").status_code == 303
    rp = RelyingParty(provider)
    for password in (PASSWORD, THEIRS):
        assert rp.give_password(rp.open_login(), password=password).status_code != 303
    assert provider.browser().post(path).status_code == 303  # once
    assert len(provider.events("account.not_me")) == 1


def test_what_was_there_before_and_was_not_used_stays(provider: Provider) -> None:
    thief = Holder.proven(provider, PHONE)
    with provider.services.db.write() as tx:
        tx.means.add_link(anne(provider).account_id, "federation", provider.clock.now().replace(year=2025))
    change_phone(thief)
    provider.browser().post(letter(provider, "numéro"))
    assert means(provider) == ["federation"]
    assert anne(provider).verified_email == OLD


def test_closing_the_alert_gives_the_address_to_nobody(provider: Provider) -> None:
    changed(Holder.proven(provider, EMAIL))
    provider.browser().post(letter(provider, "adresse"))
    with provider.services.db.read() as tx:
        (alert,) = [each for each in tx.alerts.latest(10) if each.kind == NOT_ME]
    alerts.close(provider.desk, alert.alert_id, "closed too early")
    account, sent = anne(provider), len(provider.mails())
    assert (account.email, account.verified_email, "email" in account.identities) == (NEW, None, False)
    thief = RelyingParty(provider)
    for login in (NEW, OLD, "anne.pierre"):
        thief.post("/password/forgot", page="/password/forgot", login=login)
    assert len(provider.mails()) == sent
    contacts.set_email(provider.services, provider.desk, "anne.pierre", OLD, "identity card seen")
    thief.post("/password/forgot", page="/password/forgot", login=OLD)
    assert provider.mails()[-1].to == OLD


def test_an_address_that_was_changed_after_another_letter_goes_with_it(provider: Provider) -> None:
    """The holder presses the first letter that came; those that followed went to the thief."""
    holder = RelyingParty(provider)
    answer_of(holder.give_password(holder.open_login()))
    account_id = anne(provider).account_id
    thief = Holder.proven(provider, EMAIL)
    path = letter(provider, "nouveau navigateur")
    other = not_me_link.link(provider.services, account_id, "a means", "means.linked").removeprefix(ISSUER)
    changed(thief)
    add_link(provider)
    provider.browser().post(other)
    assert means(provider) == ["password"]  # this letter spoke of another means than the password
    assert anne(provider).verified_email is None
    provider.browser().post(path)
    assert means(provider) == []


def test_an_address_that_was_changed_before_stays(provider: Provider) -> None:
    changed(Holder.proven(provider, EMAIL))
    provider.clock.advance(hours=1)
    Holder.signed_in(provider)
    provider.browser().post(letter(provider, "nouveau navigateur"))
    assert anne(provider).verified_email == NEW


def test_an_address_that_support_gave_back_stays(provider: Provider) -> None:
    """A link that is pressed late."""
    changed(Holder.proven(provider, EMAIL))
    path = letter(provider, "adresse")
    contacts.set_email(provider.services, provider.desk, "anne.pierre", OLD, "identity card seen")
    provider.browser().post(path)
    assert anne(provider).verified_email == OLD


def test_of_a_session_that_was_purged_everything_is_taken_away(provider: Provider) -> None:
    thief = Holder.proven(provider, EMAIL)
    thief.post(EMAIL, email=NEW)
    thief.post(CODE, page=CODE, code=code_of(provider.mails()[-1]))
    path = letter(provider, "adresse")
    with provider.services.db.engine.begin() as connection:
        for table in ("session_proof", "authorization_grant", "session"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    provider.browser().post(path)
    assert means(provider) == []
    assert anne(provider).verified_email is None
