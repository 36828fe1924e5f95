"""Sockets whose every wait ends at one instant, so that a peer that drips bytes gains no time.

A timeout of a socket is that of one operation; here it is what is left until `ends_at` (time.monotonic, seconds).
Wall time is right here, and no clock of the caller's: it is the peer that is waited for.
"""

import socket
import ssl
import time
from pathlib import Path
from typing import Any


def left(ends_at: float) -> float:
    """Seconds until `ends_at`. Raises TimeoutError when there are none."""
    seconds = ends_at - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("deadline")
    return seconds


def _no_password() -> str:
    """Without it OpenSSL would ask at the terminal. An encrypted key is refused."""
    raise OSError("the key is encrypted")


class TimedSocket(socket.socket):
    """TCP. Raises TimeoutError from the instant `ends_at`, and always if nobody set it.

    Bound are the two calls that http.client makes.
    """

    ends_at = 0.0

    def recv_into(self, *args: Any) -> int:
        self.settimeout(left(self.ends_at))
        return super().recv_into(*args)

    def sendall(self, *args: Any) -> None:
        self.settimeout(left(self.ends_at))
        super().sendall(*args)


class TimedTlsSocket(TimedSocket, ssl.SSLSocket):
    """TLS over what was a TimedSocket."""


class TimedContext(ssl.SSLContext):
    """A client's TLS: 1.2 or more, certificate and name verified; a handshake ends with the socket's deadline."""

    sslsocket_class = TimedTlsSocket

    @classmethod
    def make(cls, ca_file: Path | None, identity: tuple[Path, Path] | None = None) -> "TimedContext":
        """Trusts the system's authorities, and those of a PEM file. identity: certificate and key that it shows.

        Raises OSError if a file cannot be read.
        """
        context = cls(ssl.PROTOCOL_TLS_CLIENT)  # verifies certificate and name
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_default_certs()
        if ca_file is not None:
            context.load_verify_locations(ca_file)
        if identity is not None:
            context.load_cert_chain(*identity, password=_no_password)
        return context

    def wrap_socket(self, sock: socket.socket, *args: Any, **options: Any) -> ssl.SSLSocket:
        """As the standard's, for a TimedSocket."""
        wrapped = super().wrap_socket(sock, *args, **{**options, "do_handshake_on_connect": False})
        try:
            wrapped.ends_at = sock.ends_at  # type: ignore[attr-defined]
            wrapped.settimeout(left(wrapped.ends_at))  # type: ignore[attr-defined]
            wrapped.do_handshake()
        except BaseException:
            wrapped.close()
            raise
        return wrapped
