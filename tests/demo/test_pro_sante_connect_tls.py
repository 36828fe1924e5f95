"""The simulator of Pro Santé Connect with mutual TLS: `tls_client_auth`, and access tokens bound to the certificate."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from demo.look_alike import Hierarchy, Issued, service
from demo.pro_sante_connect.clients import mutual_tls
from demo.pro_sante_connect.simulator import Simulator
from tests.demo.sandbox import VERIFIER, answer, url
from tests.fakes.pro_sante_connect import CALLBACK, CLIENT_ID, SECRET, Professional, client, running

SERVER = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
NAMES = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])


def write(path: Path, issued: Issued) -> str:
    path.write_bytes(issued.certificate.public_bytes(Encoding.PEM) + issued.private_pem())
    return str(path)


@dataclass(frozen=True, slots=True)
class Igc:
    """Files (PEM): the authorities, the server's certificate, two clients'. subject: of the first."""

    authorities: Path
    server: Path
    ours: str
    another: str
    subject: str


@pytest.fixture(scope="module")
def igc(tmp_path_factory: pytest.TempPathFactory) -> Igc:
    folder, hierarchy = tmp_path_factory.mktemp("igc"), Hierarchy.make(datetime.now(UTC))

    def issue(name: str, **options: Any) -> Issued:
        subject = service("3330000001", "3330000001", name)
        return hierarchy.issue(subject=subject, branch="ORGANISATIONS", **options)

    ours = issue("ESEA")
    authority = hierarchy.authority("ELEMENTAIRE", "ORGANISATIONS")
    authorities = hierarchy.write_authorities(folder / "authorities.pem", authority, hierarchy.root("ELEMENTAIRE"))
    write(folder / "server.pem", issue("PSC", upn=None, added=[(SERVER, False), (NAMES, False)]))
    return Igc(
        authorities,
        folder / "server.pem",
        write(folder / "ours.pem", ours),
        write(folder / "another.pem", issue("AUTRE")),
        ours.certificate.subject.rfc4514_string(),
    )


@contextmanager
def simulator(igc: Igc, **registered: Any) -> Iterator[Simulator]:
    with running(client(**registered), tls=mutual_tls(igc.server, igc.authorities)) as made:
        yield made


def call(igc: Igc, method: str, address: str, cert: str | None, **options: Any) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, address, verify=str(igc.authorities), cert=cert, timeout=10, **options)


def redeem(igc: Igc, made: Simulator, cert: str | None, **form: str) -> requests.Response:
    code = answer(Professional(made).logs_in(url()))["code"]
    usual = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER,
        "client_id": CLIENT_ID,
    }  # fmt: skip
    address = f"{made.issuer}/protocol/openid-connect/token"
    return call(igc, "POST", address, cert, data={**usual, **form})


def test_only_the_registered_certificate_authenticates(igc):
    with simulator(igc, secret="", tls_subject=igc.subject) as made:
        for cert in (None, igc.another):
            assert redeem(igc, made, cert).json()["error"] == "invalid_client"
        assert redeem(igc, made, igc.ours, client_secret="").json()["error"] == "invalid_client"
        assert redeem(igc, made, igc.ours).status_code == 200


def test_a_certificate_is_nothing_to_a_client_with_a_secret(igc):
    with simulator(igc) as made:
        assert redeem(igc, made, igc.ours).json()["error"] == "invalid_client"
        assert redeem(igc, made, None, client_secret=SECRET).status_code == 200


@pytest.mark.spec("RFC 8705 §3")
@pytest.mark.parametrize("secret", ["", SECRET])
def test_userinfo_wants_the_certificate_of_the_token_request(igc, secret):
    with simulator(igc, tls_subject=igc.subject, secret=secret) as made:
        form = {"client_secret": secret} if secret else {}
        access_token = redeem(igc, made, igc.ours, **form).json()["access_token"]
        address, headers = (
            f"{made.issuer}/protocol/openid-connect/userinfo",
            {"Authorization": f"Bearer {access_token}"},
        )
        for cert in (None, igc.another):
            assert call(igc, "GET", address, cert, headers=headers).status_code == 401
        assert call(igc, "GET", address, igc.ours, headers=headers).json()["SubjectNameID"]


def test_a_certificate_of_somebody_elses_authority_does_not_come_in(igc, tmp_path):
    stranger = write(tmp_path / "stranger.pem", Hierarchy.make(datetime.now(UTC)).issue())
    with simulator(igc) as made, pytest.raises(requests.ConnectionError):
        redeem(igc, made, stranger, client_secret=SECRET)
