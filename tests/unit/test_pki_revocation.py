"""Revocation lists: only a full one of the card's authority, signed by it and in force, lets anybody in."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from demo.look_alike import Hierarchy, Issued
from idp.pki import CardRefused, CardTrust
from tests.fakes import igc
from tests.fakes.clock import START

CARD = "RPPS"
Crl = x509.CertificateRevocationList


def point(**stated: object) -> list[tuple[x509.ExtensionType, bool]]:
    fields = {
        "full_name": None, "relative_name": None, "only_contains_user_certs": False, "only_contains_ca_certs": False,
        "only_some_reasons": None, "indirect_crl": False, "only_contains_attribute_certs": False,
    }  # fmt: skip
    return [(x509.IssuingDistributionPoint(**{**fields, **stated}), True)]  # type: ignore[arg-type]


RELATIVE = x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, "part")])


def part(*addresses: str) -> list[tuple[x509.ExtensionType, bool]]:
    return point(full_name=[x509.UniformResourceIdentifier(each) for each in addresses])


def of_the_card() -> str:
    """Where its certificate says that its list is."""
    (stated,) = igc.issued(CARD).certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert stated.full_name
    return str(stated.full_name[0].value)


def trusting(folder: Path, *lists: Crl, encoding: Encoding = Encoding.DER) -> CardTrust:
    """Only these lists."""
    trusted = igc.trust(folder, crl_files=[folder / "lists"])
    (folder / "lists").mkdir(exist_ok=True)
    for number, each in enumerate(lists):
        (folder / "lists" / f"{number}.crl").write_bytes(each.public_bytes(encoding))
    return trusted


def outcome(trusted: CardTrust, **later: float) -> str:
    try:
        trusted.holder(igc.issued(CARD).der, START + timedelta(**later))
    except CardRefused as refused:
        return refused.code
    return "accepted"


def unchanged() -> Crl:
    return igc.hierarchy().crl()


def of_another() -> Crl:
    known = igc.hierarchy()
    return known.crl(known.authority("STANDARD"))


def with_reasons() -> Crl:
    return igc.hierarchy().crl(added=point(only_some_reasons=frozenset({x509.ReasonFlags.key_compromise})))


WORTHLESS: dict[str, Callable[[], Crl]] = {
    "of another authority": of_another,
    "of another authority of that name": lambda: Hierarchy.make(START).crl(),
    "signed by another": lambda: igc.hierarchy().crl(signer=igc.holder_key()),
    "signed by it in the name of another": lambda: igc.hierarchy().crl(
        Issued(igc.hierarchy().authority("STANDARD").certificate, igc.hierarchy().authority().key)
    ),
    "signed with SHA-1": lambda: x509.load_der_x509_crl(igc.with_sha1(unchanged())),
    "past its next update": lambda: igc.hierarchy().crl(this_update=START - timedelta(days=2), next_update=START),
    "not yet in force": lambda: igc.hierarchy().crl(this_update=START + timedelta(minutes=1)),
    "delta": lambda: igc.hierarchy().crl(added=[(x509.DeltaCRLIndicator(1), True)]),
    "indirect": lambda: igc.hierarchy().crl(added=point(indirect_crl=True)),
    "of some reasons": with_reasons,
    "of authorities": lambda: igc.hierarchy().crl(added=point(only_contains_ca_certs=True)),
    "delta, which does not say that it matters": lambda: igc.hierarchy().crl(
        added=[(x509.DeltaCRLIndicator(1), False)]
    ),
    "of authorities, which does not say that it matters": lambda: igc.hierarchy().crl(
        added=[(point(only_contains_ca_certs=True)[0][0], False)]
    ),
    "of a part that the card is not of": lambda: igc.hierarchy().crl(added=part("http://igc.example/other.crl")),
    "of a part by a relative name": lambda: igc.hierarchy().crl(added=point(relative_name=RELATIVE)),
    "of attribute certificates": lambda: igc.hierarchy().crl(added=point(only_contains_attribute_certs=True)),
    "with a critical extension that we do not know": lambda: igc.hierarchy().crl(
        added=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("2.25.5"), b"\x05\x00"), True)]
    ),
}


@pytest.mark.parametrize("name", WORTHLESS)
def test_a_list_that_is_worth_nothing(tmp_path: Path, name: str) -> None:
    assert outcome(trusting(tmp_path, WORTHLESS[name]())) == "revocation_unknown"


def test_no_list(tmp_path: Path) -> None:
    assert outcome(igc.trust(tmp_path, crl_files=[])) == "revocation_unknown"
    assert outcome(igc.trust(tmp_path, crl_files=[tmp_path / "none.crl"])) == "revocation_unknown"


@pytest.mark.parametrize("content", [b"", b"nothing", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"])
def test_a_file_that_holds_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.crl").write_bytes(content)
    assert outcome(igc.trust(tmp_path, crl_files=[tmp_path / "a.crl"])) == "revocation_unknown"


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(self: Path) -> None:
        raise PermissionError(self)

    trusted = trusting(tmp_path, unchanged())
    monkeypatch.setattr(Path, "iterdir", closed)
    assert outcome(trusted) == "revocation_unknown"


def test_a_list_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    """Its issuer has a bit string for a name: that is seen only when the name is asked for."""
    broken = unchanged().public_bytes(Encoding.DER).replace(b"\x0c\x0bSESAME-DEMO", b"\x03\x0bSESAME-DEMO")
    trusted = trusting(tmp_path, unchanged(), unchanged())
    (tmp_path / "lists" / "0.crl").write_bytes(broken)
    assert outcome(trusted) == "accepted"


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_a_full_list_of_the_authority(tmp_path: Path, encoding: Encoding) -> None:
    known = igc.hierarchy()
    assert outcome(trusting(tmp_path, known.crl(), encoding=encoding)) == "accepted"
    listed = known.crl(revoked=[5, igc.issued(CARD), 7])
    assert outcome(trusting(tmp_path, listed, encoding=encoding)) == "revoked"


def test_a_list_of_persons_alone_is_full(tmp_path: Path) -> None:
    assert outcome(trusting(tmp_path, igc.hierarchy().crl(added=point(only_contains_user_certs=True)))) == "accepted"


def test_a_list_of_a_part_is_for_the_certificates_that_name_it(tmp_path: Path) -> None:
    """However new another part's is (RFC 5280 §6.3.3 b.2.i)."""
    known, before = igc.hierarchy(), START - timedelta(hours=2)
    own = part("ldap://igc.example/a", of_the_card())
    other = known.crl(added=part("http://igc.example/other.crl"))
    assert outcome(trusting(tmp_path, known.crl(added=own, this_update=before), other)) == "accepted"
    listed = known.crl(added=own, this_update=before, revoked=[igc.issued(CARD)])
    assert outcome(trusting(tmp_path, listed, other)) == "revoked"


