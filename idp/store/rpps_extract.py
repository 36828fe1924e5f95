"""Who has which RPPS number, as a file of the register said; and whose number nobody has checked for long."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from idp.domain.account import AccountStatus
from idp.store import upsert
from idp.store.schema import account, identity, rpps_extract


@dataclass(frozen=True, slots=True)
class Registered:
    """A line of the register."""

    rpps: str
    family_name: str
    given_name: str


@dataclass(frozen=True, slots=True)
class Unchecked:
    """An account whose RPPS number was last verified at `verified_at`. said_…: by the register of that number."""

    account_id: str
    login_name: str
    family_name: str
    given_name: str
    rpps: str
    verified_at: datetime
    said_family_name: str | None
    said_given_name: str | None


class RppsExtract:
    """The newest file alone counts."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def get(self, rpps: str) -> Registered | None:
        columns = [rpps_extract.c[name] for name in Registered.__slots__]
        row = self._db.execute(select(*columns).where(rpps_extract.c.rpps == rpps)).mappings().one_or_none()
        return Registered(**row) if row else None

    def imported_at(self) -> datetime | None:
        """Of the newest file; None if there never was one."""
        found: datetime | None = self._db.scalar(select(func.max(rpps_extract.c.imported_at)))
        return found

    def put(self, lines: Collection[Registered], now: datetime) -> None:
        """Some lines of a file; replaces what was said of these numbers."""
        values = [{**{name: getattr(each, name) for name in each.__slots__}, "imported_at": now} for each in lines]
        if values:
            made = upsert.insert(self._db.dialect, rpps_extract)
            changed = {name: made.excluded[name] for name in ("family_name", "given_name", "imported_at")}
            self._db.execute(made.on_conflict_do_update(index_elements=["rpps"], set_=changed), values)

    def drop_before(self, now: datetime) -> int:
        """What the newest file does not say any more; how many lines."""
        return self._db.execute(delete(rpps_extract).where(rpps_extract.c.imported_at < now)).rowcount

    def unchecked(self, since: datetime, limit: int, after: str = "") -> list[Unchecked]:
        """Active accounts whose number was verified before `since`, by account_id, and what the newest file says."""
        columns = (account.c.account_id, account.c.login_name, account.c.family_name, account.c.given_name)
        said = rpps_extract.c.family_name.label("said_family_name"), rpps_extract.c.given_name.label("said_given_name")
        query = (
            select(*columns, identity.c.value.label("rpps"), identity.c.verified_at, *said)
            .join(identity, identity.c.account_id == account.c.account_id)
            .join(rpps_extract, rpps_extract.c.rpps == identity.c.value, isouter=True)
            .where(identity.c.kind == "rpps", identity.c.verified_at < since, account.c.account_id > after)
            .where(account.c.status == AccountStatus.ACTIVE.value)
            .order_by(account.c.account_id)
            .limit(limit)
        )
        return [Unchecked(**row) for row in self._db.execute(query).mappings()]
