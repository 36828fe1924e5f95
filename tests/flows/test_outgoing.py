"""The provider's own requests, against servers that do as they please."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]

from idp.outgoing import Answer, Outgoing, Unreachable
from idp.settings import sections
from tests.fakes.authority import Authority
from tests.fakes.servers import free_port
from tests.fakes.site import Site, answer

pytestmark = pytest.mark.embedded  # asks nothing of a store

NAME = "rp.example"
SOON_S = 3  # cut at 0.3 s; a busy machine has time


class Names:
    """A resolver: each call takes the next answer, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers) or [["127.0.0.1"]], list[str]()

    def __call__(self, host: str) -> Iterable[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority") / "ca", NAME)


@pytest.fixture
def site(authority: Authority) -> Iterator[Callable[..., Site]]:
    with ExitStack() as stack:

        def start(*pieces: bytes, by: Authority | None = authority, **options: Any) -> Site:
            if pieces:
                options["pieces"] = lambda: pieces
            return stack.enter_context(Site(by and by.context(), **options).running())

        yield start


def outgoing(authority: Authority, resolve: Callable[[str], Iterable[str]] | None = None, **settings: Any) -> Outgoing:
    given = {"allowed_networks": ["127.0.0.0/8"], "ca_file": authority.ca_file, "timeout_s": 5, **settings}
    return Outgoing(sections.Outgoing.model_validate(given), resolve or Names())


def url(site: Site, host: str = NAME, scheme: str = "https") -> str:
    return f"{scheme}://{host}:{site.port}/path?token=hidden"


def refusal(made: Outgoing, url: str, **options: Any) -> str:
    """Why a GET was refused; the text never quotes what only the two ends may know."""
    with pytest.raises(Unreachable) as refused:
        made.get(url, accept="application/json", **options)
    assert "hidden" not in str(refused.value)
    return refused.value.reason


def test_a_document_is_fetched_from_the_name_at_the_address(site: Callable[..., Site], authority: Authority) -> None:
    server, names = site(), Names()
    found = outgoing(authority, names).get(url(server), accept="application/json")
    assert found == Answer(200, "application/json", b"{}")
    assert (names.asked, server.names) == ([NAME], [NAME])
    (request,) = server.received
    lines = request.lower().split("\r\n")
    assert lines[0] == "get /path?token=hidden http/1.1"
    assert {f"host: {NAME}:{server.port}", "accept: application/json", "accept-encoding: identity"} < set(lines)
    assert any(line.startswith("user-agent: sesame-idp/") for line in lines)


def test_a_form_is_posted_and_any_status_is_told(site: Callable[..., Site], authority: Authority) -> None:
    server = site(answer(b'{"error":"x"}', status=400))
    found = outgoing(authority).post_form(url(server), {"logout_token": "a&b"})
    assert (found.status, found.content_type, found.body) == (400, "", b'{"error":"x"}')
    assert "\r\nContent-Type: application/x-www-form-urlencoded\r\n" in server.received[0]
    assert server.received[0].endswith("\r\n\r\nlogout_token=a%26b")


@pytest.mark.parametrize("certified", [NAME, "other.example"])
def test_a_server_that_is_not_vouched_for_gets_nothing(
    site: Callable[..., Site], authority: Authority, tmp_path: Path, certified: str
) -> None:
    """Another authority's certificate of the right name, or a trusted one of another name."""
    other = Authority.make(tmp_path / "other", certified)
    server = site(by=other)
    made = outgoing(authority if certified == NAME else other)
    assert refusal(made, url(server)) == "tls"
    with pytest.raises(Unreachable), made.session() as session:
        session.get(url(server), verify=False)
    assert server.received == []


def test_a_name_that_changes_its_meaning_is_asked_once(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: public when it is judged, private when it is connected to."""
    tried: list[Any] = []

    def unreachable(sock: Any, address: Any) -> None:
        tried.append(address)
        raise OSError

    monkeypatch.setattr("socket.socket.connect", unreachable)
    names = Names(["93.184.216.34"], ["127.0.0.1"])
    assert refusal(outgoing(authority, names, allowed_networks=[]), f"https://{NAME}/") == "no_answer"
    assert (names.asked, tried) == ([NAME], [("93.184.216.34", 443)])


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1"])
def test_a_name_of_a_private_address_is_refused(authority: Authority, address: str) -> None:
    made = outgoing(authority, Names([address]), allowed_networks=["192.168.0.0/16"])
    assert refusal(made, f"https://{NAME}/") == "address"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "[::1]", "[::ffff:7f00:1]"])
def test_a_private_address_is_refused_however_it_is_written(authority: Authority, host: str) -> None:
    assert refusal(outgoing(authority, Names(), allowed_networks=[]), f"https://{host}/") == "address"


def test_only_the_allowed_addresses_of_a_name_are_tried(site: Callable[..., Site], authority: Authority) -> None:
    """10.0.0.1 would fail the test; ::1 is allowed, and nobody listens there."""
    server, names = site(), Names(["10.0.0.1", "::1", "127.0.0.1"])
    made = outgoing(authority, names, allowed_networks=["127.0.0.0/8", "::1/128"])
    assert made.get(url(server), accept="*/*").status == 200


def test_http_goes_to_an_allowed_loopback_only(site: Callable[..., Site], authority: Authority) -> None:
    server = site(by=None)
    assert outgoing(authority).get(url(server, scheme="http"), accept="*/*").status == 200
    assert refusal(outgoing(authority, allowed_networks=[]), url(server, scheme="http")) == "address"
    made = outgoing(authority, Names(["10.0.0.1"], ["93.184.216.34"]), allowed_networks=["10.0.0.0/8"])
    assert [refusal(made, url(server, scheme="http")) for _ in range(2)] == ["address", "address"]
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("file:///etc/passwd", "scheme"),
        ("rp.example/jwks", "url"),
        ("https://anne:secret@rp.example/", "url"),
        ("https://rp.example\\@127.0.0.1/", "dns"),  # requests writes %5C: the host is rp.example, for all readers
        ("https://[::1/", "url"),
        ("https://*/", "url"),
    ],
)
def test_a_url_of_another_form_is_refused(authority: Authority, address: str, reason: str) -> None:
    assert refusal(outgoing(authority, Names([])), address) == reason


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_a_redirect_is_refused(site: Callable[..., Site], authority: Authority, status: int) -> None:
    server = site(answer(b"", "Location: https://rp.example/hidden", status=status))
    assert refusal(outgoing(authority), url(server)) == "redirect"
    assert len(server.received) == 1


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", CHUNKED, answer(b"x" * 11)[:-11]])
def test_more_than_the_limit_is_refused(site: Callable[..., Site], authority: Authority, head: bytes) -> None:
    body = b"b\r\nxxxxxxxxxxx\r\n0\r\n\r\n" if head == CHUNKED else b"x" * 11
    server = site(head, body)
    assert outgoing(authority).get(url(server), accept="*/*", max_bytes=11).body == b"x" * 11
    assert refusal(outgoing(authority), url(server), max_bytes=10) == "too_large"


def test_a_compressed_answer_is_refused(site: Callable[..., Site], authority: Authority) -> None:
    server = site(answer(b"\x1f\x8b hidden", "Content-Encoding: gzip"))
    assert refusal(outgoing(authority), url(server)) == "encoding"


@pytest.mark.parametrize("sent", [b"", b"hidden\r\n\r\n", answer(b"hidden")[:-1], CHUNKED + b"hidden\r\n"])
def test_half_an_answer_is_none(site: Callable[..., Site], authority: Authority, sent: bytes) -> None:
    assert refusal(outgoing(authority), url(site(sent))) == "no_answer"


def test_a_server_that_is_not_there(authority: Authority) -> None:
    assert refusal(outgoing(authority), f"https://{NAME}:{free_port()}/") == "no_answer"


HEAD = b"HTTP/1.1 200 OK\r\nX: "


@pytest.mark.parametrize(
    "options",
    [
        {"is_silent": True},
        {"slowly": True, "pieces": lambda: [HEAD, *[b"x"] * 100]},
        {"slowly": True, "pieces": lambda: [b"HTTP/1.1 100 Continue\r\n\r\n"] * 100},
        {"slowly": True, "pieces": lambda: [answer(b"x" * 100)[:-100], *[b"x"] * 100]},
        {"slowly": True, "pieces": lambda: [CHUNKED, *[b"1\r\nx\r\n"] * 100]},
    ],
    ids=["handshake", "header", "continue", "body", "chunks"],
)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_server_that_drips_gains_no_time(
    site: Callable[..., Site], authority: Authority, options: dict[str, Any], scheme: str
) -> None:
    server = site(**options, by=authority if scheme == "https" else None)
    begun = time.monotonic()
    assert refusal(outgoing(authority, timeout_s=0.3), url(server, scheme=scheme)) == "too_slow"
    assert time.monotonic() - begun < SOON_S


def test_the_environment_changes_nothing(
    site: Callable[..., Site], authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text(f"machine {NAME} login anne password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "absent"))
    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{free_port()}")
    server = site()
    outgoing(authority).get(url(server), accept="*/*")
    assert "authorization" not in server.received[0].lower()


def test_a_proxy_is_asked_for_a_tunnel_and_resolves_the_name(site: Callable[..., Site], authority: Authority) -> None:
    proxy, names = site(is_proxy=True), Names()
    made = outgoing(authority, names, proxy=f"http://sesame:secret@proxy.example:{proxy.port}", allowed_networks=[])
    assert made.get(f"https://{NAME}/jwks", accept="*/*").status == 200
    assert (names.asked, proxy.names) == (["proxy.example"], [NAME])
    tunnel, request = proxy.received
    assert tunnel.startswith(f"CONNECT {NAME}:443 HTTP/1.")
    assert "Proxy-Authorization: Basic c2VzYW1lOnNlY3JldA==" in tunnel
    assert request.startswith("GET /jwks HTTP/1.1")
    assert "Proxy-Authorization" not in request


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("https://10.0.0.1/", "address"),
        ("https://127.1/", "address"),
        ("https://[::ffff:10.0.0.1]/", "address"),
        ("https://localhost/", "address"),
        ("https://a.localhost/", "address"),
        ("http://rp.example/", "scheme"),
    ],
)
def test_what_no_proxy_is_asked_for(site: Callable[..., Site], authority: Authority, address: str, reason: str) -> None:
    proxy = site(is_proxy=True)
    made = outgoing(authority, proxy=f"http://127.0.0.1:{proxy.port}", allowed_networks=[])
    assert refusal(made, address) == reason
    assert proxy.received == []


def test_a_proxy_that_says_nothing_gains_no_time(site: Callable[..., Site], authority: Authority) -> None:
    proxy = site(is_silent=True)
    made = outgoing(authority, proxy=f"http://127.0.0.1:{proxy.port}", timeout_s=0.3)
    assert refusal(made, f"https://{NAME}/") == "too_slow"


def test_a_session_keeps_no_cookie(site: Callable[..., Site], authority: Authority) -> None:
    server = site(answer(b"", "Set-Cookie: a=b; Path=/"))
    with outgoing(authority).session() as session:
        session.get(url(server))
        session.get(url(server))
    assert "cookie" not in "".join(server.received).lower()


def test_a_session_of_authlib_keeps_the_rules(site: Callable[..., Site], authority: Authority) -> None:
    server = site(answer(b'{"access_token":"t","token_type":"Bearer"}', "Content-Type: application/json"))
    elsewhere = site(answer(b"", f"Location: {url(server)}", status=307))
    with OAuth2Session("sesame", "secret") as session:
        outgoing(authority).protect(session)
        assert session.fetch_token(url(server), code="c", grant_type="authorization_code")["access_token"] == "t"
        with pytest.raises(Unreachable):
            session.fetch_token(url(elsewhere), code="c", grant_type="authorization_code")
        with pytest.raises(Unreachable):
            session.get("https://10.0.0.1/", verify=False, proxies={"https": f"http://127.0.0.1:{server.port}"})
    assert len(server.received) == 1


def test_threads_do_not_disturb_one_another(site: Callable[..., Site], authority: Authority) -> None:
    made, server = outgoing(authority), site()
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: made.get(url(server), accept="*/*").status, range(16)))
    assert found == [200] * 16


def test_a_chunk_whose_length_is_none_is_no_answer(site: Callable[..., Site], authority: Authority) -> None:
    server = site(pieces=lambda: [CHUNKED, b"-5\r\nhello\r\n0\r\n\r\n"])
    assert refusal(outgoing(authority), url(server)) == "no_answer"
