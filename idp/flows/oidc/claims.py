"""What is said of a person, by scope and by name (OIDC Core §5.1, §5.4); `identite_ps`: see `professional`."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

from idp.domain.account import Account
from idp.flows.oidc.professional import PROFESSIONAL, professional
from idp.store import Tx

PROFILE = (
    "name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
    "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
)  # fmt: skip
ROLES: Final = "habilitations"
SCOPE_CLAIMS: dict[str, tuple[str, ...]] = {
    "profile": PROFILE,
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
    "identite_ps": PROFESSIONAL,
    "habilitations": (ROLES,),
}
CLAIMS = frozenset(name for names in SCOPE_CLAIMS.values() for name in names)
ONLY_AT_USERINFO = frozenset({"SubjectRefPro"})  # as long as thirty ID Tokens
FROM_PROFILE = CLAIMS - {
    "name", "family_name", "given_name", "preferred_username", "updated_at", "email", "email_verified", *PROFESSIONAL,
    ROLES,
}  # fmt: skip


def claims_of_scopes(scopes: Iterable[str]) -> frozenset[str]:
    """The claims that scopes stand for."""
    return frozenset(name for scope in scopes for name in SCOPE_CLAIMS.get(scope, ()))


def scopes_of_claims(names: Collection[str]) -> frozenset[str]:
    """The scopes that claims belong to."""
    return frozenset(scope for scope, claims in SCOPE_CLAIMS.items() if not set(names).isdisjoint(claims))


def values_of(tx: Tx, account: Account, names: Collection[str], client_id: str, now: datetime) -> dict[str, Any]:
    """The values of these claims that the account has; absent ones are left out, never null or empty (§5.3.2).

    client_id: whom they are for, who learns of no other's roles. The account's identities are not asked for.
    """
    if not names:
        return {}
    known: dict[str, Any] = {
        **{name: value for name, value in account.profile.items() if name in FROM_PROFILE},
        "name": account.full_name,
        "family_name": account.family_name,
        "given_name": account.given_name,
        "preferred_username": account.login_name,
        "updated_at": int(account.updated_at.timestamp()),
        "email": account.email,
        "email_verified": account.email_verified if account.email else None,
        **professional(tx, account.account_id, names),
        ROLES: _roles(tx, account, client_id, now) if ROLES in names else None,
    }
    return {name: known[name] for name in sorted(names) if known.get(name) not in (None, "", {}, [])}


def _roles(tx: Tx, account: Account, client_id: str, now: datetime) -> list[dict[str, str]]:
    """Those that came with the access to this service; without perimeter: wherever the role counts."""
    given = tx.held_accesses.roles(account.account_id, client_id, now)
    return [{"code": each.code, **({"perimeter": each.perimeter} if each.perimeter else {})} for each in given]
