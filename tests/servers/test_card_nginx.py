"""A card by the browser's certificate dialog, through the nginx that `sesame card nginx` configures."""

import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from idp.methods.card_causes import OF_THE_ACCOUNT, REFUSED
from idp.web.card_hop import CLIENT_CERT, NGINX_CLIENT_CERT, state
from tests.fakes.card_clinic import Clinic, clinic
from tests.fakes.card_host import escaped, rfc9440
from tests.fakes.card_login import Login
from tests.fakes.nginx import DISTRIBUTION, NAVIGATION, SECRET, wheel
from tests.fakes.servers import free_port

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """nginx before `sesame serve`."""
    with clinic(tmp_path_factory.mktemp("clinic")) as made:
        yield made


# --- who comes in, and who does not ---


@pytest.mark.parametrize("kind", ["good", "long"])
def test_a_card_signs_in(place: Clinic, kind: str) -> None:
    answer = Login(place).shows(place.card(kind))
    assert answer.headers["Location"].startswith(f"{place.service}/callback?"), answer.text
    assert dict(parse_qsl(urlsplit(answer.headers["Location"]).query))["code"]


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("none", "no_certificate"),
        ("self-signed", "unknown_authority"),
        ("unknown authority", "unknown_authority"),
        ("expired", "expired"),
        ("not yet valid", "not_yet_valid"),
        ("revocation not known", "revocation_unknown"),
        ("revoked", "revoked"),
        ("signature", "wrong_usage"),
        ("test", "test_card"),
    ],
)
def test_each_other_certificate_reaches_the_page_that_says_why(place: Clinic, kind: str, cause: str) -> None:
    shown = None if kind == "none" else place.card(kind)
    assert Login(place).refusal(shown) == REFUSED[cause].code


def test_a_card_that_is_linked_to_no_account_is_told_so(place: Clinic) -> None:
    assert Login(place).refusal(place.card("not linked")) == OF_THE_ACCOUNT["not_linked"].code


def test_the_card_of_another_account_than_is_signed_in_asks_first(place: Clinic) -> None:
    anne = Login(place)
    assert "code=" in anne.shows(place.card()).headers["Location"]
    assert Login(place, anne).refusal(place.card("another's")) == OF_THE_ACCOUNT["other_account"].code
    assert "code=" in Login(place).shows(place.card("another's")).headers["Location"], "a good card all the same"


def test_a_ticket_is_for_one_login(place: Clinic) -> None:
    anne, other = Login(place), Login(place)
    found = place.site.ask(anne.leaves(), place.card()).location
    stolen = found.replace(anne.page, other.page)
    page = other.page_of(other.comes_back(stolen))
    assert REFUSED["ticket_malformed"].code in page


# --- the hop ---


def forged(place: Clinic, kind: str) -> dict[str, str]:
    """What tells of Anne's card, by somebody who knows the secret; the header in both spellings."""
    told = {
        "nginx's": {NGINX_CLIENT_CERT: state(escaped(place.card()), SECRET)},
        "RFC 9440": {CLIENT_CERT: state(rfc9440(place.card()), SECRET)},
    }
    headers = told[kind]
    return {**NAVIGATION, **headers, **{name.replace("-", "_"): value for name, value in headers.items()}}


@pytest.mark.parametrize("kind", ["nginx's", "RFC 9440"])
def test_a_certificate_that_the_client_tells_of_is_dropped_on_the_card_host(place: Clinic, kind: str) -> None:
    login = Login(place)
    answer = place.site.ask(login.leaves(), headers=forged(place, kind))
    assert answer.status == 303
    assert REFUSED["no_certificate"].code in login.page_of(login.comes_back(answer.location))


