"""JWTs signed by our ring, and the check of those we issued (RFC 7519, RFC 8725)."""

import base64
import functools
import hashlib
import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

import jwt

from keys import ring
from keys.jwks import base64url
from keys.signer import Signer, SigningKey

MAX_TOKEN_CHARS: Final = 16_384
ALWAYS_REQUIRED: Final = ("exp", "iat")

# One encoder, made once: `json.dumps` with separators builds one per call.
_encode_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_pyjwt = jwt.PyJWT()


class InvalidToken(Exception):
    """A token that we did not issue, or that is not for this use. The text is for the log, not for the client."""


def sign_jwt(signer: Signer, alg: str, claims: dict[str, Any], *, typ: str, now: datetime) -> str:
    """Sign claims, as they are, with the active key of `alg` (RFC 7515 §3.1, compact serialization).

    typ: "JWT", "at+jwt", "logout+jwt"… Times in claims are NumericDates (whole seconds).
    The serialization is ours: 6 µs over the signature, where PyJWT with a registry of its own adds 12. PyJWT checks it.
    Raises KeyUnavailable without an active key; TypeError or ValueError for claims that JSON cannot carry.
    """
    key = ring.active(signer.keys(), alg, now)
    payload = base64.urlsafe_b64encode(_encode_json(claims).encode("ascii")).rstrip(b"=")
    signing_input = _header(key.kid, alg, typ) + b"." + payload
    signature = base64.urlsafe_b64encode(signer.sign(key.kid, signing_input)).rstrip(b"=")
    return (signing_input + b"." + signature).decode("ascii")


def verify_jwt(
    signer: Signer,
    token: str,
    *,
    issuer: str,
    audience: str | None,
    now: datetime,
    leeway_s: int = 30,
    allow_expired: bool = False,
    require: Collection[str] = (),
    typ: str | None,
) -> dict[str, Any]:
    """The claims of a token that we signed, by a key that is still published.

    audience: None leaves `aud` to the caller. typ: exact `typ` header, None for any; tell it wherever tokens of another
    kind could be offered (RFC 8725 §3.11). require: claims needed besides `iss`, `exp` and `iat`. leeway_s: seconds.
    allow_expired: for `id_token_hint` (OIDC Core §3.1.2.1); the other checks remain.
    Raises InvalidToken; ValueError if `now` is naive.
    """
    key = _key_named_by(token, signer, now)
    try:
        decoded = _pyjwt.decode_complete(
            token,
            signer.public_key(key.kid),
            algorithms=[key.alg],  # of the key, never of the token (RFC 8725 §3.1)
            issuer=issuer,
            audience=audience,
            options={
                "require": [*ALWAYS_REQUIRED, *require],
                "verify_aud": audience is not None,
                "verify_exp": False,  # the three times are checked below: PyJWT only knows the wall clock
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except jwt.InvalidTokenError as refusal:
        raise InvalidToken(str(refusal)) from refusal
    if typ is not None and decoded["header"].get("typ") != typ:
        raise InvalidToken(f"the typ header is not {typ}")
    claims: dict[str, Any] = decoded["payload"]
    _check_times(claims, now.timestamp(), leeway_s, allow_expired=allow_expired)
    return claims


def left_half_hash(value: str) -> str:
    """Value of `at_hash` and `c_hash` for our algorithms, which all use SHA-256 (OIDC Core §3.1.3.6, §3.3.2.11)."""
    return base64url(hashlib.sha256(value.encode("ascii")).digest()[:16])


@functools.lru_cache(maxsize=64)
def _header(kid: str, alg: str, typ: str) -> bytes:
    return base64url(_encode_json({"alg": alg, "kid": kid, "typ": typ}).encode()).encode("ascii")


def _key_named_by(token: str, signer: Signer, now: datetime) -> SigningKey:
    """The published key whose kid the header names; nothing else of the header is believed."""
    header = checked_header(token)
    for key in ring.published(signer.keys(), now):
        if key.kid == header.get("kid"):
            return key
    raise InvalidToken("the token names no published key")


def checked_header(token: str) -> dict[str, Any]:
    """The header of a token whose form is sound; nothing of it is believed yet. Raises InvalidToken."""
    if len(token) > MAX_TOKEN_CHARS or not token.isascii():
        raise InvalidToken("the token is too long or not ASCII")
    if "=" in token:  # PyJWT allows padding, RFC 7515 §2 does not: one token would have several spellings
        raise InvalidToken("the token is padded")
    header = _unverified_header(token)
    if "crit" in header:  # we issue none (RFC 7515 §4.1.11)
        raise InvalidToken("the token names critical extensions")
    return header


def _unverified_header(token: str) -> dict[str, Any]:
    encoded = token.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (ValueError, RecursionError) as malformed:
        raise InvalidToken("the header is malformed") from malformed
    if not isinstance(header, dict):
        raise InvalidToken("the header is not an object")
    return header


def _check_times(claims: Mapping[str, Any], now_s: float, leeway_s: int, *, allow_expired: bool) -> None:
    """RFC 7519 §4.1.4 to §4.1.6, by the caller's clock."""
    for name in ("exp", "iat", "nbf"):
        if name in claims and type(claims[name]) is not int:  # bool is an int, and NaN never expires
            raise InvalidToken(f"{name} is not a whole number of seconds")
    if now_s >= claims["exp"] + leeway_s and not allow_expired:
        raise InvalidToken("the token has expired")
    if claims["iat"] > now_s + leeway_s:
        raise InvalidToken("the token was issued in the future")
    if "nbf" in claims and claims["nbf"] > now_s + leeway_s:
        raise InvalidToken("the token is not valid yet")
