"""A client that proves itself by its key."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

BY_JWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class ClientKey:
    """A private key, its name and its algorithm."""

    kid: str
    alg: str
    private: Any

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key."""
        algorithm: Any = ECAlgorithm if self.alg == "ES256" else RSAAlgorithm
        public = json.loads(algorithm.to_jwk(self.private.public_key()))
        public.pop("key_ops", None)
        return {**public, "kid": self.kid, "use": "sig"}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        return jwt.encode(claims, self.private, algorithm=self.alg, headers={"kid": self.kid, **header})


@cache
def make_key(kid: str = "k1", alg: str = "ES256") -> ClientKey:
    """The same key for the same names, in one run of the tests."""
    return ClientKey(kid, alg, _ec(kid) if alg == "ES256" else _rsa(2048))


@cache
def make_weak_key() -> ClientKey:
    return ClientKey("weak", "RS256", _rsa(1024))


def jwks_of(*keys: ClientKey) -> dict[str, Any]:
    return {"keys": [key.jwk for key in keys]}


@cache
def _ec(_kid: str) -> Any:
    return generate_ec_key(SECP256R1())


@cache
def _rsa(bits: int) -> Any:
    return generate_rsa_key(public_exponent=65537, key_size=bits)
