"""How a request leaves, beneath `requests`: a session that this adapter serves cannot step out of the rules."""

import io
import socket
import ssl
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, proxy_from_url
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, SSLError

from idp.outgoing.sockets import TimedContext, TimedSocket, left
from idp.outgoing.targets import Address, Resolve, Target, is_permitted, literal, parse, resolved
from idp.outgoing.unreachable import Unreachable
from idp.settings import sections


class PinnedConnection(HTTPConnection):
    """Connects to addresses that were judged, whatever the name has come to mean since."""

    def __init__(self, *args: Any, addresses: Sequence[Address], ends_at: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self._addresses, self._ends_at = addresses, ends_at

    def _new_conn(self) -> socket.socket:
        """To the first address that answers; each has its share of the time. Raises OSError."""
        failure = OSError("no address")
        for tried, address in enumerate(self._addresses):
            sock = TimedSocket(socket.AF_INET6 if address.version == 6 else socket.AF_INET, socket.SOCK_STREAM)
            sock.ends_at = self._ends_at
            try:
                sock.settimeout(left(self._ends_at) / (len(self._addresses) - tried))
                sock.connect((str(address), self.port))
            except OSError as error:
                sock.close()
                failure = error
            else:
                return sock
        raise failure


class PinnedTlsConnection(PinnedConnection, HTTPSConnection):
    """The same; SNI, certificate check and Host header are those of the name."""


class Adapter(HTTPAdapter):
    """One request, one connection, and the whole answer before the caller sees any of it. Raises Unreachable only."""

    def __init__(
        self,
        settings: sections.Outgoing,
        tls: TimedContext,
        resolve: Resolve,
        max_bytes: int,
        *,
        is_signed: bool = False,
    ) -> None:
        """is_signed: what comes proves itself, so that http may leave the machine."""
        super().__init__()
        self._is_signed = is_signed
        self._settings, self._tls, self._resolve, self._max_bytes = settings, tls, resolve, max_bytes

    def send(  # noqa: PLR0917 - as requests declares it
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> Response:
        """Part of requests' contract; what the session says of time, certificates and proxies changes nothing."""
        del stream, timeout, verify, cert, proxies
        target = parse(request.url or "")
        body: Any = request.body  # text, bytes, or None
        headers: Any = request.headers
        asked = request.path_url
        if (
            self._settings.proxy and not target.is_tls
        ):  # no tunnel: the proxy is asked for the whole URL (RFC 9112 §3.2.2)
            asked = request.url or ""
        ends_at = time.monotonic() + self._settings.timeout_s
        try:
            with self._pool(target, ends_at) as pool:
                raw = pool.urlopen(
                    request.method or "GET",
                    asked,
                    body=body,
                    headers=headers,
                    redirect=False,
                    assert_same_host=False,  # which is the proxy's; there is a pool for each request
                    retries=False,
                    preload_content=False,
                    decode_content=False,
                )
                try:
                    received = self._body(raw, target)
                finally:
                    raw.close()
        except (HTTPError, OSError, ValueError) as error:  # ValueError: the length of a chunk that is no length
            # Not chained: the libraries' texts quote what the server sent.
            raise _explained(error, target, is_late=time.monotonic() >= ends_at) from None
        response = self.build_response(request, raw)
        response.raw = io.BytesIO(received)  # the session finds no cookie in it either
        return response

    def _pool(self, target: Target, ends_at: float) -> HTTPConnectionPool:
        if self._settings.proxy:
            return self._proxied(target, self._settings.proxy, ends_at)
        found = resolved(self._resolve, target.host, left(ends_at))
        permitted = [address for address in found if is_permitted(address, self._settings.allowed_networks)]
        if not target.is_tls and not self._is_signed:
            permitted = [address for address in permitted if address.is_loopback]
        if not permitted:
            raise Unreachable("address", f"not allowed: {', '.join(map(str, found))}", host=target.host)
        pinned: dict[str, Any] = {"addresses": permitted, "ends_at": ends_at}
        if target.is_tls:
            return _TlsPool(target.host, target.port, ssl_context=self._tls, **pinned)
        return _Pool(target.host, target.port, **pinned)

    def _proxied(self, target: Target, proxy: str, ends_at: float) -> HTTPConnectionPool:
        """A tunnel (CONNECT, RFC 9110 §9.3.6), but for http. The proxy resolves the name, and decides its meaning."""
        if not target.is_tls and not self._is_signed:
            raise Unreachable("scheme", "only https goes through the proxy", host=target.host)
        written = literal("127.0.0.1" if f".{target.host}".endswith(".localhost") else target.host)
        if written is not None and not is_permitted(written, self._settings.allowed_networks):
            raise Unreachable("address", f"not allowed: {written}", host=target.host)
        addresses = resolved(self._resolve, urlsplit(proxy).hostname or "", left(ends_at))
        manager = proxy_from_url(proxy, proxy_headers=self.proxy_headers(proxy))
        options = {"ssl_context": self._tls} if target.is_tls else None
        pool = manager.connection_from_host(target.host, target.port, "https" if target.is_tls else "http", options)
        pool.ConnectionCls = PinnedTlsConnection if target.is_tls else PinnedConnection
        pool.conn_kw |= {"addresses": addresses, "ends_at": ends_at}
        return pool

    def _body(self, raw: BaseHTTPResponse, target: Target) -> bytes:
        """All of it, never more than one byte over the limit, which the socket's deadline ends."""
        if 300 <= raw.status < 400:
            raise Unreachable("redirect", f"a redirect ({raw.status}), which is not followed", host=target.host)
        if raw.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Unreachable("encoding", "a compressed body, which was not asked for", host=target.host)
        body = b""
        while len(body) <= self._max_bytes:
            piece = raw.read(self._max_bytes + 1 - len(body))
            if not piece:
                return body
            body += piece
        raise Unreachable("too_large", f"more than {self._max_bytes} bytes", host=target.host)


class _Pool(HTTPConnectionPool):
    ConnectionCls = PinnedConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = PinnedTlsConnection


def _explained(error: Exception, target: Target, *, is_late: bool) -> Unreachable:
    if is_late:
        return Unreachable("too_slow", "no whole answer in time", host=target.host)
    if isinstance(error, SSLError):
        cause = error.args[0] if error.args else None
        why = getattr(cause, "verify_message", "") or (cause.reason if isinstance(cause, ssl.SSLError) else "")
        return Unreachable("tls", why or "no TLS", host=target.host)
    cause = next((each for each in error.args if isinstance(each, OSError)), error)  # what urllib3 wrapped
    why = cause.strerror if isinstance(cause, OSError) else None
    return Unreachable("no_answer", why.lower() if why else type(cause).__name__, host=target.host)
