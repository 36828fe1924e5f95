"""The signature algorithms of this provider (RFC 7518 §3.1) and the keys that fit them."""

from typing import Any, Final, cast

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ec import (
    generate_private_key as generate_ec_key,
)
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
)
from cryptography.hazmat.primitives.asymmetric.rsa import (
    generate_private_key as generate_rsa_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.algorithms import Algorithm, ECAlgorithm, RSAAlgorithm, RSAPSSAlgorithm

from keys.signer import PublicKey

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey

MIN_RSA_BITS: Final = 2048
P256_BYTES: Final = 32
ALGORITHMS: Final[dict[str, Algorithm]] = {
    "RS256": RSAAlgorithm(RSAAlgorithm.SHA256),
    "PS256": RSAPSSAlgorithm(RSAPSSAlgorithm.SHA256),
    "ES256": ECAlgorithm(ECAlgorithm.SHA256),
}
_SHA256: Final = SHA256()  # made once, as the two below: objects without state that every signature would make again
_ECDSA: Final = ECDSA(_SHA256)
_PADDINGS: Final[dict[str, AsymmetricPadding]] = {
    "RS256": PKCS1v15(),
    "PS256": PSS(MGF1(_SHA256), SHA256.digest_size),  # RFC 7518 §3.5: the salt is as long as the digest
}


class UnfitKey(ValueError):
    """An unknown algorithm, or a key that does not fit its algorithm."""


def generate(alg: str) -> PrivateKey:
    """A new private key. Raises UnfitKey for an unknown algorithm."""
    if alg == "ES256":
        return generate_ec_key(SECP256R1())
    if alg in ALGORITHMS:
        return generate_rsa_key(public_exponent=65537, key_size=MIN_RSA_BITS)
    raise UnfitKey(f"unknown algorithm {alg!r}")


def check_fit(alg: str, key: object) -> PublicKey:
    """The public key, if it fits the algorithm (RFC 7518 §3.3 to §3.5). Raises UnfitKey."""
    if alg not in ALGORITHMS:
        raise UnfitKey(f"unknown algorithm {alg!r}")
    if alg == "ES256":
        if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
            raise UnfitKey("ES256 needs a key on P-256")
        return key
    if not isinstance(key, RSAPublicKey):
        raise UnfitKey(f"{alg} needs an RSA key")
    if key.key_size < MIN_RSA_BITS:
        raise UnfitKey(f"an RSA key of {key.key_size} bits is too short: at least {MIN_RSA_BITS}")
    return key


def sign(alg: str, key: PrivateKey, signing_input: bytes) -> bytes:
    """Signature as JWS wants it (RFC 7518 §3.3 to §3.5; r||s for ES256), by a key that fits: see `check_fit`.

    Straight to cryptography: PyJWT's way round it costs 2.5 µs more. Raises KeyError for an unknown algorithm.
    """
    if alg == "ES256":
        r, s = decode_dss_signature(cast(EllipticCurvePrivateKey, key).sign(signing_input, _ECDSA))
        return r.to_bytes(P256_BYTES, "big") + s.to_bytes(P256_BYTES, "big")
    return cast(RSAPrivateKey, key).sign(signing_input, _PADDINGS[alg], _SHA256)


def is_signed_by(alg: str, key: PublicKey, signing_input: bytes, signature: bytes) -> bool:
    """Whether the signature is right. To accept a token use `keys.jws.verify_jwt`, which raises."""
    verdict: Any = ALGORITHMS[alg].verify(signing_input, key, signature)
    return verdict is True
