"""Lists that the worker read: found without parsing, never an older one again, and none that another put there."""

import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import CertificateRevocationList as Crl

from demo.look_alike import Hierarchy
from idp.pki import CardRefused, CardTrust, crl
from idp.pki.crl import RevokedSerials
from idp.pki.index import Index
from idp.pki.serials import LIMIT, WIDTH, Serials
from idp.settings.sections import Card
from keys.seal import DataKeys
from tests.fakes import igc
from tests.fakes.clock import START

CARD = "RPPS"
KEYS = DataKeys(b"k" * 32)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def read(listed: Crl) -> RevokedSerials:
    (found,) = crl.signed(listed.public_bytes(Encoding.DER), [igc.hierarchy().authority().certificate])
    return found


def index(folder: Path, keys: DataKeys = KEYS) -> Index:
    return Index(folder / "lists", keys.mac, [igc.hierarchy().authority().certificate])


def trusting(folder: Path, **settings: Any) -> CardTrust:
    values = {**igc.write(folder), "crl_files": (), "revocation_dir": folder / "lists", **settings}
    return CardTrust.load(Card(**values), mac=KEYS.mac)


def outcome(folder: Path, **settings: Any) -> str:
    try:
        trusting(folder, **settings).holder(igc.issued(CARD).der, START)
    except CardRefused as refused:
        return refused.code
    return "accepted"


def numbered(number: int, **options: Any) -> Crl:
    """A list with this CRL number."""
    built = igc.hierarchy().crl(**options)
    builder = x509.CertificateRevocationListBuilder(built.issuer, built.last_update_utc, built.next_update_utc)
    for each in built:
        builder = builder.add_revoked_certificate(each)
    for extension in built.extensions:
        value = x509.CRLNumber(number) if isinstance(extension.value, x509.CRLNumber) else extension.value
        builder = builder.add_extension(value, critical=extension.critical)
    return builder.sign(igc.hierarchy().authority().key, hashes.SHA256())


def the_file(folder: Path) -> Path:
    (found,) = (folder / "lists").glob("*.list")
    return found


# -- serials -----------------------------------------------------------------------------------


@pytest.mark.parametrize("numbers", [[], [5], [5, 7], [0, 1, 2, LIMIT - 1], list(range(3, 300, 3))])
def test_those_that_are_listed_are_found_and_no_others(numbers: list[int]) -> None:
    serials = Serials.of(reversed(numbers))
    assert len(serials) == len(numbers)
    assert [each for each in (*range(400), LIMIT - 1, LIMIT - 2) if each in serials] == numbers


def test_what_no_list_could_hold_counts_as_revoked() -> None:
    serials = Serials.of([5, LIMIT, -1])
    assert len(serials) == 1
    assert LIMIT in serials
    assert -1 in serials


# -- the folder --------------------------------------------------------------------------------


def test_a_list_is_what_it_was(tmp_path: Path) -> None:
    wrote = read(igc.hierarchy().crl(revoked=[igc.issued(CARD), 5]))
    assert index(tmp_path).keep(wrote)
    (found,) = index(tmp_path).lists()
    told = ("authority", "since", "until", "number", "points")
    assert [getattr(found, name) for name in told] == [getattr(wrote, name) for name in told]
    assert [igc.issued(CARD).serial in found.serials, 5 in found.serials, 6 in found.serials] == [True, True, False]
    assert [each.stat().st_mode & 0o777 for each in (tmp_path / "lists", the_file(tmp_path))] == [0o700, 0o600]


def test_a_card_is_judged_by_it_without_a_list_being_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert outcome(tmp_path) == "revocation_unknown"
    index(tmp_path).keep(read(igc.hierarchy().crl(this_update=START - 2 * HOUR)))
    monkeypatch.setattr(crl, "signed", lambda *_: pytest.fail("a list is parsed"))
    assert outcome(tmp_path) == "accepted"
    monkeypatch.undo()
    index(tmp_path).keep(read(igc.hierarchy().crl(revoked=[igc.issued(CARD)])))
    monkeypatch.setattr(crl, "signed", lambda *_: pytest.fail("a list is parsed"))
    assert outcome(tmp_path) == "revoked"


def test_a_process_that_runs_sees_the_next_list(tmp_path: Path) -> None:
    trust = trusting(tmp_path)
    index(tmp_path).keep(read(igc.hierarchy().crl(this_update=START - 2 * HOUR)))
    assert trust.holder(igc.issued(CARD).der, START)
    index(tmp_path).keep(read(igc.hierarchy().crl(revoked=[igc.issued(CARD)])))
    with pytest.raises(CardRefused, match="revoked"):
        trust.holder(igc.issued(CARD).der, START)


