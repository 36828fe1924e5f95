"""The HTTP server: granian, chosen by measure over gunicorn."""

import socket

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from idp.settings import Settings, SettingsError


def serve(target: str, settings: Settings) -> None:
    """Serve the WSGI factory `target` ("module:function") until a signal ends it.

    One worker: the embedded ephemeral store lives in its process. Raises SettingsError if the port is taken: granian
    would share it in silence, and two stores would lose every other login.
    """
    try:
        socket.create_server((settings.host, settings.port)).close()
    except OSError as error:
        raise SettingsError(f"port: {settings.host}:{settings.port} cannot be listened on: {error.strerror}") from error
    Granian(
        target,
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=settings.threads,
        backpressure=settings.threads * 8,
        log_level=LogLevels.error,
    ).serve()
