"""`sesame doctor` on a card host: as `sesame card nginx` configures it, and what it says of lines that are not ours."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from demo.look_alike import Hierarchy
from idp.cli.doctor import CHECKS, card_host, connection
from idp.cli.doctor.finding import Finding, Level
from idp.outgoing.targets import system_resolver
from idp.settings import Settings, load
from idp.web.card_hop import NGINX_CLIENT_CERT, state
from tests.fakes.card_host import CARD_HOST
from tests.fakes.installed import Installation
from tests.fakes.nginx import DISTRIBUTION, NAME, SECRET, Site, wheel

Doctor = Callable[..., list[Finding]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Settings]]:
    """`sesame serve` behind an nginx that each test configures for itself."""
    folder = tmp_path_factory.mktemp("doctor")
    site, known = Site(folder / "nginx"), Hierarchy.make(datetime.now(UTC))
    authorities = known.write_authorities(folder / "authorities.pem", known.authority())
    installation = Installation.make(folder / "idp", **site.settings(authorities=str(authorities)))
    with site.serving(installation):
        yield site, load(folder / "idp" / "sesame.toml")
    installation.close()


@pytest.fixture
def doctor(served: tuple[Site, Settings], monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """What is found where these things were changed in what `sesame card nginx` wrote."""
    site, settings = served
    monkeypatch.setattr(
        connection, "system_resolver", lambda host: ["127.0.0.1"] if host == NAME else system_resolver(host)
    )

    def look(*changes: tuple[str, str], binary: tuple[str, ...] = DISTRIBUTION) -> list[Finding]:
        site.binary = binary
        site.configure(site.folder.parent / "idp" / "sesame.toml")
        site.write_main(*changes)
        with site.running():
            return list(card_host.card_host(settings))

    return look


def bad(found: list[Finding]) -> list[tuple[Level, str]]:
    return [(each.level, each.text) for each in found if each.level is not Level.OK]


def test_it_is_among_the_checks() -> None:
    assert card_host.card_host in CHECKS


@pytest.mark.parametrize("binary", [DISTRIBUTION, wheel()], ids=["distribution", "extra"])
def test_as_the_command_configures_it_all_is_well(doctor: Doctor, binary: tuple[str, ...]) -> None:
    found = doctor(binary=binary)
    assert bad(found) == []
    assert len(found) == 9
    assert {each.part for each in found} == {"card host"}


OF_NGINX = "include @FOLDER@/card-secret.conf;"
NAME_ALONE = f'if ($ssl_server_name != "{NAME}") {{ return 421; }}'
HOST_ALONE = f'if ($host != "{NAME}") {{ return 421; }}'
PATH_ALONE = 'if ($request_uri !~ "^/carte/[A-Za-z0-9._-]+$") { return 404; }'
FAIL, WARN = Level.FAIL, Level.WARN


def stating(certificate: str, secret: str) -> str:
    return f"proxy_set_header {NGINX_CLIENT_CERT} '{state(certificate, secret)}';"


Change = tuple[str, str]
# What is changed, and what is said of it; several together where one does not hide another.
SPOILED: dict[str, tuple[tuple[Change, ...], tuple[tuple[Level, str], ...]]] = {
    "versions, connections, paths, other server blocks": (
        (
            ("ssl_protocols TLSv1.2;", "ssl_protocols TLSv1.2 TLSv1.3;"),
            ("keepalive_timeout 0", "keepalive_timeout 60"),
            ("return 404;\n    }\n\n    location ^~", "proxy_pass @UPSTREAM@;\n    }\n\n    location ^~"),
            (PATH_ALONE, ""),
            ("include @FOLDER@/other-hosts.conf;", ""),
        ),
        (
            (FAIL, "chooses TLSv1.3"),
            (FAIL, "connections stay open"),
            (FAIL, "it serves more than /carte/"),
            (WARN, "lets through X-Sesame-Client-Cert, Client-Cert: the provider refuses them"),
        ),
    ),
    "session cache, HTTP/2, not asked": (
        (
            ("ssl_session_cache off", "ssl_session_cache shared:cards:1m"),
            ("ssl;\n    server_name cps", "ssl http2;\n    server_name cps"),
            ("ssl_verify_client optional_no_ca", "ssl_verify_client off"),
        ),
        (
            (FAIL, "TLS sessions are resumed by their identifier"),
            (FAIL, "speaks HTTP/2"),
            (FAIL, "it asks for no certificate"),
        ),
    ),
    "session tickets, not passed on, names": (
        (
            ("ssl_session_tickets off", "ssl_session_tickets on"),
            (OF_NGINX, stating("", SECRET)),
            (NAME_ALONE, ""),
            (HOST_ALONE, ""),
            (PATH_ALONE, ""),
        ),
        (
            (FAIL, "TLS sessions are resumed by a ticket"),
            (FAIL, "it asks for no certificate, or passes none on"),
            (FAIL, "another Host is answered 303, not 421"),
            (FAIL, "another name in TLS is answered 404, not 421"),
        ),
    ),
    "secret": (((OF_NGINX, stating("$ssl_client_escaped_cert", "x" * 48)),), ((FAIL, "it answers 400 and no ticket"),)),
    "not stated": (((OF_NGINX, ""),), ((FAIL, "it answers 404 and no ticket"),)),
    "headers of anybody": (
        ((OF_NGINX, stating("$http_x_sesame_client_cert", SECRET)),),
        ((FAIL, "it asks for no"), (FAIL, "X-Sesame-Client-Cert of anybody is believed there")),
    ),
    "another name refused in the handshake": (
        (
            (
                "client_body_temp_path @FOLDER@/body;",
                "client_body_temp_path @FOLDER@/body; server { listen 127.0.0.1:@CARD_PORT@ ssl default_server;"
                " ssl_protocols TLSv1.2; ssl_reject_handshake on; }",
            ),
        ),
        (),
    ),
    "underscores, which harm nobody": (
        (
            ("proxy_pass_request_headers off;", ""),
            ("server_tokens off;", "server_tokens off; underscores_in_headers on;"),
        ),
        (),
    ),
}


@pytest.mark.parametrize("what", SPOILED)
def test_each_line_that_is_not_ours_is_told(doctor: Doctor, served: tuple[Site, Settings], what: str) -> None:
    changes, expected = SPOILED[what]
    site = served[0]

    def placed(part: str) -> str:
        values = {
            "UPSTREAM": f"http://127.0.0.1:{site.upstream_port}",
            "CARD_PORT": site.card_port,
            "FOLDER": site.folder,
        }
        for name, value in values.items():
            part = part.replace(f"@{name}@", str(value))
        return part

    found = bad(doctor(*((placed(old), placed(new)) for old, new in changes)))
    for level, text in expected:
        assert [each for each in found if each[0] is level and text in each[1]], (text, found)
    assert len(found) == len(expected), "\n".join(each[1] for each in found)


SHARED = "listen 127.0.0.1:@CARD_PORT@ ssl default_server; ssl_session_cache shared:all:1m; ssl_session_tickets on;"


@pytest.mark.parametrize("binary", [DISTRIBUTION, wheel()], ids=["distribution", "extra"])
def test_an_address_may_be_shared_where_all_speak_tls_1_2(
    doctor: Doctor, served: tuple[Site, Settings], binary: tuple[str, ...]
) -> None:
    """Whatever the other block there keeps of its own sessions, none is resumed on the card host."""
    shared = SHARED.replace("@CARD_PORT@", str(served[0].card_port))
    old = "server_name localhost;"
    assert bad(doctor((old, f"{old} {shared} ssl_protocols TLSv1.2;"), binary=binary)) == []
    found = bad(doctor((old, f"{old} {shared} ssl_protocols TLSv1.2 TLSv1.3;"), binary=binary))
    assert all(level is FAIL and "chooses TLSv1.3" in text for level, text in found), "as the version of nginx has it"


def test_a_card_host_that_is_away_is_a_warning(served: tuple[Site, Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "system_resolver", lambda host: ["127.0.0.1"])
    found = bad(list(card_host.card_host(served[1])))
    assert [level for level, _ in found] == [Level.WARN] * 2
    for (_, text), address in zip(found, (served[0].card_url, served[0].url), strict=True):
        assert text.startswith(f"{address} cannot be asked from here")


def test_without_a_card_host_nothing_is_said(tmp_path: Path) -> None:
    assert list(card_host.card_host(Settings(issuer="https://idp.example"))) == []


def test_a_proxy_stands_between() -> None:
    card: dict[str, Any] = {"dialog_url": CARD_HOST, "dialog_secret_file": "none"}
    settings = Settings(issuer="https://idp.example", card=card, outgoing={"proxy": "http://proxy.example:3128"})  # type: ignore[arg-type]
    assert [each.level for each in card_host.card_host(settings)] == [Level.WARN]


def test_a_secret_that_others_read_fails(tmp_path: Path) -> None:
    for name in ("secret", "card-secret"):
        (tmp_path / name).write_text("s" * 48)
    (tmp_path / "secret").chmod(0o600)
    card: dict[str, Any] = {"dialog_url": CARD_HOST, "dialog_secret_file": tmp_path / "card-secret"}
    settings = Settings(issuer="https://idp.example", card=card, secret_file=tmp_path / "secret")  # type: ignore[arg-type]
    ((level, text),) = bad(list(card_host.card_host(settings)))
    assert level is Level.FAIL
    assert "card.dialog_secret_file" in text
