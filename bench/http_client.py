"""A small HTTP/1.1 client on asyncio protocols: the usual ones cost more CPU a request than the faster servers do.

One `Client` is one virtual user: one keep-alive connection, one cookie jar.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

TIMEOUT_S = 30
Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Headers
    body: bytes
    url: str

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


@dataclass(slots=True)
class _Head:
    status: int
    headers: Headers
    start: int  # of the body, in the buffer
    length: int | None
    is_chunked: bool
    closes: bool

    @property
    def ends_with_connection(self) -> bool:
        return self.length is None and not self.is_chunked


class _Wire(asyncio.Protocol):
    def __init__(self) -> None:
        self.buffer = b""
        self.waiter: asyncio.Future[tuple[int, Headers, bytes]] | None = None
        self.head: _Head | None = None
        self.transport: Any = None
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.is_open = transport, True

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self.waiter and not self.waiter.done():
            if self.head and self.head.ends_with_connection:
                self._finish(self.head, self.buffer[self.head.start :], b"")
            else:
                self.waiter.set_exception(exc or ConnectionResetError("closed early"))

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.waiter or self.waiter.done():
            return
        while self.head is None:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = _parse_head(self.buffer[:end], end + 4)
            if 100 <= head.status < 200:
                self.buffer = self.buffer[end + 4 :]
            else:
                self.head = head
        self._take_body(self.head)

    async def exchange(self, payload: bytes) -> tuple[int, Headers, bytes]:
        self.waiter, self.head = asyncio.get_running_loop().create_future(), None
        self.transport.write(payload)
        return await self.waiter

    def _take_body(self, head: _Head) -> None:
        if head.is_chunked:
            found = _unchunk(self.buffer, head.start)
            if found:
                self._finish(head, *found)
        elif head.length is not None and len(self.buffer) >= head.start + head.length:
            stop = head.start + head.length
            self._finish(head, self.buffer[head.start : stop], self.buffer[stop:])

    def _finish(self, head: _Head, body: bytes, rest: bytes) -> None:
        self.buffer = rest
        if head.closes:
            self.is_open = False
            self.transport.close()
        if self.waiter:
            self.waiter.set_result((head.status, head.headers, body))


def _parse_head(raw: bytes, start: int) -> _Head:
    first, *lines = raw.decode("latin-1").split("\r\n")
    status = int(first.split(" ", 2)[1])
    headers = []
    for line in lines:
        name, _, value = line.partition(":")
        headers.append((name.lower(), value.strip()))
    fields = dict(headers)
    length = 0 if status in {204, 304} else int(fields.get("content-length", -1))
    return _Head(
        status=status,
        headers=headers,
        start=start,
        length=None if length < 0 else length,
        is_chunked="chunked" in fields.get("transfer-encoding", ""),
        closes=fields.get("connection", "").lower() == "close",
    )


def _unchunk(buffer: bytes, at: int) -> tuple[bytes, bytes] | None:
    """Body and rest, or None while chunks are missing (RFC 9112 §7.1)."""
    body = []
    while (end := buffer.find(b"\r\n", at)) >= 0:
        size = int(buffer[at:end].split(b";")[0], 16)
        if len(buffer) < end + 2 + size + 2:
            return None
        if size == 0:
            return b"".join(body), buffer[end + 4 :]
        body.append(buffer[end + 2 : end + 2 + size])
        at = end + 2 + size + 2
    return None


@dataclass
class Client:
    """A browser (`get`, `post`) and the application behind it (`call`), at one provider.

    origin: scheme, host and port; nothing is ever sent elsewhere.
    """

    origin: str
    cookies: dict[tuple[str, str], str] = field(default_factory=dict)  # (name, path): value
    requests: int = 0
    _wire: _Wire | None = None

    def close(self) -> None:
        if self._wire and self._wire.transport:
            self._wire.transport.close()

    async def get(self, url: str) -> Response:
        """A browser's request."""
        return await self._send("GET", url, (), None, is_browser=True)

    async def post(self, url: str, form: Mapping[str, str]) -> Response:
        """A browser's form."""
        return await self._send("POST", url, (), urlencode(form).encode(), is_browser=True)

    async def call(
        self, url: str, headers: Iterable[tuple[str, str]] = (), form: Mapping[str, str] | None = None
    ) -> Response:
        """The application's own request: never with the browser's cookies."""
        body = None if form is None else urlencode(form).encode()
        return await self._send("GET" if form is None else "POST", url, headers, body, is_browser=False)

    async def _send(
        self, method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes | None, *, is_browser: bool
    ) -> Response:
        if url.startswith("/"):
            url = self.origin + url
        elif not url.startswith(self.origin + "/"):
            raise ValueError(f"leaves the provider: {url}")
        target = url[len(self.origin) :].partition("#")[0]
        path = target.partition("?")[0]
        lines = [f"{method} {target} HTTP/1.1", f"Host: {urlsplit(self.origin).netloc}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if is_browser and (sent := self._cookies_for(path)):
            lines.append("Cookie: " + sent)
        if body is not None:
            lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
        self.requests += 1
        status, got, content = await self._exchange("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""))
        if is_browser:
            for name, value in got:
                if name == "set-cookie":
                    self._store_cookie(value, path)
        return Response(status, got, content, url)

    async def _exchange(self, payload: bytes) -> tuple[int, Headers, bytes]:
        """A kept connection may have been closed meanwhile: then once more, on a new one."""
        if self._wire and self._wire.is_open:
            try:
                return await asyncio.wait_for(self._wire.exchange(payload), TIMEOUT_S)
            except ConnectionError:
                self._wire = None
        parts = urlsplit(self.origin)
        loop = asyncio.get_running_loop()
        _, self._wire = await loop.create_connection(_Wire, parts.hostname, parts.port)
        return await asyncio.wait_for(self._wire.exchange(payload), TIMEOUT_S)

    def _cookies_for(self, path: str) -> str:
        return "; ".join(f"{name}={value}" for (name, at), value in self.cookies.items() if path.startswith(at))

    def _store_cookie(self, line: str, request_path: str) -> None:
        name, value, path, is_gone = parse_cookie(line, request_path)
        if is_gone:
            self.cookies.pop((name, path), None)
        else:
            self.cookies[name, path] = value


def parse_cookie(line: str, request_path: str) -> tuple[str, str, str, bool]:
    """Name, value, path, and whether the cookie is taken away (RFC 6265 §5.2)."""
    first, *attributes = line.split(";")
    name, _, value = first.strip().partition("=")
    path, is_gone = request_path.rpartition("/")[0] or "/", False
    for attribute in attributes:
        key, _, content = attribute.strip().partition("=")
        match key.lower():
            case "path" if content.startswith("/"):
                path = content
            case "max-age":
                is_gone = is_gone or content.startswith("-") or content == "0"
            case "expires":
                is_gone = is_gone or "1970" in content
    return name, value, path, is_gone
