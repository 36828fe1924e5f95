"""A person whom an operator brings in: what is asked of their data, and the account that becomes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from idp.domain.account import EMAIL, LOGIN_NAME, RPPS, Account, AccountStatus, normalise_login
from idp.domain.authn import IdentityRef
from idp.errors import InvalidOperation
from idp.flows.operators.desk import Desk
from idp.store import Tx

MAX_EMAIL, MAX_NAME, MAX_CIVILITY = 254, 200, 16
COLUMNS = ("login", "email", "given_name", "family_name", "civility", "rpps", "services")


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Data that are sound in themselves; what others hold, and which services exist, the database knows.

    Empty where nothing is known. services: client_ids.
    """

    login: str
    email: str
    given_name: str
    family_name: str
    civility: str
    rpps: str
    services: tuple[str, ...]

    @property
    def identities(self) -> tuple[tuple[IdentityRef, str], ...]:
        """With their origin: whoever brings them in has verified them."""
        held = (("email", self.email), ("rpps", self.rpps))
        return tuple((IdentityRef(kind, value), "support") for kind, value in held if value)

    @property
    def refs(self) -> tuple[IdentityRef, ...]:
        """Every identifier, the login name first."""
        return (IdentityRef("login_name", self.login), *(ref for ref, _ in self.identities))

    def account(self, account_id: str, now: datetime, profile: Mapping[str, Any] | None = None) -> Account:
        return Account(
            account_id=account_id,
            login_name=self.login,
            status=AccountStatus.ACTIVE,
            given_name=self.given_name,
            family_name=self.family_name,
            email=self.email or None,
            email_verified=bool(self.email),
            created_at=now,
            updated_at=now,
            civility=self.civility or None,
            profile=dict(profile or {}),
        )

    def to_json(self) -> dict[str, Any]:
        return {**{name: getattr(self, name) for name in COLUMNS}, "services": list(self.services)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Newcomer":
        return cls(**{**stored, "services": tuple(stored["services"])})


def sound(data: Mapping[str, str]) -> Newcomer:
    """Check one person's data, by COLUMNS. Raises InvalidOperation."""
    login, email = normalise_login(data.get("login", "")), normalise_login(data.get("email", ""))
    rpps, civility = data.get("rpps", "").strip(), data.get("civility", "").strip()
    given_name, family_name = data.get("given_name", "").strip(), data.get("family_name", "").strip()
    require(LOGIN_NAME.fullmatch(login), f"{login!r}: a login name has a-z, 0-9 and . - _ inside, 64 at most")
    require(
        not email or (len(email) <= MAX_EMAIL and EMAIL.fullmatch(email)),
        f"{login}: {email!r} is not an e-mail address",
    )
    require(not rpps or RPPS.fullmatch(rpps), f"{login}: an RPPS number has 11 digits")
    require(given_name and family_name, f"{login}: given_name and family_name are needed")
    require(
        len(given_name) <= MAX_NAME and len(family_name) <= MAX_NAME,
        f"{login}: a name has {MAX_NAME} characters at most",
    )
    require(len(civility) <= MAX_CIVILITY, f"{login}: a civility has {MAX_CIVILITY} characters at most")
    require(all(value.isprintable() for value in data.values()), f"{login}: a character that cannot be printed")
    services = tuple(dict.fromkeys(data.get("services", "").split()))
    return Newcomer(login, email, given_name, family_name, civility, rpps, services)


def bring_in(desk: Desk, tx: Tx, people: Sequence[tuple[Account, Newcomer]], now: datetime, **facts: str) -> None:
    """Make these accounts, in few statements; all that is written of one bears one instant, its `created_at`, by which
    an undo sees what came later. facts: of the events. Raises TakenMeanwhile.
    """
    tx.imports.add([(account, newcomer.identities) for account, newcomer in people])
    pairs = [(account.account_id, client_id) for account, newcomer in people for client_id in newcomer.services]
    tx.imports.entitle(pairs, desk.actor, now)
    created = [desk.event("account.created", subject=account.account_id, **facts) for account, _ in people]
    granted = [desk.event("entitlement.granted", subject=who, client_id=what, **facts) for who, what in pairs]
    tx.audit.record_all([*created, *granted], now)


def require(fact: object, otherwise: str) -> None:
    """Raises InvalidOperation."""
    if not fact:
        raise InvalidOperation(otherwise)
