"""A provider with upstreams, and people who sign in by them."""

from html import unescape
from urllib.parse import urlencode

from werkzeug.test import TestResponse

from idp.domain.authn import Assurance
from idp.methods.registry import Registry
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty
from tests.fakes.upstream import FakeUpstream

PSC = "pro_sante_connect"


def with_upstreams(made: Provider, *upstreams: FakeUpstream) -> Provider:
    for each in upstreams:
        each.now = made.clock.now
    methods = [*made.services.registry.values(), *(each.method for each in upstreams)]
    provider = made.with_services(registry=Registry(methods))
    names = tuple(each.method.id for each in upstreams)
    provider.add_client("ror", methods=(*names, "email_otp"))
    provider.add_client("psc", methods=names)
    provider.add_client("strong", methods=names, min_assurance=Assurance.HIGH)
    return provider


def leave(rp: RelyingParty, path: str, name: str = PSC) -> str:
    """Press the button; where the browser is sent."""
    away = rp.post(f"{path}/{name}", page=path)
    assert away.status_code == 303, unescape(away.text)
    return str(away.headers["Location"])


def back(rp: RelyingParty, query: dict[str, str], name: str = PSC) -> TestResponse:
    return rp.browser.get(f"/login/callback/{name}?{urlencode(query)}")


def through(rp: RelyingParty, psc: FakeUpstream, path: str, person: str = "anne", mode: str = "CARD") -> TestResponse:
    """There, and back again."""
    name = psc.method.id
    return back(rp, psc.sign_in(leave(rp, path, name), person, mode), name)


def shown(response: TestResponse) -> str:
    return unescape(response.text)
