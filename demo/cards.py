"""The virtual cards of the demo, and the authority that issued them: made at a first start, kept in its folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from demo.files import write_private
from demo.look_alike import ANNE, YEAR, Hierarchy, Issued, rpps

PIN = "1234"
MONTH = timedelta(days=30)
KARIM = rpps("1000345679")
CAMILLE = rpps("1000345683")
AUTHORITY, REVOKED = "authority", "revoked"


@dataclass(frozen=True, slots=True)
class Shown:
    """A card as the page presents it. options: of `Hierarchy.issue`, without the dates."""

    holder: str
    role: str
    note: str
    options: Mapping[str, Any]


OF_ANNE: dict[str, Any] = {"national_id": f"8{ANNE}", "given_name": "ANNE", "family_name": "PIERRE"}
CARDS: dict[str, Shown] = {
    "anne": Shown(
        "Anne Pierre",
        f"Médecin, RPPS {ANNE}",
        "Son compte porte ce numéro : la carte y mène directement.",
        OF_ANNE,
    ),
    "karim": Shown(
        "Karim Benali",
        f"Infirmier, RPPS {KARIM}",
        "Son compte n'a pas encore de numéro : la carte est à relier une fois.",
        {
            "national_id": f"8{KARIM}",
            "given_name": "KARIM",
            "family_name": "BENALI",
            "title": "Infirmier",
            "profession": 60,
            "card_number": "8025000001/2800000051",
        },
    ),
    "camille": Shown(
        "Camille Moreau",
        f"Sage-femme, RPPS {CAMILLE}",
        "N'a pas de compte ici.",
        {
            "national_id": f"8{CAMILLE}",
            "given_name": "CAMILLE",
            "family_name": "MOREAU",
            "title": "Sage-femme",
            "profession": 50,
            "card_number": "8025000001/2800000052",
        },
    ),
    "expired": Shown(
        "Anne Pierre",
        "Carte expirée",
        "Son ancienne carte, que celle d'en haut a remplacée.",
        {**OF_ANNE, "card_number": "8025000001/2800000031"},
    ),
    REVOKED: Shown(
        "Anne Pierre",
        "Carte révoquée",
        "Perdue, puis retrouvée : elle est sur la liste de révocation.",
        {**OF_ANNE, "card_number": "8025000001/2800000032"},
    ),
    "test": Shown(
        "Anne Pierre",
        "Carte de test",
        "Comme celles des éditeurs de logiciels.",
        {**OF_ANNE, "card_number": "8025000001/2800000033", "category": 0x80},
    ),
}


class Drawer:
    """`cards/` in the demo's folder: one PEM file with certificate and key for each card, and for the authority."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authorities = folder / "authorities.pem"
        self.revocation_list = folder / "persons.crl"

    def make(self, hierarchy: Hierarchy, now: datetime) -> None:
        """The cards of this hierarchy, and its authority for persons."""
        self.folder.mkdir(mode=0o700)
        self._write(AUTHORITY, hierarchy.authority())
        hierarchy.write_authorities(self.authorities, hierarchy.authority())
        for name, card in CARDS.items():
            dates = {"valid_from": now - 11 * MONTH, "valid_until": now - MONTH} if name == "expired" else {}
            self._write(name, hierarchy.issue(**{"valid_until": now + 8 * YEAR, **dates, **card.options}))

    def renew_revocation_list(self, now: datetime) -> None:
        """At each start: a list is good for a while only."""
        authority, revoked = self._read(AUTHORITY), self._read(REVOKED)
        crl = Hierarchy.make(now).crl(authority, [revoked], next_update=now + MONTH)
        fresh = self.revocation_list.with_suffix(".new")
        fresh.write_bytes(crl.public_bytes(Encoding.PEM))
        fresh.replace(self.revocation_list)

    def cards(self) -> dict[str, Issued]:
        return {name: self._read(name) for name in CARDS}

    def _write(self, name: str, issued: Issued) -> None:
        content = issued.certificate.public_bytes(Encoding.PEM) + issued.private_pem()
        write_private(self.folder / f"{name}.pem", content)

    def _read(self, name: str) -> Issued:
        pem = (self.folder / f"{name}.pem").read_bytes()
        key = load_pem_private_key(pem, None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError(f"{name}: not a card of the demo")
        return Issued(x509.load_pem_x509_certificate(pem), key)


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
