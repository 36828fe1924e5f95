"""The authentication token of Web eID 1.0: a certificate, and a signature over the page's origin and our nonce.

Signed is hash(origin) + hash(nonce), each of its text in UTF-8, with the hash of the algorithm.
"""

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from idp.pki.certificate import PublicKey
from idp.pki.refused import CardRefused

MAX_BYTES = 16 * 1024
FORMAT = re.compile(r"web-eid:1(\.[0-9]{1,3})?")  # a later minor version only adds members
REQUIRED = frozenset({"unverifiedCertificate", "algorithm", "signature", "format"})
IGNORED = frozenset({"appVersion", "unverifiedSigningCertificate", "supportedSignatureAlgorithms"})
SHORTEST_NONCE = 43  # characters: 256 bits, base64

HASHES: dict[str, hashes.SHA256 | hashes.SHA384 | hashes.SHA512] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}
CURVES: dict[str, type[ec.EllipticCurve]] = {"256": ec.SECP256R1, "384": ec.SECP384R1, "512": ec.SECP521R1}
ALGORITHMS = frozenset(f"{family}{bits}" for family in ("RS", "PS", "ES") for bits in HASHES)


@dataclass(frozen=True, slots=True)
class AuthToken:
    """What a token states; nothing of it is proven. certificate: DER."""

    certificate: bytes
    algorithm: str
    signature: bytes = field(repr=False)

    def check_signature(self, key: PublicKey, origin: str, nonce: str) -> None:
        """Raises CardRefused("signature_wrong")."""
        if not origin or len(nonce) < SHORTEST_NONCE:  # a caller's mistake: nobody must sign in by it
            raise CardRefused("signature_wrong", "no origin, or a nonce that is none")
        family, algorithm = self.algorithm[:2], HASHES[self.algorithm[2:]]
        signed = _hashed(algorithm, origin) + _hashed(algorithm, nonce)
        try:
            if family == "ES":
                _check_ecdsa(key, CURVES[self.algorithm[2:]], self.signature, signed, algorithm)
            else:
                _check_rsa(key, family, self.signature, signed, algorithm)
        except (InvalidSignature, ValueError) as error:
            raise CardRefused("signature_wrong", self.algorithm) from error


def parse(text: str) -> AuthToken:
    """Raises CardRefused("token_malformed")."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise CardRefused("token_malformed", "too long")
    try:
        token = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise CardRefused("token_malformed", "not JSON") from error
    if not isinstance(token, dict) or not token.keys() >= REQUIRED or not token.keys() <= REQUIRED | IGNORED:
        raise CardRefused("token_malformed", "not the members of a token")
    if not all(isinstance(token[name], str) for name in REQUIRED):
        raise CardRefused("token_malformed", "a member that is no text")
    if not FORMAT.fullmatch(token["format"]) or token["algorithm"] not in ALGORITHMS:
        raise CardRefused("token_malformed", "a format or an algorithm that is not known")
    return AuthToken(_base64(token["unverifiedCertificate"]), token["algorithm"], _base64(token["signature"]))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a member is stated twice")
    return dict(pairs)


def _base64(text: str) -> bytes:
    """RFC 4648 §4, in its one form: padded, without spaces, the unused bits zero (§3.5): what it encodes to again."""
    try:
        value = base64.b64decode(text)
    except ValueError as error:
        raise CardRefused("token_malformed", "not base64") from error
    if not value or base64.b64encode(value).decode() != text:
        raise CardRefused("token_malformed", "not base64")
    return value


def _hashed(algorithm: hashes.HashAlgorithm, text: str) -> bytes:
    digest = hashes.Hash(algorithm)
    digest.update(text.encode())
    return digest.finalize()


def _check_rsa(key: PublicKey, family: str, signature: bytes, signed: bytes, algorithm: hashes.HashAlgorithm) -> None:
    """RS: PKCS#1 v1.5; PS: PSS with a salt as long as the hash (RFC 7518 §3.3, §3.5)."""
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("not the algorithm of the key")
    pss = padding.PSS(mgf=padding.MGF1(algorithm), salt_length=algorithm.digest_size)
    key.verify(signature, signed, pss if family == "PS" else padding.PKCS1v15(), algorithm)


def _check_ecdsa(
    key: PublicKey, curve: type[ec.EllipticCurve], signature: bytes, signed: bytes, algorithm: hashes.HashAlgorithm
) -> None:
    """The signature is r || s, each as long as the curve's order (RFC 7518 §3.4)."""
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, curve):
        raise ValueError("not the algorithm of the key")
    half = (key.curve.key_size + 7) // 8
    if len(signature) != 2 * half:
        raise ValueError("not r || s")
    r, s = int.from_bytes(signature[:half]), int.from_bytes(signature[half:])
    key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(algorithm))
