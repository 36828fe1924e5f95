"""`sesame doctor` on other providers that people sign in with."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from demo.look_alike import Hierarchy
from demo.pro_sante_connect.behaviour import Endpoint, Switch
from demo.pro_sante_connect.simulator import Simulator
from idp.cli.doctor import CHECKS, upstreams
from idp.cli.doctor.finding import Level
from idp.methods.federation.client import Client
from idp.settings import Settings
from tests.fakes.findings import only
from tests.fakes.pro_sante_connect import CLIENT_ID, running

pytestmark = pytest.mark.embedded  # asks nothing of a store

Made = Callable[..., Settings]


@pytest.fixture
def psc() -> Iterator[Simulator]:
    with running() as made:
        yield made


@pytest.fixture
def made(psc: Simulator, tmp_path: Path) -> Made:
    def make(methods: tuple[str, ...] = ("psc",), public: str = "https://idp.example", **changes: Any) -> Settings:
        secret = tmp_path / "psc_secret"
        secret.write_text("secret")
        secret.chmod(0o600)
        upstream = {
            "preset": "pro_sante_connect",
            "issuer": psc.issuer,
            "origins": [psc.wallet],
            "client_id": CLIENT_ID,
            "client_secret_file": secret,
            **changes,
        }
        outgoing = {"allowed_networks": ["127.0.0.0/8"]}
        return Settings(issuer=public, methods=methods, upstreams={"psc": upstream}, outgoing=outgoing)

    return make


def test_they_are_among_the_checks() -> None:
    assert {upstreams.answers, upstreams.certificates} <= set(CHECKS)


def test_one_that_answers_is_well(made: Made, psc: Simulator) -> None:
    assert only(upstreams.answers(made())) == (Level.OK, f"psc: {psc.issuer} answers as itself")


def test_one_that_methods_do_not_name_is_not_asked(made: Made) -> None:
    assert list(upstreams.answers(made(methods=("password",)))) == []


@pytest.mark.parametrize("endpoint", [Endpoint.DISCOVERY, Endpoint.JWKS])
def test_one_that_does_not_answer_is_a_warning(made: Made, psc: Simulator, endpoint: Endpoint) -> None:
    psc.behaviour.become(Switch.DOWN, endpoints=frozenset({endpoint}))
    level, text = only(upstreams.answers(made()))
    assert level is Level.WARN
    assert "cannot be asked from here: " in text
    assert "status 503" in text


@pytest.mark.parametrize("path", ["discovery_url", "jwks_uri"])
def test_a_wrong_address_fails(made: Made, psc: Simulator, path: str) -> None:
    level, text = only(upstreams.answers(made(**{path: f"{psc.issuer}/absent"})))
    assert level is Level.FAIL
    assert f"{psc.issuer}/absent: status 404" in text


ISS, PKCE = "authorization_response_iss_parameter_supported", "code_challenge_methods_supported"
TOKEN_AUTH = "token_endpoint_auth_methods_supported"


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({ISS: None}, "iss_required = false"),
        ({PKCE: ["plain"]}, "PKCE (S256)"),
        ({PKCE: None}, "PKCE (S256)"),
        ({TOKEN_AUTH: ["private_key_jwt"]}, "token_auth = client_secret_basic"),
    ],
)
def test_what_logins_need_and_the_metadata_do_not_announce(
    made: Made, monkeypatch: pytest.MonkeyPatch, metadata: dict[str, Any], said: str
) -> None:
    publish(monkeypatch, metadata)
    level, text = only(upstreams.answers(made()))
    assert level is Level.WARN
    assert said in text


def test_what_nobody_needs_need_not_be_announced(made: Made, psc: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(monkeypatch, {ISS: None, PKCE: ["S256"]})
    assert only(upstreams.answers(made(iss_required=False)))[0] is Level.OK
    publish(monkeypatch, {PKCE: None, TOKEN_AUTH: []})
    base = f"{psc.issuer}/protocol/openid-connect"
    written = {"authorization_endpoint": f"{psc.wallet}/auth", "token_endpoint": f"{base}/token"}
    written |= {"jwks_uri": f"{base}/certs", "userinfo_endpoint": f"{base}/userinfo"}
    assert only(upstreams.answers(made(**written)))[0] is Level.OK  # the metadata are not read


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"backchannel_logout_supported": False}, "back-channel logout"),
        ({"end_session_endpoint": "https://elsewhere.example/logout"}, "end_session_endpoint"),
    ],
)
def test_what_a_logout_needs(made: Made, monkeypatch: pytest.MonkeyPatch, metadata: dict[str, Any], said: str) -> None:
    assert only(upstreams.answers(made(backchannel_logout=True)))[0] is Level.OK
    publish(monkeypatch, metadata)
    level, text = only(upstreams.answers(made(backchannel_logout=True)))
    assert level is Level.WARN
    assert said in text
    publish(monkeypatch, dict.fromkeys(metadata))
    assert only(upstreams.answers(made()))[0] is Level.OK


def publish(monkeypatch: pytest.MonkeyPatch, metadata: dict[str, Any]) -> None:
    document = Client.document
    monkeypatch.setattr(Client, "document", lambda *asked: {**document(*asked), **metadata})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"origins": []}, "is not one of origins"),
        ({"client_secret_file": "absent"}, "upstreams.psc.client_secret_file: No such file"),
    ],
)
def test_what_cannot_work_so_fails(made: Made, changes: dict[str, Any], said: str) -> None:
    level, text = only(upstreams.answers(made(**changes)))
    assert level is Level.FAIL
    assert said in text


def test_another_issuers_metadata_fail(made: Made, psc: Simulator) -> None:
    elsewhere = {
        "issuer": f"{psc.auth}/auth/realms/other",
        "discovery_url": f"{psc.issuer}/.well-known/wallet-openid-configuration",
    }
    level, text = only(upstreams.answers(made(**elsewhere)))
    assert level is Level.FAIL
    assert "the metadata are another issuer's" in text


@pytest.mark.parametrize(
    ("issuer", "level"), [("https://idp.example", Level.WARN), ("http://localhost:8000", Level.OK)]
)
def test_test_identities_are_told(made: Made, issuer: str, level: Level) -> None:
    _, told = upstreams.answers(made(test_identities=True, public=issuer))
    assert (told.level, told.text.partition(":")[0]) == (level, "upstreams.psc.test_identities")


@pytest.mark.parametrize(
    ("left", "level"),
    [(timedelta(days=40), Level.OK), (timedelta(days=20), Level.WARN), (timedelta(days=-1), Level.FAIL)],
)
def test_how_long_our_certificate_is_good(made: Made, tmp_path: Path, left: timedelta, level: Level) -> None:
    now = datetime.now(UTC)
    issued = Hierarchy.make(now - timedelta(days=9)).issue(valid_until=now + left)
    (tmp_path / "ours.pem").write_bytes(issued.certificate.public_bytes(Encoding.PEM))
    files = {"client_certificate_file": tmp_path / "ours.pem", "client_key_file": tmp_path / "ours.pem"}
    assert only(upstreams.certificates(made(**files)))[0] is level


def test_without_a_certificate_there_is_nothing_to_say(made: Made) -> None:
    assert list(upstreams.certificates(made())) == []
