"""PostgreSQL and Redis for one run: Debian's servers, each on a free port of the loopback, ended with the run.

Commits are durable (fsync and synchronous_commit on), as they must be in production; Redis keeps nothing on disk.
"""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

START_S = 20
DURABLE = "-c fsync=on -c synchronous_commit=on -c full_page_writes=on"


@dataclass(frozen=True, slots=True)
class Services:
    postgresql_port: int
    redis_port: int
    pids: dict[str, int]  # of `postgresql` and `redis`

    def environment(self) -> dict[str, str]:
        """What the scripts of the peers are told."""
        return {"BENCH_POSTGRESQL_PORT": str(self.postgresql_port), "BENCH_REDIS_PORT": str(self.redis_port)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def start(folder: Path) -> Iterator[Services]:
    """Both servers, with their data in `folder`, which every user can pass through."""
    with _postgresql(folder / "postgresql") as (sql_port, sql_pid), _redis(folder / "redis") as (redis_port, redis_pid):
        yield Services(sql_port, redis_port, {"postgresql": sql_pid, "redis": redis_pid})


@contextmanager
def _postgresql(folder: Path) -> Iterator[tuple[int, int]]:
    """Port and process id. PostgreSQL refuses to run as root: then it runs as the user that its package made."""
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/usr/bin"))
    port, data = free_port(), folder / "data"
    folder.mkdir()
    prefix: list[str] = []
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
        prefix = ["runuser", "-u", "postgres", "--"]

    def run(program: str, *arguments: str) -> None:
        command = [*prefix, str(binaries / program), "-D", str(data), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)

    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} {DURABLE}"
    run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8")
    try:
        run("pg_ctl", "-s", "-w", "-t", str(START_S), "-l", str(folder / "log"), "-o", options, "start")
        yield port, int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    finally:
        with suppress(subprocess.CalledProcessError):
            run("pg_ctl", "-s", "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _redis(folder: Path) -> Iterator[tuple[int, int]]:
    port = free_port()
    folder.mkdir()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen([*command, "--dir", str(folder)], stdout=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(START_S)


def _wait_for(port: int) -> None:
    end = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return
