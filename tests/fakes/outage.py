"""Parts of a provider that go away for a while, and come back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import fakeredis
import sqlalchemy

from idp.store import Ephemeral
from idp.store.access_tokens import CheckedAccessTokens
from tests.fakes.provider import Provider


@dataclass
class Outage:
    """`provider` is the one to look at: its ephemeral store is one that can be cut off."""

    provider: Provider
    server: fakeredis.FakeServer

    @classmethod
    def of(cls, provider: Provider) -> "Outage":
        server = fakeredis.FakeServer()
        store = Ephemeral(fakeredis.FakeRedis(server=server), provider.clock)
        tokens = CheckedAccessTokens(store, provider.clock, provider.services.db)
        return cls(provider.with_services(ephemeral=store, access_tokens=tokens), server)

    @contextmanager
    def of_database(self) -> Iterator[None]:
        """The database is not there: the folder of SQLite's, or the name of PostgreSQL's, is another."""
        self.provider.services.db.close()
        url = self.provider.services.db.engine.url
        if url.get_backend_name() == "sqlite":
            folder = Path(str(url.database)).parent
            there, back = folder.with_name("away"), folder
            folder.rename(there)
        else:
            _run(url, f'ALTER DATABASE "{url.database}" RENAME TO "{url.database}_away"')
        try:
            yield
        finally:
            if url.get_backend_name() == "sqlite":
                there.rename(back)
            else:
                _run(url, f'ALTER DATABASE "{url.database}_away" RENAME TO "{url.database}"')

    @contextmanager
    def of_ephemeral_store(self) -> Iterator[None]:
        """The server closes every connection."""
        self.server.connected = False
        try:
            yield
        finally:
            self.server.connected = True


def _run(url: sqlalchemy.URL, statement: str) -> None:
    engine = sqlalchemy.create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
