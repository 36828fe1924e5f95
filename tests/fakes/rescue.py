"""A provider with emergency codes, and a person who is given one."""

from collections.abc import Callable
from typing import Any

from werkzeug.test import TestResponse

from idp.domain.session import Session
from idp.flows.operators import emergency
from tests.fakes.portal import enter
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty

METHODS = ("email_otp", "password", "totp", "passkey", "emergency_code")
SECOND = "nadia@support.example"
WRONG = "BBBB-BBBB-BBBB-BBBB"


def with_codes(start: Callable[..., Provider], **settings: Any) -> Provider:
    values = {"methods": METHODS, "brand": {"support_email": "support@region.example"}, **settings}
    made = start(**values)
    made.clock.advance(seconds=1)
    made.set_policy("portail", METHODS)
    made.add_client("strong", methods=("email_otp", "emergency_code"))
    made.add_account("anne.pierre")
    return made


def issued(provider: Provider, login: str = "anne.pierre", **changes: Any) -> str:
    """A code that support has issued."""
    asked: dict[str, Any] = {"hours": 4, "reason": "reader out of order", "tell": SECOND, **changes}
    return emergency.issue(provider.services, provider.desk, login, **asked).code


def at_the_code(provider: Provider, login: str = "anne.pierre", client_id: str = "strong") -> tuple[RelyingParty, str]:
    """A login of a service that asks for a code, the password given; its path."""
    rp = RelyingParty(provider, client_id)
    path = rp.open_login()
    after_password(rp, path, login)
    return rp, path


def after_password(rp: RelyingParty, path: str, login: str = "anne.pierre") -> None:
    rp.post(f"{path}/emergency_code", page=path)
    rp.post(f"{path}/emergency_code", page=f"{path}/emergency_code", login=login, password=PASSWORD)


def give(rp: RelyingParty, path: str, code: str) -> TestResponse:
    """The code, on the page that asks for it."""
    return rp.post(f"{path}/emergency_code", page=f"{path}/emergency_code", code=code)


def in_the_portal(provider: Provider, page: str = "/compte", **changes: Any) -> RelyingParty:
    """Signed in to the portal by a code."""
    code = issued(provider, **changes)

    def by_emergency_code(rp: RelyingParty, path: str) -> TestResponse:
        after_password(rp, path)
        return give(rp, path, code)

    return enter(provider, by_emergency_code, page=page)


def session_of(provider: Provider, rp: RelyingParty) -> Session:
    """The session of a browser."""
    cookie = rp.browser.get_cookie("__Host-sesame-session")
    assert cookie
    services = provider.services
    with services.db.read() as tx:
        found = tx.sessions.find(cookie.value, provider.clock.now(), services.settings.session_idle)
    assert found
    return found
