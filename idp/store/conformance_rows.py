"""Sound rows for the suites of the SQL store."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from idp.domain.account import Account, AccountStatus
from idp.domain.authn import Assurance, IdentityRef, Proof
from idp.domain.client import Client
from idp.domain.grant import Grant
from idp.domain.ids import new_id
from idp.domain.policy import MethodEntry, Policy
from idp.store.conformance import START
from idp.store.database import Database, Tx

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
IDLE = timedelta(minutes=30)


def add_account(tx: Tx, login: str = "anne.pierre", email: str | None = None) -> Account:
    made = Account(
        account_id=new_id(),
        login_name=login,
        status=AccountStatus.ACTIVE,
        given_name="Anne",
        family_name="Pierre",
        email=email,
        email_verified=email is not None,
        created_at=START,
        updated_at=START,
        civility="Mme",
        profile={"birthdate": "0000-05-17", "address": {"locality": "Bordeaux"}},
    )
    tx.accounts.add(made, [(IdentityRef("email", email), "support")] if email else [])
    return made


def add_client(tx: Tx, client_id: str = "ror", **changes: Any) -> Client:
    values: dict[str, Any] = {
        "name": client_id,
        "redirect_uris": ("https://ror.example/cb",),
        "secret_digest": "0" * 64,
    }
    made = Client(client_id, **{**values, **changes})
    tx.clients.add(made, START)
    return made


def add_session(tx: Tx, account_id: str, cookie: str = "cookie", **changes: Any) -> str:
    values: dict[str, Any] = {"lifetime": 4 * HOUR, "user_agent": "Firefox", "ip_prefix": "192.0.2.0/24"}
    return tx.sessions.open(cookie, account_id, START, **{**values, **changes})


def add_grant(
    tx: Tx, account_id: str, session_id: str, client_id: str = "ror", code: str = "code", **changes: Any
) -> Grant:
    values: dict[str, Any] = {
        "scope": ("openid", "email"),
        "redirect_uri": "https://ror.example/cb",
        "acr": "eidas1",
        "amr": ("pwd", "otp", "mfa"),
        "auth_time": START,
        "created_at": START,
    }
    made = Grant(new_id(), account_id, client_id, session_id, **{**values, **changes})
    tx.grants.add(made, code)
    return made


def proof(at: datetime = START) -> Proof:
    return Proof("password", IdentityRef("login_name", "anne.pierre"), Assurance.LOW, ("pwd",), at, "knowledge")


def policy_of(client_id: str, effective_from: datetime = START, **changes: Any) -> Policy:
    values: dict[str, Any] = {"created_by": "operator", "created_at": START}
    return Policy(new_id(), client_id, effective_from, (MethodEntry("password"),), **{**values, **changes})


def ask(database: Database) -> None:
    """One statement. Raises Unavailable."""
    with database.read() as tx:
        assert tx.meta.config_version


class Refused(Exception):
    """What a change wants raised that can be made no more."""


REFUSED = Refused()


def is_done(database: Database, change: Callable[[Tx], Any]) -> bool:
    """Whether a unit that is this change, or else raises REFUSED, is committed."""
    try:
        with database.write() as tx:
            change(tx)
    except Refused:
        return False
    return True
