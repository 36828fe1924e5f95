"""Typing one-time codes."""

from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, path_of

MASKED = "a•••@chu.example"


SESSION = "__Host-sesame-session"


def at_the_code(rp: RelyingParty, login: str = "anne.pierre") -> str:
    """Up to the page that asks for the code."""
    path = rp.open_login()
    rp.post(f"{path}/email_otp", page=path)
    page = rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login=login, password=PASSWORD)
    assert path_of(page) == f"{path}/email_otp"
    return f"{path}/email_otp"


def amr_of(rp: RelyingParty, code: str) -> list[str]:
    amr: list[str] = rp.redeem(code)["claims"]["amr"]
    return amr


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def mailbox_only(provider: Provider) -> RelyingParty:
    provider.add_account("samir", anchor="mailbox")
    return RelyingParty(provider, "ror")
