"""The HTTP server: granian, chosen by measure over gunicorn."""

from granian import Granian
from granian.constants import Interfaces

from idp.settings import Settings


def serve(target: str, settings: Settings) -> None:
    """Serve the WSGI factory `target` ("module:function") until a signal ends it.

    One worker: the embedded ephemeral store lives in its process.
    """
    Granian(
        target,
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=settings.threads,
        backpressure=settings.threads * 8,
        log_level="warning",  # type: ignore[arg-type]
    ).serve()
