"""JWTs that others signed: which key is believed, which algorithm, which times; refusals first."""

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.assertions import UnknownKey, unverified_claims, verify_assertion
from keys.conformance import SignerSuite
from keys.jwks import base64url
from keys.jws import InvalidToken
from tests.fakes.client_key import ClientKey, jwks_of, make_key, make_weak_key

NOW = SignerSuite.now
T = int(NOW.timestamp())
KEY = make_key()
CLAIMS = {"iss": "app", "sub": "app", "aud": "https://idp.example", "jti": "1", "iat": T, "exp": T + 60}
ALGORITHMS = ("RS256", "PS256", "ES256")


def verify(token: str, jwks: Any = None, **changes: Any) -> dict[str, Any]:
    given = {"algorithms": ALGORITHMS, "issuer": "app", "now": NOW, "leeway_s": 60, "require": ("jti",), **changes}
    return verify_assertion(token, jwks_of(KEY) if jwks is None else jwks, **given)


def by_hand(header: dict[str, Any], claims: Any = CLAIMS, signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_each_algorithm_is_checked_by_its_key(alg: str) -> None:
    key, other = make_key(alg, alg), make_key("other")
    assert verify(key.sign(CLAIMS), jwks_of(other, key)) == CLAIMS


# Which algorithm (RFC 8725 §3.1)


def test_an_unsigned_token_is_refused() -> None:
    for alg in ("none", "None", "NONE", "", None, 5, ["ES256"]):
        with pytest.raises(InvalidToken, match="algorithm"):
            verify(by_hand({"alg": alg, "kid": KEY.kid}))


def test_a_mac_by_the_public_key_is_refused() -> None:
    """Whoever knows the public key could make it."""
    pem = KEY.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header, payload, _ = by_hand({"alg": "HS256", "kid": KEY.kid}).split(".")
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(f"{header}.{payload}".encode(), pem)
    token = f"{header}.{payload}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    with pytest.raises(InvalidToken, match="algorithm"):
        verify(token)


def test_an_algorithm_that_was_not_asked_for_is_refused() -> None:
    with pytest.raises(InvalidToken, match="algorithm"):
        verify(KEY.sign(CLAIMS), algorithms=("RS256",))


def test_an_algorithm_of_another_kind_of_key_finds_none() -> None:
    with pytest.raises(UnknownKey):
        verify(by_hand({"alg": "RS256", "kid": KEY.kid}, signature=b"x" * 256))


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", [10**400, -(10**400), 2**53, float("nan"), float("inf")])
def test_an_instant_that_no_clock_reaches_is_refused(name: str, value: float) -> None:
    with pytest.raises(InvalidToken, match="not a number of seconds"):
        verify(KEY.sign({**CLAIMS, name: value}))


# Which key


def test_another_signature_is_refused() -> None:
    forged = ClientKey(KEY.kid, "ES256", make_key("forger").private)
    with pytest.raises(InvalidToken, match=r"[Ss]ignature"):
        verify(forged.sign(CLAIMS))


def test_a_key_in_the_header_is_not_looked_at() -> None:
    forger = make_key("forger")
    for header in (
        {"jwk": forger.jwk},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
    ):
        with pytest.raises(UnknownKey):
            verify(forger.sign(CLAIMS, **header))
        with pytest.raises(InvalidToken, match=r"[Ss]ignature"):
            verify(ClientKey(KEY.kid, "ES256", forger.private).sign(CLAIMS, **header))


def test_a_kid_that_is_not_in_the_set_is_told_apart() -> None:
    with pytest.raises(UnknownKey):
        verify(make_key("newer").sign(CLAIMS))
    with pytest.raises(InvalidToken, match="kid") as refusal:
        verify(by_hand({"alg": "ES256", "kid": 5}))
    assert refusal.type is InvalidToken


@pytest.mark.spec("OIDC Core §10.1")
def test_without_kid_the_set_must_leave_no_choice() -> None:
    token = jwt.encode(CLAIMS, KEY.private, algorithm="ES256")
    assert verify(token, jwks_of(KEY, make_key("rsa", "RS256"))) == CLAIMS
    with pytest.raises(InvalidToken, match="leaves open"):
        verify(token, jwks_of(KEY, make_key("other")))


@pytest.mark.parametrize(
    "said",
    [{"use": "enc"}, {"alg": "RS256"}, {"key_ops": ["encrypt"]}, {"key_ops": "verify"}, {"kty": "OKP"}],
)
def test_a_key_that_is_for_something_else_is_not_used(said: dict[str, Any]) -> None:
    with pytest.raises(UnknownKey):
        verify(KEY.sign(CLAIMS), {"keys": [{**KEY.jwk, **said}]})


@pytest.mark.parametrize(
    "broken",
    [{"x": "AA"}, {"x": None}, {"crv": "P-384"}, {"crv": "secp256k1"}, {"y": KEY.jwk["x"]}, {"x": "é"}],
)
def test_a_broken_key_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken, match="key cannot be used"):
        verify(KEY.sign(CLAIMS), {"keys": [{**KEY.jwk, **broken}]})