@pytest.mark.parametrize("points", [None, [x509.DistributionPoint(None, RELATIVE, None, None)]])
def test_a_certificate_that_names_no_part_needs_a_full_list(
    tmp_path: Path, points: list[x509.DistributionPoint] | None
) -> None:
    added = [(x509.CRLDistributionPoints(points), False)] if points else []
    der = igc.issue(without=[x509.CRLDistributionPoints.oid], added=added).der
    with pytest.raises(CardRefused, match="revocation_unknown"):
        trusting(tmp_path, igc.hierarchy().crl(added=part(of_the_card()))).holder(der, START)
    assert trusting(tmp_path, unchanged()).holder(der, START)


def test_the_lists_of_others_are_not_the_authoritys(tmp_path: Path) -> None:
    """A point that names who signs its lists (cRLIssuer)."""
    another = [x509.DirectoryName(igc.hierarchy().root("FORT").certificate.subject)]
    where = x509.DistributionPoint([x509.UniformResourceIdentifier(of_the_card())], None, None, another)
    der = igc.issue(added=[(x509.CRLDistributionPoints([where]), False)]).der
    with pytest.raises(CardRefused, match="revocation_unknown"):
        trusting(tmp_path, igc.hierarchy().crl(added=part(of_the_card()))).holder(der, START)


def test_several_lists_in_one_file(tmp_path: Path) -> None:
    known = igc.hierarchy()
    both = b"".join(each.public_bytes(Encoding.PEM) for each in (of_another(), known.crl(revoked=[igc.issued(CARD)])))
    (tmp_path / "all.pem").write_bytes(both)
    assert outcome(igc.trust(tmp_path, crl_files=[tmp_path / "all.pem"])) == "revoked"


def test_the_newest_list_counts(tmp_path: Path) -> None:
    """Whatever the order of the files: a card that was held is let in again, and one that is new on the list is not."""
    older = igc.hierarchy().crl(revoked=[igc.issued(CARD)], this_update=START - timedelta(days=1))
    assert outcome(trusting(tmp_path, older, unchanged())) == "accepted"
    assert outcome(trusting(tmp_path, unchanged(), older)) == "accepted"


def test_a_list_that_ran_out_makes_no_older_one_the_last(tmp_path: Path) -> None:
    known = igc.hierarchy()
    newer = known.crl(revoked=[igc.issued(CARD)], next_update=START + timedelta(hours=1))
    trusted = trusting(tmp_path, newer, known.crl(this_update=START - timedelta(days=1)))
    assert outcome(trusted) == "revoked"
    assert outcome(trusted, minutes=90) == "revocation_unknown"


