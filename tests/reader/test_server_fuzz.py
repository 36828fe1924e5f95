"""Whatever comes over the connection is answered or dropped: the helper never fails on it, and no card is asked."""

import json
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from card_reader import http_request
from card_reader.desk import Desk
from card_reader.http_request import BadRequest, Request
from card_reader.origins import AllowedOrigins, OriginRefused, parse
from card_reader.prompt import printable
from card_reader.server import answer
from tests.fakes.reader import ASKED, NONCE, ORIGIN, FakeCard, FakePrompt

PORT = 35810
PIECES = st.sampled_from([
    b"GET", b"POST", b" ", b"/v1/status", b" HTTP/1.1", b"\r\n", b"\n", b"\r\n\r\n", b"host", b":", b"content-length",
    b"4", b"-1", b"transfer-encoding: chunked", b"\x00", b"\xff", b"{}",
])  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(PIECES | st.binary(max_size=20), max_size=20).map(b"".join))
@settings(max_examples=200, deadline=None)
@example(b"GET /v1/status HTTP/1.1\r\n\r\n")
def test_any_bytes_are_a_request_or_refused(sent: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(sent)
        theirs.shutdown(socket.SHUT_WR)
        try:
            told = http_request.read(ours).path
        except BadRequest as bad:
            told = bad.status
    assert told in {None, 400, 411, 413, 431, "/v1/status"} or str(told).startswith("/")


@pytest.fixture
def there(tmp_path: Path) -> SimpleNamespace:
    card, prompt = FakeCard(), FakePrompt()
    return SimpleNamespace(
        card=card, prompt=prompt, desk=Desk(card, prompt, AllowedOrigins([ORIGIN], tmp_path / "own"))
    )


def _told(there: SimpleNamespace, body: bytes) -> tuple[int, object]:
    headers = {"host": f"127.0.0.1:{PORT}", "origin": ORIGIN, "content-type": "application/json"}
    told = answer(Request("POST", "/v1/authenticate", headers, body), there.desk, PORT, lambda: True)
    assert told.body is not None
    return told.status, told.body.get("error")


REUSED = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
@REUSED
def test_any_body_is_refused_as_malformed(there: SimpleNamespace, body: bytes) -> None:
    assert _told(there, body) == (400, "malformed")
    assert there.prompt.questions == []


@given(name=st.sampled_from(["nonce", "number", "service"]), value=JSON)
@REUSED
@example(name="service", value="\ud800")
def test_any_value_in_a_body_is_refused_or_shown_clean(there: SimpleNamespace, name: str, value: object) -> None:
    status, error = _told(there, json.dumps({**ASKED, name: value}).encode())
    assert (status, error) in {(200, None), (400, "malformed")}
    assert {nonce for _, _, nonce in there.card.signed} <= {NONCE}


@given(st.text())
def test_what_is_shown_is_one_clean_line(text: str) -> None:
    shown = printable(text)
    assert len(shown) <= 60
    assert shown == printable(shown)
    assert shown.isprintable()


@given(st.text() | st.from_regex(r"https?://.*"))
def test_any_text_is_an_origin_or_refused(text: str) -> None:
    try:
        assert parse(text) == text
    except OriginRefused:
        return
    assert text.isascii()
    assert text == text.lower()
