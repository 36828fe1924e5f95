"""Certificates of the tests' own, trusted by nobody else."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Authority:
    """A certificate authority of the test's own, and a certificate that it gave to a server."""

    ca_file: Path
    server_file: Path

    @classmethod
    def make(cls, folder: Path, host: str = "localhost") -> "Authority":
        ca_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        now = datetime.now(UTC)

        def certificate(subject: x509.Name, key: Any) -> x509.CertificateBuilder:
            return (
                x509.CertificateBuilder()
                .subject_name(subject)
                .issuer_name(ca_name)
                .public_key(key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - timedelta(days=1))
                .not_valid_after(now + timedelta(days=1))
            )

        own_id = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
        ca = (
            certificate(ca_name, ca_key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(own_id, critical=False)
            .sign(ca_key, hashes.SHA256())
        )
        alternative = x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
        server = (
            certificate(x509.Name([]), server_key)
            .add_extension(x509.SubjectAlternativeName([alternative]), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own_id), critical=False)
            .sign(ca_key, hashes.SHA256())
        )
        folder.mkdir()
        pem = serialization.Encoding.PEM
        private = server_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        made = cls(folder / "ca.pem", folder / "server.pem")
        made.ca_file.write_bytes(ca.public_bytes(pem))
        made.server_file.write_bytes(private + server.public_bytes(pem))
        return made

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server_file)
        return context
