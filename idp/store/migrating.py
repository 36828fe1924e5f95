"""The schema's version: what it is, what this code needs, and how it gets there.

A server asks, and never migrates: Alembic, 0.2 s and 8 MiB in each process, is loaded by who does.
"""

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from sqlalchemy import Connection, column, inspect, select, table

if TYPE_CHECKING:
    import alembic.config

VERSION = table("alembic_version", column("version_num"))


@cache
def revisions() -> tuple[str, ...]:
    """Those that this code knows, oldest first: the names of their files begin with them."""
    files = (resources.files("migrations") / "versions").iterdir()
    return tuple(sorted(file.name.partition("_")[0] for file in files if file.name.endswith(".py")))


def revision(connection: Connection) -> str | None:
    """The schema's; None for an empty database."""
    if not inspect(connection).has_table(VERSION.name):
        return None
    return connection.scalar(select(VERSION.c.version_num))


def configuration() -> "alembic.config.Config":
    """Alembic's, for the scripts of this package."""
    import alembic.config  # noqa: PLC0415 - see above

    config = alembic.config.Config()
    config.set_main_option("script_location", str(resources.files("migrations")).replace("%", "%%"))
    return config


def upgrade(connection: Connection) -> None:
    """To the newest revision, in the transaction at hand."""
    import alembic.command  # noqa: PLC0415 - see above

    config = configuration()
    config.attributes["connection"] = connection
    alembic.command.upgrade(config, "head")
