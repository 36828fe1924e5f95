"""The authentication token of Web eID, format 1.0: what is signed, in which algorithm, and how it is written."""

import base64
import hashlib

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from card_reader import __version__
from card_reader.card import CardError, Token

FORMAT = "web-eid:1.0"
APP_VERSION = (
    f"https://sesame-idp.example/sesame-reader/{__version__}"  # the format wants an address; nobody resolves it
)

HASHES: dict[str, type[hashes.SHA256 | hashes.SHA384 | hashes.SHA512]] = {
    "RS256": hashes.SHA256,
    "PS256": hashes.SHA256,
    "ES256": hashes.SHA256,
    "ES384": hashes.SHA384,
    "ES512": hashes.SHA512,
}
CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
PSS_SALT_LENGTH = 32  # bytes: that of the hash (RFC 7518 §3.5)


def algorithms(certificate: x509.Certificate) -> tuple[str, ...]:
    """Those that fit the certificate's key, the preferred one first; none for a key of another kind."""
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return ()
    if isinstance(key, rsa.RSAPublicKey):
        return "RS256", "PS256"
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in CURVES:
        return (CURVES[key.curve.name],)
    return ()


def to_be_signed(origin: str, nonce: str, algorithm: str) -> bytes:
    """hash(origin) + hash(nonce), with the hash of the algorithm, which hashes the result again."""
    name = HASHES[algorithm]().name
    return b"".join(hashlib.new(name, text.encode()).digest() for text in (origin, nonce))


def token(certificate: x509.Certificate, algorithm: str, signature: bytes) -> Token:
    """signature: r‖s for ECDSA."""
    return Token(
        unverified_certificate=base64.b64encode(certificate.public_bytes(Encoding.DER)).decode(),
        algorithm=algorithm,
        signature=base64.b64encode(signature).decode(),
        format=FORMAT,
        app_version=APP_VERSION,
    )


def check(signed: Token, origin: str, nonce: str) -> None:
    """Raises CardError("failed") for a signature that the certificate's key did not make: nobody would accept it."""
    certificate = x509.load_der_x509_certificate(base64.b64decode(signed.unverified_certificate))
    key, signature = certificate.public_key(), base64.b64decode(signed.signature)
    message, hashed = to_be_signed(origin, nonce, signed.algorithm), HASHES[signed.algorithm]()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, _padding(signed.algorithm), hashed)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            middle = (key.curve.key_size + 7) // 8
            numbers = (int.from_bytes(part) for part in (signature[:middle], signature[middle:]))
            key.verify(encode_dss_signature(*numbers), message, ec.ECDSA(hashed))
    except InvalidSignature:
        raise CardError("failed", "the key of the card is not that of its certificate") from None


def _padding(algorithm: str) -> padding.PKCS1v15 | padding.PSS:
    return padding.PKCS1v15() if algorithm == "RS256" else padding.PSS(padding.MGF1(hashes.SHA256()), PSS_SALT_LENGTH)
