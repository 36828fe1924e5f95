"""Pictures that people show of themselves, one an account."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from idp.store import upsert
from idp.store.prepared import Prepared
from idp.store.schema import picture

OF_ACCOUNT = picture.c.account_id == bindparam("account")
UPDATED_AT = Prepared(select(picture.c.updated_at).where(OF_ACCOUNT))


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as it is sent to browsers."""

    media_type: str
    image: bytes = field(repr=False)
    updated_at: datetime


class Pictures:
    """The image itself is read only to be shown; a page asks for its version."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def put(self, account_id: str, new: Picture) -> None:
        """Replaces the one before."""
        values = {name: getattr(new, name) for name in Picture.__slots__}
        upsert.replace(self._db, picture, account_id=account_id, **values)

    def get(self, account_id: str) -> Picture | None:
        query = select(*(picture.c[name] for name in Picture.__slots__)).where(picture.c.account_id == account_id)
        row = self._db.execute(query).one_or_none()
        return None if row is None else Picture(**row._mapping)

    def version(self, account_id: str) -> str | None:
        """Differs after each change; None if there is no picture."""
        row = UPDATED_AT.first(self._db, {"account": account_id})
        return None if row is None else str(int(row["updated_at"].timestamp() * 1000))

    def remove(self, account_id: str) -> bool:
        """False if there was none."""
        gone = self._db.execute(delete(picture).where(picture.c.account_id == account_id))
        return gone.rowcount == 1
