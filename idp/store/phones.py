"""Phones that approve, and the cookies by which they are remembered. The row of the credential itself is
`idp.store.means`'s.
"""

from datetime import datetime

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from idp.domain.phone import KnownPhone, NewPhone, Phone
from idp.errors import InvalidOperation
from idp.store.schema import account, credential, phone, phone_cookie

RECORD = (
    select(phone, account.c.account_id, account.c.login_name)
    .join(credential, credential.c.credential_id == phone.c.credential_id)
    .join(account, account.c.account_id == credential.c.account_id)
    .where(credential.c.revoked_at.is_(None))
)
KNOWN = (
    select(
        *(credential.c[name] for name in ("credential_id", "account_id", "kind", "name")),
        account.c.login_name,
    )
    .join(phone_cookie, phone_cookie.c.credential_id == credential.c.credential_id)
    .join(account, account.c.account_id == credential.c.account_id)
    .where(credential.c.revoked_at.is_(None))
)


class Phones:
    """One key belongs to one account."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def of(self, account_id: str) -> list[Phone]:
        """The live ones with a key of their own, oldest first; those with a passkey are `Passkeys.of`'s."""
        query = RECORD.where(account.c.account_id == account_id).order_by(phone.c.credential_id)
        return [Phone(**row) for row in self._db.execute(query).mappings()]

    def find(self, credential_id: str) -> Phone | None:
        """The live one of this credential."""
        row = self._db.execute(RECORD.where(phone.c.credential_id == credential_id)).mappings().first()
        return Phone(**row) if row else None

    def by_cookie(self, cookie_digest: str) -> KnownPhone | None:
        """Which live credential, a phone's or a passkey, the browser with this cookie is remembered by."""
        row = self._db.execute(KNOWN.where(phone_cookie.c.cookie_digest == cookie_digest)).mappings().first()
        return KnownPhone(**row) if row else None

    def add(self, credential_id: str, made: NewPhone) -> None:
        """Of a credential that was added in the same unit. Raises InvalidOperation if its key is known already."""
        values = {"credential_id": credential_id, "public_key": made.public_key, "pin_digest": made.pin_digest}
        try:
            self._db.execute(insert(phone).values(**values, failures=0))
        except IntegrityError as error:
            raise InvalidOperation("the phone is already registered") from error

    def remember_browser(self, credential_id: str, cookie_digest: str, now: datetime) -> None:
        """By a cookie that was just drawn, for a phone or a passkey."""
        values = {"cookie_digest": cookie_digest, "credential_id": credential_id, "created_at": now}
        self._db.execute(insert(phone_cookie).values(values))

    def note_wrong_pin(self, credential_id: str) -> int:
        """Count one; how many there are since the last right one. Zero for a phone that is not there."""
        counted = update(phone).where(phone.c.credential_id == credential_id).values(failures=phone.c.failures + 1)
        return self._db.scalar(counted.returning(phone.c.failures)) or 0

    def forgive(self, credential_id: str) -> None:
        """The PIN was right: earlier wrong ones count no more."""
        self._db.execute(update(phone).where(phone.c.credential_id == credential_id).values(failures=0))
