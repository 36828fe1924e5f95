"""Sealed values open only where they belong; digests of parts never collide."""

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from keys.seal import DataKeys, SealBroken

SECRET = bytes(range(32))
KEYS = DataKeys(SECRET)
ROW = "totp:018f-1"
# Made by the first version. If this test fails, what is in databases can no longer be read.
SEALED_IN_V1 = bytes.fromhex("01d80e2d81aa6043558f461e4992a7bdc3613a1430ba213b38507ec9289ad386db3fe1")
MAC_IN_V1 = "3517c56a69837c8d2f6e820f3d0508033ebc3c9bebaacf63010283afddc00362"


@pytest.mark.parametrize("secret", [b"", bytes(31)])
def test_a_short_secret_is_refused(secret):
    with pytest.raises(ValueError, match="32 bytes"):
        DataKeys(secret)


@pytest.mark.parametrize("call", [
    lambda: KEYS.seal(b"x", purpose=""),
    lambda: KEYS.open(b"x", purpose=""),
    lambda: KEYS.mac(""),
])  # fmt: skip
def test_an_empty_purpose_is_refused(call):
    with pytest.raises(ValueError, match="purpose"):
        call()


@pytest.mark.parametrize("purpose", ["totp:018f-2", "phone:018f-1", "totp:018f-1 "])
def test_a_value_moved_to_another_row_or_purpose_does_not_open(purpose):
    with pytest.raises(SealBroken):
        KEYS.open(KEYS.seal(b"secret", purpose=ROW), purpose=purpose)


def test_a_value_sealed_under_another_secret_does_not_open():
    with pytest.raises(SealBroken):
        DataKeys(bytes(32)).open(KEYS.seal(b"secret", purpose=ROW), purpose=ROW)


def test_every_altered_byte_breaks_the_seal():
    sealed = KEYS.seal(b"secret", purpose=ROW)
    for i in range(len(sealed)):
        with pytest.raises(SealBroken):
            KEYS.open(sealed[:i] + bytes([sealed[i] ^ 1]) + sealed[i + 1 :], purpose=ROW)


def test_every_cut_breaks_the_seal():
    sealed = KEYS.seal(b"secret", purpose=ROW)
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            KEYS.open(sealed[:length], purpose=ROW)


def test_an_unknown_version_says_so():
    with pytest.raises(SealBroken, match="version"):
        KEYS.open(b"\x02" + KEYS.seal(b"secret", purpose=ROW)[1:], purpose=ROW)


def test_a_broken_seal_tells_nothing():
    with pytest.raises(SealBroken) as refusal:
        KEYS.open(KEYS.seal(b"secret", purpose=ROW), purpose="other")
    assert "secret" not in str(refusal.value)
    assert ROW not in str(refusal.value)


@given(st.binary(), st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])))
def test_what_is_sealed_opens(plaintext, purpose):
    assert KEYS.open(KEYS.seal(plaintext, purpose=purpose), purpose=purpose) == plaintext


def test_two_seals_of_one_value_differ():
    assert KEYS.seal(b"secret", purpose=ROW) != KEYS.seal(b"secret", purpose=ROW)


def test_values_sealed_by_the_first_version_still_open():
    assert KEYS.open(SEALED_IN_V1, purpose=ROW) == b"secret"


def test_digests_of_the_first_version_are_still_made():
    assert KEYS.mac("otp", "anne", "123456") == MAC_IN_V1


def test_a_digest_is_hmac_sha256_of_length_prefixed_parts_under_a_key_of_its_own():
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"sesame mac v1").derive(SECRET)
    message = b"".join(len(part).to_bytes(8, "big") + part for part in (b"p", b"", "é".encode()))
    assert KEYS.mac("p", "", "é") == hmac.new(key, message, hashlib.sha256).hexdigest()


PARTS = st.lists(st.text(max_size=3), min_size=1, max_size=4).filter(lambda parts: parts[0] != "")


@given(PARTS, PARTS)
def test_different_parts_have_different_digests(one, two):
    assert (KEYS.mac(*one) == KEYS.mac(*two)) == (one == two)


@pytest.mark.parametrize(("one", "two"), [
    (("p", "ab", "c"), ("p", "a", "bc")),
    (("p", "a"), ("p", "a", "")),
    (("p", "a"), ("pa",)),
    (("p", "\ud800"), ("p", "\ud801")),  # what a browser may post; neither raises
    (("p", "\ud800"), ("p", "?")),
])  # fmt: skip
def test_look_alike_parts_have_different_digests(one, two):
    assert KEYS.mac(*one) != KEYS.mac(*two)


def test_another_secret_gives_other_digests():
    assert DataKeys(bytes(32)).mac("p", "a") != KEYS.mac("p", "a")


def test_the_repr_holds_no_key():
    assert repr(KEYS) == "DataKeys()"
