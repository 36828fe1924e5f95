"""A web server on loopback that answers to the letter: whatever bytes a test wants, at the pace that it wants."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

DRIP_S = 0.05


def answer(body: bytes = b"", *headers: str, status: int = 200) -> bytes:
    """An answer whose length is told."""
    lines = [f"HTTP/1.1 {status} Any", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class Site:
    """pieces: sent in answer to each request; slowly: with a pause before each; tls: none when it speaks in clear.

    is_proxy: it grants a CONNECT first, and then is the server at the other end too.
    """

    tls: ssl.SSLContext | None
    pieces: Callable[[], Iterable[bytes]] = lambda: [answer(b"{}", "Content-Type: Application/JSON; charset=utf-8")]
    slowly: bool = False
    is_silent: bool = False
    is_proxy: bool = False
    received: list[str] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @contextmanager
    def running(self) -> Iterator["Site"]:
        if self.tls is not None:
            self.tls.sni_callback = lambda _, name, __: self.names.append(name)
        self._start(self._accept)
        try:
            yield self
        finally:  # a test that fails does not wait for its threads for ever
            self._stop.set()
            self._listener.shutdown(socket.SHUT_RDWR)
            for thread in self._threads:
                thread.join()
            self._listener.close()

    def _start(self, target: Callable[..., None], *args: socket.socket) -> None:
        self._threads.append(threading.Thread(target=target, args=args))
        self._threads[-1].start()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener is shut down
            while True:
                self._start(self._serve, self._listener.accept()[0])

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        with suppress(OSError), connection:  # the other side went away
            if self.is_silent:
                self._stop.wait(5)
                return
            if self.is_proxy:
                self.received.append(_request(connection))
                connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            if self.tls is None:
                self._answer(connection)
                return
            with self.tls.wrap_socket(connection, server_side=True) as secured:
                self._answer(secured)

    def _answer(self, connection: socket.socket) -> None:
        self.received.append(_request(connection))
        for piece in self.pieces():
            if self.slowly and self._stop.wait(DRIP_S):
                return
            connection.sendall(piece)


def _request(connection: socket.socket) -> str:
    """Head and body, as they came."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += _some(connection)
    return (head + b"\r\n\r\n" + body).decode(errors="replace")


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(4096)
    if not data:
        raise ConnectionError
    return data
