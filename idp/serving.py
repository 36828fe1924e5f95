"""The HTTP server: granian."""

import socket

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from idp.settings import Settings, SettingsError

LOGGING = {"loggers": {"_granian": {"propagate": True}, "granian.access": {}}}  # to the root's handler, in its format


CONNECTIONS = 2048  # at once; those that send no header are closed after HEADER_TIMEOUT_MS
HEADER_TIMEOUT_MS = 10_000


def serve(target: str, settings: Settings) -> None:
    """Serve the WSGI factory `target` ("module:function") until a signal ends it.

    One worker: the embedded ephemeral store lives in its process. Raises SettingsError if the port is taken: granian
    would share it in silence, and two stores would lose every other login.
    """
    Granian(
        target,
        factory=True,
        address=free_address(settings.host, settings.port),
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=settings.threads,
        backpressure=CONNECTIONS,
        http=HTTPModes.http1,  # `auto` never gives up a connection that says nothing
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS),
        log_level=LogLevels.error,
        log_dictconfig=LOGGING,
    ).serve()


def free_address(host: str, port: int) -> str:
    """The IP address of `host`, IPv4 or IPv6, on which `port` is free. Raises SettingsError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, address = found[0][0], str(found[0][4][0])
        socket.create_server((address, port), family=family).close()
    except OSError as error:
        shown = f"[{host}]" if ":" in host else host
        raise SettingsError(f"port: {shown}:{port} cannot be listened on: {error.strerror}") from error
    return address
