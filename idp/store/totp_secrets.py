"""Secrets of authenticator applications. The row of the credential itself is `idp.store.means`'s."""

from datetime import datetime

from sqlalchemy import Connection, case, func, insert, select, update

from idp.domain.enrolled import TotpSecret
from idp.store.schema import credential, totp_secret

BATCH = 200


class TotpSecrets:
    """Sealed; each accepts the code of one step once."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def of(self, account_id: str) -> list[TotpSecret]:
        """Those of live credentials, oldest first."""
        live = (credential.c.account_id == account_id) & credential.c.revoked_at.is_(None)
        query = select(totp_secret).join(credential).where(live).order_by(totp_secret.c.credential_id)
        return [TotpSecret(**row) for row in self._db.execute(query).mappings()]

    def add(self, made: TotpSecret) -> None:
        """Of a credential that was added in the same unit."""
        values = {"credential_id": made.credential_id, "sealed": made.sealed, "last_step": made.last_step}
        self._db.execute(insert(totp_secret).values(**values, tries=0))

    def count_try(self, account_id: str, now: datetime, *, most: int) -> list[TotpSecret]:
        """Count a try for each live one that has not had `most` since its last success, and has none from then on.

        Returns those that it counts for, as they are now, each held until the unit ends.
        """
        tries = totp_secret.c.tries + 1
        values = {"tries": tries, "blocked_at": case((tries >= most, now), else_=None)}
        counted = []
        for found in self.of(account_id):
            which = (totp_secret.c.credential_id == found.credential_id) & (totp_secret.c.tries < most)
            if self._db.execute(update(totp_secret).where(which).values(values)).rowcount == 1:
                counted.append(found.credential_id)
        return [each for each in self.of(account_id) if each.credential_id in counted]

    def forgive(self, account_id: str, *, credential_id: str | None = None) -> bool:
        """Tries are counted anew, of all of an account or of one; False if there is none."""
        mine = credential.c.account_id == account_id
        if credential_id is not None:
            mine &= credential.c.credential_id == credential_id
        theirs = totp_secret.c.credential_id.in_(select(credential.c.credential_id).where(mine))
        return self._db.execute(update(totp_secret).where(theirs).values(tries=0, blocked_at=None)).rowcount > 0

    def spend(self, credential_id: str, step: int) -> bool:
        """Accept the code of a step: once, and none of an earlier step after it (RFC 6238 §5.2)."""
        unspent = (totp_secret.c.credential_id == credential_id) & (totp_secret.c.last_step < step)
        return self._db.execute(update(totp_secret).where(unspent).values(last_step=step)).rowcount == 1

    def sealed_otherwise(self, header: bytes, *, after: str = "") -> list[TotpSecret]:
        """At most BATCH whose seal does not begin so, under an older key, in the order of their credential_id."""
        begins, own = func.substr(totp_secret.c.sealed, 1, len(header)), totp_secret.c.credential_id
        query = select(totp_secret).where(begins != header, own > after).order_by(own).limit(BATCH)
        return [TotpSecret(**row) for row in self._db.execute(query).mappings()]

    def beginnings(self, length: int) -> dict[bytes, int]:
        """How many there are, by their first bytes."""
        begins = func.substr(totp_secret.c.sealed, 1, length)
        return {bytes(row[0]): row[1] for row in self._db.execute(select(begins, func.count()).group_by(begins))}

    def seal_again(self, known: TotpSecret, sealed: bytes) -> bool:
        """False if another was first."""
        same = (totp_secret.c.credential_id == known.credential_id) & (totp_secret.c.sealed == known.sealed)
        return self._db.execute(update(totp_secret).where(same).values(sealed=sealed)).rowcount == 1
