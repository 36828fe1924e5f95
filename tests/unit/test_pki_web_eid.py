"""The token of Web eID: its form, and that the card signed our nonce for our origin."""

import base64
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from demo.look_alike import Issued
from idp.pki import CardRefused, CardTrust
from idp.pki.web_eid import MAX_BYTES
from tests.fakes import igc
from tests.fakes.clock import START
from tests.fakes.igc import NONCE, ORIGIN, token

OTHER_NONCE = base64.b64encode(bytes(32)).decode()


@pytest.fixture
def trust(tmp_path: Path) -> CardTrust:
    return igc.trust(tmp_path)


def card() -> Issued:
    return igc.issued("RPPS")


@cache
def on_curve(curve: type[ec.EllipticCurve]) -> Issued:
    return igc.issue(key=igc.curve_key(curve))


def outcome(trusted: CardTrust, text: str, origin: str = ORIGIN, nonce: str = NONCE) -> str:
    try:
        trusted.authenticate(text, origin=origin, nonce=nonce, now=START)
    except CardRefused as refused:
        return refused.code
    return "accepted"


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
def test_rsa(trust: CardTrust, algorithm: str) -> None:
    assert outcome(trust, token(card(), algorithm)) == "accepted"


CURVES = [("ES256", ec.SECP256R1), ("ES384", ec.SECP384R1), ("ES512", ec.SECP521R1)]


@pytest.mark.parametrize(("algorithm", "curve"), CURVES)
def test_ecdsa(trust: CardTrust, algorithm: str, curve: type[ec.EllipticCurve]) -> None:
    assert outcome(trust, token(on_curve(curve), algorithm)) == "accepted"


def test_the_holder_comes_of_the_token(trust: CardTrust) -> None:
    holder = trust.authenticate(token(card()), origin=ORIGIN, nonce=NONCE, now=START)
    assert holder.identity == igc.DR_ANNE


@pytest.mark.parametrize(
    "changed",
    [
        {"format": "web-eid:1"},
        {"format": "web-eid:1.1", "unverifiedSigningCertificate": "AAAA", "supportedSignatureAlgorithms": [{"a": 1}]},
        {"appVersion": "https://web-eid.eu/web-eid-app/releases/2.8.0+900"},
    ],
)
def test_later_minor_versions(trust: CardTrust, changed: dict[str, Any]) -> None:
    assert outcome(trust, token(card(), **changed)) == "accepted"


@pytest.mark.parametrize(
    ("origin", "nonce"),
    [
        ("https://idp.example.org", NONCE), ("http://idp.example", NONCE), ("https://idp.example:8443", NONCE),
        ("https://idp.example/", NONCE), (ORIGIN, OTHER_NONCE), (ORIGIN, NONCE[:-1]), (ORIGIN + NONCE[0], NONCE[1:]),
    ],
)  # fmt: skip
def test_signed_for_another_origin_or_nonce(trust: CardTrust, origin: str, nonce: str) -> None:
    assert outcome(trust, token(card(), origin=origin, nonce=nonce)) == "signature_wrong"


@pytest.mark.parametrize(("origin", "nonce"), [("", NONCE), (ORIGIN, ""), (ORIGIN, NONCE[:42])])
def test_a_caller_without_origin_or_nonce_lets_nobody_in(trust: CardTrust, origin: str, nonce: str) -> None:
    text = token(card(), origin=origin, nonce=nonce)
    assert outcome(trust, text, origin=origin, nonce=nonce) == "signature_wrong"


def test_the_certificate_of_another(trust: CardTrust) -> None:
    """A colleague's certificate is public."""
    mine, theirs = igc.issue(key=rsa.generate_private_key(65537, 2048)), card()
    assert outcome(trust, token(theirs, signature=igc.signed(mine))) == "signature_wrong"


def test_the_signature_certificate_signs_nobody_in(trust: CardTrust) -> None:
    assert outcome(trust, token(igc.issued("signature"))) == "wrong_usage"


@pytest.mark.parametrize("name", igc.REFUSED)
def test_of_a_certificate_nothing_is_told_to_who_cannot_sign(trust: CardTrust, name: str) -> None:
    assert outcome(trust, token(igc.issued(name), signature=igc.signed(card(), nonce=OTHER_NONCE))) == "signature_wrong"
    assert outcome(trust, token(igc.issued(name))) == igc.CASES[name].cause


@pytest.mark.parametrize("place", [0, 100, 255])
def test_a_signature_with_another_bit(trust: CardTrust, place: int) -> None:
    signature = bytearray(igc.signed(card()))
    signature[place] ^= 1
    assert outcome(trust, token(card(), signature=bytes(signature))) == "signature_wrong"


