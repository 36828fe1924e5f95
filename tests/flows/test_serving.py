"""Serving for real: on IPv4 and IPv6, never on a port that is taken, with every log line as JSON."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from idp.serving import listen
from idp.settings import SettingsError

pytestmark = pytest.mark.embedded  # asks nothing of a store

DEADLINE_S = 20
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
SERVER = """
import logging, sys, warnings
from idp.serving import serve
from idp.settings import Settings
from idp.web import logs
from idp.web.body_gate import BodyGate


def application():
    logs.configure("INFO")
    logging.getLogger("alembic.runtime").warning("an old schema")
    logging.getLogger("_granian").error("a worker complains")
    warnings.warn("about to go", stacklevel=1)
    logging.getLogger("urllib3").info("not interesting")

    def answer(environ, start):
        start("200 OK", [])
        return [b"ok"]

    return BodyGate(answer, at_once=12, max_bytes=65536)


if __name__ == "__main__":
    serve("served:application", Settings(issuer="http://localhost", host=sys.argv[1], port=int(sys.argv[2])))
"""


def listener(host: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, 0), family=family)


def port_that_was_free(host: str) -> int:
    with listener(host) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_that_is_taken_is_refused(host: str) -> None:
    with listener(host) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=r"port: .+ cannot be listened on: Address already in use") as refused:
            listen(host, port)
    assert (f"[::1]:{port}" if host == "::1" else f"127.0.0.1:{port}") in str(refused.value)


@pytest.mark.parametrize(("host", "address"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("0.0.0.0", "0.0.0.0")])
def test_a_port_that_is_free(host: str, address: str) -> None:
    with listen(host, port_that_was_free(host)) as opened:
        assert opened.getsockname()[0] == address


def test_a_name_is_resolved() -> None:
    with listen("localhost", port_that_was_free("127.0.0.1")) as opened:
        assert opened.getsockname()[0] in {"127.0.0.1", "::1"}


def test_every_address_of_ipv6_is_every_address() -> None:
    port = port_that_was_free("127.0.0.1")
    with listen("::", port):
        socket.create_connection(("127.0.0.1", port)).close()


@contextmanager
def serving(folder: Path, host: str, port: int) -> Iterator[Path]:
    """`serve` in a process of its own, once it answers; the file of its standard error."""
    (folder / "served.py").write_text(SERVER)
    errors, url = folder / "errors", f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    with errors.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "served.py", host, str(port)], cwd=folder, stdout=stderr, stderr=stderr
        )
        try:
            end = time.monotonic() + DEADLINE_S
            while True:
                try:
                    with DIRECTLY.open(url, timeout=2) as response:
                        assert response.read() == b"ok"
                    break
                except OSError:
                    assert process.poll() is None, errors.read_text()
                    assert time.monotonic() < end, errors.read_text()
                    time.sleep(0.05)
            yield errors
        finally:
            process.terminate()
            process.wait(DEADLINE_S)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_it_answers_and_every_line_of_its_logs_is_json(tmp_path: Path, host: str) -> None:
    with serving(tmp_path, host, port_that_was_free(host)) as errors:
        lines = [json.loads(line) for line in errors.read_text().splitlines()]
    said = {(line["logger"], line["level"]): line["event"] for line in lines}
    assert said[("alembic.runtime", "warning")] == "an old schema"
    assert said[("_granian", "error")] == "a worker complains"
    assert "about to go" in said[("py.warnings", "warning")]
    assert len(lines) == 3
    assert all(line["timestamp"].endswith("Z") for line in lines)


SLOW = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nab"


@pytest.mark.parametrize(("connections", "said"), [(300, b""), (300, b"GET / HTTP/1.1\r\nHost:"), (20, SLOW)])
def test_who_dawdles_stops_nobody_else(tmp_path: Path, connections: int, said: bytes) -> None:
    port = port_that_was_free("127.0.0.1")
    with serving(tmp_path, "127.0.0.1", port), ExitStack() as opened:
        for _ in range(connections):
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", port)))
            connection.sendall(said)
        for _ in range(3):
            with DIRECTLY.open(f"http://127.0.0.1:{port}/", timeout=5) as response:
                assert response.read() == b"ok"
