"""The look-alike hierarchy has the shape of the one of health professionals' cards, and none of its names."""

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from demo.look_alike import ANNE, LEVELS
from idp.domain.national_id import has_luhn_key
from tests.fakes import igc


def test_its_names_are_its_own() -> None:
    known = igc.hierarchy()
    made = [*(known.root(level) for level in LEVELS), *(known.authority(level, "ORGANISATIONS") for level in LEVELS)]
    names = {issued.certificate.subject.rfc4514_string() for issued in made}
    assert len(names) == 6
    assert not any(theirs in name for theirs in ("IGC", "ASIP", "187512751") for name in names)


def test_the_third_rdn_of_a_card_holds_three_attributes() -> None:
    rdns = igc.issued("RPPS").certificate.subject.rdns
    assert [len(rdn) for rdn in rdns] == [1, 1, 3]
    assert {attribute.oid for attribute in rdns[2]} == {NameOID.GIVEN_NAME, NameOID.COMMON_NAME, NameOID.SURNAME}


def test_a_card_has_one_certificate_to_log_in_with_and_one_to_sign_with() -> None:
    login, signature = (igc.issued(name).certificate.extensions for name in ("RPPS", "signature"))
    assert set(login.get_extension_for_class(x509.ExtendedKeyUsage).value) == {
        ExtendedKeyUsageOID.CLIENT_AUTH,
        ExtendedKeyUsageOID.SMARTCARD_LOGON,
    }
    assert login.get_extension_for_class(x509.KeyUsage).value.digital_signature
    usage = signature.get_extension_for_class(x509.KeyUsage)
    assert (usage.critical, usage.value.content_commitment, usage.value.digital_signature) == (True, True, False)


def test_the_number_of_the_demo_has_its_key() -> None:
    assert has_luhn_key(ANNE)
