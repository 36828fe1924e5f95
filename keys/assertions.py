"""JWTs that others signed, by public keys that we knew before the token came (RFC 7523 §3, RFC 8725 §3)."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import jwt

from keys.algorithms import UnfitKey, check_fit
from keys.jws import InvalidToken, checked_header
from keys.signer import PublicKey

KEY_TYPES: Final = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC"}
MAX_RSA_BITS: Final = 8192  # a longer one would make each check expensive
LATEST: Final = 2**53  # seconds: what a float still counts one by one; NaN and what is longer are refused
_pyjwt = jwt.PyJWT()


class UnknownKey(InvalidToken):
    """No key of the set fits what the header names: the set may have changed since it was read."""


def unverified_claims(token: str) -> dict[str, Any]:
    """What a token says, of which nothing may be believed but whom to look up. Raises InvalidToken."""
    checked_header(token)
    try:
        claims: dict[str, Any] = _pyjwt.decode(token, options={"verify_signature": False})
    except (jwt.InvalidTokenError, RecursionError) as malformed:
        raise InvalidToken("the payload is malformed") from malformed
    return claims


def verify_assertion(
    token: str,
    jwks: Mapping[str, Any],
    *,
    algorithms: Collection[str],
    issuer: str,
    now: datetime,
    leeway_s: int,
    require: Collection[str] = (),
) -> dict[str, Any]:
    """The claims of a token signed by a key of `jwks`; the caller checks `aud`, and what it makes of `jti`.

    Keys and addresses of keys in the header (`jwk`, `x5c`, `jku`, `x5u`) are not looked at. leeway_s: seconds.
    Raises InvalidToken, UnknownKey.
    """
    header = checked_header(token)
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in algorithms:
        raise InvalidToken("the algorithm is not accepted")
    key = _key_for(alg, header.get("kid"), jwks)
    try:
        claims: dict[str, Any] = _pyjwt.decode(
            token,
            key,
            algorithms=[alg],
            issuer=issuer,
            options={
                "require": ["exp", *require],
                "verify_aud": False,
                "verify_exp": False,  # the three times are checked below: PyJWT only knows the wall clock
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except jwt.InvalidTokenError as refusal:
        raise InvalidToken(str(refusal)) from refusal
    _check_times(claims, now.timestamp(), leeway_s)
    return claims


def _key_for(alg: str, kid: object, jwks: Mapping[str, Any]) -> PublicKey:
    """The one key that the header can mean (OIDC Core §10.1: without kid the set must leave no choice)."""
    if kid is not None and not isinstance(kid, str):
        raise InvalidToken("kid is not a text")
    keys = [key for key in jwks.get("keys", ()) if isinstance(key, dict) and _is_for(alg, key)]
    fitting = [key for key in keys if kid is None or key.get("kid") == kid]
    if not fitting:
        raise UnknownKey("the token names no key of the client")
    if len(fitting) > 1:
        raise InvalidToken("the token leaves open which key signed it")
    public = {name: fitting[0][name] for name in ("kty", "crv", "n", "e", "x", "y") if name in fitting[0]}
    try:
        return _parse(alg, json.dumps(public, sort_keys=True))
    except (jwt.InvalidKeyError, jwt.PyJWKError, UnfitKey, ValueError, TypeError) as error:
        raise InvalidToken(f"the key cannot be used: {type(error).__name__}") from error


def _is_for(alg: str, key: Mapping[str, Any]) -> bool:
    """RFC 7517 §4.1 to §4.4: what a key says of its own use is held to."""
    operations = key.get("key_ops")
    return (
        key.get("kty") == KEY_TYPES[alg]
        and key.get("use", "sig") == "sig"
        and key.get("alg", alg) == alg
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
    )


@lru_cache(maxsize=256)
def _parse(alg: str, public: str) -> PublicKey:
    key = check_fit(alg, jwt.PyJWK(json.loads(public), algorithm=alg).key)
    if key.key_size > MAX_RSA_BITS:
        raise UnfitKey(f"an RSA key of {key.key_size} bits is too long: at most {MAX_RSA_BITS}")
    return key


def _check_times(claims: Mapping[str, Any], now_s: float, leeway_s: int) -> None:
    """RFC 7519 §4.1.4 to §4.1.6. A NumericDate of somebody else's may have a fraction (§2)."""
    for name in ("exp", "iat", "nbf"):
        value = claims.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < LATEST:
            raise InvalidToken(f"{name} is not a number of seconds")
    if now_s >= claims["exp"] + leeway_s:
        raise InvalidToken("the token has expired")
    if max(claims.get("iat", 0), claims.get("nbf", 0)) > now_s + leeway_s:
        raise InvalidToken("the token comes from the future")