def signed_plainly(algorithm: hashes.HashAlgorithm) -> bytes:
    """The nonce alone, as a naive signer would."""
    key = card().key
    assert isinstance(key, rsa.RSAPrivateKey)
    return key.sign(NONCE.encode(), padding.PKCS1v15(), algorithm)


def in_der() -> bytes:
    key = on_curve(ec.SECP256R1).key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    raw = igc.signed(on_curve(ec.SECP256R1), "ES256")
    return key.sign(raw, ec.ECDSA(hashes.SHA256()))


def short_salt() -> bytes:
    key, digest = card().key, hashes.SHA256()
    assert isinstance(key, rsa.RSAPrivateKey)
    pss = padding.PSS(mgf=padding.MGF1(digest), salt_length=20)
    return key.sign(igc.content(digest), pss, digest)


WRONG: dict[str, Callable[[], str]] = {
    "the nonce alone": lambda: token(card(), signature=signed_plainly(hashes.SHA256())),
    "another algorithm than it was signed with": lambda: token(card(), "RS384", signature=igc.signed(card(), "RS256")),
    "another padding than it was signed with": lambda: token(card(), "PS256", signature=igc.signed(card(), "RS256")),
    "a short salt": lambda: token(card(), "PS256", signature=short_salt()),
    "RSA's algorithm for a curve": lambda: token(on_curve(ec.SECP256R1), "RS256", signature=igc.signed(card())),
    "a curve's algorithm for RSA": lambda: token(card(), "ES256", signature=b"\x01" * 64),
    "another curve's algorithm": lambda: token(
        on_curve(ec.SECP384R1), "ES256", signature=igc.signed(on_curve(ec.SECP384R1), "ES256")
    ),
    "DER": lambda: token(on_curve(ec.SECP256R1), "ES256", signature=in_der()),
    "r and s of nothing": lambda: token(on_curve(ec.SECP256R1), "ES256", signature=bytes(64)),
    "r and s beyond the order": lambda: token(on_curve(ec.SECP256R1), "ES256", signature=b"\xff" * 64),
    "r || s with a zero before s": lambda: token(
        on_curve(ec.SECP256R1), "ES256", signature=padded(igc.signed(on_curve(ec.SECP256R1), "ES256"))
    ),
    "too short": lambda: token(card(), signature=igc.signed(card())[:-1]),
}


def padded(signature: bytes) -> bytes:
    return signature[:32] + b"\x00" + signature[32:]


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_signature(trust: CardTrust, name: str) -> None:
    assert outcome(trust, WRONG[name]()) == "signature_wrong"


def stated(**changed: Any) -> str:
    return json.dumps({**json.loads(token(card())), **changed})


def without(name: str) -> str:
    return json.dumps({key: value for key, value in json.loads(token(card())).items() if key != name})


TEXTS: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "no JSON": lambda: "web-eid",
    "a list": lambda: "[]",
    "null": lambda: "null",
    "deep": lambda: "[" * 10_000,
    "a huge number": lambda: '{"format": ' + "9" * 10_000 + "}",
    "too long": lambda: stated(appVersion="x" * MAX_BYTES),
    "too long, of surrogates": lambda: token(card()) + "\ud800" * MAX_BYTES,
    "a member twice": lambda: token(card())[:-1] + ', "algorithm": "RS256"}',
}
NEEDED = ("unverifiedCertificate", "algorithm", "signature", "format")
NO_TEXT: tuple[Any, ...] = (None, 1, [], {})
MEMBERS: list[dict[str, Any]] = [
    {"format": "web-eid:2.0"}, {"format": "web-eid:10"}, {"format": "web-eid:1.0\n"}, {"format": ""},
    {"algorithm": "HS256"}, {"algorithm": "none"}, {"algorithm": ""}, {"algorithm": "RS1"}, {"identity": "8"},
    *({name: value} for name in NEEDED for value in NO_TEXT),
    *({name: value} for name in ("unverifiedCertificate", "signature")
      for value in ("", "AAA", "AAAA\n", "AA AA", "AB==", "AAAA====", "AA-_", "é", "AAAA=")),
]  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_no_token(trust: CardTrust, name: str) -> None:
    assert outcome(trust, TEXTS[name]()) == "token_malformed"


@pytest.mark.parametrize("changed", MEMBERS, ids=json.dumps)
def test_a_member_that_is_wrong(trust: CardTrust, changed: dict[str, Any]) -> None:
    assert outcome(trust, stated(**changed)) == "token_malformed"


@pytest.mark.parametrize("name", NEEDED)
def test_a_member_that_is_not_there(trust: CardTrust, name: str) -> None:
    assert outcome(trust, without(name)) == "token_malformed"


def test_a_certificate_that_is_none(trust: CardTrust) -> None:
    assert outcome(trust, stated(unverifiedCertificate="AAAA")) == "certificate_malformed"
