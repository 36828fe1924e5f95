"""Accounts and entitlements as CSV, for operators. Cells are never formulas; nothing that is secret is among them."""

import json
from typing import TextIO

from idp.csv_out import writer
from idp.domain.account import Account
from idp.errors import InvalidOperation
from idp.flows.operators.desk import Desk
from idp.store.people import AccessOf

ACCOUNTS = (
    "account_id",
    "login",
    "email",
    "email_verified",
    "civility",
    "given_name",
    "family_name",
    "status",
    "rpps",
    "adeli",
    "employee",
    "created_at",
    "signed_in_at",
)
ENTITLEMENTS = (
    "account_id",
    "login",
    "email",
    "given_name",
    "family_name",
    "account_status",
    "client_id",
    "service",
    "roles",
    "granted_by",
    "granted_at",
    "expires_at",
)


def accounts(desk: Desk, file: TextIO) -> None:
    """Write every account, whatever its status."""
    _note(desk, "accounts")
    rows = writer(file)
    rows.writerow(ACCOUNTS)
    with desk.db.read() as tx:
        rows.writerows(map(_account, tx.people.every()))


def entitlements(desk: Desk, file: TextIO, client_id: str | None = None) -> None:
    """Write every live entitlement, of one service or of all. Raises InvalidOperation for an unknown service."""
    _note(desk, "entitlements", client_id)
    rows = writer(file)
    rows.writerow(ENTITLEMENTS)
    with desk.db.read() as tx:
        rows.writerows(map(_entitlement, tx.people.accesses(desk.now(), client_id=client_id)))


def _account(each: Account) -> tuple[str | None, ...]:
    return (
        each.account_id,
        each.login_name,
        each.email,
        "yes" if each.email_verified else "no",
        each.civility,
        each.given_name,
        each.family_name,
        each.status.value,
        *(each.identities.get(kind) for kind in ("rpps", "adeli", "employee")),
        each.created_at.isoformat(),
        each.signed_in_at.isoformat() if each.signed_in_at else None,
    )


def _entitlement(each: AccessOf) -> tuple[str | None, ...]:
    return (
        each.account_id,
        each.login_name,
        each.email,
        each.given_name,
        each.family_name,
        each.account_status,
        each.client_id,
        each.service,
        json.dumps(each.roles, ensure_ascii=False) if each.roles else None,
        each.granted_by,
        each.granted_at.isoformat(),
        each.expires_at.isoformat() if each.expires_at else None,
    )


def _note(desk: Desk, what: str, client_id: str | None = None) -> None:
    """Before anything is handed out."""
    with desk.db.write() as tx:
        if client_id is not None and tx.clients.get(client_id) is None:
            raise InvalidOperation(f"{client_id}: no such client")
        desk.record(tx, "people.exported", client_id=client_id, what=what)
