"""The demo's certificates for a browser: files (PKCS#12) to import, one for each page that somebody may want to see."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12

from demo.cards import CARDS, OF_ANNE, PIN, Shown
from demo.files import write_private
from demo.look_alike import Hierarchy, Issued, key_usage

ROGUE = "rogue"
ONLY_FILES: Mapping[str, Shown] = {
    "signature": Shown(
        "Anne Pierre",
        "Certificat de signature",
        "L'autre certificat de sa carte, qui n'est pas fait pour se connecter.",
        # Python's listener would refuse the usage of the real one in the handshake, where no page can say it.
        {
            **OF_ANNE,
            "without": [x509.ExtendedKeyUsage.oid],
            "added": [(key_usage(digital_signature=True, content_commitment=True), True)],
        },
    ),
    "organisation": Shown(
        "Anne Pierre",
        "Autorité inconnue",
        "Délivré par l'autorité des organisations, qui n'émet pas de cartes de professionnels.",
        {**OF_ANNE, "branch": "ORGANISATIONS"},
    ),
    ROGUE: Shown(
        "Anne Pierre",
        "Faux certificat",
        "Les mêmes noms, d'une autorité inventée : le navigateur affiche une erreur, sans page.",
        OF_ANNE,
    ),
}
IN_BROWSER: Mapping[str, Shown] = {**CARDS, **ONLY_FILES}


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """`<name>.p12` in the folder of the cards; PIN is the password."""

    folder: Path

    def make(self, hierarchy: Hierarchy, cards: Mapping[str, Issued]) -> None:
        for name, shown in ONLY_FILES.items():
            of = Hierarchy.make(hierarchy.now) if name == ROGUE else hierarchy
            options: dict[str, Any] = dict(shown.options)
            self._write(name, shown, of.issue(**options))
        for name, issued in cards.items():
            self._write(name, CARDS[name], issued)

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.p12"

    def serial(self, name: str) -> str:
        """How the browser's dialog begins its serial number, which tells it from others of the same person."""
        certificate = pkcs12.load_pkcs12(self.path(name).read_bytes(), PIN.encode()).cert
        return f"{certificate.certificate.serial_number:040x}"[:8].upper() if certificate else ""

    def _write(self, name: str, shown: Shown, issued: Issued) -> None:
        # What every system reads. The password is published: a stronger one would protect nothing.
        encryption = (
            PrivateFormat.PKCS12.encryption_builder()
            .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
            .hmac_hash(hashes.SHA1())  # noqa: S303 # nosec B303
            .build(PIN.encode())
        )
        label = f"{shown.holder}, {shown.role} (demo)".encode()
        content = pkcs12.serialize_key_and_certificates(label, issued.key, issued.certificate, None, encryption)
        write_private(self.path(name), content)
