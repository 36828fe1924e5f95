"""The simulator's signing keys, and every way to sign badly that a client must notice."""

import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeyParameters, KeySet, RSAKey
from joserfc.util import urlsafe_b64encode

from demo.pro_sante_connect.behaviour import ALGORITHMS, Algorithm, Conduct, Signed, Switch

Key = RSAKey | ECKey


class Keys:
    """One key for each algorithm, made when it is first asked for. `rotate` keeps the ones before published."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}
        self._earlier: dict[str, Key] = {}
        self._generation = secrets.token_hex(3)
        self._lock = threading.RLock()

    def rotate(self) -> None:
        """From now on other keys sign: who cached the JWKS meets a `kid` that is not in it."""
        with self._lock:
            self._earlier, self._keys = self._keys, {}
            self._generation = secrets.token_hex(3)

    def jwks(self) -> dict[str, Any]:
        """RFC 7517 §5. With a key for encryption, as Keycloak publishes one: no signature may be checked with it."""
        for algorithm in ALGORITHMS:
            self.of(algorithm)
        with self._lock:
            published = [each.as_dict(private=False) for each in self._known()]
        encryption = {**published[0], "kid": f"enc-{self._generation}", "use": "enc", "alg": "RSA-OAEP"}
        return {"keys": [*published, encryption]}

    def of(self, algorithm: Algorithm) -> Key:
        with self._lock:
            if algorithm not in self._keys:
                kid = f"{algorithm.lower()}-{self._generation}"
                like = self.of("RS256") if algorithm == "PS256" else None  # making an RSA key is slow
                self._keys[algorithm] = _make(algorithm, kid, like)
            return self._keys[algorithm]

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a JWT that these keys signed, however old (an `id_token_hint` may be). Raises ValueError."""
        try:
            with self._lock:
                key_set = KeySet([*self._known()])
            claims: dict[str, Any] = json.loads(jws.deserialize_compact(token, key_set, list(ALGORITHMS)).payload)
        except JoseError as error:
            raise ValueError("not a token of ours") from error
        return claims

    def _known(self) -> list[Key]:
        return [*self._keys.values(), *self._earlier.values()]

    def sign(self, signed: Signed, claims: Mapping[str, Any], conduct: Conduct, *, typ: str = "JWT") -> str:
        """A JWT, good unless the conduct says otherwise."""
        algorithm, payload = conduct.algorithm, json.dumps(claims).encode()
        key = self.of(algorithm)
        header = {"alg": algorithm, "kid": key.kid, "typ": typ}
        if conduct.forges(Switch.ALG_NONE, signed):
            return f"{_first_two({**header, 'alg': 'none'}, payload)}."
        if conduct.forges(Switch.HS256, signed):
            return _hs256({**header, "alg": "HS256"}, payload, self.of("RS256"))
        if conduct.forges(Switch.UNKNOWN_KID, signed):
            key = _make(algorithm, "unknown")
            header["kid"] = "unknown"
        elif conduct.forges(Switch.BAD_SIGNATURE, signed):
            key = _make(algorithm, "another")
        return jws.serialize_compact(header, payload, key, algorithms=[algorithm])


def _make(algorithm: Algorithm, kid: str, like: Key | None = None) -> Key:
    parameters: KeyParameters = {"kid": kid, "alg": algorithm, "use": "sig"}
    if isinstance(like, RSAKey):
        return RSAKey.import_key(like.as_pem(private=True), parameters)
    return ECKey.generate_key("P-256", parameters) if algorithm == "ES256" else RSAKey.generate_key(2048, parameters)


def _first_two(header: Mapping[str, Any], payload: bytes) -> str:
    return ".".join(urlsafe_b64encode(part).decode() for part in (json.dumps(header).encode(), payload))


def _hs256(header: Mapping[str, Any], payload: bytes, key: Key) -> str:
    """What a verifier takes for good if it lets the token choose the algorithm: the public key is no secret."""
    text = _first_two({**header, "kid": key.kid}, payload)
    mac = hmac.new(key.as_pem(private=False), text.encode(), hashlib.sha256).digest()
    return f"{text}.{urlsafe_b64encode(mac).decode()}"
