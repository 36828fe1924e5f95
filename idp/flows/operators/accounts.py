"""Accounts and entitlements, as operators manage them. No operator chooses a password (ASVS 6.4.6)."""

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from idp.domain.account import EMAIL, LOGIN_NAME, RPPS, Account, AccountStatus, normalise_login
from idp.domain.authn import IdentityRef
from idp.domain.enrolled import ENROLLED_KINDS
from idp.domain.ids import new_id
from idp.errors import InvalidOperation
from idp.flows import consents
from idp.flows.operators.desk import Desk
from idp.store import Tx

MAX_EMAIL, MAX_NAME, MAX_CIVILITY = 254, 200, 16
COLUMNS = ("login", "email", "given_name", "family_name", "civility", "rpps", "services")


def create(desk: Desk, tx: Tx, data: Mapping[str, str], profile: Mapping[str, Any] | None = None) -> Account:
    """An account without a password; its holder chooses one by « Mot de passe oublié ? ».

    data: `login`, `given_name`, `family_name`; `email` (verified by whoever imports it), `rpps`, `civility`,
    `services` (client_ids, separated by spaces) where known. Raises InvalidOperation.
    """
    entry = _sound(desk, data, profile)
    _fits(entry, tx.imports.taken(entry.refs), {client.client_id for client in tx.clients.all()})
    _store_all(desk, tx, [entry])
    return entry.account


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row that is sound in itself; what others hold, and which services exist, the database knows."""

    account: Account
    identities: tuple[tuple[IdentityRef, str], ...]
    services: tuple[str, ...]

    @property
    def refs(self) -> tuple[IdentityRef, ...]:
        """Every identifier, the login name first."""
        return (IdentityRef("login_name", self.account.login_name), *(ref for ref, _ in self.identities))


def _sound(desk: Desk, data: Mapping[str, str], profile: Mapping[str, Any] | None = None) -> _Entry:
    """Check one person's data. Raises InvalidOperation."""
    login, email = normalise_login(data.get("login", "")), normalise_login(data.get("email", ""))
    rpps, civility = data.get("rpps", "").strip(), data.get("civility", "").strip()
    given_name, family_name = data.get("given_name", "").strip(), data.get("family_name", "").strip()
    _require(LOGIN_NAME.fullmatch(login), f"{login!r}: a login name has a-z, 0-9 and . - _ inside, 64 at most")
    _require(
        not email or (len(email) <= MAX_EMAIL and EMAIL.fullmatch(email)),
        f"{login}: {email!r} is not an e-mail address",
    )
    _require(not rpps or RPPS.fullmatch(rpps), f"{login}: an RPPS number has 11 digits")
    _require(given_name and family_name, f"{login}: given_name and family_name are needed")
    _require(
        len(given_name) <= MAX_NAME and len(family_name) <= MAX_NAME,
        f"{login}: a name has {MAX_NAME} characters at most",
    )
    _require(len(civility) <= MAX_CIVILITY, f"{login}: a civility has {MAX_CIVILITY} characters at most")
    _require(all(value.isprintable() for value in data.values()), f"{login}: a character that cannot be printed")
    now = desk.now()
    account = Account(
        account_id=new_id(),
        login_name=login,
        status=AccountStatus.ACTIVE,
        given_name=given_name,
        family_name=family_name,
        email=email or None,
        email_verified=bool(email),
        created_at=now,
        updated_at=now,
        civility=civility or None,
        profile=dict(profile or {}),
    )
    held = (("email", email), ("rpps", rpps))
    identities = tuple((IdentityRef(kind, value), "support") for kind, value in held if value)
    return _Entry(account, identities, tuple(data.get("services", "").split()))


def import_csv(desk: Desk, path: Path) -> int:
    """Create the accounts of a CSV file (columns: COLUMNS, UTF-8); all of them or none. Returns how many.

    Every row is checked before the unit of work opens, and the unit has few statements, whatever the number of rows:
    nobody else can write to SQLite until it ends.
    """
    entries: list[tuple[int, _Entry]] = []
    for number, row in _read(path):
        with _at(path, number):
            entries.append((number, _sound(desk, row)))
    with desk.db.write() as tx:
        taken = set(tx.imports.taken([ref for _, entry in entries for ref in entry.refs]))
        services = {client.client_id for client in tx.clients.all()}
        for number, entry in entries:
            with _at(path, number):
                _fits(entry, taken, services)
            taken.update(entry.refs)
        _store_all(desk, tx, [entry for _, entry in entries])
    return len(entries)


def _fits(entry: _Entry, taken: Collection[IdentityRef], services: Collection[str]) -> None:
    """Check one row against what others hold, in the file too, and the services that exist. Raises InvalidOperation."""
    free = not any(ref in taken for ref in entry.refs)
    _require(free, f"{entry.account.login_name}: the login name or an identifier is already in use")
    for client_id in entry.services:
        _require(client_id in services, f"{client_id}: no such client")