@pytest.mark.parametrize("kind", ["nginx's", "RFC 9440"])
def test_and_on_the_other_server_blocks(place: Clinic, kind: str) -> None:
    visa = urlsplit(Login(place).leaves()).path
    headers = {**forged(place, kind), "Connection": "close"}
    there = place.site.ask(place.site.url + visa, headers=headers, server_name="localhost")
    assert there.status == 404
    host = urlsplit(place.site.card_url).netloc
    assert place.site.ask(place.site.url + visa, headers=headers, server_name="localhost", host=host).status == 404
    known = place.site.ask(f"{place.site.url}/healthz", headers=headers, server_name="localhost")
    assert known.status == 200


def test_the_provider_itself_refuses_them_from_anybody(place: Clinic) -> None:
    """As where a server block forgot to remove them."""
    visa = urlsplit(Login(place).leaves()).path
    direct = f"http://127.0.0.1:{place.site.upstream_port}"
    named = {**NAVIGATION, "Host": urlsplit(place.site.card_url).netloc}
    certificate = rfc9440(place.card())
    with requests.Session() as session:
        session.trust_env = False

        def status(path: str, **headers: str) -> int:
            found = session.get(direct + path, headers={**named, **headers}, allow_redirects=False, timeout=20)
            return found.status_code

        assert status(visa) == 404
        assert status(visa, **{CLIENT_CERT: certificate}) == 400
        assert status(visa, **{CLIENT_CERT: state(certificate, "x" * 48)}) == 400
        assert status("/jwks", **{CLIENT_CERT: certificate}) == 400
        assert status(visa, **{CLIENT_CERT: state(certificate, SECRET)}) == 303, "the same, from the proxy"
        assert status("/jwks", **{CLIENT_CERT: state(certificate, SECRET)}) == 400


def test_a_header_that_is_there_twice_is_refused(place: Clinic) -> None:
    """As the provider's own server hands it on: of two certificates, none counts."""
    visa = urlsplit(Login(place).leaves()).path
    certificate, other = (escaped(place.card(kind)) for kind in ("good", "revoked"))
    host = f"Host: {urlsplit(place.site.card_url).netloc}"
    navigation = [f"{name}: {value}" for name, value in NAVIGATION.items()]
    usual = [
        f"GET {visa} HTTP/1.1",
        host,
        *navigation,
        f"{NGINX_CLIENT_CERT}: {state(certificate, SECRET)}",
    ]
    assert raw(place.site.upstream_port, *usual).startswith("HTTP/1.1 303 ")
    for second in (f"{NGINX_CLIENT_CERT}: {state(other, SECRET)}", f"{CLIENT_CERT}: {state(':AAAA:', SECRET)}"):
        assert raw(place.site.upstream_port, *usual, second).startswith("HTTP/1.1 400 "), second


def raw(port: int, *lines: str) -> str:
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode())
        with connection.makefile("rb") as answer:
            return answer.read().decode()


# --- the card host ---


def test_names_that_differ_are_answered_421(place: Clinic) -> None:
    site, url = place.site, Login(place).leaves()
    assert site.ask(url, place.card()).status == 303
    assert site.ask(url, place.card(), host="localhost").status == 421
    assert site.ask(url, place.card(), server_name="localhost").status == 421
    assert site.ask(url, place.card(), server_name=None).status == 421
    assert site.ask(url, place.card("expired"), host="localhost").status == 421, "for what nginx would refuse, too"


def test_each_login_is_a_whole_handshake_on_a_connection_of_its_own(place: Clinic) -> None:
    site, url = place.site, Login(place).leaves()
    for without in (ssl.OP_NO_TICKET, 0):
        context = site.context(place.card(), ssl.TLSVersion.TLSv1_2)
        context.options |= without
        first = site.ask(url, context=context, headers={**NAVIGATION, "Connection": "keep-alive"})
        assert (first.status, first.headers["connection"]) == (303, "close")
        assert first.session is None or not (first.session.has_ticket or first.session.id)
        assert not site.ask(url, context=context, session=first.session).is_resumed


def test_tls_1_2_is_spoken_alone_and_asks_for_no_pss(place: Clinic) -> None:
    site = place.site
    assert site.ask(site.card_url).version == "TLSv1.2"
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        site.ask(site.card_url, context=site.context(version=ssl.TLSVersion.TLSv1_3))


