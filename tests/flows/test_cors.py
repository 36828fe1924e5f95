"""What a script of another origin may read: what holds a code or a token, and no page."""

import pytest
from werkzeug.test import TestResponse

from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, bearer

pytestmark = pytest.mark.embedded  # headers: what the endpoints do on servers, others ask

ORIGIN = {"Origin": "https://app.example"}
PREFLIGHT = {**ORIGIN, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}


def is_open(response: TestResponse) -> bool:
    """To any origin; and never with the cookies of the browser."""
    assert "Access-Control-Allow-Credentials" not in response.headers
    return response.headers.get("Access-Control-Allow-Origin") == "*"


@pytest.mark.parametrize(
    "path", ["/authorize", "/login/x", "/logout", "/logged-out", "/compte", "/healthz", "/nothing"]
)
def test_no_page_is_read(provider: Provider, path: str) -> None:
    assert not is_open(provider.browser().get(path, headers=ORIGIN))
    assert not is_open(provider.browser().options(path, headers=PREFLIGHT))


def test_the_code_is_redeemed_and_the_claims_are_read(provider: Provider) -> None:
    rp = RelyingParty(provider)
    code = rp.login()["code"]
    redeemed = rp.token(code, headers={**rp.basic(), **ORIGIN})
    assert redeemed.status_code == 200, redeemed.text
    assert is_open(redeemed)
    assert redeemed.json
    read = provider.browser().get("/userinfo", headers={**bearer(redeemed.json["access_token"]), **ORIGIN})
    assert read.status_code == 200, read.text
    assert is_open(read)


@pytest.mark.parametrize("path", ["/token", "/userinfo", "/revoke"])
def test_an_error_can_be_read(provider: Provider, path: str) -> None:
    refused = provider.browser().post(path, headers=ORIGIN)
    assert refused.status_code in {400, 401}
    assert is_open(refused)
    assert refused.headers["Access-Control-Expose-Headers"] == "WWW-Authenticate"


@pytest.mark.parametrize("path", ["/token", "/userinfo", "/revoke"])
def test_the_browser_is_told_what_it_may_send(provider: Provider, path: str) -> None:
    told = provider.browser().options(path, headers=PREFLIGHT)
    assert told.status_code == 200
    assert is_open(told)
    assert "Authorization" in told.headers["Access-Control-Allow-Headers"]
    assert {"GET", "POST"} == set(told.headers["Access-Control-Allow-Methods"].split(", "))
