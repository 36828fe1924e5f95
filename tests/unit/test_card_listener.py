"""The demo's TLS listener: who reaches the application, what it is told of a certificate, who waits for nobody."""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from structlog.testing import capture_logs

from demo.look_alike import Hierarchy
from idp.card_listener import CardListener
from idp.web.card_hop import state
from tests.fakes import igc
from tests.fakes.card_listener import Files, Recorder
from tests.fakes.clock import START
from tests.fakes.waiting import until

SECRET = "s" * 43
DEADLINE_S = 20
GET = b"GET /carte/x HTTP/1.1\r\nHost: localhost\r\n"
FORGED = ("X-Sesame-Client-Cert", "X_Sesame_Client_Cert", "X_SESAME_CLIENT_CERT", "Client-Cert", "Client_Cert")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("listener")
    made = Files(folder / "server.pem", igc.hierarchy().write_authorities(folder / "authorities.pem"), folder)
    made.hold(igc.issued("RPPS"), "server")
    return made


@pytest.fixture
def app() -> Recorder:
    return Recorder()


def listener(app: Recorder, files: Files, /, address: str = "127.0.0.1", **options: Any) -> CardListener:
    usual = {"certificate": files.certificate, "authorities": files.authorities, "secret": SECRET}
    return CardListener(app, address, **{"port": 0, **usual, **options})


@pytest.fixture
def port(app: Recorder, files: Files) -> Iterator[int]:
    with capture_logs(), listener(app, files) as running:  # a thread that prints while pytest does breaks CPython 3.11
        yield running.port


def context(card: Path | None = None) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    if card:
        made.load_cert_chain(card)
    return made


def reach(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)


def ask(port: int, tls: ssl.SSLContext, headers: bytes = b"", session: ssl.SSLSession | None = None) -> ssl.SSLSocket:
    """One request, answered and closed; the connection, to look at."""
    connection = tls.wrap_socket(reach(port), session=session)
    connection.sendall(GET + headers + b"\r\n")
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    assert answer.read() == b"ok"
    assert answer.headers["Connection"] == "close"
    assert connection.recv(1) == b"", "and it is closed in the way of TLS"
    connection.close()
    return connection


def answer_to(port: int, request: bytes) -> bytes:
    with context().wrap_socket(reach(port)) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(4096), b""))


def stated(environ: dict[str, Any]) -> x509.Certificate:
    """The certificate as nginx's `$ssl_client_escaped_cert` states it."""
    return x509.load_pem_x509_certificate(unquote(environ["HTTP_X_SESAME_CLIENT_CERT"].partition(";")[0]).encode())


@pytest.mark.parametrize(
    "address", ["0.0.0.0", "::", "192.0.2.1", "10.0.0.1", "", "localhost", "idp.example", "127.0.0.1.example"]
)
def test_an_address_that_is_not_of_loopback_is_refused(app: Recorder, files: Files, address: str) -> None:
    with pytest.raises(ValueError, match="not a loopback address"):
        listener(app, files, address)


@pytest.mark.parametrize("name", ["certificate", "authorities"])
def test_a_file_that_is_not_there_is_named(app: Recorder, files: Files, name: str) -> None:
    missing: dict[str, Any] = {name: files.folder / "missing.pem"}
    with pytest.raises(FileNotFoundError, match=r"missing\.pem"):
        listener(app, files, **missing)


@pytest.mark.parametrize("name", ["certificate", "authorities"])
def test_a_file_that_says_nothing_stops_the_start(app: Recorder, files: Files, name: str) -> None:
    empty = files.folder / "empty.pem"
    empty.write_text("nothing\n")
    useless: dict[str, Any] = {name: empty}
    with pytest.raises(OSError):  # what it says differs from version to version
        listener(app, files, **useless)


def test_a_port_that_is_taken_is_said(app: Recorder, files: Files, port: int) -> None:
    with pytest.raises(OSError, match="in use"):
        listener(app, files, port=port)


def test_plain_http_reaches_nothing(app: Recorder, port: int) -> None:
    with reach(port) as connection:
        connection.sendall(GET + b"\r\n")
        assert b"HTTP/" not in _all_of(connection)
    assert app.told == []


def _all_of(connection: socket.socket) -> bytes:
    try:
        return connection.recv(4096)
    except ConnectionResetError:
        return b""


def test_tls_1_3_is_not_offered_for_a_card_may_not_know_pss(app: Recorder, port: int) -> None:
    tls = context()
    assert ask(port, tls).version() is None  # closed
    with tls.wrap_socket(reach(port)) as connection:
        assert connection.version() == "TLSv1.2"
    tls.minimum_version = ssl.TLSVersion.TLSv1_3
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol version"):
        ask(port, tls)
    assert len(app.told) == 1


def refused(port: int, card: Path) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(port, context(card))


def test_a_certificate_of_no_authority_here_dies_in_the_handshake(app: Recorder, files: Files, port: int) -> None:
    rogue = Hierarchy.make(START).issue(key=igc.holder_key())  # the same names, other keys
    with capture_logs() as lines:
        refused(port, files.hold(rogue, "rogue"))
        refused(port, files.hold(igc.issued("organisation"), "organisation"))
        until(lambda: str(lines).count("unable to get local issuer certificate") == 2)
    assert app.told == []


def test_a_certificate_for_another_use_dies_in_the_handshake(app: Recorder, files: Files, port: int) -> None:
    refused(port, files.hold(igc.issued("signature"), "signature"))
    assert app.told == []


