"""Clients that ask for consent, and what their page says."""

from typing import Any

import pytest
from sqlalchemy import event

from idp.flows.operators import accounts
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, path_of

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


def withdraw_before_the_next_write(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    database = provider.services.db

    def write_after_a_withdrawal() -> object:
        monkeypatch.undo()
        accounts.withdraw_consent(provider.desk, "anne.pierre", "asking")
        return database.write()

    monkeypatch.setattr(database, "write", write_after_a_withdrawal)


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
