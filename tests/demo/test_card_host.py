"""The demo's card host: its own certificate, the files for browsers, and what the provider says of each of them."""

import http.client
import ssl
import stat
from contextlib import closing, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from demo.card_host import LIFETIME, CardHost
from demo.cards import PIN, Drawer
from demo.certificates import IN_BROWSER, CertificateFiles
from demo.look_alike import Hierarchy
from idp.pki import CardRefused, CardTrust
from idp.settings.sections import Card
from idp.web.card_hop import state
from tests.fakes.servers import free_port

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def drawer(tmp_path_factory: pytest.TempPathFactory) -> Drawer:
    return Drawer(tmp_path_factory.mktemp("demo") / "cards")


@pytest.fixture(scope="module")
def host(drawer: Drawer) -> CardHost:
    made, hierarchy = CardHost(drawer.folder.parent / "card_host"), Hierarchy.make(NOW)
    drawer.make(hierarchy, NOW)
    drawer.renew_revocation_list(NOW)
    CertificateFiles(drawer.folder).make(hierarchy, drawer.cards())
    made.make(hierarchy, NOW)
    return made


@pytest.fixture(scope="module")
def files(drawer: Drawer, host: CardHost) -> CertificateFiles:
    return CertificateFiles(drawer.folder)


def opened(files: CertificateFiles, name: str) -> tuple[x509.Certificate, bytes]:
    """The certificate of a file, and both as PEM."""
    key, certificate, _ = pkcs12.load_key_and_certificates(files.path(name).read_bytes(), PIN.encode())
    assert key
    assert certificate
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate, certificate.public_bytes(Encoding.PEM) + private


def test_what_is_secret_is_readable_by_its_owner_only(host: CardHost, files: CertificateFiles) -> None:
    secret = [host.secret, host.certificate, *(files.path(name) for name in IN_BROWSER)]
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}
    assert len(host.secret.read_text()) >= 32


def test_the_authority_vouches_for_this_machine_only_and_its_key_is_kept_nowhere(host: CardHost) -> None:
    authority = x509.load_pem_x509_certificate(host.authority.read_bytes())
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    names = [str(each.value) for each in constraints.value.permitted_subtrees or ()]
    assert names == ["localhost", "127.0.0.1/32", "::1/128"]
    keys = [path for path in host.folder.iterdir() if "PRIVATE KEY" in path.read_text(encoding="ascii")]
    assert keys == [host.certificate]


def test_the_same_certificate_is_kept_until_it_is_about_to_run_out(host: CardHost, tmp_path: Path) -> None:
    own = CardHost(tmp_path)
    for path in (host.certificate, host.authority):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    own.renew(NOW + LIFETIME - timedelta(days=31))
    assert own.certificate.read_bytes() == host.certificate.read_bytes()

    own.renew(NOW + LIFETIME - timedelta(days=29))

    assert own.certificate.read_bytes() != host.certificate.read_bytes()
    assert own.authority.read_bytes() != host.authority.read_bytes()


@pytest.mark.parametrize(("name", "outcome"), [
    ("anne", ""), ("karim", ""), ("camille", ""), ("expired", "expired"), ("revoked", "revoked"), ("test", "test_card"),
    ("signature", "wrong_usage"), ("organisation", "unknown_authority"), ("rogue", "unknown_authority"),
])  # fmt: skip
def test_what_the_provider_says_of_each_file(drawer: Drawer, files: CertificateFiles, name: str, outcome: str) -> None:
    trust = CardTrust.load(Card(authorities=drawer.authorities, crl_files=(drawer.revocation_list,)))
    certificate, _ = opened(files, name)
    with pytest.raises(CardRefused, match=outcome) if outcome else nullcontext():
        trust.holder(certificate.public_bytes(Encoding.DER), NOW)


def test_every_file_but_the_rogue_reaches_the_application(
    host: CardHost, files: CertificateFiles, tmp_path: Path
) -> None:
    told: list[str] = []

    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        told.append(environ["HTTP_X_SESAME_CLIENT_CERT"])
        assert told[-1].endswith(state("", host.secret.read_text()))
        start_response("200 OK", [("Content-Length", "0")])
        return []

    port, reached = free_port(), []
    with host.listener(application, port):
        for name in IN_BROWSER:
            (tmp_path / "card.pem").write_bytes(opened(files, name)[1])
            tls = ssl.create_default_context(cafile=str(host.authority))
            tls.load_cert_chain(tmp_path / "card.pem")
            connection = http.client.HTTPSConnection("localhost", port, timeout=20, context=tls)
            with closing(connection), suppress(ssl.SSLError, ConnectionError):
                connection.request("GET", "/carte/x")
                assert connection.getresponse().status == 200
                assert not told.pop().startswith(";")
                reached.append(name)
    assert reached == [name for name in IN_BROWSER if name != "rogue"]
