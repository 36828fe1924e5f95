"""Clients that push their requests."""

import re

from werkzeug.test import TestResponse

from tests.fakes.relying_party import RelyingParty, page_error_of

URN = re.compile(r"urn:ietf:params:oauth:request_uri:[A-Za-z0-9_-]{43}")


def post(rp: RelyingParty, form: dict[str, str], headers: dict[str, str] | None = None) -> TestResponse:
    """POST /par, from the application: never with the browser's cookies."""
    return rp.provider.browser().post("/par", data=form, headers=rp.basic() if headers is None else headers)


def push(rp: RelyingParty, **changes: str | None) -> str:
    """Push a valid request; its request_uri."""
    response = post(rp, rp.request(**changes))
    assert response.status_code == 201, response.text
    return str((response.json or {})["request_uri"])


def load(rp: RelyingParty, request_uri: str, client_id: str | None = None, **more: str) -> TestResponse:
    return rp.browser.get(
        "/authorize", query_string={"client_id": client_id or rp.client_id, "request_uri": request_uri, **more}
    )


def refusal(response: TestResponse, status: int = 400) -> str:
    """The error of an answer to the application, which never leads a browser anywhere."""
    assert (response.status_code, response.mimetype) == (status, "application/json"), response.text
    assert "Location" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"
    return str((response.json or {})["error"])


def is_dead(response: TestResponse) -> bool:
    return page_error_of(response) == "invalid_request_uri"


def finish_by_password(rp: RelyingParty, path: str) -> TestResponse:
    return rp.give_password(path)


def finish_by_cancelling(rp: RelyingParty, path: str) -> TestResponse:
    return rp.post(f"{path}/cancel", page=path)
