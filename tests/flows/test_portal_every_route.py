"""Every address of the portal that names something: what is another account's does not exist for this one."""

import re
from collections.abc import Callable

import pytest

from tests.fakes.portal import by_card, enter, with_card
from tests.fakes.provider import Provider
from tests.fakes.relying_party import csrf_of

LUC = {"rpps": "10100000002", "given_name": "Luc", "family_name": "Durand"}


@pytest.fixture
def provider(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    made = with_card(start, monkeypatch)
    made.add_client("asks", consent="first")
    made.add_account("luc.durand", **LUC)
    return made


def of_luc(provider: Provider) -> dict[str, list[str]]:
    """Everything of Luc that an address could name, live."""
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("luc.durand")
        assert account
        account_id, now, idle = account.account_id, provider.clock.now(), provider.services.settings.session_idle
        return {
            "means": [c.credential_id for c in tx.means.credentials(account_id)]
            + [link.link_id for link in tx.means.links(account_id)],
            "sessions": [session.session_id for session in tx.own_data.open_sessions(account_id, now, idle)],
            "events": [found.event_id for found in tx.audit.latest(50, subject=account_id)],
            "consents": sorted(tx.consents.scopes(account_id, "asks")),
        }


def test_nothing_of_another_account_exists(provider: Provider) -> None:
    luc = enter(provider, lambda rp, path: rp.give_otp(path, "luc.durand"))
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("luc.durand")
        assert account
        tx.means.add_link(account.account_id, "national_card", provider.clock.now())
        tx.consents.give(account.account_id, "asks", frozenset({"email"}), provider.clock.now())
    before = of_luc(provider)
    assert all(before.values()), before
    anne = enter(provider, by_card)
    tried = 0
    for rule in [r for r in provider.app.url_map.iter_rules() if r.rule.startswith("/compte/") and r.arguments]:
        ids = ["asks"] if "client_id" in rule.arguments else [*before["means"], *before["sessions"], *before["events"]]
        for one in ids:
            path = re.sub(r"<[^>]+>", one, rule.rule)
            if "POST" in (rule.methods or ()):
                csrf = csrf_of(anne.browser.get("/compte/means"))
                found = anne.browser.post(path, data={"csrf": csrf, "name": "x", "understood": "1"})
            else:
                found = anne.browser.get(path)
            assert found.status_code == 404, (path, found.status_code)
            tried += 1
    assert tried > 20
    assert of_luc(provider) == before
    assert luc.browser.get("/compte/means").status_code == 200
