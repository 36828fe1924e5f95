"""The certificate is chosen by what it says of itself, the key by its CKA_ID; a label proves nothing."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from card_reader import certificates, web_eid
from card_reader.card import CardError, State
from card_reader.conformance import NONCE, ORIGIN, PIN
from card_reader.watch import Watch
from demo.look_alike import Issued
from tests.fakes.card_benches import SoftHsmBench, VirtualBench, hierarchy
from tests.fakes.clock import START
from tests.fakes.softhsm import AUTHENTICATION_ID, SIGNATURE_ID, Held

AUTHENTICATION_LABELS = ("Certificat d'Authentification CPS", "CPS_PRIV_AUT")


def _for_tls_only() -> tuple[x509.ExtensionType, bool]:
    return x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False


def test_a_signature_certificate_under_the_label_of_the_other_is_not_used(softhsm_bench: SoftHsmBench) -> None:
    signature = hierarchy().issue(purpose="signature", level="FORT")
    softhsm_bench.insert_token("mislabelled", (Held(AUTHENTICATION_ID, signature, AUTHENTICATION_LABELS),))
    assert softhsm_bench.card.look().code == "no_certificate"


def test_labels_may_be_anything(softhsm_bench: SoftHsmBench) -> None:
    own, signature = hierarchy().issue(), hierarchy().issue(purpose="signature", level="FORT")
    held = (Held(SIGNATURE_ID, own, ("", "")), Held(AUTHENTICATION_ID, signature, AUTHENTICATION_LABELS))
    softhsm_bench.insert_token("other-labels", held)
    web_eid.check(softhsm_bench.card.sign(PIN, ORIGIN, NONCE), ORIGIN, NONCE)


def test_of_two_keys_of_the_same_id_none_is_taken(softhsm_bench: SoftHsmBench) -> None:
    own = hierarchy().issue()
    twice = tuple(Held(AUTHENTICATION_ID, own, (label, label)) for label in ("a", "b"))
    softhsm_bench.insert_token("two-keys", twice)
    with pytest.raises(CardError, match="2 private keys") as refused:
        softhsm_bench.card.sign(PIN, ORIGIN, NONCE)
    assert refused.value.code == "failed"


class Unreadable(Issued):
    """A certificate of a version that does not exist."""

    @property
    def der(self) -> bytes:
        return super().der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07", 1)


def test_a_certificate_that_cannot_be_read_is_passed_over(softhsm_bench: SoftHsmBench) -> None:
    broken = hierarchy().issue()
    held = Held.usual(SIGNATURE_ID, Unreadable(broken.certificate, broken.key))
    softhsm_bench.insert_token("unreadable", (held,))
    assert softhsm_bench.card.look().code == "no_certificate"
    softhsm_bench.insert()
    assert softhsm_bench.card.look().state is State.PRESENT


def test_what_was_seen_before_is_not_what_signs(softhsm_bench: SoftHsmBench) -> None:
    """Polling does not read a card again and again; signing does."""
    softhsm_bench.insert()
    softhsm_bench.card.look()
    read = softhsm_bench.card._read
    for slot in read:
        read[slot] = (hierarchy().issue(given_name="LÉO").certificate, SIGNATURE_ID)
    assert softhsm_bench.card.look().holder == "LÉO PIERRE"
    web_eid.check(softhsm_bench.card.sign(PIN, ORIGIN, NONCE), ORIGIN, NONCE)
    softhsm_bench.remove()
    softhsm_bench.card.look()
    assert read == {}


def test_a_card_of_which_nothing_is_known(virtual_bench: VirtualBench) -> None:
    """As a bank's is."""
    virtual_bench.reader.make("bank", {}, PIN, is_piv=False)
    virtual_bench.reader.insert("bank")
    with Watch(virtual_bench.card, every_s=0.02) as watch:
        seen = watch.wait_until(lambda seen: seen.state is not State.ABSENT, timeout_s=10)
    assert (seen.state, seen.code) == (State.UNREADABLE, "no_certificate")


def test_one_card_in_two_slots_is_one_card(softhsm_bench: SoftHsmBench) -> None:
    own = (Held.usual(AUTHENTICATION_ID, hierarchy().issue()),)
    softhsm_bench.insert_token("slot-1", own)
    softhsm_bench.insert_token("slot-2", own)
    assert softhsm_bench.card.look().state is State.PRESENT
    web_eid.check(softhsm_bench.card.sign(PIN, ORIGIN, NONCE), ORIGIN, NONCE)


def test_of_several_the_one_for_logons_then_the_newest() -> None:
    technical = hierarchy().issue(added=[_for_tls_only()], valid_from=START).certificate
    old = hierarchy().issue(valid_from=START - timedelta(days=900)).certificate
    new = hierarchy().issue(valid_from=START - timedelta(days=9)).certificate
    assert certificates.authentication([old, technical, new]) == new
    assert certificates.authentication([new, old]) == new
    assert certificates.authentication([technical]) == technical


@pytest.mark.spec("RFC 5280 §4.2.1.12")
def test_what_is_not_for_client_authentication() -> None:
    other_usage = (
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.SMARTCARD_LOGON]),
        False,
    )
    unusable = [
        hierarchy().issue(purpose="signature").certificate,
        hierarchy().issue(without=[ExtensionOID.EXTENDED_KEY_USAGE]).certificate,
        hierarchy().issue(added=[other_usage]).certificate,
        hierarchy().issue(purpose="signature", added=[_for_tls_only()]).certificate,  # its key may not sign a challenge
    ]
    assert [certificates.authentication([each]) for each in unusable] == [None] * 4
    assert certificates.authentication([hierarchy().issue(without=[ExtensionOID.KEY_USAGE]).certificate])


def test_the_holder_is_who_the_certificate_names() -> None:
    assert (
        certificates.holder(hierarchy().issue(given_name="ZOÉ", family_name="L'HÉRITIER").certificate)
        == "ZOÉ L'HÉRITIER"
    )
    country = x509.Name([x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "FR")])
    nameless = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "3330000019/9001")])
    assert certificates.holder(hierarchy().issue(subject=nameless).certificate) == "3330000019/9001"
    assert certificates.holder(hierarchy().issue(subject=country, upn=None).certificate) == ""
