"""What is remembered, and what is asked of the application again."""

from typing import Any

from idp.web.observed import ROUTE
from idp.web.remembered import Remembered


class Asked:
    """An application that counts how often it is asked; its answers differ."""

    def __init__(self, status: str = "200 OK") -> None:
        self.times, self.status = 0, status

    def __call__(self, _environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.times += 1
        start_response(self.status, [("X-Time", str(self.times))])
        return [str(self.times).encode()]


def get(app: Remembered, path: str = "/jwks", method: str = "GET", query: str = "") -> tuple[str, str, bytes, Any]:
    """Status, X-Time, body and the route that the log will name."""
    said: list[tuple[str, list[tuple[str, str]]]] = []
    environ = {"PATH_INFO": path, "REQUEST_METHOD": method, "QUERY_STRING": query}
    body = b"".join(app(environ, lambda status, headers: said.append((status, headers))))  # type: ignore[arg-type]
    status, headers = said[0]
    return status, dict(headers)["X-Time"], body, environ.get(ROUTE)


def test_the_application_is_asked_once() -> None:
    app = Remembered(asked := Asked(), {"/jwks": lambda: "as it is"})
    assert get(app) == ("200 OK", "1", b"1", None)  # the application names the route
    assert get(app) == ("200 OK", "1", b"1", "/jwks")
    assert asked.times == 1


def test_it_is_asked_again_when_something_changed() -> None:
    state = ["old"]
    app = Remembered(Asked(), {"/jwks": lambda: state[0]})
    assert get(app)[2] == b"1"
    state[0] = "new"
    assert get(app)[2] == b"2"
    assert get(app)[2] == b"2"


def test_other_requests_are_neither_kept_nor_given_what_is_kept() -> None:
    app = Remembered(Asked(), {"/jwks": lambda: "as it is"})
    others: list[dict[str, str]] = [{"method": "HEAD"}, {"method": "POST"}, {"query": "x=1"}, {"path": "/jwks/"}]
    for expected, other in enumerate(others, start=1):
        assert get(app, **other)[1] == str(expected)
    assert get(app)[1] == "5"
    for expected, other in enumerate(others, start=6):
        assert get(app, **other)[1] == str(expected)
    assert get(app)[1] == "5"


def test_a_failure_is_not_kept() -> None:
    asked = Asked("503 Service Unavailable")
    app = Remembered(asked, {"/jwks": lambda: "as it is"})
    assert get(app)[0] == "503 Service Unavailable"
    asked.status = "200 OK"
    assert get(app)[:2] == ("200 OK", "2")


def test_where_the_state_cannot_be_told_the_application_is_asked() -> None:
    def broken() -> str:
        raise OSError("no keys")

    app = Remembered(asked := Asked(), {"/jwks": broken})
    assert [get(app)[2], get(app)[2]] == [b"1", b"2"]
    assert asked.times == 2
