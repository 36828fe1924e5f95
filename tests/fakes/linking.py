"""A login in which a card was shown that signs nobody in yet."""

from werkzeug.test import TestResponse

from idp.domain.authn import IdentityRef
from tests.fakes.national_card import ANNE
from tests.fakes.portal import present
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, hidden_of, path_of

RPPS = IdentityRef("rpps", ANNE["rpps"])


def begun(provider: Provider, client_id: str = "card") -> tuple[RelyingParty, str]:
    """A login in which an unknown card was shown."""
    rp = RelyingParty(provider, client_id)
    path = rp.open_login()
    assert path_of(present(rp, path)) == path
    return rp, path


def answer(rp: RelyingParty, path: str, decision: str = "link", **changes: str) -> TestResponse:
    """Answer the page that asks whether to link."""
    form = {**hidden_of(rp.browser.get(path)), "decision": decision, **changes}
    return rp.browser.post(f"{path}/link", data=form)


def shown(rp: RelyingParty, path: str) -> str:
    """What the page would bring back, if it were shown."""
    services = rp.provider.services
    with services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
    assert account
    parts = (account.account_id, "national_card", RPPS.kind, RPPS.value)
    return services.data_keys.mac("link", path.rpartition("/")[2], *parts)


def unasked(rp: RelyingParty, path: str) -> TestResponse:
    """A « Relier » that no page asked for."""
    form = {**hidden_of(rp.browser.get(path)), "decision": "link", "shown": shown(rp, path)}
    return rp.browser.post(f"{path}/link", data=form)


def arrive(rp: RelyingParty, path: str) -> dict[str, str]:
    return answer_of(rp.browser.get(path))


def holder(provider: Provider) -> str | None:
    with provider.services.db.read() as tx:
        found = tx.accounts.find(RPPS)
        return found.login_name if found else None


def unlink(provider: Provider) -> None:
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        (link,) = tx.means.links(account.account_id)
        assert tx.means.remove(account.account_id, link.link_id, provider.clock.now())
