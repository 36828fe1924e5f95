"""The suite that every Signer must pass. Needs pytest; nothing else of the package imports this module.

class TestMySigner(SignerSuite):
    @pytest.fixture
    def signer(self) -> Signer:
        return MySigner(...)
"""
# ruff: noqa: SIM118  # a suite is made of assertions; `Signer.keys` is not a dict's

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import jwt
import pytest

from keys import algorithms, ring
from keys.jwks import jwks, thumbprint
from keys.jws import InvalidToken, sign_jwt, verify_jwt
from keys.ring import KeyState
from keys.signer import KeyUnavailable, Signer, SigningKey

ISSUER = "https://idp.example"
THREADS = 8
SIGNATURES_PER_THREAD = 25
PUBLIC_MEMBERS = {
    "RSA": {"kid", "use", "alg", "kty", "n", "e"},
    "EC": {"kid", "use", "alg", "kty", "crv", "x", "y"},
}


class SignerSuite:
    """Override the fixture `signer`, with at least one active key at `now`, and `now` if the ring needs another."""

    now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    @pytest.fixture
    def signer(self) -> Signer:
        """The signer under test."""
        raise NotImplementedError

    def test_an_unknown_kid_is_refused(self, signer: Signer) -> None:
        with pytest.raises(KeyUnavailable):
            signer.sign("unknown", b"input")
        with pytest.raises(KeyUnavailable):
            signer.public_key("unknown")

    def test_a_signature_fits_its_input_only(self, signer: Signer) -> None:
        for key in signer.keys():
            public = signer.public_key(key.kid)
            signature = signer.sign(key.kid, b"input")
            assert algorithms.is_signed_by(key.alg, public, b"input", signature)
            assert not algorithms.is_signed_by(key.alg, public, b"other", signature)

    def test_an_rsa_key_serves_one_algorithm(self, signer: Signer) -> None:
        """RFC 8725 §3.1: the key could make RS256 and PS256 alike; its entry in the ring says which."""
        other = {"RS256": "PS256", "PS256": "RS256"}
        for key in signer.keys():
            if key.alg in other:
                public, signature = signer.public_key(key.kid), signer.sign(key.kid, b"input")
                assert not algorithms.is_signed_by(other[key.alg], public, b"input", signature)

    def test_an_es256_signature_is_r_and_s_of_32_bytes(self, signer: Signer) -> None:
        """RFC 7518 §3.4; often enough to meet leading zeros."""
        for key in signer.keys():
            if key.alg == "ES256":
                assert {len(signer.sign(key.kid, b"%d" % i)) for i in range(300)} == {64}

    def test_each_kid_is_the_thumbprint_of_a_key_that_fits(self, signer: Signer) -> None:
        for key in signer.keys():
            assert thumbprint(algorithms.check_fit(key.alg, signer.public_key(key.kid))) == key.kid

    def test_the_ring_is_stable_without_twins_and_has_an_active_key(self, signer: Signer) -> None:
        keys = signer.keys()
        assert keys == signer.keys()
        assert len({key.kid for key in keys}) == len(keys)
        assert self._active(signer)

    def test_public_keys_are_parsed_once(self, signer: Signer) -> None:
        for key in signer.keys():
            assert signer.public_key(key.kid) is signer.public_key(key.kid)

    def test_the_jwks_holds_public_members_only(self, signer: Signer) -> None:
        for jwk in jwks(signer, self.now)["keys"]:
            assert set(jwk) == PUBLIC_MEMBERS[jwk["kty"]]

    def test_a_jwt_is_verified_by_us_and_by_clients(self, signer: Signer) -> None:
        published = jwt.PyJWKSet.from_dict(jwks(signer, self.now))
        for key in self._active(signer):
            token = self._token(signer, key.alg)
            claims = verify_jwt(signer, token, issuer=ISSUER, audience="client", now=self.now, typ="JWT")
            header = jwt.get_unverified_header(token)
            assert header == {"alg": key.alg, "kid": key.kid, "typ": "JWT"}
            decoded = jwt.decode(
                token,
                published[header["kid"]],
                audience="client",
                options={"verify_exp": False, "verify_iat": False},  # this suite has a clock of its own
            )
            assert decoded == claims

    def test_a_jwt_altered_by_one_letter_is_refused(self, signer: Signer) -> None:
        for key in self._active(signer):
            header, payload, signature = self._token(signer, key.alg).split(".")
            altered = payload[:10] + ("A" if payload[10] != "A" else "B") + payload[11:]
            with pytest.raises(InvalidToken):
                verify_jwt(
                    signer, f"{header}.{altered}.{signature}", issuer=ISSUER, audience=None, now=self.now, typ=None
                )

    def test_many_threads_sign_at_once(self, signer: Signer) -> None:
        def work(thread: int) -> bool:
            return all(
                algorithms.is_signed_by(key.alg, signer.public_key(key.kid), message, signer.sign(key.kid, message))
                for turn in range(SIGNATURES_PER_THREAD)
                for key in signer.keys()
                for message in (b"%d.%d" % (thread, turn),)
            )

        with ThreadPoolExecutor(THREADS) as pool:
            assert all(pool.map(work, range(THREADS)))

    def test_the_repr_holds_no_key_material(self, signer: Signer) -> None:
        assert "private" not in repr(signer).lower()

    def _active(self, signer: Signer) -> list[SigningKey]:
        keys = signer.keys()
        return [key for key in keys if ring.state(key, keys, self.now) is KeyState.ACTIVE]

    def _token(self, signer: Signer, alg: str) -> str:
        issued_at = int(self.now.timestamp())
        claims = {"iss": ISSUER, "aud": "client", "sub": "anne", "iat": issued_at, "exp": issued_at + 300}
        return sign_jwt(signer, alg, claims, typ="JWT", now=self.now)
