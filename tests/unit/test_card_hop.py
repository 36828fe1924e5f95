"""Who may say which certificate a client showed: refusals first."""

import base64
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from idp.web.card_hop import CLIENT_CERT, MAX_CERTIFICATE, NGINX_CLIENT_CERT, SEEN, CardHop, Forged, Shown
from tests.fakes import igc
from tests.fakes.card_host import PROXY_SECRET, escaped, rfc9440, stated

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

VISA = "/carte/a.visa"


class Spy:
    """An application that keeps what reached it, and whether it was the one that refuses."""

    def __init__(self) -> None:
        self.environ: dict[str, Any] = {}
        self.refused = False
        self.sent: list[tuple[str, str]] = []

    def answer(self, environ: dict[str, Any], start: "StartResponse") -> Iterable[bytes]:
        self.environ = environ
        start("200 OK", [("Set-Cookie", "a=b"), ("X-Kept", "yes")])
        return []

    def refuse(self, environ: dict[str, Any], start: "StartResponse") -> Iterable[bytes]:
        self.refused = True
        return self.answer(environ, start)

    def asked(self, said: dict[str, str], path: str = VISA, *, secret: bytes | None = PROXY_SECRET.encode()) -> Any:
        """What the application was told of the headers, by their names in WSGI."""
        hop = CardHop(self.answer, refusing=self.refuse, secret=secret)

        def start(_status: str, sent: list[tuple[str, str]], *_error: Any) -> Any:
            self.sent = sent

        hop({"PATH_INFO": path, **said}, start)
        assert not {name for name in self.environ if "CERT" in name or "SECRET" in name}
        return self.environ.get(SEEN)


def wsgi(**named: str) -> dict[str, str]:
    """Headers by the names `client_cert`, `nginx`."""
    names = {"client_cert": CLIENT_CERT, "nginx": NGINX_CLIENT_CERT}
    return {"HTTP_" + names[name].upper().replace("-", "_"): value for name, value in named.items()}


@pytest.fixture
def spy() -> Iterator[Spy]:
    made = Spy()
    yield made
    assert made.refused == isinstance(made.environ.get(SEEN), Forged)


ANNE = igc.issued("RPPS")
OTHER = igc.issued("CPE")
GOOD = {"nginx": stated(escaped(ANNE))}
NONE = ({"nginx": stated()}, {"client_cert": stated("::")})


@pytest.mark.parametrize(
    "header",
    [
        {"nginx": escaped(ANNE)},
        {"client_cert": rfc9440(ANNE)},
        {"nginx": f"{stated(escaped(ANNE))},{stated(escaped(OTHER))}"},
        {"nginx": f"{stated(escaped(ANNE))} "},
        {"nginx": f"{stated(escaped(ANNE))};q=1"},
        {"client_cert": f'{rfc9440(ANNE)};secret="";secret="{PROXY_SECRET}"'},
        {"client_cert": f"{rfc9440(ANNE)};secret={PROXY_SECRET}"},
        {"client_cert": f'{rfc9440(ANNE)}; secret="{PROXY_SECRET}"'},
        {"nginx": PROXY_SECRET},
    ],
)
def test_without_the_secret_nothing_is_believed(spy: Spy, header: dict[str, str]) -> None:
    assert isinstance(refused := spy.asked(wsgi(**header)), Forged)
    assert refused.reason in {"no_secret", "wrong_secret"}


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "x",
        PROXY_SECRET + " ",
        PROXY_SECRET[:-1],
        PROXY_SECRET.upper(),
        f"{PROXY_SECRET},{PROXY_SECRET}",
        "é",
        "\u20ac",
    ],
)
def test_nor_with_another(spy: Spy, secret: str) -> None:
    assert spy.asked(wsgi(nginx=stated(escaped(ANNE), secret))) == Forged("wrong_secret")
    assert spy.asked(wsgi(client_cert=stated("::", secret))) == Forged("wrong_secret")


@pytest.mark.parametrize(
    "path", ["/", "/carte", "/token", "/login/x/cps_card", "/CARTE/x", "//carte/x", "/x/carte/x", ""]
)
def test_nor_anywhere_but_on_its_path(spy: Spy, path: str) -> None:
    for said in (GOOD, *NONE):
        assert spy.asked(wsgi(**said), path) == Forged("other_path")


@pytest.mark.parametrize("said", [GOOD, *NONE, {"nginx": stated("", "None")}, {"client_cert": rfc9440(ANNE)}])
def test_nor_where_there_is_no_card_host(spy: Spy, said: dict[str, str]) -> None:
    assert spy.asked(wsgi(**said), secret=None) == Forged("no_card_host")