@pytest.mark.parametrize(
    "older",
    [{"number": 1, "this_update": START - 2 * HOUR}, {"number": 1}, {"number": 2, "this_update": START - 2 * HOUR}],
)
def test_an_older_list_takes_the_place_of_none(tmp_path: Path, older: dict[str, Any]) -> None:
    """By its number, or by its date; and another process did not see the newer one come."""
    assert index(tmp_path).keep(read(numbered(2, revoked=[igc.issued(CARD)], this_update=START - HOUR)))
    assert not index(tmp_path).keep(read(numbered(**older)))
    assert outcome(tmp_path) == "revoked"


def test_a_file_of_the_settings_that_is_older_counts_no_more_after_a_restart(tmp_path: Path) -> None:
    index(tmp_path).keep(read(igc.hierarchy().crl(revoked=[igc.issued(CARD)])))
    old = igc.hierarchy().crl(this_update=START - 2 * HOUR).public_bytes(Encoding.DER)
    (tmp_path / "old.crl").write_bytes(old)
    assert outcome(tmp_path, crl_files=(tmp_path / "old.crl",)) == "revoked"


def test_a_part_does_not_take_the_place_of_another(tmp_path: Path) -> None:
    def part(address: str) -> Crl:
        point = x509.IssuingDistributionPoint(
            full_name=[x509.UniformResourceIdentifier(address)], relative_name=None, only_contains_user_certs=False,
            only_contains_ca_certs=False, only_some_reasons=None, indirect_crl=False,
            only_contains_attribute_certs=False,
        )  # fmt: skip
        return igc.hierarchy().crl(added=[(point, True)])

    for address in ("http://igc.example/1.crl", "http://igc.example/2.crl"):
        assert index(tmp_path).keep(read(part(address)))
    assert len(index(tmp_path).lists()) == 2
    assert outcome(tmp_path) == "revocation_unknown"  # the card names neither


@pytest.mark.parametrize("place", ["first", "mac", "header", "table", "cut", "longer", "empty"])
def test_a_file_that_was_changed_counts_for_nothing_and_is_told(tmp_path: Path, place: str) -> None:
    made = index(tmp_path)
    made.keep(read(igc.hierarchy().crl(revoked=[5, 7])))
    file = the_file(tmp_path)
    content = bytearray(file.read_bytes())
    at = {"first": 0, "mac": 30, "header": content.index(b'"until": ') + 9, "table": len(content) - 1}
    if place in at:
        content[at[place]] ^= 1
    elif place == "longer":
        content += bytes(WIDTH)
    else:
        del content[0 if place == "empty" else len(content) - WIDTH :]
    file.write_bytes(content)
    assert outcome(tmp_path) == "revocation_unknown"
    assert index(tmp_path).lists() == ()
    assert len(index(tmp_path).strange()) == 1
    assert index(tmp_path).keep(read(igc.hierarchy().crl()))
    assert outcome(tmp_path) == "accepted"
    assert index(tmp_path).strange() == ()


@pytest.mark.parametrize("change", ["flipped", "cut"])
def test_a_file_that_is_written_to_while_we_run_changes_nothing(tmp_path: Path, change: str) -> None:
    """What was checked is what counts: in a map of the file, the card would be on the list no more, or we would die."""
    trust = trusting(tmp_path)
    index(tmp_path).keep(read(igc.hierarchy().crl(revoked=[igc.issued(CARD), *range(1, 1000)])))
    with pytest.raises(CardRefused, match="revoked"):
        trust.holder(igc.issued(CARD).der, START)
    with the_file(tmp_path).open("r+b") as file:
        if change == "cut":
            file.truncate(10)
        else:
            file.seek(-1, os.SEEK_END)
            file.write(b"\0")
    with pytest.raises(CardRefused, match="revoked"):
        trust.holder(igc.issued(CARD).der, START)


def test_a_pipe_holds_nobody_up_and_is_told(tmp_path: Path) -> None:
    index(tmp_path).keep(read(igc.hierarchy().crl()))
    os.mkfifo(tmp_path / "lists" / "a.list")
    assert outcome(tmp_path) == "accepted"
    assert index(tmp_path).strange() == (tmp_path / "lists" / "a.list",)


