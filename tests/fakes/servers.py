"""Real servers for tests, each in a folder of its own, on a free port of the loopback."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import redis
import sqlalchemy

from idp.store import Database

START_S = 20
TEMPLATE = "sesame_template"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class PostgreSQL:
    """A cluster with a migrated template, from which a database is copied in a blink."""

    port: int
    made: int = 0
    restart: Callable[[], None] = field(default=lambda: None, repr=False)
    """Kill it, as a crash would, and start it again."""

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    @property
    def template(self) -> str:
        return self.url(TEMPLATE)

    def create(self, *, template: str = TEMPLATE) -> str:
        """A new database; its address."""
        name = self._new_name()
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")  # half the time of the default
        return self.url(name)

    def rename(self, url: str) -> str:
        """Give a database that nobody uses a name of which nobody knows; its new address."""
        name = self._new_name()
        self.run(f"ALTER DATABASE {_name(url)} RENAME TO {name}")
        return self.url(name)

    def drop(self, url: str) -> None:
        self.run(f"DROP DATABASE {_name(url)} WITH (FORCE)")

    def run(self, statement: str) -> None:
        """As the server's owner, outside of any transaction."""
        with self._owner.connect() as connection:
            connection.exec_driver_sql(statement)

    def close(self) -> None:
        self._owner.dispose()

    @cached_property
    def _owner(self) -> sqlalchemy.Engine:
        return sqlalchemy.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT", pool_pre_ping=True)

    def _new_name(self) -> str:
        self.made += 1
        return f"sesame_{self.made}"


def _name(url: str) -> str:
    return url.rpartition("/")[2]


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """Debian's server; as root it runs as its own user, which the package made."""
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/usr/bin"))
    folder, port = Path(tempfile.mkdtemp(prefix="sesame-pg-")), free_port()
    prefix: list[str] = []
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        prefix = ["runuser", "-u", "postgres", "--"]
    quick = "-c fsync=off -c full_page_writes=off -c autovacuum=off"
    data, options = folder / "data", f"-p {port} -c listen_addresses=127.0.0.1 {quick} -k {folder}"

    def control(*arguments: str) -> None:
        command = [*prefix, str(binaries / "pg_ctl"), "-D", str(data), "-s", "-w", "-t", str(START_S), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)

    initdb = [*prefix, str(binaries / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres", "-E", "UTF8"]
    try:
        subprocess.run([*initdb, "--locale=C.UTF-8"], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        control("-l", str(folder / "log"), "-o", options, "start")
        server = PostgreSQL(
            port, restart=lambda: control("-m", "immediate", "-l", str(folder / "log"), "-o", options, "restart")
        )
        server.run(f"CREATE DATABASE {TEMPLATE}")
        database = Database(server.template)
        database.migrate()
        database.close()
        yield server
        server.close()
    finally:
        with suppress(subprocess.CalledProcessError):
            control("-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis_server() -> Iterator[str]:
    """Debian's server, which keeps nothing; its address."""
    folder, port = tempfile.mkdtemp(prefix="sesame-redis-"), free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}"
    try:
        client = redis.Redis.from_url(url, retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.05), START_S * 20))
        client.ping()
        client.close()
        yield url
    finally:
        process.terminate()
        process.wait(START_S)
        shutil.rmtree(folder, ignore_errors=True)
