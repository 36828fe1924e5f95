"""The mechanism that fits the key and the token; each signature is checked with the certificate's public key."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from card_reader import web_eid
from card_reader.card import CardError, State
from card_reader.conformance import NONCE, ORIGIN, PIN
from card_reader.simulated import SimulatedCard
from card_reader.watch import Watch
from tests.fakes.card_benches import SoftHsmBench, VirtualBench, hierarchy
from tests.fakes.softhsm import AUTHENTICATION_ID, Held
from tests.fakes.virtual_card.piv import AUTHENTICATION

CURVES = [(ec.SECP256R1(), "ES256", 64), (ec.SECP384R1(), "ES384", 96), (ec.SECP521R1(), "ES512", 132)]


@pytest.mark.parametrize(("curve", "algorithm", "length"), CURVES)
def test_ecdsa_on_a_token(softhsm_bench: SoftHsmBench, curve: ec.EllipticCurve, algorithm: str, length: int) -> None:
    issued = hierarchy().issue(key=ec.generate_private_key(curve))
    softhsm_bench.insert_token(algorithm, (Held.usual(AUTHENTICATION_ID, issued),))
    token = softhsm_bench.card.sign(PIN, ORIGIN, NONCE)
    assert token.algorithm == algorithm
    assert len(base64.b64decode(token.signature)) == length
    web_eid.check(token, ORIGIN, NONCE)


@pytest.mark.parametrize(("curve", "algorithm", "length"), CURVES)
def test_ecdsa_on_the_simulated_card(curve: ec.EllipticCurve, algorithm: str, length: int) -> None:
    issued = hierarchy().issue(key=ec.generate_private_key(curve))
    card = SimulatedCard()
    card.insert(issued.certificate, issued.key, PIN)
    token = card.sign(PIN, ORIGIN, NONCE)
    assert token.algorithm == algorithm
    assert len(base64.b64decode(token.signature)) == length


@pytest.mark.parametrize(("curve", "algorithm"), [each[:2] for each in CURVES[:2]])
def test_ecdsa_on_a_card(virtual_bench: VirtualBench, curve: ec.EllipticCurve, algorithm: str) -> None:
    virtual_bench.reader.make(algorithm, {AUTHENTICATION: hierarchy().issue(key=ec.generate_private_key(curve))}, PIN)
    virtual_bench.reader.insert(algorithm)
    with Watch(virtual_bench.card, every_s=0.02) as watch:
        watch.wait_until(lambda seen: seen.state is State.PRESENT, timeout_s=10)
    assert virtual_bench.card.sign(PIN, ORIGIN, NONCE).algorithm == algorithm


@pytest.mark.spec("RFC 8017 §8.1")
def test_pss_where_the_token_has_nothing_else(
    tmp_path, tokens, monkeypatch: pytest.MonkeyPatch, softhsm_bench: SoftHsmBench
) -> None:
    bench = SoftHsmBench(tmp_path / "pss", tokens, mechanisms="CKM_RSA_PKCS,CKM_SHA256_RSA_PKCS_PSS")
    monkeypatch.setenv("SOFTHSM2_CONF", str(bench.configuration))
    bench.insert()
    token = bench.card.sign(PIN, ORIGIN, NONCE)
    assert token.algorithm == "PS256"
    web_eid.check(token, ORIGIN, NONCE)


def test_a_token_without_a_mechanism_for_the_key(
    tmp_path, tokens, monkeypatch: pytest.MonkeyPatch, softhsm_bench: SoftHsmBench
) -> None:
    bench = SoftHsmBench(tmp_path / "none", tokens, mechanisms="CKM_RSA_PKCS,CKM_ECDSA")
    monkeypatch.setenv("SOFTHSM2_CONF", str(bench.configuration))
    bench.insert()
    with pytest.raises(CardError) as refused:
        bench.card.sign(PIN, ORIGIN, NONCE)
    assert refused.value.code == "unsupported"


def test_a_curve_that_web_eid_does_not_know() -> None:
    issued = hierarchy().issue(key=ec.generate_private_key(ec.SECP256K1()))
    card = SimulatedCard()
    card.insert(issued.certificate, issued.key, PIN)
    with pytest.raises(CardError) as refused:
        card.sign(PIN, ORIGIN, NONCE)
    assert refused.value.code == "unsupported"
