"""Links to choose a password: single use, stored as digests."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from idp.domain.ids import digest
from idp.store.schema import reset_link


class ResetLinks:
    """All links of an account are good until they expire or one is used: another's asking kills nobody's link."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, token: str, account_id: str, now: datetime, expires_at: datetime) -> None:
        dead = reset_link.c.account_id == account_id, reset_link.c.expires_at <= now
        self._db.execute(delete(reset_link).where(*dead))
        self._db.execute(
            insert(reset_link).values(token_digest=digest(token), account_id=account_id, expires_at=expires_at)
        )

    def drop(self, account_id: str) -> None:
        """Let no link of the account work any more."""
        self._db.execute(delete(reset_link).where(reset_link.c.account_id == account_id))

    def peek(self, token: str, now: datetime) -> str | None:
        """The account of a link that is still good; uses nothing up."""
        return self._db.scalar(
            select(reset_link.c.account_id).where(
                reset_link.c.token_digest == digest(token),
                reset_link.c.used_at.is_(None),
                reset_link.c.expires_at > now,
            )
        )

    def take(self, token: str, now: datetime) -> str | None:
        """Use a link: its account, or None if it is unknown, used or expired. Exactly one caller gets it."""
        account_id: str | None = self._db.scalar(
            update(reset_link)
            .where(
                reset_link.c.token_digest == digest(token),
                reset_link.c.used_at.is_(None),
                reset_link.c.expires_at > now,
            )
            .values(used_at=now)
            .returning(reset_link.c.account_id)
        )
        if account_id is not None:
            others = reset_link.c.account_id == account_id, reset_link.c.used_at.is_(None)
            self._db.execute(delete(reset_link).where(*others))
        return account_id