def test_two_certificates_are_none(spy: Spy) -> None:
    for one, two in ((ANNE, ANNE), (ANNE, OTHER)):
        said = wsgi(nginx=stated(escaped(one)), client_cert=stated(rfc9440(two)))
        assert spy.asked(said) == Forged("two_certificates")


BASE64 = base64.b64encode(ANNE.der).decode()
PEM = f"-----BEGIN CERTIFICATE-----\n{BASE64[:64]}\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    "value",
    [
        BASE64,
        f":{BASE64}",
        f"::{BASE64}:",
        "",
        f"{rfc9440(ANNE)},{rfc9440(OTHER)}",
        f"{rfc9440(ANNE)}, {rfc9440(OTHER)}",
        f" {rfc9440(ANNE)}",
        f"{rfc9440(ANNE)}\n",
        ":QQ:",
        ":QR==:",  # not canonical
        ":QQ=:",
        ":Q-_=:",
        ":é===:",
        escaped(ANNE),
        f":{base64.b64encode(bytes(MAX_CERTIFICATE + 1)).decode()}:",
        f":{'A' * 40_000}:",
    ],
)
def test_a_client_cert_that_is_not_one_is_shown_as_one_that_nobody_can_read(spy: Spy, value: str) -> None:
    assert spy.asked(wsgi(client_cert=stated(value))) == Shown(b"")


@pytest.mark.parametrize(
    "value",
    [
        "x",
        rfc9440(ANNE),
        BASE64,
        escaped(ANNE) + escaped(OTHER),
        f"{escaped(ANNE)},{escaped(OTHER)}",
        f"{escaped(OTHER)}, {escaped(ANNE)}",
        f"{escaped(ANNE)},",
        f",{escaped(ANNE)}",
        f"{escaped(ANNE)}%0A%0A",
        escaped(ANNE).replace("%0A", "%0D%0A"),
        escaped(ANNE).replace("CERTIFICATE", "PRIVATE%20KEY"),
        escaped(ANNE) + "%FF",
        quote(PEM.replace("=", "").replace(BASE64[:64], "QQ")),
        quote(PEM.replace(BASE64[:64], "")),
        quote("-----BEGIN CERTIFICATE-----\n" + 40_000 * "A" + "\n-----END CERTIFICATE-----\n"),
        "A" * 40_000,
    ],
)
def test_an_escaped_certificate_that_is_not_one_is_neither(spy: Spy, value: str) -> None:
    assert spy.asked(wsgi(nginx=stated(value))) == Shown(b"")


@pytest.mark.parametrize("said", [GOOD, {"client_cert": stated(rfc9440(ANNE))}, {**GOOD, "client_cert": ""}])
def test_the_proxy_is_believed(spy: Spy, said: dict[str, str]) -> None:
    assert spy.asked(wsgi(**said)) == Shown(ANNE.der)


@pytest.mark.parametrize("said", NONE)
def test_a_client_that_shows_none_has_none(spy: Spy, said: dict[str, str]) -> None:
    assert spy.asked(wsgi(**said)) == Shown(None)


def test_no_cookie_comes_in_or_goes_out_by_the_card_host(spy: Spy) -> None:
    spy.asked({"HTTP_COOKIE": "__Host-sesame-session=x", **wsgi(**GOOD)})
    assert "HTTP_COOKIE" not in spy.environ
    assert spy.sent == [("X-Kept", "yes")]


def test_any_other_request_passes_as_it_is(spy: Spy) -> None:
    assert spy.asked({"HTTP_COOKIE": "a=b"}, "/token") is None
    assert spy.environ == {"PATH_INFO": "/token", "HTTP_COOKIE": "a=b"}
    assert len(spy.sent) == 2


def test_headers_that_a_proxy_emptied_are_none(spy: Spy) -> None:
    assert spy.asked(wsgi(nginx="", client_cert=""), "/token", secret=None) is None


def test_a_chain_is_neither_read_nor_a_statement(spy: Spy) -> None:
    hop = CardHop(spy.answer, refusing=spy.refuse, secret=PROXY_SECRET.encode())
    hop({"PATH_INFO": VISA, "HTTP_CLIENT_CERT_CHAIN": rfc9440(ANNE)}, lambda *_: lambda _data: None)
    assert SEEN not in spy.environ


def test_nothing_of_it_is_printed() -> None:
    assert repr(Shown(ANNE.der)) == "Shown()"
