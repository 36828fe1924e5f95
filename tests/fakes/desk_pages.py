"""The desk's pages of registrations, in an operator's browser."""

from werkzeug.test import TestResponse

from idp.domain.registration import Registration
from tests.fakes.console import send
from tests.fakes.provider import Provider
from tests.fakes.registering import now_of
from tests.fakes.relying_party import RelyingParty

LIST = "/console/registrations"


def page_of(about: Registration) -> str:
    return f"{LIST}/{about.registration_id}"


def act(
    operator: RelyingParty,
    provider: Provider,
    about: Registration,
    action: str,
    *,
    version: int | None = None,
    text: str = "",
) -> TestResponse:
    """Press a button of the page, which shows this version or the newest."""
    version = now_of(provider, about.registration_id).version if version is None else version
    return send(operator, f"{page_of(about)}/{action}", page_of(about), version=str(version), text=text)


def shown(operator: RelyingParty, path: str) -> str:
    answered = operator.browser.get(path)
    assert answered.status_code == 200, answered.status_code
    return answered.text