def test_an_older_list_in_the_place_of_the_newer_takes_back_nothing(tmp_path: Path) -> None:
    trusted = trusting(tmp_path, igc.hierarchy().crl(revoked=[igc.issued(CARD)]))
    assert outcome(trusted) == "revoked"
    trusting(tmp_path, igc.hierarchy().crl(this_update=START - timedelta(hours=20)))
    assert outcome(trusted) == "revoked"


def test_a_list_of_the_next_minute_is_waited_for_with_the_one_before(tmp_path: Path) -> None:
    """The authority's clock is ahead of ours, and the file has the new list alone."""
    trusted = trusting(tmp_path, unchanged())
    assert outcome(trusted) == "accepted"
    trusting(tmp_path, igc.hierarchy().crl(revoked=[igc.issued(CARD)], this_update=START + timedelta(seconds=30)))
    assert outcome(trusted) == "accepted"
    assert outcome(trusted, seconds=30) == "revoked"


@pytest.mark.parametrize("content", [None, b"", b"\x30\x82"])
def test_a_file_that_is_damaged_or_gone_leaves_its_list_in_force(tmp_path: Path, content: bytes | None) -> None:
    trusted = trusting(tmp_path, igc.hierarchy().crl(next_update=START + timedelta(hours=1)))
    assert outcome(trusted) == "accepted"
    (tmp_path / "lists" / "0.crl").unlink()
    if content is not None:
        (tmp_path / "lists" / "0.crl").write_bytes(content)
    assert outcome(trusted, minutes=59) == "accepted"
    assert outcome(trusted, minutes=60) == "revocation_unknown"


@pytest.mark.parametrize("device", [None, Path("/dev/zero")])
def test_what_is_no_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: Path | None
) -> None:
    """Nobody writes into the pipe, and the device never ends."""
    os.mkfifo(tmp_path / "pipe")
    trusted = igc.trust(tmp_path, crl_files=[device or tmp_path / "pipe"])
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail(f"{self} is read"))
    assert outcome(trusted) == "revocation_unknown"


def test_a_file_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    trusted = trusting(tmp_path, unchanged(), encoding=Encoding.PEM)
    os.truncate(tmp_path / "lists" / "0.crl", 64 * 1024 * 1024 + 1)
    assert outcome(trusted) == "revocation_unknown"
    os.truncate(tmp_path / "lists" / "0.crl", 64 * 1024 * 1024)
    assert outcome(trusted) == "accepted"


def test_a_list_runs_out_while_we_run(tmp_path: Path) -> None:
    trusted = trusting(tmp_path, igc.hierarchy().crl(next_update=START + timedelta(hours=1)))
    assert outcome(trusted, minutes=59) == "accepted"
    assert outcome(trusted, minutes=60) == "revocation_unknown"


def test_a_list_that_is_replaced_is_seen_at_the_next_login(tmp_path: Path) -> None:
    trusted = trusting(tmp_path, unchanged())
    assert outcome(trusted) == "accepted"
    trusting(tmp_path, igc.hierarchy().crl(revoked=[igc.issued(CARD)]))
    assert outcome(trusted) == "revoked"


def test_a_list_that_ran_out_is_read_again_although_the_file_seems_the_same(tmp_path: Path) -> None:
    """A copy that keeps times and size, onto the same file."""
    trusted = trusting(tmp_path, igc.hierarchy().crl(next_update=START + timedelta(hours=1)))
    file = tmp_path / "lists" / "0.crl"
    before = file.stat()
    assert outcome(trusted) == "accepted"
    file.write_bytes(igc.hierarchy().crl(next_update=START + timedelta(hours=2)).public_bytes(Encoding.DER))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert outcome(trusted, minutes=90) == "accepted"


def test_a_file_that_did_not_change_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trusted = trusting(tmp_path, unchanged())
    assert outcome(trusted) == "accepted"
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail(f"{self} is read again"))
    assert outcome(trusted, minutes=10) == "accepted"


def test_a_list_that_ran_out_is_not_read_at_every_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be long, and nobody has proven anything yet."""
    trusted = trusting(tmp_path, igc.hierarchy().crl(next_update=START + timedelta(hours=1)))
    assert outcome(trusted, minutes=90) == "revocation_unknown"
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail(f"{self} is read again"))
    assert outcome(trusted, minutes=90, seconds=59) == "revocation_unknown"


def test_an_authority_that_may_not_sign_lists_has_none(tmp_path: Path) -> None:
    trusted = trusting(tmp_path, unchanged())
    igc.hierarchy().write_authorities(tmp_path / "authorities.pem", igc.authority_with(crl_sign=False))
    assert outcome(CardTrust.load(trusted.settings)) == "revocation_unknown"
    igc.hierarchy().write_authorities(tmp_path / "authorities.pem", igc.authority_with())
    assert outcome(CardTrust.load(trusted.settings)) == "accepted"
