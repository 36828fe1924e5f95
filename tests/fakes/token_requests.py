"""What the token endpoint answers."""

from werkzeug.test import TestResponse


def refusal_of(response: TestResponse) -> tuple[int, str]:
    """Status and code; an error is JSON, never kept, and names a way to authenticate with every 401."""
    body = response.json
    assert body, response.text
    assert body.keys() <= {"error", "error_description"}
    assert response.headers["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in response.headers) == (response.status_code == 401)
    return response.status_code, body["error"]


INVALID_CLIENT = (401, "invalid_client")


INVALID_REQUEST = (400, "invalid_request")


INVALID_GRANT = (400, "invalid_grant")
