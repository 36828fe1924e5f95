"""Facts about the database itself, and the version of the configuration."""

from sqlalchemy import Connection, insert, select, update

from idp.store.schema import config_version, meta


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

    @property
    def config_version(self) -> int:
        """Changes with each change of clients, policies or keys."""
        return self._db.scalar(select(config_version.c.version)) or 0

    def bump_config(self) -> None:
        """Tell every process that the configuration changes with the unit at hand."""
        changed = self._db.execute(update(config_version).values(version=config_version.c.version + 1))
        if not changed.rowcount:
            self._db.execute(insert(config_version).values(id=1, version=1))
