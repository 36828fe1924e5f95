"""What the helper answers to those who are no page of an allowed origin."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from card_reader import http_request, peers, server
from card_reader.desk import Desk
from card_reader.origins import AllowedOrigins
from card_reader.server import NoPort, Server, open_first
from tests.fakes.reader import ASKED, ORIGIN, FakeCard, FakePrompt, Page
from tests.fakes.waiting import until

STRANGER = "https://stranger.example"


@contextmanager
def helper(folder: Path, card: FakeCard, prompt: FakePrompt, **options: Any) -> Iterator[Server]:
    allowed = AllowedOrigins([ORIGIN], folder / "origins", **options)
    with Server(Desk(card, prompt, allowed), 0) as running:
        yield running


@pytest.fixture
def page(tmp_path: Path, card: FakeCard, prompt: FakePrompt) -> Iterator[Page]:
    with helper(tmp_path, card, prompt) as running:
        yield Page(running.port)
    assert card.signed == []  # nothing here may ever reach the card
    assert prompt.questions == []


@pytest.mark.parametrize(
    "host", ["localhost:{port}", "rebound.example:{port}", "127.0.0.1", "[::1]:{port}", "127.0.0.1:1", ""]
)
def test_another_host_name_is_refused(page: Page, host: str) -> None:
    answer = page.get(host=host.format(port=page.port))
    assert (answer.status, answer.readable_by) == (421, None)


@pytest.mark.parametrize("origin", ["", "null", "http://idp.example.org", f"{ORIGIN}/", f"{ORIGIN}, {ORIGIN}"])
@pytest.mark.parametrize("path", ["/v1/status", "/v1/allow", "/v1/authenticate"])
def test_without_an_origin_that_could_be_allowed_nothing_is_told(page: Page, path: str, origin: str) -> None:
    send = page.get if path == "/v1/status" else lambda path, origin: page.post(path, ASKED, origin=origin)
    answer = send(path, origin=origin)
    assert (answer.status, answer.json, answer.readable_by) == (403, {"error": "origin_not_allowed"}, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sec_fetch_mode", "navigate"),
        ("sec_fetch_mode", "no-cors"),
        ("sec_fetch_mode", "websocket"),
        ("sec_fetch_site", "none"),
        ("sec_fetch_site", "same-origin"),
        ("sec_fetch_dest", "document"),
        ("sec_fetch_dest", "iframe"),
    ],
)
def test_what_is_no_fetch_of_a_page_is_refused(page: Page, name: str, value: str) -> None:
    answer = page.post("/v1/authenticate", ASKED, **{name: value})
    assert (answer.status, answer.readable_by) == (403, None)


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/status/", "/v1/status?x", "/v2/status", "/favicon.ico", "//v1/status"]
)
def test_unknown_paths_are_not_found(page: Page, path: str) -> None:
    assert page.get(path).status == 404


@pytest.mark.parametrize(
    ("method", "path", "right"),
    [
        ("POST", "/v1/status", "GET"),
        ("GET", "/v1/authenticate", "POST"),
        ("HEAD", "/v1/allow", "POST"),
        ("DELETE", "/v1/authenticate", "POST"),
    ],
)
def test_other_methods_are_refused(page: Page, method: str, path: str, right: str) -> None:
    answer = page.send(method, path, None)
    assert (answer.status, answer.headers["allow"]) == (405, f"{right}, OPTIONS")


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
def test_a_body_that_needs_no_preflight_is_refused(page: Page, kind: str) -> None:
    answer = page.post("/v1/authenticate", ASKED, content_type=kind)
    assert (answer.status, answer.error) == (400, "malformed")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b"\xff{}", b"[" * 4000])
def test_a_body_that_is_no_json_object_is_refused(page: Page, body: bytes) -> None:
    answer = page.post("/v1/authenticate", body)
    assert (answer.status, answer.error) == (400, "malformed")


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": None},
        {"nonce": 44},
        {"nonce": "n" * 42},
        {"nonce": "n" * 129},
        {"nonce": "n" * 43 + "\n"},
        {"nonce": "é" * 44},
        {"number": 42},
        {"number": "4"},
        {"number": "421"},
        {"number": "٤٢"},
        {"service": None},
        {"service": ""},
        {"service": "\u202e\u200b"},
        {"service": "R" * 201},
    ],
)
def test_what_cannot_be_asked_is_refused_before_the_person_is(page: Page, changes: dict[str, Any]) -> None:
    answer = page.authenticate(**changes)
    assert (answer.status, answer.error) == (400, "malformed")


def test_an_origin_that_is_not_allowed_gets_no_signature_and_may_not_read_why(page: Page) -> None:
    answer = Page(page.port, STRANGER).authenticate()
    assert (answer.status, answer.error, answer.readable_by) == (403, "origin_not_allowed", None)


def test_an_origin_that_is_not_allowed_learns_nothing_of_the_card(page: Page) -> None:
    answer = Page(page.port, STRANGER).get()
    assert answer.readable_by == STRANGER
    assert set(answer.json) == {"product", "version", "allowed"}
    assert answer.json["allowed"] is False


def test_a_preflight_of_an_origin_that_is_not_allowed_lets_it_ask_for_no_signature(page: Page) -> None:
    asked = {"access_control_request_method": "POST", "access_control_request_private_network": "true"}
    answer = Page(page.port, STRANGER).send("OPTIONS", "/v1/authenticate", None, asked)
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_preflight_for_another_method_is_refused(page: Page) -> None:
    answer = page.send("OPTIONS", "/v1/authenticate", None, {"access_control_request_method": "PUT"})
    assert (answer.status, answer.readable_by) == (405, None)


def _changed(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda sent: sent.replace(old, new)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (_changed(b" HTTP/1.1", b""), 400),
        (_changed(b" HTTP/1.1", b" HTTP/2"), 400),
        (_changed(b"GET ", b"get "), 400),
        (_changed(b"/v1/status", b"http://127.0.0.1/v1/status"), 400),
        (_changed(b"origin:", b"origin :"), 400),
        (_changed(b"origin:", b"x: 1\r\n folded\r\norigin:"), 400),
        (_changed(b"origin:", b"Origin: https://other.example\r\norigin:"), 400),
        (_changed(b"origin:", b"Host: 127.0.0.1\r\norigin:"), 400),
        (_changed(b"origin:", b"x: a\x00b\r\norigin:"), 400),
        (_changed(b"origin:", b"content-length: -1\r\norigin:"), 400),
        (_changed(b"origin:", b"content-length: 1e3\r\norigin:"), 400),
        (_changed(b"origin:", b"content-length: 4097\r\norigin:"), 413),
        (_changed(b"origin:", b"transfer-encoding: chunked\r\norigin:"), 411),
        (_changed(b"origin:", b"x: " + b"y" * 9000 + b"\r\norigin:"), 431),
        (lambda sent: sent + b"GET / HTTP/1.1\r\n\r\n", 400),
    ],
)
def test_requests_that_are_not_plain_are_refused(page: Page, change: Callable[[bytes], bytes], status: int) -> None:
    answer = page.raw(change(page.written("GET", "/v1/status", None, {})))
    assert (answer.status, answer.json, answer.readable_by) == (status, {"error": "malformed"}, None)


def test_headers_without_an_end_are_refused(page: Page) -> None:
    answer = page.raw(b"GET /v1/status HTTP/1.1\r\n" + b"x" * 10000)
    assert answer.status == 431


def test_a_large_body_is_refused_without_being_kept(page: Page) -> None:
    answer = page.post("/v1/authenticate", {**ASKED, "more": "x" * 4096})
    assert answer.status == 413


def test_a_request_that_does_not_come_to_an_end_is_dropped(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_request, "READ_S", 0.05)
    with page.opened(b"GET /v1/status HTTP/1.1\r\n") as connection:
        assert connection.recv(1) == b""


class Drip:
    """A connection over which one byte comes each second."""

    def __init__(self) -> None:
        self.seconds, self.timeout, self.received = 0.0, 0.0, 0

    def settimeout(self, seconds: float) -> None:
        self.timeout = seconds

    def recv(self, _: int) -> bytes:
        if self.timeout < 1:
            raise TimeoutError
        self.seconds += 1
        self.received += 1
        return b"x"


def test_a_request_that_drips_is_dropped_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    drip: Any = Drip()
    monkeypatch.setattr(http_request.time, "monotonic", lambda: drip.seconds)
    with pytest.raises(http_request.BadRequest):
        http_request.read(drip)
    assert drip.received == http_request.READ_S


def test_too_many_connections_are_closed(page: Page) -> None:
    waiting = [page.opened(b"") for _ in range(server.MOST_CONNECTIONS)]
    with page.opened(b"") as one_more:
        assert one_more.recv(1) == b""
    for connection in waiting:
        connection.close()
    assert until(lambda: _status_or_none(page)) == 200


def _status_or_none(page: Page) -> int | None:
    try:
        return page.get().status
    except (OSError, IndexError):  # closed without an answer
        return None


def test_a_stranger_at_the_other_end_gets_no_byte(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def strange(_: socket.socket) -> None:
        raise peers.StrangePeer("test")

    monkeypatch.setattr(peers, "check", strange)
    with pytest.raises((ConnectionError, IndexError)):
        page.get()


def test_an_answer_tells_nothing_of_the_program_and_is_kept_nowhere(page: Page) -> None:
    answer = page.get()
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["vary"] == "Origin"
    assert not {"server", "set-cookie", "location", "access-control-allow-credentials"} & set(answer.headers)


def test_it_listens_on_loopback_only(tmp_path: Path) -> None:
    with helper(tmp_path, FakeCard(), FakePrompt()) as running:
        assert running.socket.getsockname()[0] == "127.0.0.1"


def test_the_first_free_port_is_taken_and_none_is_told(tmp_path: Path) -> None:
    desk = Desk(FakeCard(), FakePrompt(), AllowedOrigins([], tmp_path / "origins"))
    with Server(desk, 0) as first:
        with open_first(desk, [first.port, 0]) as second:
            assert second.port != first.port
        with pytest.raises(NoPort):
            open_first(desk, [first.port])


def test_a_long_run_of_blanks_costs_no_time() -> None:
    began = time.process_time()
    for _ in range(20):
        assert http_request._FIELD.fullmatch("x:" + " " * 7000 + "\x01") is None
    assert time.process_time() - began < 1
    assert http_request._head(b"GET / HTTP/1.1\r\nx: \t a b \t")[2] == {"x": "a b"}
