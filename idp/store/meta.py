"""Facts about the database itself."""

from sqlalchemy import Connection, insert, select

from idp.store.schema import meta


class Meta:
    """Small facts, by name."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    @property
    def is_demo(self) -> bool:
        """True for a database that was made by the demo: its accounts have published passwords."""
        return self._db.scalar(select(meta.c.value).where(meta.c.key == "demo")) is not None

    def mark_as_demo(self) -> None:
        self._db.execute(insert(meta).values(key="demo", value="1"))
