"""One peer at work: prepared, started, waited for, ended."""

import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench import peer as peers
from bench.services import Services, free_port

START_S, STOP_S, LOOK_EVERY_S = 60, 10, 0.01


class NotStarted(Exception):
    """The server ended, or did not answer; the text has the end of its log."""


@dataclass(frozen=True, slots=True)
class Server:
    peer: peers.Peer
    pid: int
    start_s: float  # from the start of the process to the first answer that says it is ready


def cores() -> tuple[int, int] | None:
    """One core for the server, one for the driver and the stores; None if there is only one."""
    free = sorted(os.sched_getaffinity(0))
    return (free[0], free[1]) if len(free) > 1 else None


@contextmanager
def serve(
    name: str, variant: str, *, workers: int, folder: Path, services: Services, core: int | None
) -> Iterator[Server]:
    """Run `prepare.sh` of a peer if there is one, then `start.sh`, until the block ends.

    folder: what the peer makes for this run. core: the one that the server is bound to. Raises NotStarted.
    """
    port = free_port()
    where = peers.PEERS / name
    folder.mkdir(parents=True)
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("SESAME_")},  # somebody's settings
        **services.environment(),
        "BENCH_PORT": str(port),
        "BENCH_WORKERS": str(workers),
        "BENCH_VARIANT": variant,
        "BENCH_RUN": str(folder),
    }
    log = folder / "log"
    if (where / "prepare.sh").exists():
        _prepare(where, environment, log)
    peer = peers.load(name, variant, port, folder)
    command = ["bash", str(where / "start.sh")]
    if core is not None:
        command = ["taskset", "-c", str(core), *command]
    begun = time.perf_counter()
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=where, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _wait_ready(f"http://127.0.0.1:{port}{peer.ready}", process, log)
        yield Server(peer, process.pid, time.perf_counter() - begun)
    finally:
        _end(process)


def _prepare(where: Path, environment: Mapping[str, str], log: Path) -> None:
    with log.open("ab") as output:
        done = subprocess.run(
            ["bash", str(where / "prepare.sh")], cwd=where, env=environment, stdout=output, stderr=output, check=False
        )
    if done.returncode:
        raise NotStarted(f"prepare.sh ended with {done.returncode}:\n{_tail(log)}")


def _wait_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise NotStarted(f"the server ended with {process.returncode}:\n{_tail(log)}")
        with suppress(OSError, ValueError), opener.open(url, timeout=2) as response:
            if response.status == 200:
                return
        time.sleep(LOOK_EVERY_S)
    raise NotStarted(f"the server did not answer within {START_S} s:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])


def _end(process: subprocess.Popen[bytes]) -> None:
    """The server is alone in its session: its children end with it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
