"""JWTs that an upstream signed: the ID Token (OIDC Core §3.1.3.7) and a signed userinfo (§5.3.2)."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt

from idp.methods.federation.away import Away
from idp.methods.federation.faults import LoginRefused

KEY_TYPES: Final = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC"}  # no `none`, nor what a public key could sign
SKEW: Final = timedelta(seconds=30)
MAX_TOKEN_CHARS: Final = 65_536
PUBLIC: Final = ("kty", "n", "e", "crv", "x", "y")  # members of a key (RFC 7518 §6)
SUBJECT: Final = re.compile(r"[ -~]{1,255}")

Keys = Callable[[bool], Sequence[Any]]  # anew -> the `keys` of the JWK Set

_pyjwt = jwt.PyJWT()


def verified(
    token: str,
    keys: Keys,
    *,
    issuer: str,
    client_id: str,
    now: datetime,
    require: Sequence[str] = ("sub",),
    kinds: Collection[str] = ("JWT",),
) -> dict[str, Any]:
    """The claims of a token that the issuer signed for us.

    require: beside `iss` and `aud`. kinds: values of `typ`, in capitals.
    Raises LoginRefused; Unreachable, of `keys`.
    """
    header = _header(token, kinds)
    algorithm, kid = header["alg"], header.get("kid")
    key = _key(keys(False), algorithm, kid) or _key(keys(True), algorithm, kid)
    if key is None:
        raise LoginRefused("key_unknown", f"no {algorithm} key of that kid")
    try:
        claims: dict[str, Any] = _pyjwt.decode_complete(
            token,
            key,
            algorithms=[algorithm],
            issuer=issuer,
            audience=client_id,
            options={
                "require": ["iss", "aud", *require],
                "enforce_minimum_key_length": True,
                "verify_exp": False,  # times are checked below: PyJWT only knows the wall clock
                "verify_nbf": False,
                "verify_iat": False,
            },
        )["payload"]
    except (jwt.PyJWTError, RecursionError) as refusal:
        raise LoginRefused(_code(refusal), type(refusal).__name__) from None
    _check_party(claims, client_id)
    _check_times(claims, now)
    return claims


def check_id_token(claims: Mapping[str, Any], *, nonce: str, access_token: str) -> None:
    """What ties an ID Token to this very login. Raises LoginRefused."""
    if not _is(claims.get("nonce"), nonce):
        raise LoginRefused("nonce_wrong")
    half = hashlib.sha256(access_token.encode()).digest()[:16]  # OIDC Core §3.1.3.6: of the three algorithms
    if "at_hash" in claims and not _is(claims["at_hash"], base64.urlsafe_b64encode(half).decode().rstrip("=")):
        raise LoginRefused("signature_wrong", "at_hash is of another access token")


def signed_in_at(claims: Mapping[str, Any], away: Away, now: datetime, longest: timedelta) -> datetime:
    """When the person signed in there; where that is not said, as long ago as a session there may last (longest).

    Raises LoginRefused where it was not lately enough for what was asked, and for a time that is none.
    """
    said = claims.get("auth_time")
    if said is not None and type(said) is not int:
        raise LoginRefused("token_malformed", "auth_time is not a whole number of seconds")
    if away.max_age is not None and (said is None or said < (away.begun_at - away.max_age - SKEW).timestamp()):
        raise LoginRefused("not_fresh", "auth_time is missing or too old")
    if said is None:
        return now - longest
    return now if said >= now.timestamp() else datetime.fromtimestamp(max(said, 0), UTC)


def _is(said: object, expected: str) -> bool:
    """expected: ASCII."""
    return isinstance(said, str) and said.isascii() and hmac.compare_digest(said, expected)


def _header(token: str, kinds: Collection[str]) -> dict[str, Any]:
    """A header that names an algorithm of ours; nothing of it is believed yet."""
    if len(token) > MAX_TOKEN_CHARS or not token.isascii() or token.count(".") != 2 or "=" in token:
        raise LoginRefused("token_malformed", "not a signed JWT")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, RecursionError):
        raise LoginRefused("token_malformed", "the header cannot be read") from None
    if not isinstance(header.get("alg"), str) or header["alg"] not in KEY_TYPES:
        raise LoginRefused("signature_wrong", "an algorithm that is not accepted")
    if "crit" in header or not _is_one_of(kinds, header.get("typ", "JWT")):  # RFC 8725 §3.11
        raise LoginRefused("token_malformed", "a token of another kind")
    return header


def _is_one_of(kinds: Collection[str], typ: object) -> bool:
    return isinstance(typ, str) and typ.upper() in kinds


def _key(found: Sequence[Any], algorithm: str, kid: str | None) -> jwt.PyJWK | None:
    """The one key that may have signed; None if there is none, or several."""
    fit = [
        jwk
        for jwk in found
        if isinstance(jwk, dict) and _fits(jwk, algorithm) and (kid is None or jwk.get("kid") == kid)
    ]
    if len(fit) != 1:
        return None
    try:
        return jwt.PyJWK({name: fit[0][name] for name in PUBLIC if name in fit[0]}, algorithm)
    except jwt.PyJWTError:
        raise LoginRefused("key_unknown", "the key is malformed") from None


def _fits(jwk: Mapping[str, Any], algorithm: str) -> bool:
    is_kind = jwk.get("kty") == KEY_TYPES[algorithm] and (algorithm != "ES256" or jwk.get("crv") == "P-256")
    return is_kind and jwk.get("use", "sig") == "sig" and jwk.get("alg", algorithm) == algorithm


def _code(refusal: Exception) -> str:
    if isinstance(refusal, jwt.InvalidIssuerError | jwt.InvalidAudienceError):
        return "meant_for_others"
    return (
        "signature_wrong" if isinstance(refusal, jwt.InvalidSignatureError | jwt.InvalidKeyError) else "token_malformed"
    )


def _check_party(claims: Mapping[str, Any], client_id: str) -> None:
    """OIDC Core §3.1.3.7, 3 and 5: we trust no other audience."""
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1:
        raise LoginRefused("meant_for_others", "several audiences")
    if claims.get("azp", client_id) != client_id:
        raise LoginRefused("meant_for_others", "azp is another client")
    if "sub" in claims and not SUBJECT.fullmatch(claims["sub"]):
        raise LoginRefused("token_malformed", "sub is not one of OIDC Core §2")


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    """RFC 7519 §4.1.4 to §4.1.6."""
    for name in ("exp", "iat", "nbf"):
        if name in claims and type(claims[name]) is not int:  # bool is an int, and NaN never expires
            raise LoginRefused("token_malformed", f"{name} is not a whole number of seconds")
    if "exp" in claims and (now - SKEW).timestamp() >= claims["exp"]:
        raise LoginRefused("expired")
    if any(claims.get(name, 0) > (now + SKEW).timestamp() for name in ("iat", "nbf")):
        raise LoginRefused("expired", "of the future")
