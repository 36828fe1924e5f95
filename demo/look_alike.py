"""A hierarchy that looks like the one of health professionals' cards, with names of its own: for the demo and tests.

Three levels, each a root with an authority for persons and one for organisations. What is issued has the shape
of a card's certificates: a subject whose third RDN holds three attributes, a UPN, four private extensions.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

Level = Literal["ELEMENTAIRE", "STANDARD", "FORT"]
Branch = Literal["PERSONNES", "ORGANISATIONS"]
Purpose = Literal["authentication", "signature"]
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Added = tuple[x509.ExtensionType, bool]  # an extension, and whether it is critical
LEVELS: tuple[Level, ...] = ("ELEMENTAIRE", "STANDARD", "FORT")

UPN = ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
CARD_TYPE = ObjectIdentifier("1.2.250.1.71.1.2.2")
CARD_NUMBER = ObjectIdentifier("1.2.250.1.71.1.2.3")
CATEGORY = ObjectIdentifier("1.2.250.1.71.1.2.5")
PROFESSION = ObjectIdentifier("1.2.250.1.71.1.2.7")
POLICY = ObjectIdentifier("2.25.52071.1")
ORGANIZATION = "SESAME-DEMO"
ADDRESS = "http://igc.sante-demo.example"
AS_SUBJECT = "as the subject has it"
YEAR = timedelta(days=365)


def rpps(first_ten: str) -> str:
    """An RPPS number of these ten digits: the eleventh is their Luhn key."""
    doubled = (2 * int(digit) if place % 2 == 0 else int(digit) for place, digit in enumerate(reversed(first_ten)))
    return f"{first_ten}{-sum(sum(divmod(value, 10)) for value in doubled) % 10}"


ANNE = rpps("1000345678")


def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def person(national_id: str, given_name: str, family_name: str, title: str) -> x509.Name:
    """The subject of a card with a person's name."""
    return _name(
        [(NameOID.TITLE, title)],
        [(NameOID.GIVEN_NAME, given_name), (NameOID.COMMON_NAME, national_id), (NameOID.SURNAME, family_name)],
    )


def staff(national_id: str, structure_id: str, given_name: str, family_name: str) -> x509.Name:
    """The subject of the card of a structure's employee; `structure_id` has its own prefix (3 for a SIRET)."""
    return _name(
        [(NameOID.LOCALITY_NAME, "Bordeaux (33)")],
        [(NameOID.ORGANIZATION_NAME, "CABINET DE DEMO")],
        [(NameOID.ORGANIZATIONAL_UNIT_NAME, structure_id)],
        [(NameOID.GIVEN_NAME, given_name), (NameOID.COMMON_NAME, national_id), (NameOID.SURNAME, family_name)],
    )


def service(national_id: str, structure_id: str, pseudonym: str) -> x509.Name:
    """The subject of a card that a service shares: no person's name."""
    return _name(
        [(NameOID.STATE_OR_PROVINCE_NAME, "Gironde (33)")],
        [(NameOID.ORGANIZATION_NAME, "CLINIQUE DE DEMO")],
        [(NameOID.ORGANIZATIONAL_UNIT_NAME, structure_id)],
        [(NameOID.TITLE, "Carte de service de demo")],
        [(NameOID.PSEUDONYM, pseudonym), (NameOID.COMMON_NAME, national_id)],
    )


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: Key = field(repr=False)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def serial(self) -> int:
        return self.certificate.serial_number

    def private_pem(self) -> bytes:
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(encoding, form, serialization.NoEncryption())


