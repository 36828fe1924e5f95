"""Slow senders hold some threads, never all."""

import io
from threading import Event, Thread
from typing import Any

import pytest

from idp.web import body_gate
from idp.web.body_gate import BodyGate


class SlowBody(io.RawIOBase):
    """Sends nothing until it is told to."""

    def __init__(self) -> None:
        self.asked, self.go = Event(), Event()

    def read(self, size: int = -1, /) -> bytes:
        self.asked.set()
        assert self.go.wait(5)
        return b"x" * size


def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [environ["wsgi.input"].read()] if environ.get("CONTENT_LENGTH") else [b"no body"]


def call(gate: BodyGate, **environ: Any) -> tuple[str, bytes]:
    said: list[str] = []
    body = b"".join(gate(environ, lambda status, _headers: said.append(status)))  # type: ignore[arg-type]
    return said[0], body


def test_a_slow_sender_leaves_room_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_gate, "WAIT_S", 0.01)
    gate, slow = BodyGate(app, at_once=1, max_bytes=100), SlowBody()
    holding = Thread(target=call, args=(gate,), kwargs={"CONTENT_LENGTH": "5", "wsgi.input": slow})
    holding.start()
    assert slow.asked.wait(5)
    assert call(gate) == ("200 OK", b"no body")
    assert call(gate, CONTENT_LENGTH="1", **{"wsgi.input": io.BytesIO(b"y")})[0] == "503 Service Unavailable"
    slow.go.set()
    holding.join()
    assert call(gate, CONTENT_LENGTH="1", **{"wsgi.input": io.BytesIO(b"y")}) == ("200 OK", b"y")


@pytest.mark.parametrize(
    ("environ", "read"),
    [
        ({"CONTENT_LENGTH": "101"}, None),  # refused by the application, unread
        ({"CONTENT_LENGTH": "-1"}, None),
        ({"CONTENT_LENGTH": "²"}, None),
        ({}, None),
        ({"CONTENT_LENGTH": "3"}, b"abc"),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, b"abcdef"),
    ],
)
def test_how_much_is_read(environ: dict[str, str], read: bytes | None) -> None:
    source = io.BytesIO(b"abcdef")
    seen: dict[str, Any] = {}

    def look(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.update(environ)
        return []

    list(BodyGate(look, at_once=1, max_bytes=100)({**environ, "wsgi.input": source}, lambda *_: None))  # type: ignore[arg-type, misc]
    if read is None:
        assert seen["wsgi.input"] is source
    else:
        assert (seen["wsgi.input"].read(), seen["CONTENT_LENGTH"]) == (read, str(len(read)))
