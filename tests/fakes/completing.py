"""Somebody whom Pro Santé Connect named, and nobody knows: the form, its code, and the password."""

from collections.abc import Callable

from werkzeug.test import TestResponse

from demo.pro_sante_connect import wallet
from tests.fakes.federated import shown, through, with_upstreams
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, hidden_of, path_of
from tests.fakes.upstream import FakeUpstream

ADDRESS, NOBODYS = "anne.pierre@chu.example", "anne@clinique.example"
SUPPORT = "support@region.example"


def provider(start: Callable[..., Provider], psc: FakeUpstream) -> Provider:
    """Whose pages say where support is."""
    return with_upstreams(start(brand={"support_email": SUPPORT}), psc)


def arrived(provider: Provider, psc: FakeUpstream, person: str = "anne") -> tuple[RelyingParty, str]:
    """Back from Pro Santé Connect, where nobody was signed in, with a number that no account has."""
    psc.pages = wallet.create_app(psc.simulator).test_client()
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    assert path_of(through(rp, psc, path, person)) == path
    return rp, path


def complete(rp: RelyingParty, path: str, **typed: str) -> TestResponse:
    return rp.post(f"{path}/complete", page=path, **typed)


def give(rp: RelyingParty, path: str, code: str) -> TestResponse:
    return rp.post(f"{path}/complete", page=f"{path}/complete", code=code)


def proven(provider: Provider, psc: FakeUpstream, address: str = ADDRESS) -> tuple[RelyingParty, str]:
    """Up to the right code."""
    rp, path = arrived(provider, psc)
    complete(rp, path, email=address)
    give(rp, path, provider.last_code())
    return rp, path


def give_password(rp: RelyingParty, path: str, login: str = ADDRESS) -> TestResponse:
    return rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login=login, password=PASSWORD)


def links_it(rp: RelyingParty, path: str) -> TestResponse:
    return rp.browser.post(f"{path}/link", data={**hidden_of(rp.browser.get(path)), "decision": "link"})


def is_refused(response: TestResponse, said: str) -> bool:
    return response.status_code == 200 and 'id="error-summary"' in response.text and said in shown(response)
