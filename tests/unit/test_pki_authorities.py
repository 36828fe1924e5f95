"""Which authorities may vouch for cards: whatever is wrong with them stops the start, and the setting is named."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7

from demo.look_alike import ANNE, Hierarchy, Issued
from idp.pki import CardTrust
from idp.settings import SettingsError
from idp.settings.sections import Card
from tests.fakes import igc
from tests.fakes.clock import START

UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.25.5"), b"\x05\x00")
SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
    key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
)  # fmt: skip
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER


def loaded(path: Path, *, test_cards: bool = False) -> CardTrust:
    return CardTrust.load(Card(authorities=path, test_cards=test_cards))


def fault(path: Path) -> str:
    with pytest.raises(SettingsError) as refused:
        loaded(path)
    assert all(line.startswith("card.authorities: ") for line in str(refused.value).splitlines())
    return str(refused.value)


BAD: list[tuple[Callable[[], Issued], str]] = [
    (lambda: igc.hierarchy().authority("FORT", "ORGANISATIONS"), "FORT ORGANISATIONS: it issues to organisations"),
    (lambda: igc.hierarchy().root("FORT"), "AC RACINE SANTE-DEMO FORT: a root"),
    (lambda: Hierarchy.make(START, is_test=True).authority(), "ELEMENTAIRE PERSONNES: an authority of tests"),
    (lambda: igc.issued("RPPS"), f"8{ANNE}: it is not an authority"),
    (lambda: igc.authority_with(key_cert_sign=False), "it is not an authority"),
    (lambda: igc.issue(added=[(SIGNS_CERTIFICATES, True)]), "it is not an authority"),  # CA:FALSE
    (lambda: igc.issue(without=[x509.BasicConstraints.oid, x509.KeyUsage.oid]), "it is not an authority"),
    (lambda: igc.authority_with(added=((UNKNOWN, True),)), "not of the profile of RFC 5280"),
]


@pytest.mark.parametrize(("made", "named"), BAD)
def test_what_may_not_vouch_for_cards(tmp_path: Path, made: Callable[[], Issued], named: str) -> None:
    """Nor beside one that may."""
    path = igc.hierarchy().write_authorities(tmp_path / "a.pem", igc.hierarchy().authority(), made())
    assert named in fault(path)


def test_an_authority_of_tests_is_for_test_environments(tmp_path: Path) -> None:
    of_tests = Hierarchy.make(START, is_test=True)
    path = of_tests.write_authorities(tmp_path / "a.pem", of_tests.authority())
    assert len(loaded(path, test_cards=True).authorities) == 1


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    known = igc.hierarchy()
    path = known.write_authorities(tmp_path / "a.pem", known.root("FORT"), known.root("STANDARD"))
    assert len(fault(path).splitlines()) == 2


@pytest.mark.parametrize(
    "content", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_that_holds_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.pem").write_bytes(content)
    assert str(tmp_path / "a.pem") in fault(tmp_path / "a.pem")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "No such file" in fault(tmp_path / "a.pem")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "a.pem")
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail(f"{self} is read"))
    assert "not a file of at most 64 MiB" in fault(tmp_path / "a.pem")
    assert "not a file of at most 64 MiB" in fault(Path("/dev/zero"))


def test_an_empty_folder(tmp_path: Path) -> None:
    assert "no certificate in" in fault(tmp_path)


def test_none_at_all() -> None:
    with pytest.raises(SettingsError, match=r"^card\.authorities: "):
        CardTrust.load(Card())


def test_every_form_of_file(tmp_path: Path) -> None:
    """In a folder, each once; hidden files are nobody's."""
    first, second = (igc.hierarchy().authority(level).certificate for level in ("ELEMENTAIRE", "STANDARD"))
    (tmp_path / "1.pem").write_bytes(first.public_bytes(PEM) + second.public_bytes(PEM))
    (tmp_path / "2.der").write_bytes(first.public_bytes(DER))
    (tmp_path / "3.p7b").write_bytes(pkcs7.serialize_certificates([second], DER))
    (tmp_path / "4.p7b").write_bytes(pkcs7.serialize_certificates([second], PEM))
    (tmp_path / ".5.pem").write_bytes(b"an editor's")
    assert set(loaded(tmp_path).authorities) == {first, second}
    for number, found in ((2, first), (3, second), (4, second)):
        (path,) = tmp_path.glob(f"{number}.*")
        assert loaded(path).authorities == (found,)
