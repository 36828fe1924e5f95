"""The console with operators of each role in it, signed in by password and code (MEDIUM)."""

from collections.abc import Callable
from dataclasses import dataclass, field

from werkzeug.test import TestResponse

from idp.domain.authn import Assurance
from idp.domain.rights import Role, RoleGrant
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, path_of

HOME = "/console"


def add_console(provider: Provider, *, min_assurance: Assurance = Assurance.MEDIUM) -> None:
    """The console's client, with a policy that asks for two factors."""
    provider.add_client(
        "console",
        methods=("email_otp",),
        min_assurance=min_assurance,
        auth_method="none",
        redirect_uris=(f"{ISSUER}/console/callback",),
        scopes=("openid",),
        needs_entitlement=False,
    )


def give_role(provider: Provider, login: str, role: str, scope: str = "*") -> None:
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login(login)
        assert account
        tx.operator_roles.grant(RoleGrant(account.account_id, Role(role), scope, "test", provider.clock.now()))


def enter(provider: Provider, login: str, page: str = HOME) -> RelyingParty:
    """A browser in which `login` is signed in to the console, with what /console answers not yet seen."""
    rp = RelyingParty(provider, "console")
    path = path_of(rp.browser.get(path_of(rp.browser.get(page))))
    assert path.startswith("/login/"), path
    arrived = rp.browser.get(path_of(rp.give_otp(path, login)))
    assert path_of(arrived) == page, arrived.headers
    return rp


def sign_in(provider: Provider, login: str, *roles: tuple[str, str], page: str = HOME) -> RelyingParty:
    """A new operator with these (role, scope), at work."""
    provider.add_account(login)
    for role, scope in roles:
        give_role(provider, login, role, scope)
    return enter(provider, login, page)


@dataclass
class Console:
    """A provider with a console; operators are made, and sign in, when they are asked for."""

    provider: Provider
    _inside: dict[str, RelyingParty] = field(default_factory=dict)

    @classmethod
    def start(cls, start: Callable[..., Provider], **settings: object) -> "Console":
        provider = start(**settings)
        add_console(provider)
        return cls(provider)

    def of(self, name: str, *roles: tuple[str, str]) -> RelyingParty:
        """The browser of `name`, who has these (role, scope)."""
        if name not in self._inside:
            self._inside[name] = sign_in(self.provider, name, *roles)
        return self._inside[name]

    @property
    def support(self) -> RelyingParty:
        return self.of("nadia.support", ("support", "*"))

    @property
    def auditor(self) -> RelyingParty:
        return self.of("paul.auditor", ("auditor", "*"))

    def approver(self, client_id: str) -> RelyingParty:
        return self.of(f"approver.{client_id}", ("approver", client_id))

    def policy_owner(self, client_id: str) -> RelyingParty:
        return self.of(f"owner.{client_id}", ("policy_owner", client_id))


def send(rp: RelyingParty, path: str, page: str, **fields: str) -> TestResponse:
    """POST a form with the CSRF token that `page` shows."""
    shown = rp.browser.get(page)
    assert shown.status_code == 200, (shown.status_code, shown.headers.get("Location"), shown.text[:500])
    return rp.browser.post(path, data={"csrf": csrf_of(shown), **fields})
