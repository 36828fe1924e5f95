"""Whatever is sent, a card is refused with a cause, and nothing else happens."""

import base64
import json
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.pki import CAUSES, CardRefused, CardTrust
from idp.pki.revocation import Revocation
from tests.fakes import igc
from tests.fakes.clock import START
from tests.fakes.igc import NONCE, ORIGIN

# cryptography tells of numbers that it will refuse one day; such a certificate is refused here already.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
MANY = settings(max_examples=200)


@pytest.fixture(scope="module", autouse=True)
def trusted(tmp_path_factory: pytest.TempPathFactory) -> None:
    """One for all examples."""
    FOLDER.append(tmp_path_factory.mktemp("card"))
    TRUST.append(igc.trust(FOLDER[-1]))


FOLDER: list[Path] = []
TRUST: list[CardTrust] = []


def outcome(der: bytes) -> str:
    try:
        TRUST[-1].holder(der, START)
    except CardRefused as refused:
        return refused.code
    return "accepted"


def is_refused(der: bytes) -> None:
    assert outcome(der) in CAUSES or der == igc.issued("RPPS").der


def is_refused_token(text: str) -> None:
    found = "accepted"
    try:
        TRUST[-1].authenticate(text, origin=ORIGIN, nonce=NONCE, now=START)
    except CardRefused as refused:
        found = refused.code
    assert found in CAUSES or json.loads(text) == json.loads(good())


@cache
def a_list() -> bytes:
    return igc.hierarchy().crl(revoked=[5]).public_bytes(Encoding.DER)


@cache
def good() -> str:
    return igc.token(igc.issued("RPPS"))


@MANY
@given(st.binary(max_size=2000))
def test_random_bytes(der: bytes) -> None:
    is_refused(der)


@st.composite
def mutated(draw: st.DrawFn, content: bytes) -> bytes:
    """Some bytes changed, put in or left out."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(changed) - 1))
        changed[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(changed)


@MANY
@given(st.data())
def test_mutated_certificates(data: st.DataObject) -> None:
    is_refused(data.draw(mutated(igc.issued("RPPS").der)))


@settings(max_examples=100)
@given(st.data())
def test_mutated_certificates_that_the_authority_signed(data: st.DataObject) -> None:
    """What stands behind the signature is read as carefully."""
    signed = igc.issued("RPPS").certificate.tbs_certificate_bytes
    der = igc.resigned(igc.issued("RPPS"), signed, data.draw(mutated(signed)))
    assert outcome(der) in CAUSES | {"accepted"}  # a letter of a name may have changed


@MANY
@given(st.data())
def test_mutated_revocation_lists(data: st.DataObject) -> None:
    """A file that a disk damaged is worth nothing, and stops nothing."""
    content = a_list()
    changed, file = data.draw(mutated(content)), FOLDER[-1] / "mutated.crl"
    file.write_bytes(changed)
    authority = igc.hierarchy().authority().certificate
    newest = Revocation([file], [authority]).newest(authority, START)
    assert newest is None or changed == content


@MANY
@given(st.text(max_size=300))
def test_random_text(text: str) -> None:
    is_refused_token(text)


@MANY
@given(st.data())
def test_mutated_tokens(data: st.DataObject) -> None:
    is_refused_token(data.draw(mutated(good().encode())).decode("utf-8", "replace"))


@MANY
@given(st.data())
def test_mutated_certificates_in_a_token(data: st.DataObject) -> None:
    """Their keys are used before anybody vouches for them."""
    der = data.draw(mutated(igc.issued("RPPS").der))
    is_refused_token(json.dumps({**json.loads(good()), "unverifiedCertificate": base64.b64encode(der).decode()}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@MANY
@given(st.sampled_from(["unverifiedCertificate", "algorithm", "signature", "format", "appVersion", "more"]), JSON)
def test_members_of_any_kind(name: str, value: object) -> None:
    text = json.dumps({**json.loads(good()), name: value})
    if name != "appVersion":
        is_refused_token(text)
    else:
        TRUST[-1].authenticate(text, origin=ORIGIN, nonce=NONCE, now=START)


@MANY
@given(st.binary(min_size=1, max_size=600), st.sampled_from(["RS256", "PS256", "ES256", "ES384", "ES512"]))
def test_random_signatures(signature: bytes, algorithm: str) -> None:
    is_refused_token(igc.token(igc.issued("RPPS"), algorithm, signature=signature))
