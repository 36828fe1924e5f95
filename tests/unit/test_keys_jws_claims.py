"""JWTs: the claims and times that the check refuses, then what signing makes."""

import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from keys import ring
from keys.conformance import SignerSuite
from keys.file import FileSigner
from keys.jwks import base64url
from keys.jws import InvalidToken, sign_jwt, verify_jwt
from keys.signer import KeyUnavailable

NOW = SignerSuite.now
T = int(NOW.timestamp())
DAY = timedelta(days=1)
ISSUER = "https://idp.example"
CLAIMS = {"iss": ISSUER, "aud": "client", "sub": "anne", "iat": T, "exp": T + 300}


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    return FileSigner.create(tmp_path_factory.mktemp("keys") / "ring", ("RS256", "PS256", "ES256"), now=NOW - DAY)


def without(name):
    return {key: value for key, value in CLAIMS.items() if key != name}


def token_of(signer, claims, typ="JWT", alg="ES256"):
    return sign_jwt(signer, alg, claims, typ=typ, now=NOW)


def token_with_any_claims(signer, claims):
    """What `sign_jwt` would refuse to make, NaN for one."""
    kid = ring.active(signer.keys(), "ES256", NOW).kid
    parts = [json.dumps({"alg": "ES256", "kid": kid, "typ": "JWT"}), json.dumps(claims)]
    signing_input = ".".join(base64url(part.encode()) for part in parts)
    return f"{signing_input}.{base64url(signer.sign(kid, signing_input.encode()))}"


def verify(signer, token, **changes):
    given = {"issuer": ISSUER, "audience": "client", "now": NOW, "typ": "JWT"} | changes
    return verify_jwt(signer, token, **given)


@pytest.mark.parametrize("name", ["iss", "aud", "iat", "exp"])
def test_a_missing_claim_is_refused(signer, name):
    with pytest.raises(InvalidToken, match=name):
        verify(signer, token_of(signer, without(name)))


def test_a_claim_that_the_caller_requires_is_required(signer):
    token = token_of(signer, CLAIMS)
    with pytest.raises(InvalidToken, match="nonce"):
        verify(signer, token, require=("sub", "nonce"))
    assert verify(signer, token, require=("sub",)) == CLAIMS


@pytest.mark.parametrize("issuer", ["https://other.example", ISSUER + "/", "", 3, [ISSUER]])
def test_another_issuer_is_refused(signer, issuer):
    with pytest.raises(InvalidToken):
        verify(signer, token_with_any_claims(signer, CLAIMS | {"iss": issuer}))


@pytest.mark.parametrize("audience", ["other", ["other"], [], [3, "client"], 3, {"client": 1}])
def test_another_audience_is_refused(signer, audience):
    with pytest.raises(InvalidToken):
        verify(signer, token_of(signer, CLAIMS | {"aud": audience}))


def test_the_audience_may_be_one_of_several_or_left_to_the_caller(signer):
    several = CLAIMS | {"aud": ["other", "client"]}
    assert verify(signer, token_of(signer, several)) == several
    assert verify(signer, token_of(signer, several), audience=None) == several
    assert verify(signer, token_of(signer, without("aud")), audience=None) == without("aud")


@pytest.mark.parametrize("changes", [{"sub": 3}, {"jti": 3}])
def test_identifiers_are_strings(signer, changes):
    with pytest.raises(InvalidToken):
        verify(signer, token_of(signer, CLAIMS | changes))


@pytest.mark.spec("RFC 7519 §4.1.4")
@pytest.mark.parametrize(("age_s", "leeway_s", "accepted"), [
    (299, 0, True), (300, 0, False), (329, 30, True), (330, 30, False),
])  # fmt: skip
def test_expiry_is_counted_by_the_given_clock(signer, age_s, leeway_s, accepted):
    token, now = token_of(signer, CLAIMS), NOW + timedelta(seconds=age_s)
    if accepted:
        assert verify(signer, token, now=now, leeway_s=leeway_s) == CLAIMS
        return
    with pytest.raises(InvalidToken, match="expired"):
        verify(signer, token, now=now, leeway_s=leeway_s)


def test_the_leeway_is_30_seconds_unless_told(signer):
    token = token_of(signer, CLAIMS)
    assert verify(signer, token, now=NOW + timedelta(seconds=329.9))
    with pytest.raises(InvalidToken, match="expired"):
        verify(signer, token, now=NOW + timedelta(seconds=330))


