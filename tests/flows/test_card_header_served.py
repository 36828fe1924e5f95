"""What becomes of the card's headers on their way through the real server, granian."""

import http.client
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from idp.web.card_hop import CLIENT_CERT, NGINX_CLIENT_CERT
from tests.fakes.card import anne, luc
from tests.fakes.card_host import PROXY_SECRET, escaped, rfc9440, stated
from tests.fakes.servers import free_port

pytestmark = pytest.mark.embedded  # asks nothing of a store

DEADLINE_S = 20
SERVER = """
import hashlib, sys
from idp.serving import serve
from idp.settings import Settings
from idp.web.card_hop import SEEN, CardHop


def application():
    def answer(environ, start):
        seen = environ.get(SEEN)
        shown = hashlib.sha256(seen.certificate).hexdigest() if seen and seen.certificate else repr(seen)
        start("200 OK", [])
        return [shown.encode()]

    def refuse(environ, start):
        start("400 Bad Request", [])
        return [environ[SEEN].reason.encode()]

    return CardHop(answer, refusing=refuse, secret=sys.argv[2].encode())


if __name__ == "__main__":
    serve("served:application", Settings(issuer="http://localhost", port=int(sys.argv[1])))
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """`serve` in a process of its own, once it answers."""
    folder, port = tmp_path_factory.mktemp("served"), free_port()
    (folder / "served.py").write_text(SERVER)
    with (folder / "errors").open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "served.py", str(port), PROXY_SECRET], cwd=folder, stdout=stderr, stderr=stderr
        )
        try:
            _wait(process, port, folder / "errors")
            yield port
        finally:
            process.terminate()
            process.wait(DEADLINE_S)


def _wait(process: "subprocess.Popen[bytes]", port: int, errors: Path) -> None:
    end = time.monotonic() + DEADLINE_S
    while True:
        try:
            assert ask(port, []) == "None"
        except OSError:
            assert process.poll() is None, errors.read_text()
            assert time.monotonic() < end, errors.read_text()
            time.sleep(0.05)
        else:
            return


def ask(port: int, headers: Sequence[tuple[str, str]]) -> str:
    """What the application made of a request with these headers, in this order and spelling."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.putrequest("GET", "/carte/x")
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders()
    said = connection.getresponse().read().decode()
    connection.close()
    return said


MINE = (NGINX_CLIENT_CERT, stated(escaped(anne())))
RFC = (CLIENT_CERT, stated(rfc9440(anne())))
NONE = (NGINX_CLIENT_CERT, stated())
THEIRS = stated(escaped(luc()), "x" * 40)


@pytest.mark.parametrize("said", [MINE, RFC])
def test_the_proxy_is_believed(port: int, said: tuple[str, str]) -> None:
    assert len(ask(port, [said])) == 64
    assert ask(port, [NONE]) == "Shown()"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([MINE, (NGINX_CLIENT_CERT, THEIRS)], "no_secret"),
        ([MINE, MINE], "no_secret"),
        ([RFC, RFC], "no_secret"),
        ([RFC, MINE], "two_certificates"),
        ([(NGINX_CLIENT_CERT, escaped(anne()))], "no_secret"),
        ([(NGINX_CLIENT_CERT, THEIRS)], "wrong_secret"),
    ],
)
def test_what_is_stated_twice_or_by_another_is_refused(port: int, said: list[tuple[str, str]], reason: str) -> None:
    assert ask(port, said) == reason


@pytest.mark.parametrize("name", [NGINX_CLIENT_CERT, CLIENT_CERT])
def test_an_underscore_hides_no_header(port: int, name: str) -> None:
    """WSGI has one name for both: what a proxy lets through under the other is seen, and needs the secret."""
    assert ask(port, [(name.replace("-", "_"), "x")]) == "no_secret"
    assert ask(port, [(name.replace("-", "_", 1), "x")]) == "no_secret"


@pytest.mark.parametrize("forged", [THEIRS, escaped(luc())])
def test_beside_what_the_proxy_states_an_underscore_is_no_way_in(port: int, forged: str) -> None:
    """The server lets one of them win: the proxy's, which is right, or the other, which is refused."""
    other = NGINX_CLIENT_CERT.replace("-", "_")
    for true in (MINE, NONE):
        right = ask(port, [true])
        for said in ([true, (other, forged)], [(other, forged), true]):
            assert ask(port, said) in {right, "no_secret", "wrong_secret"}
