"""Slow senders hold some threads, never all."""

import io
from threading import Barrier, Event, Thread
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


@pytest.mark.parametrize(
    ("path", "size", "is_read"),
    [("/large", 200, True), ("/large", 201, False), ("/large/", 101, False), ("/other", 101, False)],
)
def test_one_path_may_have_larger_bodies(path: str, size: int, is_read: bool) -> None:
    source = io.BytesIO(b"x" * size)
    seen: dict[str, Any] = {}

    def look(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.update(environ)
        return []

    gate = BodyGate(look, at_once=1, max_bytes=100, larger={"/large": 200})
    list(gate({"PATH_INFO": path, "CONTENT_LENGTH": str(size), "wsgi.input": source}, lambda *_: None))  # type: ignore[arg-type, misc]
    assert (seen["wsgi.input"] is not source) == is_read


def test_large_bodies_wait_for_one_another_and_not_the_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is in memory until it is answered, and small ones to the same path make as much work."""
    monkeypatch.setattr(body_gate, "WAIT_S", 0.01)
    inside, go = Barrier(body_gate.LARGE_AT_ONCE + 1), Event()

    def slow(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["CONTENT_LENGTH"] == "150":
            inside.wait(5)
            assert go.wait(5)
        return app(environ, start_response)

    gate = BodyGate(slow, at_once=1, max_bytes=100, larger={"/large": 200})

    def send(size: int, path: str = "/large") -> str:
        return call(gate, PATH_INFO=path, CONTENT_LENGTH=str(size), **{"wsgi.input": io.BytesIO(b"x" * size)})[0]

    holding = [Thread(target=send, args=(150,)) for _ in range(body_gate.LARGE_AT_ONCE)]
    for thread in holding:
        thread.start()
    inside.wait(5)
    assert send(151) == "503 Service Unavailable"
    assert send(5) == "503 Service Unavailable"
    assert send(5, "/other") == "200 OK"
    go.set()
    for thread in holding:
        thread.join()
    assert send(151) == "200 OK"
