"""Public keys as JWK (RFC 7517, RFC 7518 §6) and their thumbprints (RFC 7638). Private members are never built."""

import base64
import hashlib
import json
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from keys import ring
from keys.algorithms import P256_BYTES
from keys.signer import PublicKey, Signer, SigningKey


def jwks(signer: Signer, now: datetime) -> dict[str, Any]:
    """The JWK Set to publish: pending, active and retiring keys, ordered by algorithm, then first use.

    Raises ValueError if `now` is naive.
    """
    keys = sorted(ring.published(signer.keys(), now), key=lambda key: (key.alg, key.not_before, key.kid))
    return {"keys": [_published_jwk(key, signer.public_key(key.kid)) for key in keys]}


def thumbprint(public_key: PublicKey) -> str:
    """RFC 7638 §3: SHA-256 of the required members in lexicographic order, base64url."""
    canonical = json.dumps(public_members(public_key), separators=(",", ":"), sort_keys=True)
    return base64url(hashlib.sha256(canonical.encode("ascii")).digest())


def public_members(public_key: PublicKey) -> dict[str, str]:
    """The members that make the key, and no other (RFC 7638 §3.2)."""
    if isinstance(public_key, RSAPublicKey):
        numbers = public_key.public_numbers()
        return {"kty": "RSA", "n": _uint(numbers.n), "e": _uint(numbers.e)}
    point = public_key.public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": base64url(point.x.to_bytes(P256_BYTES, "big")),
        "y": base64url(point.y.to_bytes(P256_BYTES, "big")),
    }


def base64url(raw: bytes) -> str:
    """RFC 7515 §2: no padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _published_jwk(key: SigningKey, public_key: PublicKey) -> dict[str, str]:
    return {"kid": key.kid, "use": "sig", "alg": key.alg, **public_members(public_key)}


def _uint(value: int) -> str:
    """RFC 7518 §2, Base64urlUInt: as few octets as the number needs."""
    return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))
