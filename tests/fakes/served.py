"""The provider of a test on a port of loopback, for a browser; its clock stays the test's."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from werkzeug.serving import WSGIRequestHandler, make_server

from tests.fakes.provider import Provider


class Silent(WSGIRequestHandler):
    """The provider writes its own lines."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        """Nothing."""


@contextmanager
def served(provider: Provider, port: int) -> Iterator[str]:
    """Its address. The provider was started with it as issuer."""
    server = make_server("127.0.0.1", port, provider.app, threaded=True, request_handler=Silent)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield provider.services.settings.issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
