"""The demo's card host: a certificate for localhost, of an authority of its own, and the listener that has it."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from demo.files import write_private
from demo.look_alike import Hierarchy, key_usage
from demo.servers import LOOPBACK
from idp.card_listener import CardListener

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

LIFETIME = timedelta(days=397)  # browsers believe none that is longer
RENEWED_BEFORE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class CardHost:
    """`card_host/` in the demo's folder."""

    folder: Path

    @property
    def authority(self) -> Path:
        """What a person may import, so that the browser believes the server. Its key is kept nowhere."""
        return self.folder / "authority.pem"

    @property
    def certificate(self) -> Path:
        return self.folder / "server.pem"

    @property
    def authorities(self) -> Path:
        """Whose certificates get through the handshake: more than the provider accepts, for its pages to be seen."""
        return self.folder / "authorities.pem"

    @property
    def secret(self) -> Path:
        return self.folder / "secret"

    def make(self, hierarchy: Hierarchy, now: datetime) -> None:
        self.folder.mkdir(mode=0o700)
        write_private(self.secret, secrets.token_urlsafe(48).encode())
        hierarchy.write_authorities(
            self.authorities, hierarchy.authority(), hierarchy.authority(branch="ORGANISATIONS")
        )
        self._certify(now)

    def renew(self, now: datetime) -> None:
        """At each start: the same certificate as long as it is good, for people accept it once."""
        if x509.load_pem_x509_certificate(self.certificate.read_bytes()).not_valid_after_utc - now < RENEWED_BEFORE:
            self._certify(now)

    def listener(self, app: "WSGIApplication", port: int) -> CardListener:
        """Raises as CardListener does."""
        secret = self.secret.read_text(encoding="ascii")
        return CardListener(
            app, LOOPBACK, port, certificate=self.certificate, authorities=self.authorities, secret=secret
        )

    def _certify(self, now: datetime) -> None:
        signing, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        authority = _authority(signing, now)
        server = _server(own.public_key(), authority, signing, now)
        key = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_private(self.certificate, server.public_bytes(Encoding.PEM) + key)
        write_private(self.authority, authority.public_bytes(Encoding.PEM))


def _authority(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    """It can vouch for this machine only, wherever it is imported."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sésame, démonstration sur cette machine")])
    here = [x509.DNSName("localhost"), *(x509.IPAddress(ip_network(each)) for each in ("127.0.0.1/32", "::1/128"))]
    return (
        _builder(name, name, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(key_cert_sign=True), critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=here, excluded_subtrees=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _server(
    key: ec.EllipticCurvePublicKey, authority: x509.Certificate, signing: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), *(x509.IPAddress(ip_address(each)) for each in ("127.0.0.1", "::1"))]
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key())
    return (
        _builder(name, authority.subject, key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(identifier, critical=False)
        .sign(signing, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
    )
