"""The look-alike hierarchy, made once a session, and a card's certificate for each case that there is, by name."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from demo import look_alike
from demo.look_alike import ANNE, LEVELS, Added, Hierarchy, Issued, Key
from idp.domain.authn import IdentityRef
from idp.pki import CardTrust
from idp.settings.sections import Card
from tests.fakes.clock import START

ADELI = "02B7010446"
CPE, CPA, CABINET, SHARED = "3330000019/0042", "555210055400013/CPAT0001", "1331000019/7", "3330000019/9001"
ORIGIN, NONCE = "https://idp.example", base64.b64encode(bytes(range(32))).decode()
PRIVATE = (look_alike.CARD_TYPE, look_alike.CARD_NUMBER, look_alike.CATEGORY, look_alike.PROFESSION)
SHA1_WITH_RSA = bytes.fromhex("06092a864886f70d010105")
SHA256_WITH_RSA = bytes.fromhex("06092a864886f70d01010b")


@dataclass(frozen=True)
class Case:
    """How to issue it, and what becomes of it: the identity that it proves, or the cause of its refusal."""

    options: Mapping[str, Any]
    identity: IdentityRef | None = None
    cause: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


def _employee(national_id: str) -> IdentityRef:
    return IdentityRef("employee", national_id)


DR_ANNE = IdentityRef("rpps", ANNE)
CPE_OF_ANNE = look_alike.staff(CPE, "1330000019", "ANNE", "PIERRE")
OF_A_SERVICE = look_alike.service(SHARED, "1330000019", "ACCUEIL DES URGENCES")
CASES: dict[str, Case] = {
    "RPPS": Case({}, DR_ANNE),
    "RPPS, standard": Case({"level": "STANDARD"}, DR_ANNE),
    "RPPS, fort": Case({"level": "FORT"}, DR_ANNE),
    "ADELI with a letter": Case({"national_id": ADELI}, IdentityRef("adeli", "2B7010446")),
    "CPE": Case({"subject": CPE_OF_ANNE, "card_type": 2}, _employee(CPE)),
    "CPA": Case({"subject": look_alike.staff(CPA, CPA[1:15], "ANNE", "PIERRE"), "card_type": 3}, _employee(CPA)),
    "employee of a cabinet": Case({"national_id": CABINET, "card_type": 2}, _employee(CABINET)),
    "accents": Case({"given_name": "Zoé-Noëlle", "family_name": "LEFÈVRE D'ŒUVRE"}, DR_ANNE),
    "no private extension": Case({"without": PRIVATE}, DR_ANNE),
    "no UPN": Case({"upn": None}, DR_ANNE),
    "no key usage": Case({"without": [x509.KeyUsage.oid]}, DR_ANNE),
    "test card, in a test environment": Case({"category": 0x80}, DR_ANNE, settings={"test_cards": True}),
    "shared, where it is allowed": Case(
        {"subject": OF_A_SERVICE, "card_type": 2}, _employee(SHARED), settings={"non_nominative": True}
    ),
    "shared by a service": Case({"subject": OF_A_SERVICE, "card_type": 2}, cause="not_nominative"),
    "signature": Case({"purpose": "signature", "level": "FORT"}, cause="wrong_usage"),
    "organisation": Case({"branch": "ORGANISATIONS"}, cause="unknown_authority"),
    "test card 0x80": Case({"category": 0x80}, cause="test_card"),
    "test card 0x82": Case({"category": 0x82}, cause="test_card"),
    "test card 0x83": Case({"category": 0x83}, cause="test_card"),
    "expired": Case(
        {"valid_from": START - timedelta(days=9), "valid_until": START - timedelta(hours=1)}, cause="expired"
    ),
    "not yet valid": Case({"valid_from": START + timedelta(hours=1)}, cause="not_yet_valid"),
    "revoked": Case({}, cause="revoked"),
    "CN and UPN disagree": Case({"upn": f"8.{look_alike.rpps('1000345679')}@carte-cps.fr"}, cause="identity_disagrees"),
    "bad Luhn key": Case({"national_id": f"8{ANNE[:-1]}{(int(ANNE[-1]) + 1) % 10}"}, cause="identity_malformed"),
    "unknown type": Case({"national_id": "7330000019"}, cause="identity_malformed"),
}
ACCEPTED = tuple(name for name, case in CASES.items() if case.identity)
REFUSED = tuple(name for name, case in CASES.items() if case.cause)


@cache
def hierarchy() -> Hierarchy:
    return Hierarchy.make(START)


@cache
def holder_key() -> Key:
    """The key of every card here: what is judged is the certificate."""
    return look_alike.rsa_key()


@cache
def curve_key(curve: type[ec.EllipticCurve] = ec.SECP256R1) -> Key:
    return ec.generate_private_key(curve())


@cache
def issued(name: str) -> Issued:
    """The certificate of a case."""
    return issue(**CASES[name].options)


def issue(**options: Any) -> Issued:
    """A certificate made for one test."""
    return hierarchy().issue(**{"key": holder_key(), **options})


@cache
def _crls() -> bytes:
    """The list of each authority for persons; one card is on the first."""
    known = hierarchy()
    lists = [known.crl(known.authority(level), [issued("revoked")]) for level in LEVELS]
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in lists)


def write(folder: Path) -> dict[str, Any]:
    """Values of the settings section `card`, with their files: authorities for persons, and their lists."""
    authorities = hierarchy().write_authorities(folder / "authorities.pem")
    for number, pem in enumerate(_crls().split(b"-----END X509 CRL-----\n")[:-1]):
        (folder / f"{number}.crl").write_bytes(pem + b"-----END X509 CRL-----\n")
    lists = tuple(sorted(folder.glob("*.crl")))
    return {"authorities": authorities, "crl_files": lists, "revocation_dir": folder / "revocation"}


def trust(folder: Path, **settings: Any) -> CardTrust:
    """What believes the look-alike authorities, with files in a folder that is there."""
    return CardTrust.load(Card(**{**write(folder), **settings}))


def content(algorithm: hashes.HashAlgorithm, origin: str = ORIGIN, nonce: str = NONCE) -> bytes:
    return b"".join(_hashed(algorithm, text) for text in (origin, nonce))


def signed(card: Issued, algorithm: str = "RS256", *, origin: str = ORIGIN, nonce: str = NONCE) -> bytes:
    """What the card signs, by the description of Web eID 1.0."""
    family, bits = algorithm[:2], algorithm[2:]
    chosen = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[bits]
    signable = content(chosen, origin, nonce)
    if isinstance(card.key, rsa.RSAPrivateKey):
        pss = padding.PSS(mgf=padding.MGF1(chosen), salt_length=chosen.digest_size)
        return card.key.sign(signable, pss if family == "PS" else padding.PKCS1v15(), chosen)
    numbers = decode_dss_signature(card.key.sign(signable, ec.ECDSA(chosen)))
    return b"".join(number.to_bytes((card.key.curve.key_size + 7) // 8) for number in numbers)


def token(card: Issued, algorithm: str = "RS256", *, signature: bytes | None = None, **changed: Any) -> str:
    """A token of Web eID 1.0; `changed`: members, or `origin` and `nonce` that are signed."""
    challenge = {name: changed.pop(name) for name in ("origin", "nonce") if name in changed}
    stated = {
        "unverifiedCertificate": base64.b64encode(card.der).decode(),
        "algorithm": algorithm,
        "signature": base64.b64encode(
            signed(card, algorithm, **challenge) if signature is None else signature
        ).decode(),
        "format": "web-eid:1.0",
        "appVersion": "https://helper.example/1",
    }
    return json.dumps({**stated, **changed})


def _hashed(algorithm: hashes.HashAlgorithm, text: str) -> bytes:
    digest = hashes.Hash(algorithm)
    digest.update(text.encode())
    return digest.finalize()


def resigned(card: Issued, old: bytes, new: bytes) -> bytes:
    """The DER of a certificate in which these bytes stand for others, signed again by the authority."""
    content = card.certificate.tbs_certificate_bytes
    assert old in content
    return _signed_again(content.replace(old, new), hashes.SHA256())


def with_sha1(issued: Issued | x509.CertificateRevocationList) -> bytes:
    """The DER of what the authority signed, signed with SHA-1."""
    content = issued.certificate.tbs_certificate_bytes if isinstance(issued, Issued) else issued.tbs_certlist_bytes
    return _signed_again(content.replace(SHA256_WITH_RSA, SHA1_WITH_RSA), hashes.SHA1())


def _signed_again(content: bytes, algorithm: hashes.SHA1 | hashes.SHA256) -> bytes:
    key = hierarchy().authority().key
    assert isinstance(key, rsa.RSAPrivateKey)
    signature = key.sign(content, padding.PKCS1v15(), algorithm)
    name = SHA1_WITH_RSA if isinstance(algorithm, hashes.SHA1) else SHA256_WITH_RSA
    return _der(0x30, content + _der(0x30, name + b"\x05\x00") + _der(0x03, b"\x00" + signature))


def _der(tag: int, content: bytes) -> bytes:
    short = len(content) < 0x80
    return bytes([tag, *([len(content)] if short else [0x82, *len(content).to_bytes(2)])]) + content


def authority_with(*, crl_sign: bool = True, key_cert_sign: bool = True, added: tuple[Added, ...] = ()) -> Issued:
    """The authority for persons, certified once more with another key usage, or more extensions."""
    known = hierarchy()
    authority, root = known.authority(), known.root("ELEMENTAIRE")
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=key_cert_sign, crl_sign=crl_sign, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(authority.certificate.subject)
        .issuer_name(root.certificate.subject)
        .public_key(authority.key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(authority.certificate.not_valid_before_utc)
        .not_valid_after(authority.certificate.not_valid_after_utc)
    )
    for each in authority.certificate.extensions:
        replaced = usage if each.oid == x509.KeyUsage.oid else each.value
        builder = builder.add_extension(replaced, critical=each.critical)
    for extension, critical in added:
        builder = builder.add_extension(extension, critical=critical)
    return Issued(builder.sign(root.key, hashes.SHA256()), authority.key)
