"""Tokens that an upstream signed: which key may verify them, and which header is believed."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from idp.methods.federation.faults import LoginRefused
from idp.methods.federation.tokens import MAX_TOKEN_CHARS, verified

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
ISSUER, CLIENT = "https://psc.example", "sesame"
CLAIMS: dict[str, Any] = {"iss": ISSUER, "aud": CLIENT, "sub": "somebody", "exp": int(NOW.timestamp()) + 60}


@cache
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def short_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024)


def public(kid: str | None = "k1", **changes: Any) -> dict[str, Any]:
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key().public_key()))
    return {**jwk, "kid": kid, "use": "sig", "alg": "ES256", **changes}


def signed(claims: dict[str, Any] = CLAIMS, **header: Any) -> str:
    return jwt.encode(claims, key(), "ES256", headers={"kid": "k1", **header})


def verify(token: str, *keys: Any) -> dict[str, Any]:
    published: Sequence[Any] = keys or (public(),)
    return verified(token, lambda anew: published, issuer=ISSUER, client_id=CLIENT, now=NOW, require=("exp",))


def refusal(token: str, *keys: Any) -> str:
    with pytest.raises(LoginRefused) as refused:
        verify(token, *keys)
    return refused.value.code


def test_a_sound_token_says_what_it_says() -> None:
    assert verify(signed()) == CLAIMS


@pytest.mark.parametrize("typ", ["JWT", "jwt"])
def test_a_token_may_say_that_it_is_one(typ: str) -> None:
    assert verify(signed(typ=typ)) == CLAIMS


@pytest.mark.spec("RFC 8725 §3.11")
@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt", "dpop+jwt", 5, ["JWT"]])
def test_a_token_of_another_kind_is_refused(typ: Any) -> None:
    assert refusal(signed(typ=typ)) == "token_malformed"


@pytest.mark.spec("RFC 7515 §4.1.11")
def test_critical_extensions_are_refused() -> None:
    assert refusal(signed(crit=["exp"], exp=1)) == "token_malformed"


def test_a_key_for_encryption_verifies_nothing() -> None:
    assert refusal(signed(), public(use="enc")) == "key_unknown"


@pytest.mark.parametrize(
    "changes", [{"kid": "k2"}, {"alg": "ES384"}, {"crv": "P-384"}, {"kty": "RSA"}, {"kty": "oct", "k": "c2VjcmV0"}]
)
def test_a_key_of_another_name_or_kind_is_not_tried(changes: dict[str, Any]) -> None:
    assert refusal(signed(), public(**changes)) == "key_unknown"


def test_without_a_kid_there_must_be_one_key_alone() -> None:
    token = jwt.encode(CLAIMS, key(), "ES256")
    assert verify(token) == CLAIMS
    assert refusal(token, public(), public("k2")) == "key_unknown"


def test_two_keys_of_one_name_are_refused() -> None:
    assert refusal(signed(), public(), public()) == "key_unknown"


@pytest.mark.parametrize("broken", [None, 5, {}, {"kty": "EC"}, "text"])
def test_what_is_no_key_is_passed_over(broken: Any) -> None:
    assert verify(signed(), broken, public()) == CLAIMS


def test_what_is_private_of_a_published_key_is_not_looked_at() -> None:
    assert verify(signed(), public(d="AAAA")) == CLAIMS


def test_a_malformed_key_is_refused() -> None:
    assert refusal(signed(), public(x="!")) == "key_unknown"


@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")  # which it gives when it signs
def test_a_short_key_is_refused() -> None:
    token = jwt.encode(CLAIMS, short_key(), "RS256", headers={"kid": "k1"})
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(short_key().public_key()))
    assert refusal(token, {**jwk, "kid": "k1"}) == "signature_wrong"


def test_keys_are_asked_for_again_once() -> None:
    asked: list[bool] = []

    def keys(anew: bool) -> Sequence[Any]:
        asked.append(anew)
        return [public()] if anew else []

    assert verified(signed(), keys, issuer=ISSUER, client_id=CLIENT, now=NOW) == CLAIMS
    assert asked == [False, True]


@pytest.mark.parametrize(
    "token", ["", "a.b", "a.b.c.d.e", "a.b.c", "é.b.c", "e30.e30.", "bnVsbA.e30.e30", "W10.e30.e30", "=.=.="]
)
def test_what_is_no_token_is_refused(token: str) -> None:
    assert refusal(token) in {"token_malformed", "signature_wrong"}


def test_a_token_that_is_too_long_is_not_read() -> None:
    assert refusal(signed({**CLAIMS, "more": "x" * MAX_TOKEN_CHARS})) == "token_malformed"


def test_claims_that_are_deep_are_refused() -> None:
    payload = b'{"iss":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    assert refusal(jwt.api_jws.encode(payload, key(), "ES256", headers={"kid": "k1"})) == "token_malformed"


def test_a_header_that_is_deep_is_refused() -> None:
    deep = jwt.utils.base64url_encode(b'{"alg":' + b"[" * 60_000 + b"]" * 60_000 + b"}").decode()
    assert refusal(f"{deep[:60_000]}.e30.e30") == "token_malformed"