def test_a_list_of_another_provider_counts_for_nothing(tmp_path: Path) -> None:
    index(tmp_path, DataKeys(b"o" * 32)).keep(read(igc.hierarchy().crl()))
    assert outcome(tmp_path) == "revocation_unknown"


def test_a_list_of_an_authority_that_is_trusted_no_more_counts_for_nothing(tmp_path: Path) -> None:
    index(tmp_path).keep(read(igc.hierarchy().crl()))
    igc.hierarchy().write_authorities(tmp_path / "fort.pem", igc.hierarchy().authority("FORT"))
    assert Index(tmp_path / "lists", KEYS.mac, [igc.hierarchy().authority("FORT").certificate]).lists() == ()


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = index(tmp_path)
    made.keep(read(igc.hierarchy().crl(revoked=[igc.issued(CARD)])))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        made.keep(read(igc.hierarchy().crl(this_update=START)))
    assert outcome(tmp_path) == "revoked"
    assert [each.suffix for each in (tmp_path / "lists").iterdir()] == [".list"]


def test_what_a_worker_that_was_killed_left_is_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = read(igc.hierarchy().crl(revoked=[igc.issued(CARD)]))
    with monkeypatch.context() as killed:
        killed.setattr(os, "fsync", lambda _: sys.exit())
        killed.setattr(Path, "unlink", lambda *_, **__: None)  # nothing of ours runs any more
        with pytest.raises(SystemExit):
            index(tmp_path).keep(listed)
    assert outcome(tmp_path) == "revocation_unknown"
    assert len(list((tmp_path / "lists").iterdir())) == 1
    assert index(tmp_path).keep(listed)
    assert outcome(tmp_path) == "revoked"
    assert [each.suffix for each in (tmp_path / "lists").iterdir()] == [".list"]


def test_of_several_workers_the_newest_list_stays(tmp_path: Path) -> None:
    newest = 12
    read_by_each = [read(numbered(each, this_update=START - (newest - each) * HOUR)) for each in range(newest + 1)]
    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(index(tmp_path).keep, each) for each in reversed(read_by_each)]:
            each.result()
    (found,) = index(tmp_path).lists()
    assert found.number == newest


def test_an_authority_that_counts_anew_is_believed_when_its_last_list_ran_out(tmp_path: Path) -> None:
    """Until then, the lower number is an older list; for ever, nobody could come in any more."""
    assert index(tmp_path).keep(read(numbered(7, this_update=START - 2 * HOUR, next_update=START)))
    assert not index(tmp_path).keep(read(numbered(1, this_update=START - MINUTE, revoked=[igc.issued(CARD)])))
    assert index(tmp_path).keep(read(numbered(1, this_update=START, revoked=[igc.issued(CARD)])))
    assert outcome(tmp_path) == "revoked"


def test_a_successor_of_the_same_name_counts_for_itself(tmp_path: Path) -> None:
    """Its numbers begin anew, and its list says nothing of the cards of the key before."""
    old, successor = igc.hierarchy(), Hierarchy.make(START)
    both = [each.authority().certificate for each in (old, successor)]
    made = Index(tmp_path / "lists", KEYS.mac, both)
    assert made.keep(read(numbered(7, revoked=[igc.issued(CARD)])))
    (later,) = crl.signed(successor.crl(this_update=START).public_bytes(Encoding.DER), both)
    assert made.keep(later)
    assert len(made.lists()) == 2
    authorities = old.write_authorities(tmp_path / "both.pem", old.authority(), successor.authority())
    assert outcome(tmp_path, authorities=authorities) == "revoked"


def test_a_folder_that_goes_away_leaves_the_list_in_force(tmp_path: Path) -> None:
    trust = trusting(tmp_path)
    index(tmp_path).keep(read(igc.hierarchy().crl()))
    assert trust.holder(igc.issued(CARD).der, START)
    shutil.rmtree(tmp_path / "lists")
    assert trust.holder(igc.issued(CARD).der, START)


def test_a_long_file_of_the_settings_is_left_to_the_worker(tmp_path: Path) -> None:
    """In PEM, padding outside the block is none of it."""
    file = tmp_path / "long.crl"
    file.write_bytes(igc.hierarchy().crl().public_bytes(Encoding.PEM))
    os.truncate(file, 1024 * 1024)
    assert outcome(tmp_path, crl_files=(file,)) == "accepted"
    os.truncate(file, 1024 * 1024 + 1)
    assert outcome(tmp_path, crl_files=(file,)) == "revocation_unknown"
