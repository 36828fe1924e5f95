"""Parts of a provider that go away for a while, and come back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import fakeredis

from idp.store import Ephemeral
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
        return cls(provider.with_services(ephemeral=store), server)

    @property
    def folder(self) -> Path:
        return Path(str(self.provider.services.db.engine.url.database)).parent

    @contextmanager
    def of_database(self) -> Iterator[None]:
        """The folder of the database is not there."""
        folder, away = self.folder, self.folder.with_name("away")
        self.provider.services.db.close()
        folder.rename(away)
        try:
            yield
        finally:
            away.rename(folder)

    @contextmanager
    def of_ephemeral_store(self) -> Iterator[None]:
        """The server closes every connection."""
        self.server.connected = False
        try:
            yield
        finally:
            self.server.connected = True
