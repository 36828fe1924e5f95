"""What is signed by whom it comes from, such as a revocation list: it may come over http, and in its own time."""

import time
from typing import Any

import pytest

from idp.outgoing import Outgoing, Unreachable
from idp.settings import sections
from tests.fakes.site import Site

pytestmark = pytest.mark.embedded  # asks nothing of a store

NAME = "igc.example"
SOON_S = 3  # cut at 0.3 s; a busy machine has time


def outgoing(address: str = "127.0.0.1", **settings: Any) -> Outgoing:
    given = {"allowed_networks": ["127.0.0.0/8"], **settings}
    return Outgoing(sections.Outgoing.model_validate(given), lambda _: [address])


def refusal(made: Outgoing, url: str, **options: Any) -> str:
    with pytest.raises(Unreachable) as refused:
        made.get(url, accept="*/*", **options)
    return refused.value.reason


def test_it_may_come_over_http_from_a_public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other request leaves the machine over https alone; and neither reaches what nobody allowed."""
    tried: list[Any] = []

    def away(sock: Any, address: Any) -> None:
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr("socket.socket.connect", away)
    assert refusal(outgoing("8.8.8.8"), f"http://{NAME}/a.crl") == "address"
    assert refusal(outgoing("8.8.8.8"), f"http://{NAME}/a.crl", is_signed=True) == "no_answer"
    assert tried == [("8.8.8.8", 80)]
    assert refusal(outgoing("10.0.0.1"), f"http://{NAME}/a.crl", is_signed=True) == "address"
    assert len(tried) == 1


def test_a_proxy_is_asked_for_it_without_a_tunnel() -> None:
    with Site(None).running() as proxy:
        made = outgoing(proxy=f"http://sesame:secret@proxy.example:{proxy.port}", allowed_networks=[])
        assert made.get(f"http://{NAME}/a.crl?b=c", accept="*/*", is_signed=True).body == b"{}"
        assert refusal(made, "http://10.0.0.1/", is_signed=True) == "address"
        assert refusal(made, f"http://{NAME}/a.crl") == "scheme"
    (request,) = proxy.received
    assert request.startswith(f"GET http://{NAME}/a.crl?b=c HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic c2VzYW1lOnNlY3JldA==" in request
    assert f"\r\nHost: {NAME}\r\n" in request


def test_a_body_is_posted_as_it_is() -> None:
    with Site(None).running() as site:
        url = f"http://{NAME}:{site.port}/"
        assert outgoing().post(url, b"0&a", content_type="application/ocsp-request", accept="a/b").status == 200
    (request,) = site.received
    assert request.endswith("\r\n\r\n0&a")
    assert "\r\nContent-Type: application/ocsp-request\r\n" in request


def test_a_request_may_have_a_time_of_its_own() -> None:
    with Site(None, is_silent=True).running() as silent:
        url, begun = f"http://{NAME}:{silent.port}/", time.monotonic()
        assert refusal(outgoing(timeout_s=60), url, timeout_s=0.3) == "too_slow"
        with pytest.raises(Unreachable, match="in time"):
            outgoing(timeout_s=60).post(url, b"", content_type="a/b", accept="a/b", timeout_s=0.3)
        assert time.monotonic() - begun < SOON_S