@pytest.mark.spec("RFC 7519 §4.1.5")
@pytest.mark.parametrize(("name", "reason"), [("iat", "future"), ("nbf", "not valid yet")])
def test_a_token_of_the_future_is_refused(signer, name, reason):
    assert verify(signer, token_of(signer, CLAIMS | {name: T + 30}))
    with pytest.raises(InvalidToken, match=reason):
        verify(signer, token_of(signer, CLAIMS | {name: T + 31}))


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", [True, float(T), str(T), float("nan"), float("inf"), [T]])
def test_a_time_that_is_not_a_whole_number_is_refused(signer, name, value):
    with pytest.raises(InvalidToken, match=name):
        verify(signer, token_with_any_claims(signer, CLAIMS | {name: value}))


@pytest.mark.spec("OIDC Core §3.1.2.1")
def test_an_expired_token_may_serve_as_a_hint(signer):
    token = token_of(signer, CLAIMS)
    late = {"now": NOW + DAY, "allow_expired": True}
    assert verify(signer, token, **late) == CLAIMS
    for wrong in ({"issuer": "x"}, {"audience": "x"}, {"typ": "x"}, {"now": NOW - timedelta(seconds=31)}):
        with pytest.raises(InvalidToken):
            verify(signer, token, **late | wrong)
    with pytest.raises(InvalidToken, match="exp"):
        verify(signer, token_of(signer, without("exp")), **late)


@pytest.mark.parametrize("year", [1980, 2100])
def test_the_wall_clock_plays_no_part(tmp_path, year):
    then = datetime(year, 1, 1, tzinfo=UTC)
    signer = FileSigner.create(tmp_path / "ring", ["ES256"], now=then)
    claims = CLAIMS | {"iat": int(then.timestamp()), "nbf": int(then.timestamp()), "exp": int(then.timestamp()) + 300}
    assert verify(signer, sign_jwt(signer, "ES256", claims, typ="JWT", now=then), now=then) == claims


# Signing


@pytest.mark.parametrize("alg", ["HS256", "none", "ES384", ""])
def test_signing_refuses_an_algorithm_without_an_active_key(signer, alg):
    with pytest.raises(KeyUnavailable):
        token_of(signer, CLAIMS, alg=alg)


def test_signing_refuses_before_the_first_key_begins(signer):
    with pytest.raises(KeyUnavailable):
        sign_jwt(signer, "ES256", CLAIMS, typ="JWT", now=NOW - 2 * DAY)


@pytest.mark.parametrize("value", [NOW, b"x", float("nan"), {1, 2}])
def test_signing_refuses_claims_that_json_cannot_carry(signer, value):
    with pytest.raises((TypeError, ValueError)):
        token_of(signer, CLAIMS | {"x": value})


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "logout+jwt"])
@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256"])
def test_the_header_names_key_algorithm_and_type(signer, alg, typ):
    token = token_of(signer, CLAIMS, typ=typ, alg=alg)
    expected = {"alg": alg, "kid": ring.active(signer.keys(), alg, NOW).kid, "typ": typ}
    assert jwt.get_unverified_header(token) == expected
    assert verify(signer, token, typ=typ) == CLAIMS


def test_the_active_key_signs_and_not_the_pending_one(tmp_path):
    signer = FileSigner.create(tmp_path / "ring", ["ES256"], now=NOW)
    signer = signer.rotate("ES256", now=NOW, publish_ahead=DAY, keep_after=DAY)
    old, new = signer.keys()
    for now, key in ((NOW, old), (NOW + DAY, new)):
        token = sign_jwt(signer, "ES256", CLAIMS, typ="JWT", now=now)
        assert jwt.get_unverified_header(token)["kid"] == key.kid


@pytest.mark.parametrize("value", ["Hélène", "\U0001f511", "\ud800", "</script>", "", None, [], {"a": [1, True]}])
def test_claims_come_back_as_they_were(signer, value):
    claims = CLAIMS | {"x": value}
    assert verify(signer, token_of(signer, claims)) == claims


def test_the_serialization_is_compact_and_unpadded(signer):
    header, payload, signature = token_of(signer, {"a": 1}).split(".")
    assert base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)) == b'{"a":1}'
    assert "=" not in header + payload + signature
