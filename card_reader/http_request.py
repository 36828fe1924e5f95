"""One HTTP/1.1 request from a socket, read strictly and within bounds (RFC 9112). No pipelining, no chunks."""

import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

READ_S = 10.0  # for all of a request; browsers open connections before they need them
MOST_HEAD = 8192  # bytes
MOST_BODY = 4096  # bytes
_LINE = re.compile(r"([A-Z]{1,16}) (/[!-~]*) HTTP/1\.[01]", re.ASCII)
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t -~\x80-\xff]*)")
_LENGTH = re.compile(r"[0-9]{1,9}", re.ASCII)


class BadRequest(Exception):
    """`status` is the answer; None: there is nobody to answer."""

    def __init__(self, status: int | None) -> None:
        super().__init__(f"status {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """headers: names in lower case, each at most once."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


def read(connection: socket.socket) -> Request:
    """Raises BadRequest."""
    end = time.monotonic() + READ_S
    received = b""
    while b"\r\n\r\n" not in received:
        if len(received) > MOST_HEAD:
            raise BadRequest(431)
        received += _more(connection, end)
    head, _, body = received.partition(b"\r\n\r\n")
    if len(head) > MOST_HEAD:
        raise BadRequest(431)
    method, path, headers = _head(head)
    length = _length(headers)
    while len(body) < length:
        body += _more(connection, end)
    if len(body) > length:
        raise BadRequest(400)
    return Request(method, path, headers, body)


def _more(connection: socket.socket, end: float) -> bytes:
    try:
        connection.settimeout(max(end - time.monotonic(), 0.001))
        received = connection.recv(MOST_HEAD)
    except OSError:
        raise BadRequest(None) from None
    if not received:
        raise BadRequest(None)
    return received


def _head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *others = head.decode("latin-1").split("\r\n")
    line = _LINE.fullmatch(first)
    fields = [_FIELD.fullmatch(other) for other in others]
    if line is None or None in fields:
        raise BadRequest(400)
    headers: dict[str, str] = {}
    for field in filter(None, fields):
        if field[1].lower() in headers:
            raise BadRequest(400)  # two hosts, two origins: one of them is a lie
        headers[field[1].lower()] = field[2].strip(" \t")
    return line[1], line[2], headers


def _length(headers: Mapping[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise BadRequest(411)
    length = headers.get("content-length", "0")
    if not _LENGTH.fullmatch(length):
        raise BadRequest(400)
    if int(length) > MOST_BODY:
        raise BadRequest(413)
    return int(length)
