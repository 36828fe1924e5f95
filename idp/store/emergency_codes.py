"""Emergency codes: of an account one at a time is good, once, until it expires; stored as digests."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, insert, select, update

from idp.domain.emergency import EmergencyCode
from idp.store.schema import emergency_code

COLUMNS = tuple(emergency_code.c[name] for name in EmergencyCode.__slots__)


class EmergencyCodes:
    """Issued in a unit that holds the account, so that the newer one ends the older."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def issue(self, made: EmergencyCode) -> bool:
        """Let this code be the account's only one; True if it had another, which nobody had used."""
        mine = emergency_code.c.account_id == made.account_id
        earlier = update(emergency_code).where(mine, _is_unspent()).values(revoked_at=made.created_at)
        ended = self._db.execute(earlier).rowcount
        self._db.execute(insert(emergency_code).values({name: getattr(made, name) for name in made.__slots__}))
        return ended > 0

    def live(self, account_id: str, now: datetime) -> EmergencyCode | None:
        """The code that would be accepted now."""
        query = select(*COLUMNS).where(emergency_code.c.account_id == account_id, _is_live(now))
        row = self._db.execute(query).one_or_none()
        return EmergencyCode(**row._mapping) if row else None

    def use(self, code_id: str, now: datetime) -> bool:
        """Use a code up; False if it was used, was revoked or has expired: of several callers exactly one gets True."""
        this = emergency_code.c.code_id == code_id
        return self._db.execute(update(emergency_code).where(this, _is_live(now)).values(used_at=now)).rowcount == 1

    def revoke(self, account_id: str, now: datetime) -> list[tuple[str, bool]]:
        """End the codes of an account that have not expired: the id of each, and whether it had been used."""
        open_still = (emergency_code.c.revoked_at.is_(None)) & (emergency_code.c.expires_at > now)
        ended = (
            update(emergency_code)
            .where(emergency_code.c.account_id == account_id, open_still)
            .values(revoked_at=now)
            .returning(emergency_code.c.code_id, emergency_code.c.used_at)
        )
        return sorted((code_id, used_at is not None) for code_id, used_at in self._db.execute(ended))


def _is_unspent() -> ColumnElement[bool]:
    return and_(emergency_code.c.used_at.is_(None), emergency_code.c.revoked_at.is_(None))


def _is_live(now: datetime) -> ColumnElement[bool]:
    return and_(_is_unspent(), emergency_code.c.expires_at > now)
