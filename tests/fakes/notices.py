"""A holder at a service: what they are told of, and what their links take away."""

import re

from idp.domain.account import Account
from idp.flows import notices
from tests.fakes.mailer import Mail
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty, answer_of

PAGE = "/compte/means"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def anne(provider: Provider) -> Account:
    with provider.services.db.read() as tx:
        found = tx.accounts.find_by_login("anne.pierre")
    assert found
    return found


def logged_in(provider: Provider, rp: RelyingParty | None = None) -> RelyingParty:
    """By password, from a new browser unless one is given."""
    rp = rp or RelyingParty(provider)
    answer_of(rp.give_password(rp.open_login(prompt="login")))
    return rp


def about_browsers(provider: Provider) -> list[Mail]:
    return [mail for mail in provider.mails() if "/not-me/" in mail.text and "navigateur" in mail.text]


def link_in(mail: Mail) -> str:
    found = re.search(rf"{ISSUER}(/not-me/[\w-]+)", mail.text)
    assert found, mail.text
    return found.group(1)


def tell(provider: Provider, event: str, means: str = "means", lang: str = "fr") -> None:
    with (
        provider.app.test_request_context(headers={"Accept-Language": lang}),
        provider.services.db.write() as tx,
    ):
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        notices.tell(provider.services, tx, account, event, means=means, method="national_card")


def linked(provider: Provider) -> list[str]:
    with provider.services.db.read() as tx:
        return [link.method for link in tx.means.links(anne(provider).account_id)]


def has_password(provider: Provider) -> bool:
    with provider.services.db.read() as tx:
        return tx.accounts.password(anne(provider).account_id) is not None


def mailbox_is_closed(provider: Provider) -> bool:
    with provider.services.db.read() as tx:
        return tx.alerts.mailbox_is_closed(anne(provider).account_id)
