"""Leases: what one process at a time may do. A row, so that both databases know them and nothing is held open."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select

from idp.store import upsert
from idp.store.schema import lease


class Leases:
    """By name; a lease that has expired is anybody's."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def take(self, name: str, holder: str, now: datetime, lasts: timedelta) -> bool:
        """True if `holder` has the lease until `now + lasts`, anew or renewed; False while another holds it."""
        statement = upsert.insert(self._db.dialect, lease).values(name=name, holder=holder, until=now + lasts)
        taken = self._db.scalar(
            statement.on_conflict_do_update(
                index_elements=[lease.c.name],
                set_={"holder": holder, "until": now + lasts},
                where=or_(lease.c.until <= now, lease.c.holder == holder),
            ).returning(lease.c.holder)
        )
        return taken is not None

    def until(self, name: str) -> datetime | None:
        """When the lease ends, or ended; None if nobody ever took it, or its holder gave it back."""
        return self._db.scalar(select(lease.c.until).where(lease.c.name == name))

    def release(self, holder: str) -> None:
        """Give back all that `holder` has."""
        self._db.execute(delete(lease).where(lease.c.holder == holder))
