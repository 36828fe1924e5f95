"""A provider with a card host behind nginx, cards of today, and a service to sign in to: for tests with a browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from demo.look_alike import ANNE, Hierarchy, Issued, rpps
from tests.fakes import igc
from tests.fakes.installed import Installation
from tests.fakes.nginx import NAME, Site
from tests.fakes.relying_party import CHALLENGE, STATE
from tests.fakes.servers import free_port

SAMIR, NOBODY = rpps("1000345681"), rpps("1000345682")
PAGE = b'<!doctype html><html lang="fr"><title>Service</title><h1 id="arrived">Bienvenue</h1></html>'


class Service(BaseHTTPRequestHandler):
    """Where the browser arrives; the code stays in its address."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(PAGE)))
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Clinic:
    site: Site
    installation: Installation
    hierarchy: Hierarchy
    revoked: Issued
    service: str

    @property
    def address(self) -> str:
        """Where the service sends a browser that is to sign in."""
        request = {
            "response_type": "code", "client_id": "ror", "redirect_uri": f"{self.service}/callback", "scope": "openid",
            "state": STATE, "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        }  # fmt: skip
        return f"{self.site.url}/authorize?{urlencode(request)}"

    def card(self, kind: str = "good") -> Issued:
        """One of Anne's, or what says that it is; "another's": of Samir, "not linked": of nobody's account."""
        known, key, now = self.hierarchy, igc.holder_key(), self.hierarchy.now
        if kind == "revoked":
            return self.revoked
        if kind == "unknown authority":
            return Hierarchy.make(now).issue(key=key)
        if kind == "self-signed":
            return _self_signed(known.issue(key=key), now)
        options: dict[str, Any] = {
            "expired": {"valid_from": now - timedelta(days=9), "valid_until": now - timedelta(hours=1)},
            "not yet valid": {"valid_from": now + timedelta(days=1)},
            "revocation not known": {"level": "STANDARD"},
            "another's": {"national_id": f"8{SAMIR}", "given_name": "SAMIR", "family_name": "HADDAD"},
            "not linked": {"national_id": f"8{NOBODY}"},
            "signature": {"purpose": "signature"},
            "test": {"category": 0x80},
            "long": {"added": [(x509.UnrecognizedExtension(x509.ObjectIdentifier("2.25.1"), bytes(5000)), False)]},
        }
        return known.issue(key=key, **options.get(kind, {}))


def _self_signed(like: Issued, now: datetime) -> Issued:
    """Her names, and nobody's signature but its own."""
    known = like.certificate
    builder = x509.CertificateBuilder(known.subject, known.subject, like.key.public_key(), x509.random_serial_number())
    for each in known.extensions:
        builder = builder.add_extension(each.value, critical=each.critical)
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    return Issued(builder.sign(like.key, hashes.SHA256()), like.key)


@contextmanager
def clinic(folder: Path, name: str = NAME) -> Iterator[Clinic]:
    """folder: empty. name: of the card host."""
    site, known = Site(folder / "nginx", name=name), Hierarchy.make(datetime.now(UTC))
    revoked = known.issue(key=igc.holder_key())
    both = known.authority(), known.authority("STANDARD")  # the second without a revocation list
    authorities = known.write_authorities(folder / "authorities.pem", *both)
    (folder / "persons.crl").write_bytes(known.crl(revoked=[revoked]).public_bytes(Encoding.DER))
    nobody = free_port()
    trusted = {
        "authorities": str(authorities),
        "crl_files": [str(folder / "persons.crl")],
        "reader_ports": [nobody, nobody],  # no helper of this machine
    }
    installation = Installation.make(folder / "idp", **site.settings(**trusted))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    service = f"http://localhost:{server.server_port}"
    installation.provider.add_client(
        "ror", methods=("cps_card", "password"), redirect_uris=(f"{service}/callback",), post_logout_redirect_uris=()
    )
    installation.provider.add_account("anne.card", rpps=ANNE, given_name="Anne", family_name="Pierre")
    installation.provider.add_account("samir.card", rpps=SAMIR, given_name="Samir", family_name="Haddad")
    site.configure(folder / "idp" / "sesame.toml")
    site.write_main()
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        with site.serving(installation), site.running():
            yield Clinic(site, installation, known, revoked, service)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        installation.close()
