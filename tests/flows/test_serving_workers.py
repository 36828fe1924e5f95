"""Several workers on one socket: replaced, stopped and lost without a request that is refused."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from idp.serving import _told_once, listen
from tests.fakes.waiting import DEADLINE_S, children, is_running, until

pytestmark = pytest.mark.embedded  # asks nothing of a store

MOST_REQUESTS = 20_000
SERVER = """
import os, sys, time
from pathlib import Path
import idp.serving
from idp.settings import Settings

idp.serving.STOP_S = int(os.environ.get("STOP_S", "20"))


def until(name):
    while not Path(name).exists():
        time.sleep(0.01)


def application():
    Path(f"boot-{os.getpid()}").touch()
    if os.environ.get("SLOW_START"):
        until("started")

    def answer(environ, start):
        if environ["PATH_INFO"] == "/slow":
            Path("began").touch()
            until("go-on")
        start("200 OK", [])
        return [str(os.getpid()).encode()]

    return answer


if __name__ == "__main__":
    settings = Settings(issuer="http://localhost", port=int(sys.argv[1]), workers=2, redis_url="redis://127.0.0.1:1")
    idp.serving.serve("served:application", settings)
"""


@dataclass
class Served:
    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)

    def ask(self, path: str = "/") -> int:
        """The worker that answered. Raises OSError, or ValueError for an answer that was cut short."""
        with self.connect() as connection:
            return finish(connection, path)

    def answers(self) -> bool:
        try:
            return bool(self.ask())
        except OSError:
            assert self.process.poll() is None
            return False

    def workers(self) -> set[int]:
        return children(self.process.pid)

    def booted(self) -> set[int]:
        return {int(file.name.removeprefix("boot-")) for file in self.folder.glob("boot-*")}

    def touch(self, name: str) -> None:
        (self.folder / name).touch()


def finish(connection: socket.socket, path: str = "/") -> int:
    """Send a request on a connection that is open, and read its answer."""
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = b""
    while part := connection.recv(4096):
        answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise ValueError(answer)
    return int(body)


@contextmanager
def serving(
    folder: Path, *, ready: bool = True, socket_passed: socket.socket | None = None, **env: str
) -> Iterator[Served]:
    (folder / "served.py").write_text(SERVER)
    command = [sys.executable, "served.py"]
    if socket_passed is None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        started = subprocess.Popen([*command, str(port)], cwd=folder, env={**os.environ, **env})
    else:
        port, number = socket_passed.getsockname()[1], socket_passed.fileno()
        activated = f"exec {number}<&{number} 3<&{number} && LISTEN_FDS=1 LISTEN_PID=$$ exec {' '.join(command)} 1"
        started = subprocess.Popen(["bash", "-c", activated], cwd=folder, pass_fds=[number])
    served = Served(port, folder, started)
    try:
        if ready:
            until(served.answers)
            until(lambda: len(served.booted()) >= 2)
        yield served
    finally:
        served.process.kill()
        served.process.wait(DEADLINE_S)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path) as found:
        yield found


def test_nobody_is_refused_while_workers_are_replaced(served: Served) -> None:
    before = until(lambda: len(served.workers()) == 2 and served.workers())
    silent = [served.connect() for _ in range(50)]  # which ask only when those that were there are gone
    failures: list[Exception] = []
    answered: list[int] = []
    is_over = threading.Event()

    def ask_on() -> None:
        while not is_over.is_set() and len(answered) + len(failures) < MOST_REQUESTS:
            try:
                answered.append(served.ask())
            except (OSError, ValueError) as error:
                failures.append(error)

    threads = [threading.Thread(target=ask_on) for _ in range(4)]
    for thread in threads:
        thread.start()
    served.process.send_signal(signal.SIGHUP)
    until(lambda: len(served.workers() - before) == 2 and not served.workers() & before)
    is_over.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert set(answered) & before
    for connection in silent:
        with connection:
            assert finish(connection) in served.workers()


def test_a_request_ends_and_no_new_one_begins(served: Served) -> None:
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(served.ask("/slow")))
    asking.start()
    until((served.folder / "began").exists)
    served.process.terminate()

    def is_closed() -> bool:
        try:
            served.connect().close()
        except ConnectionRefusedError:
            return True
        return False

    until(is_closed)
    assert served.process.poll() is None
    served.touch("go-on")
    asking.join(DEADLINE_S)
    assert served.process.wait(DEADLINE_S) == 0
    assert len(answers) == 1


def test_a_request_that_does_not_end_is_not_waited_for(tmp_path: Path) -> None:
    with serving(tmp_path, STOP_S="1") as served, served.connect() as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        until((served.folder / "began").exists)
        served.process.terminate()
        assert served.process.wait(DEADLINE_S) == 0


def test_a_stop_while_workers_start_does_not_wait(tmp_path: Path) -> None:
    with serving(tmp_path, ready=False, SLOW_START="1", STOP_S="300") as served:
        until(lambda: len(served.booted()) == 2)
        served.process.terminate()
        assert served.process.wait(DEADLINE_S) == 0


def test_a_worker_that_crashed_is_started_again(served: Served) -> None:
    lost = next(iter(served.booted()))
    os.kill(lost, signal.SIGKILL)
    until(lambda: len(served.workers() - {lost}) == 2)
    assert served.ask() in served.workers()


def test_workers_end_with_their_server_however_it_ended(served: Served) -> None:
    workers = until(served.workers)
    served.process.kill()
    until(lambda: not any(is_running(pid) for pid in workers))


def test_connections_wait_in_the_socket_that_systemd_holds(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as held:
        with serving(tmp_path, socket_passed=held) as served:
            first = served.workers()
            served.process.terminate()
            assert served.process.wait(DEADLINE_S) == 0
        with served.connect() as waiting, serving(tmp_path, ready=False, socket_passed=held) as served:
            assert finish(waiting) not in first


def test_a_signal_that_did_not_wake_the_waiting_thread_still_ends_a_worker(served: Served) -> None:
    worker = served.ask()
    other = next(int(task.name) for task in Path(f"/proc/{worker}/task").iterdir() if task.name != str(worker))
    assert ctypes.CDLL(None).tgkill(worker, other, signal.SIGTERM) == 0
    until(lambda: worker not in served.workers())


def test_granian_is_told_once_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told again, a worker could wait for ever: whoever killed a server of several threads tells it more than once."""
    told: list[str] = []
    monkeypatch.setattr("idp.serving.WorkerSignal", lambda: SimpleNamespace(set=lambda: told.append("set")))
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        _told_once()
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
            signal.raise_signal(number)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert told == ["set"]
