"""JWTs: what the check refuses first, then what signing makes."""

import hmac
import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys import algorithms, ring
from keys.conformance import SignerSuite
from keys.file import FileSigner
from keys.jwks import base64url, public_members
from keys.jws import MAX_TOKEN_CHARS, InvalidToken, sign_jwt, verify_jwt

NOW = SignerSuite.now
T = int(NOW.timestamp())
DAY = timedelta(days=1)
ISSUER = "https://idp.example"
CLAIMS = {"iss": ISSUER, "aud": "client", "sub": "anne", "iat": T, "exp": T + 300}


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    return FileSigner.create(tmp_path_factory.mktemp("keys") / "ring", ("RS256", "PS256", "ES256"), now=NOW - DAY)


@pytest.fixture
def kid(signer):
    return ring.active(signer.keys(), "ES256", NOW).kid


def token_of(signer, claims, typ="JWT", alg="ES256"):
    return sign_jwt(signer, alg, claims, typ=typ, now=NOW)


def verify(signer, token, **changes):
    given = {"issuer": ISSUER, "audience": "client", "now": NOW, "typ": "JWT"} | changes
    return verify_jwt(signer, token, **given)


def forge(signer, kid, header, payload=None, sign=None):
    """A token with any header and payload, correctly signed by our own key unless `sign` says otherwise."""
    raw = payload if isinstance(payload, bytes) else json.dumps(CLAIMS if payload is None else payload).encode()
    signing_input = f"{base64url(json.dumps(header).encode())}.{base64url(raw)}".encode()
    signature = (sign or (lambda data: signer.sign(kid, data)))(signing_input)
    return f"{signing_input.decode()}.{base64url(signature)}"


def test_a_naive_now_is_refused(signer):
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(ValueError, match="naive"):
        verify(signer, token_of(signer, CLAIMS), now=naive)
    with pytest.raises(ValueError, match="naive"):
        sign_jwt(signer, "ES256", CLAIMS, typ="JWT", now=naive)


# Who signed, and how


def test_a_well_formed_forgery_by_our_key_is_the_baseline(signer, kid):
    """What the refusals below alter in one point."""
    assert verify(signer, forge(signer, kid, {"alg": "ES256", "kid": kid, "typ": "JWT"})) == CLAIMS


@pytest.mark.spec("RFC 8725 §3.1")
@pytest.mark.parametrize("alg", ["none", "None", "RS256", "ES384", "", None, 3, ["ES256"]])
def test_an_algorithm_that_is_not_the_keys_is_refused(signer, kid, alg):
    with pytest.raises(InvalidToken):
        verify(signer, forge(signer, kid, {"alg": alg, "kid": kid, "typ": "JWT"}))


@pytest.mark.spec("RFC 8725 §3.1")
def test_a_header_without_algorithm_is_refused(signer, kid):
    with pytest.raises(InvalidToken):
        verify(signer, forge(signer, kid, {"kid": kid, "typ": "JWT"}))


@pytest.mark.spec("RFC 8725 §2.1")
def test_none_without_signature_is_refused(signer, kid):
    with pytest.raises(InvalidToken):
        verify(signer, forge(signer, kid, {"alg": "none", "kid": kid, "typ": "JWT"}, sign=lambda data: b""))


@pytest.mark.spec("RFC 8725 §2.1")
def test_hmac_with_our_public_key_as_secret_is_refused(signer):
    kid = ring.active(signer.keys(), "RS256", NOW).kid
    secret = signer.public_key(kid).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "kid": kid, "typ": "JWT"}
    with pytest.raises(InvalidToken):
        verify(signer, forge(signer, kid, header, sign=lambda data: hmac.digest(secret, data, "sha256")))


@pytest.mark.spec("RFC 8725 §3.1")
def test_a_key_of_rs256_does_not_verify_ps256(signer):
    """The same RSA key could: the allow-list comes from the ring."""
    kid = ring.active(signer.keys(), "RS256", NOW).kid
    private = signer._content.held[kid].private
    header = {"alg": "PS256", "kid": kid, "typ": "JWT"}
    with pytest.raises(InvalidToken):
        verify(signer, forge(signer, kid, header, sign=lambda data: algorithms.sign("PS256", private, data)))


def test_a_signature_by_another_of_our_keys_is_refused(signer, kid):
    other = ring.active(signer.keys(), "PS256", NOW).kid
    with pytest.raises(InvalidToken):
        verify(signer, forge(signer, other, {"alg": "ES256", "kid": kid, "typ": "JWT"}))