def test_a_certificate_without_its_key_proves_nothing(app: Recorder, files: Files, port: int) -> None:
    """That is what TLS is for: the application is told of certificates whose key signed the handshake."""
    path = files.folder / "stolen.pem"
    path.write_bytes(igc.issued("RPPS").certificate.public_bytes(Encoding.PEM))
    tls = context()
    with pytest.raises(ssl.SSLError):
        tls.load_cert_chain(path)
    ask(port, tls)
    assert app.told[0]["HTTP_X_SESAME_CLIENT_CERT"] == state("", SECRET)


@pytest.mark.parametrize("header", FORGED)
@pytest.mark.parametrize("has_card", [False, True])
def test_what_a_request_says_of_a_certificate_or_the_secret_is_forgotten(
    app: Recorder, files: Files, port: int, header: str, has_card: bool
) -> None:
    card = files.hold(igc.issued("RPPS"), "anne") if has_card else None
    forged = f"{header}: forged\r\n{header.lower()}: forged\r\n".encode()

    ask(port, context(card), forged)

    (environ,) = app.told
    assert "forged" not in str(environ)
    assert environ["HTTP_X_SESAME_CLIENT_CERT"].endswith(state("", SECRET))
    assert (environ["HTTP_X_SESAME_CLIENT_CERT"] != state("", SECRET)) is has_card
    assert "HTTP_CLIENT_CERT" not in environ


def test_the_application_is_told_the_certificate_as_nginx_would(app: Recorder, files: Files, port: int) -> None:
    anne = igc.issued("RPPS")
    ask(port, context(files.hold(anne, "anne")))
    (environ,) = app.told
    assert stated(environ) == anne.certificate
    assert environ["HTTP_X_SESAME_CLIENT_CERT"].startswith("-----BEGIN%20CERTIFICATE-----%0A")
    assert (environ["wsgi.url_scheme"], environ["PATH_INFO"], environ["HTTP_HOST"]) == (
        "https",
        "/carte/x",
        "localhost",
    )
    assert "PATH" not in environ, "the environment of the process is none of a request's"


@pytest.mark.parametrize("shift", [timedelta(days=-4000), timedelta(days=4000)])
def test_a_card_out_of_its_dates_reaches_the_application_which_has_a_page_for_it(
    app: Recorder, files: Files, port: int, shift: timedelta
) -> None:
    card = igc.issue(valid_from=START + shift, valid_until=START + shift + timedelta(days=1))
    ask(port, context(files.hold(card, "dated")))
    assert stated(app.told[0]) == card.certificate


def test_no_session_is_resumed_so_the_next_person_needs_a_card(app: Recorder, files: Files, port: int) -> None:
    tls = context(files.hold(igc.issued("RPPS"), "anne"))
    with tls.wrap_socket(reach(port)) as connection:
        connection.sendall(GET + b"\r\n")
        while connection.recv(4096):
            pass
        session = connection.session
        connection.unwrap()  # without which OpenSSL would forget the session by itself
    assert session is not None
    assert not session.has_ticket

    again = tls.wrap_socket(reach(port), session=session)
    assert not again.session_reused
    again.close()


def test_connections_that_never_begin_keep_nobody_waiting_and_are_ended(app: Recorder, files: Files) -> None:
    with capture_logs(), listener(app, files, handshake_limit_s=1.0) as running:
        silent = [reach(running.port) for _ in range(32)]
        ask(running.port, context())
        for connection in silent:
            assert _all_of(connection) == b""
            connection.close()
    assert len(app.told) == 1


def test_a_request_that_never_ends_is_ended_however_often_it_says_something(app: Recorder, files: Files) -> None:
    with capture_logs(), listener(app, files, time_limit_s=0.5) as running:
        typing, slow = reach(running.port), context().wrap_socket(reach(running.port))
        with pytest.raises(OSError):  # a broken pipe, or the end of TLS, as it comes
            until(lambda: slow.sendall(b"GET /carte/x HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n"[:1]))
        slow.close()
        context().wrap_socket(typing).close()  # the handshake, with the PIN, may take longer than that
    assert app.told == []


def test_no_thread_outlives_a_stop_which_waits_for_no_connection(app: Recorder, files: Files) -> None:
    before = set(threading.enumerate())
    with capture_logs(), listener(app, files) as running:
        silent, typing = reach(running.port), context().wrap_socket(reach(running.port))
        ask(running.port, context())  # those before it were accepted
    left = set(threading.enumerate()) - before
    silent.close()
    typing.close()
    assert left == set()


def test_the_application_serves_nothing_else_here(app: Recorder, port: int) -> None:
    for path in (b"/", b"/favicon.ico", b"/authorize", b"/carte", b"https://localhost/carte/x"):
        assert answer_to(port, b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 404 ")
    assert app.told == []


@pytest.mark.parametrize(
    "request_line", [b"GET /carte/visa HTTP/1.1", b"GET /carte/visa of whom HTTP/1.1", b"GET /carte/visa HTTP/9"]
)
def test_it_says_nothing_of_a_request_for_its_address_is_a_pass(
    port: int, capfd: pytest.CaptureFixture[str], request_line: bytes
) -> None:
    with capture_logs() as lines:
        assert answer_to(port, request_line + b"\r\nHost: localhost\r\n\r\n")
    assert "visa" not in str(lines) + "".join(capfd.readouterr())


def test_loopback_of_ip_6(app: Recorder, files: Files) -> None:
    """Accepted by us, where the system has it."""
    has_it = socket.has_dualstack_ipv6()
    with nullcontext() if has_it else pytest.raises(OSError), listener(app, files, "::1") as running:
        socket.create_connection(("::1", running.port), timeout=DEADLINE_S).close()