def test_a_key_without_its_numbers_is_refused() -> None:
    with pytest.raises(InvalidToken, match="key cannot be used"):
        verify(KEY.sign(CLAIMS), {"keys": [{"kty": "EC", "kid": KEY.kid}]})


def test_a_short_rsa_key_is_refused() -> None:
    with pytest.warns(jwt.warnings.InsecureKeyLengthWarning):
        token = make_weak_key().sign(CLAIMS)
    with pytest.raises(InvalidToken, match="key cannot be used"):
        verify(token, jwks_of(make_weak_key()))


def test_a_huge_rsa_key_is_refused() -> None:
    """It would make each check expensive."""
    jwk = {"kty": "RSA", "kid": "rsa", "n": base64url((1 << 8192 | 1).to_bytes(1025, "big")), "e": "AQAB"}
    with pytest.raises(InvalidToken, match="key cannot be used"):
        verify(make_key("rsa", "RS256").sign(CLAIMS), {"keys": [jwk]})


def test_another_curve_is_refused() -> None:
    point = generate_private_key(SECP384R1())
    jwk = {**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(point.public_key())), "kid": KEY.kid}
    with pytest.raises(InvalidToken, match="key cannot be used"):
        verify(KEY.sign(CLAIMS), {"keys": [jwk]})


@pytest.mark.parametrize("jwks", [{}, {"keys": []}, {"keys": ["x", 5, None]}])
def test_a_set_without_keys_knows_none(jwks: Any) -> None:
    with pytest.raises(UnknownKey):
        verify(KEY.sign(CLAIMS), jwks)


# Which claims


@pytest.mark.parametrize("name", ["iss", "exp", "jti"])
def test_a_claim_that_is_missing_is_refused(name: str) -> None:
    with pytest.raises(InvalidToken):
        verify(KEY.sign({key: value for key, value in CLAIMS.items() if key != name}))


def test_another_issuer_is_refused() -> None:
    with pytest.raises(InvalidToken):
        verify(KEY.sign({**CLAIMS, "iss": "other"}))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": T - 60}, "expired"),
        ({"iat": T + 61}, "future"),
        ({"nbf": T + 61}, "future"),
        ({"exp": "tomorrow"}, "number"),
        ({"exp": True}, "number"),
        ({"exp": None}, "exp"),
        ({"iat": "now"}, "number"),
        ({"nbf": [T]}, "number"),
    ],
)
def test_times_that_are_wrong_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidToken, match=reason):
        verify(KEY.sign({**CLAIMS, **changes}))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_time_that_never_comes_is_refused(value: str) -> None:
    payload = json.dumps({**CLAIMS, "exp": 0}).replace('"exp": 0', f'"exp": {value}').encode()
    with pytest.raises(InvalidToken):
        verify(jwt.api_jws.encode(payload, KEY.private, algorithm="ES256", headers={"kid": KEY.kid}))


@pytest.mark.parametrize(
    "changes", [{"exp": T - 59}, {"iat": T + 60}, {"nbf": T + 60}, {"exp": T + 30.5}, {"iat": T - 10000}]
)
def test_times_within_the_leeway_are_taken(changes: dict[str, Any]) -> None:
    assert verify(KEY.sign({**CLAIMS, **changes}))["jti"] == "1"


# What is no token at all


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a.b.c", "é", "x" * 20_000, by_hand([]), by_hand({"alg": "ES256"}, claims=[]), "=.=.="],  # type: ignore[arg-type]
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidToken):
        verify(token)
    with pytest.raises(InvalidToken):
        unverified_claims(token)


def test_critical_extensions_are_refused() -> None:
    with pytest.raises(InvalidToken, match="critical"):
        verify(KEY.sign(CLAIMS, crit=["b64"], b64=True))