def test_a_key_brought_by_the_token_is_not_believed(signer, kid):
    stranger = ec.generate_private_key(ec.SECP256R1())
    header = {"alg": "ES256", "kid": kid, "typ": "JWT", "jwk": public_members(stranger.public_key())}
    with pytest.raises(InvalidToken):
        verify(signer, forge(signer, kid, header, sign=lambda data: algorithms.sign("ES256", stranger, data)))


@pytest.mark.parametrize("named", [{}, {"kid": "x"}, {"kid": None}, {"kid": 3}, {"kid": ["x"]}])
def test_a_token_that_names_none_of_our_keys_is_refused(signer, kid, named):
    with pytest.raises(InvalidToken, match="no published key"):
        verify(signer, forge(signer, kid, {"alg": "ES256", "typ": "JWT"} | named))


def test_a_token_is_verified_until_its_key_retires(tmp_path):
    signer = FileSigner.create(tmp_path / "ring", ["ES256"], now=NOW)
    claims = CLAIMS | {"exp": T + 10 * 86_400}
    token = token_of(signer, claims)
    signer = signer.rotate("ES256", now=NOW, publish_ahead=DAY, keep_after=DAY)
    assert verify(signer, token, now=NOW + 2 * DAY - timedelta(seconds=1)) == claims
    with pytest.raises(InvalidToken, match="no published key"):
        verify(signer, token, now=NOW + 2 * DAY)


# Shape


@pytest.mark.parametrize("token", [
    "", ".", "..", "...", "a", "a.b", "a.b.c", "a.b.c.d", "é.b.c", "\ud800.b.c", "a\n.b.c",
    base64url(b"[]") + ".e30.AA",
    base64url(b"\xff") + ".e30.AA",
    base64url(b"[" * 10_000) + ".e30.AA",
])  # fmt: skip
def test_what_is_not_a_token_is_refused(signer, token):
    with pytest.raises(InvalidToken):
        verify(signer, token)


def test_letters_beyond_ascii_are_refused_after_a_good_header(signer):
    header = token_of(signer, CLAIMS).partition(".")[0]
    for odd in ("é", "\ud800"):
        with pytest.raises(InvalidToken, match="ASCII"):
            verify(signer, f"{header}.{odd}.AA")


@pytest.mark.parametrize("payload", [b"", b"3", b"[]", b"{", b"\xff", b"null"])
def test_a_payload_that_is_not_an_object_is_refused(signer, kid, payload):
    with pytest.raises(InvalidToken):
        verify(signer, forge(signer, kid, {"alg": "ES256", "kid": kid, "typ": "JWT"}, payload))


def test_a_long_token_is_refused(signer):
    room = token_of(signer, CLAIMS | {"x": ""})
    fits = token_of(signer, CLAIMS | {"x": "x" * ((MAX_TOKEN_CHARS - len(room)) * 3 // 4 - 2)})
    assert verify(signer, fits)
    long = token_of(signer, CLAIMS | {"x": "x" * MAX_TOKEN_CHARS})
    with pytest.raises(InvalidToken, match="too long"):
        verify(signer, long)


@pytest.mark.spec("RFC 7515 §2")
def test_a_padded_token_is_refused(signer):
    """PyJWT alone would accept this second spelling of the same token."""
    token = token_of(signer, CLAIMS)
    with pytest.raises(InvalidToken, match="padded"):
        verify(signer, token + "=" * (-len(token.rpartition(".")[2]) % 4))


@pytest.mark.spec("RFC 7515 §4.1.11")
@pytest.mark.parametrize("critical", [{"crit": ["x"], "x": 1}, {"crit": ["b64"], "b64": True}, {"crit": []}])
def test_critical_extensions_are_refused(signer, kid, critical):
    with pytest.raises(InvalidToken, match="critical"):
        verify(signer, forge(signer, kid, {"alg": "ES256", "kid": kid, "typ": "JWT"} | critical))


@pytest.mark.spec("RFC 8725 §3.11")
@pytest.mark.parametrize(("made", "asked"), [("at+jwt", "JWT"), ("JWT", "at+jwt"), ("jwt", "JWT")])
def test_a_token_of_another_type_is_refused(signer, made, asked):
    token = token_of(signer, CLAIMS, typ=made)
    with pytest.raises(InvalidToken, match="typ"):
        verify(signer, token, typ=asked)
    assert verify(signer, token, typ=None) == CLAIMS


def test_a_token_without_type_is_refused(signer, kid):
    token = forge(signer, kid, {"alg": "ES256", "kid": kid})
    with pytest.raises(InvalidToken, match="typ"):
        verify(signer, token)