def _store_all(desk: Desk, tx: Tx, entries: Sequence[_Entry]) -> None:
    tx.imports.add([(entry.account, entry.identities) for entry in entries])
    pairs = [(entry.account.account_id, client_id) for entry in entries for client_id in dict.fromkeys(entry.services)]
    tx.imports.entitle(pairs, desk.actor, desk.now())
    created = [desk.event("account.created", subject=entry.account.account_id) for entry in entries]
    granted = [desk.event("entitlement.granted", subject=who, client_id=what) for who, what in pairs]
    tx.audit.record_all([*created, *granted], desk.now())


@contextmanager
def _at(path: Path, number: int) -> Iterator[None]:
    """Say of which line a refusal speaks."""
    try:
        yield
    except InvalidOperation as error:
        raise InvalidOperation(f"{path}, line {number}: {error}; nothing was imported") from error


def _read(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV file, each with the number of its line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, restkey="", restval="", strict=True)
            rows = [(reader.line_num, row) for row in reader]
            unknown = set(reader.fieldnames or ()) - set(COLUMNS)
    except UnicodeDecodeError as error:
        raise InvalidOperation(f"{path}: not in UTF-8") from error
    except csv.Error as error:
        raise InvalidOperation(f"{path}: not a CSV file: {error}") from error
    _require(not unknown, f"{path}: unknown column: {', '.join(sorted(unknown))}")
    for number, row in rows:
        _require("" not in row, f"{path}, line {number}: more values than columns; nothing was imported")
    return rows


def set_status(desk: Desk, login: str, status: AccountStatus, reason: str) -> None:
    """Activate, suspend or close an account; what is not active has no session and no grant."""
    with desk.db.write() as tx:
        account = desk.account(tx, login)
        tx.accounts.set_status(account.account_id, status, desk.now())
        if status is not AccountStatus.ACTIVE:
            tx.sessions.end_all(account.account_id, desk.now())
            tx.emergency_codes.revoke(account.account_id, desk.now())
        if status is AccountStatus.CLOSED:
            tx.practices.remove(account.account_id)
            tx.means.revoke_kinds(account.account_id, ENROLLED_KINDS, desk.now())
            tx.passkeys.drop_handle(account.account_id)
        desk.record(tx, "account.status_changed", subject=account.account_id, status=status.value, reason=reason)


def end_sessions(desk: Desk, login: str, reason: str) -> int:
    """End every session and grant of an account, which stays as it is; returns how many sessions."""
    with desk.db.write() as tx:
        account = desk.account(tx, login)
        tx.accounts.lock(account.account_id)  # a login that is under way has its session before, or comes after
        ended = tx.sessions.end_all(account.account_id, desk.now())
        desk.record(tx, "session.ended", subject=account.account_id, sessions=ended, reason=reason)
    return ended


def confirm_password(desk: Desk, login: str, reason: str) -> None:
    """The holder of a password that was set through the mailbox was identified by other means (face to face, …)."""
    with desk.db.write() as tx:
        account = desk.account(tx, login)
        if not tx.accounts.confirm_password(account.account_id):
            raise InvalidOperation(f"{login}: there is no password to confirm")
        desk.record(tx, "password.confirmed", subject=account.account_id, reason=reason)


def entitle(desk: Desk, tx: Tx, account: Account, client_id: str, expires_at: datetime | None = None) -> None:
    """Give an account access to a service. Raises InvalidOperation for an unknown service."""
    if tx.clients.get(client_id) is None:
        raise InvalidOperation(f"{client_id}: no such client")
    tx.accounts.grant(account.account_id, client_id, desk.actor, desk.now(), expires_at)
    until = expires_at.isoformat() if expires_at else None
    desk.record(tx, "entitlement.granted", subject=account.account_id, client_id=client_id, until=until)


def withdraw(desk: Desk, login: str, client_id: str) -> None:
    """Take access to a service away, with the tokens that came of it."""
    with desk.db.write() as tx:
        account = desk.account(tx, login)
        if not tx.accounts.revoke(account.account_id, client_id, desk.now()):
            raise InvalidOperation(f"{login} has no access to {client_id}")
        tx.grants.revoke_for(account.account_id, client_id, desk.now())
        desk.record(tx, "entitlement.revoked", subject=account.account_id, client_id=client_id)


def withdraw_consent(desk: Desk, login: str, client_id: str) -> None:
    """The holder no longer agrees that a service has the data: it asks again, and its tokens are dead."""
    with desk.db.write() as tx:
        account = desk.account(tx, login)
        if not consents.withdraw(tx, account.account_id, client_id, desk.now()):
            raise InvalidOperation(f"{login} gave no consent to {client_id}")
        desk.record(tx, "consent.withdrawn", subject=account.account_id, client_id=client_id)


def _require(fact: object, otherwise: str) -> None:
    if not fact:
        raise InvalidOperation(otherwise)
