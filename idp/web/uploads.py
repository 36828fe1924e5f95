"""What people send that is larger than a form: by which route, and how much."""

import io
from typing import IO

import flask

PICTURE = "/compte/personal/picture"
LARGER = {PICTURE: 2 * 1024 * 1024}  # bytes of a whole body, by path


class Request(flask.Request):
    """Holds what was sent in memory: werkzeug would write to the disk what is larger than a form."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        del total_content_length, content_type, filename, content_length
        return io.BytesIO()


def allow_larger() -> None:
    """Before each request."""
    if flask.request.path in LARGER:
        flask.request.max_content_length = LARGER[flask.request.path]
