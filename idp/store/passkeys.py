"""Passkeys and the user handles of accounts. The row of the credential itself is `idp.store.means`'s."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from idp.domain.enrolled import CredentialRecord, NewPasskey
from idp.errors import InvalidOperation
from idp.store.schema import account, credential, passkey, user_handle

RECORD = (
    select(passkey, account.c.account_id, account.c.login_name, user_handle.c.handle)
    .join(credential, credential.c.credential_id == passkey.c.credential_id)
    .join(account, account.c.account_id == credential.c.account_id)
    .join(user_handle, user_handle.c.account_id == account.c.account_id)
    .where(credential.c.revoked_at.is_(None))
)


class Passkeys:
    """One authenticator's credential id belongs to one account."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def of(self, account_id: str) -> list[CredentialRecord]:
        """The live ones, oldest first."""
        query = RECORD.where(account.c.account_id == account_id).order_by(passkey.c.credential_id)
        return [_record(row) for row in self._db.execute(query).mappings()]

    def find(self, webauthn_id: bytes) -> CredentialRecord | None:
        """The live one with this id."""
        row = self._db.execute(RECORD.where(passkey.c.webauthn_id == webauthn_id)).mappings().first()
        return _record(row) if row else None

    def add(self, credential_id: str, made: NewPasskey) -> None:
        """Of a credential that was added in the same unit. Raises InvalidOperation if its id is known already."""
        values = {
            "credential_id": credential_id,
            "webauthn_id": made.webauthn_id,
            "public_key": made.public_key,
            "sign_count": made.sign_count,
            "is_backup_eligible": made.is_backup_eligible,
            "rp_id": made.rp_id,
            "transports": list(made.transports),
        }
        try:
            self._db.execute(insert(passkey).values(values))
        except IntegrityError as error:
            raise InvalidOperation("the passkey is already registered") from error

    def count(self, credential_id: str, sign_count: int) -> bool:
        """Keep the counter of a use; False if it is not beyond the last one. Zero after zero is no counter
        (WebAuthn Level 3 §6.1.1).
        """
        beyond = or_(passkey.c.sign_count < sign_count, (passkey.c.sign_count == 0) & (sign_count == 0))
        which = (passkey.c.credential_id == credential_id) & beyond
        return self._db.execute(update(passkey).where(which).values(sign_count=sign_count)).rowcount == 1

    def of_other_hosts(self, rp_id: str) -> int:
        """How many live ones sign for another host, and so sign nobody in here."""
        alive = passkey.join(credential, credential.c.credential_id == passkey.c.credential_id)
        which = (passkey.c.rp_id != rp_id) & credential.c.revoked_at.is_(None)
        return self._db.scalar(select(func.count()).select_from(alive).where(which)) or 0

    def handle(self, account_id: str) -> bytes | None:
        """What authenticators know the account by; None while it has none."""
        return self._db.scalar(select(user_handle.c.handle).where(user_handle.c.account_id == account_id))

    def set_handle(self, account_id: str, handle: bytes) -> None:
        """Until the account is closed. It is locked, and has none."""
        self._db.execute(insert(user_handle).values(account_id=account_id, handle=handle))

    def drop_handle(self, account_id: str) -> None:
        """Of an account whose passkeys were revoked for good."""
        self._db.execute(delete(user_handle).where(user_handle.c.account_id == account_id))


def _record(row: Mapping[Any, Any]) -> CredentialRecord:
    values = {**row, "transports": tuple(row["transports"]), "user_handle": row["handle"]}
    del values["handle"], values["rp_id"]
    return CredentialRecord(**values)