@pytest.mark.parametrize(
    "path", ["/", "/jwks", "/healthz", "/carte/", "/carte/../jwks", "/carte/%2e%2e/jwks", "//carte/x", "/carte/x?y=z"]
)
def test_nothing_else_is_served_there(place: Clinic, path: str) -> None:
    for shown in (None, place.card("expired")):
        answer = place.site.ask(place.site.card_url + path, shown)
        assert answer.status == 404
        assert answer.headers["server"] == "nginx", "no version"
        assert answer.headers["strict-transport-security"].startswith("max-age=")


def test_navigations_alone_are_answered(place: Clinic) -> None:
    url = Login(place).leaves()
    assert place.site.ask(url, place.card(), method="POST").status == 405
    assert place.site.ask(url, place.card(), headers={}).status == 403
    for mode, dest in (("cors", "empty"), ("navigate", "iframe"), ("no-cors", "image")):
        headers = {"Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
        assert place.site.ask(url, place.card(), headers=headers).status == 403
    assert place.site.ask(url, place.card(), headers={**NAVIGATION, "Sec-Purpose": "prefetch;prerender"}).status == 403
    answer = place.site.ask(url, place.card(), headers={**NAVIGATION, "Cookie": "__Host-x=1"})
    assert (answer.status, "set-cookie" in answer.headers) == (303, False)
    assert answer.headers["strict-transport-security"] == "max-age=31536000", "once"


def test_no_log_holds_visa_or_ticket(place: Clinic) -> None:
    login = Login(place)
    url = login.leaves()
    location = place.site.ask(url, place.card()).location
    login.comes_back(location)
    visa, ticket = url.rpartition("/")[2], location.partition("#ticket=")[2]
    site = place.site
    assert " 303 " in site.log("sesame-card.log").splitlines()[-1]
    logs = [site.log(name) for name in ("sesame-card.log", "sesame-card-error.log", "access.log", "error.log")]
    for text in (*logs, place.installation.said):
        assert visa not in text
        assert ticket not in text
        assert SECRET not in text
    assert login.page.rpartition("/login/")[2] in site.log("access.log"), "the login itself is logged there"


def test_authorities_are_named_so_that_browsers_offer_the_right_certificate(place: Clinic) -> None:
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{place.site.card_port}", "-tls1_2"]
    done = subprocess.run(command, input=b"", capture_output=True, check=False)
    said = done.stdout.decode()
    assert "CN = AC SANTE-DEMO ELEMENTAIRE PERSONNES" in said
    assert "Requested Signature Algorithms: RSA+SHA256:ECDSA+SHA256" in said


@pytest.mark.parametrize("binary", [DISTRIBUTION, wheel()], ids=["distribution", "extra"])
def test_the_example_of_the_documentation_is_sound(place: Clinic, tmp_path: Path, binary: tuple[str, ...]) -> None:
    """With places of the test's own in place of those of a system."""
    (example,) = re.findall(r"```nginx\n(.*?)```", OPERATIONS.read_text(), re.DOTALL)
    site, tls = place.site, place.site.folder / "tls" / "server.pem"
    for old, new in (
        ("/etc/nginx/sesame/main.pem", tls),
        ("/etc/nginx/sesame/main.key", tls),
        ("/etc/nginx/sesame", site.folder),
        ("/var/log/sesame-nginx", tmp_path),
        ("192.0.2.10:443", f"127.0.0.1:{free_port()}"),
    ):
        assert old in example, old
        example = example.replace(old, str(new))
    folders = "".join(
        f"{each}_temp_path {tmp_path}/{each}; " for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    command = [*binary, "-t", "-p", str(tmp_path), "-c", "nginx.conf"]
    (tmp_path / "nginx.conf").write_text(example.replace("http {", f"http {{ {folders}", 1))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr, done.stderr
