"""The desk's page of a request for access, as an operator uses it."""

from typing import Any

from werkzeug.test import TestResponse

from tests.fakes.access import request_of
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, path_of

LIST = "/console/requests"


def page_of(provider: Provider) -> str:
    return f"{LIST}/{request_of(provider).request_id}"


def act(operator: RelyingParty, provider: Provider, action: str, **fields: Any) -> TestResponse:
    """As the page offers it, with the version of now unless another is given."""
    page = page_of(provider)
    values = {"version": str(request_of(provider).version), **fields}
    return operator.browser.post(f"{page}/{action}", data={"csrf": csrf_of(operator.browser.get(page)), **values})


def said(operator: RelyingParty, provider: Provider, action: str, **fields: Any) -> str:
    """What the page says after it, or at once where it keeps what was typed."""
    answered = act(operator, provider, action, **fields)
    if answered.status_code == 200:
        return answered.text
    assert answered.status_code == 303
    return operator.browser.get(path_of(answered)).text


def entitled(provider: Provider) -> bool:
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        return tx.accounts.is_entitled(account.account_id, "espace-pro", provider.clock.now())