class Hierarchy:
    """Its authorities are made when they are first asked for: a key takes a tenth of a second."""

    def __init__(self, now: datetime, *, is_test: bool, address: str) -> None:
        self.now, self.is_test, self.address = now.replace(microsecond=0), is_test, address
        self._made: dict[str, Issued] = {}

    @classmethod
    def make(cls, now: datetime, *, is_test: bool = False, address: str = ADDRESS) -> "Hierarchy":
        """is_test: the authorities say TEST in their names. address: where certificates say that CRLs and OCSP are."""
        return cls(now, is_test=is_test, address=address)

    def root(self, level: Level) -> Issued:
        return self._authority(f"AC RACINE SANTE-DEMO {level}", signer=None)

    def authority(self, level: Level = "ELEMENTAIRE", branch: Branch = "PERSONNES") -> Issued:
        return self._authority(f"AC SANTE-DEMO {level} {branch}", signer=self.root(level))

    def issue(
        self,
        *,
        national_id: str = f"8{ANNE}",
        given_name: str = "ANNE",
        family_name: str = "PIERRE",
        title: str = "Médecin",
        subject: x509.Name | None = None,
        upn: str | None = AS_SUBJECT,
        purpose: Purpose = "authentication",
        level: Level = "ELEMENTAIRE",
        branch: Branch = "PERSONNES",
        issuer: Issued | None = None,
        card_type: int = 0,
        card_number: str = "8025000001/2800000042",
        category: int = 0x00,
        profession: int = 10,
        valid_from: datetime | None = None,
        valid_until: datetime | None = None,
        key: Key | None = None,
        serial: int | None = None,
        algorithm: hashes.SHA256 | hashes.SHA384 = hashes.SHA256(),  # noqa: B008
        without: Collection[ObjectIdentifier] = (),
        added: Sequence[Added] = (),
    ) -> Issued:
        """A card's certificate. `subject` goes before the names; `upn=None`: no SAN.

        card_type: 0 CPS, 1 CPF, 2 CPE, 3 CPA. category: 0x00 a real card, 0x80 a test card. without: extensions to
        leave out, by OID. added: extensions; one that has the OID of another stands in its place.
        """
        issuer = issuer or self.authority(level, branch)
        holder = key or rsa_key()
        name = subject or person(national_id, given_name, family_name, title)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer.certificate.subject)
            .public_key(holder.public_key())
            .serial_number(serial or x509.random_serial_number())
            .not_valid_before(valid_from or self.now - timedelta(days=1))
            .not_valid_after(valid_until or self.now + 3 * YEAR)
        )
        stated = _upn(name) if upn == AS_SUBJECT else upn
        shape = [
            *_usage(purpose),
            *self._pointers(issuer, holder),
            *([] if stated is None else [_alternative(stated)]),
            _private(CARD_TYPE, asn1.encode_der(card_type)),
            _private(CARD_NUMBER, asn1.encode_der(asn1.PrintableString(card_number))),
            _private(CATEGORY, asn1.encode_der(bytes([category]))),
            _private(PROFESSION, asn1.encode_der(profession)),
        ]
        replaced = {extension.oid for extension, _ in added} | set(without)
        for extension, critical in [*(each for each in shape if each[0].oid not in replaced), *added]:
            builder = builder.add_extension(extension, critical=critical)
        return Issued(builder.sign(issuer.key, algorithm), holder)

    def crl(
        self,
        authority: Issued | None = None,
        revoked: Sequence[int | Issued] = (),
        *,
        this_update: datetime | None = None,
        next_update: datetime | None = None,
        signer: Key | None = None,
        added: Sequence[Added] = (),
    ) -> x509.CertificateRevocationList:
        """The full list of an authority (the persons' by default), good for a week. signer: another's key."""
        of = authority or self.authority()
        since = this_update or self.now - timedelta(hours=1)
        builder = x509.CertificateRevocationListBuilder(of.certificate.subject, since, next_update or since + YEAR / 52)
        for each in revoked:
            serial = each if isinstance(each, int) else each.serial
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since)
            builder = builder.add_revoked_certificate(entry.build())
        for extension, critical in [(_key_id(of), False), (x509.CRLNumber(1), False), *added]:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(signer or of.key, hashes.SHA256())

    def write_authorities(self, path: Path, *issued: Issued) -> Path:
        """A PEM file of these authorities; without any, of those that issue to persons."""
        chosen = issued or tuple(self.authority(level) for level in LEVELS)
        path.write_bytes(b"".join(each.certificate.public_bytes(serialization.Encoding.PEM) for each in chosen))
        return path

    def _pointers(self, issuer: Issued, holder: Key) -> list[Added]:
        """Where to ask about the certificate, and whose it is."""
        name = issuer.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        where = x509.UniformResourceIdentifier(f"{self.address}/{str(name).replace(' ', '-')}.crl")
        ocsp = x509.UniformResourceIdentifier(f"{self.address}/ocsp")
        return [
            (x509.BasicConstraints(ca=False, path_length=None), False),
            (x509.SubjectKeyIdentifier.from_public_key(holder.public_key()), False),
            (_key_id(issuer), False),
            (x509.CRLDistributionPoints([x509.DistributionPoint([where], None, None, None)]), False),
            (x509.AuthorityInformationAccess([x509.AccessDescription(x509.OID_OCSP, ocsp)]), False),
            (x509.CertificatePolicies([x509.PolicyInformation(POLICY, None)]), False),
        ]

    def _authority(self, name: str, signer: Issued | None) -> Issued:
        if name not in self._made:
            self._made[name] = self._make_authority(f"TEST {name}" if self.is_test else name, signer)
        return self._made[name]

    def _make_authority(self, name: str, signer: Issued | None) -> Issued:
        key = rsa_key()
        unit = "SANTE-DEMO TEST" if self.is_test else "SANTE-DEMO"
        subject = _name([(NameOID.ORGANIZATION_NAME, ORGANIZATION)], [(NameOID.ORGANIZATIONAL_UNIT_NAME, unit)],
                        [(NameOID.COMMON_NAME, name)])  # fmt: skip
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(signer.certificate.subject if signer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - YEAR)
            .not_valid_after(self.now + (9 * YEAR if signer else 19 * YEAR))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0 if signer else 1), critical=True)
            .add_extension(key_usage(key_cert_sign=True, crl_sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        if signer:
            builder = builder.add_extension(_key_id(signer), critical=False)
        return Issued(builder.sign(signer.key if signer else key, hashes.SHA256()), key)


def _usage(purpose: Purpose) -> list[Added]:
    if purpose == "signature":
        return [
            (key_usage(content_commitment=True), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False),
        ]
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SMARTCARD_LOGON]
    return [(key_usage(digital_signature=True), True), (x509.ExtendedKeyUsage(usages), False)]


def key_usage(**stated: bool) -> x509.KeyUsage:
    """The usages that are stated, and no other."""
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip
    return x509.KeyUsage(**{name: stated.get(name, False) for name in names})


def _key_id(issuer: Issued) -> x509.AuthorityKeyIdentifier:
    own = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _private(oid: ObjectIdentifier, value: bytes) -> Added:
    return x509.UnrecognizedExtension(oid, value), False


def _alternative(upn: str) -> Added:
    return x509.SubjectAlternativeName([x509.OtherName(UPN, asn1.encode_der(upn))]), False


def _upn(subject: x509.Name) -> str:
    """`<type>.<identifier>[/<number>]@carte-cps.fr` of a subject's CN."""
    national_id = str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    return f"{national_id[:1]}.{national_id[1:]}@carte-cps.fr"


def _name(*rdns: list[tuple[ObjectIdentifier, str]]) -> x509.Name:
    country = x509.NameAttribute(NameOID.COUNTRY_NAME, "FR")
    sets = ([x509.NameAttribute(oid, value) for oid, value in rdn] for rdn in rdns)
    return x509.Name([x509.RelativeDistinguishedName([country]), *map(x509.RelativeDistinguishedName, sets)])
