# ruff: noqa: SIM118
"""A directory of keys made, extended and rotated: nothing half written, one winner."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from keys import ring
from keys.algorithms import UnfitKey
from keys.conformance import SignerSuite
from keys.file import FileSigner
from keys.ring import RotationRefused
from keys.signer import KeyUnavailable, UnsafeKeyFile

NOW = SignerSuite.now
DAY = timedelta(days=1)
NAIVE = datetime(2026, 11, 21, 12, 0)  # noqa: DTZ001


@pytest.fixture
def small(tmp_path):
    """A directory with one ES256 key, quick to make."""
    FileSigner.create(tmp_path / "small", ["ES256"], now=NOW)
    return tmp_path / "small"


def test_creation_refuses_a_directory_that_is_not_empty(tmp_path):
    (tmp_path / "ring").mkdir(mode=0o700)
    (tmp_path / "ring" / ".keep").touch()
    with pytest.raises(UnsafeKeyFile, match="not empty"):
        FileSigner.create(tmp_path / "ring", ["ES256"], now=NOW)
    assert [path.name for path in (tmp_path / "ring").iterdir()] == [".keep"]


def test_creation_refuses_a_directory_open_to_others(tmp_path):
    (tmp_path / "ring").mkdir()
    (tmp_path / "ring").chmod(0o750)
    with pytest.raises(UnsafeKeyFile, match="lets group or others in"):
        FileSigner.create(tmp_path / "ring", ["ES256"], now=NOW)
    assert not list((tmp_path / "ring").iterdir())


@pytest.mark.parametrize(("algs", "error"), [(["HS256"], UnfitKey), (["ES256"] * 2, ValueError), ([], ValueError)])
def test_creation_refuses_these_algorithms(tmp_path, algs, error):
    with pytest.raises(error):
        FileSigner.create(tmp_path / "ring", algs, now=NOW)
    assert not (tmp_path / "ring").exists()


def test_creation_refuses_a_naive_now(tmp_path):
    with pytest.raises(ValueError, match="naive"):
        FileSigner.create(tmp_path / "ring", ["ES256"], now=NAIVE)
    assert not (tmp_path / "ring").exists()


def test_creation_makes_active_keys_that_only_the_owner_can_read(tmp_path):
    previous = os.umask(0)
    try:
        signer = FileSigner.create(tmp_path / "ring", now=NOW)
    finally:
        os.umask(previous)
    assert [key.alg for key in signer.keys()] == ["RS256", "PS256", "ES256"]
    assert [ring.active(signer.keys(), key.alg, NOW) for key in signer.keys()] == list(signer.keys())
    assert (tmp_path / "ring").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "ring").iterdir()} == {0o600}


def test_creation_fills_an_empty_private_directory(tmp_path):
    (tmp_path / "ring").mkdir(mode=0o700)
    assert FileSigner.create(tmp_path / "ring", ["ES256"], now=NOW).keys()


def test_one_of_two_creations_wins(tmp_path):
    def create(_):
        try:
            return FileSigner.create(tmp_path / "ring", ["ES256"], now=NOW).keys()
        except UnsafeKeyFile:
            return None

    with ThreadPoolExecutor(2) as pool:
        made = [keys for keys in pool.map(create, range(2)) if keys]
    assert made == [FileSigner(tmp_path / "ring").keys()]


def test_rotation_adds_a_key_and_is_read_back_by_others(small):
    before = FileSigner(small)
    after = before.rotate("ES256", now=NOW + DAY, publish_ahead=DAY, keep_after=2 * DAY)
    old, new = after.keys()
    assert (old.kid, old.retire_at) == (before.keys()[0].kid, NOW + 4 * DAY)
    assert (new.not_before, new.retire_at) == (NOW + 2 * DAY, None)
    assert FileSigner(small).keys() == after.keys()
    assert {path.stat().st_mode & 0o777 for path in small.iterdir()} == {0o600}
    assert len(before.keys()) == 1  # a signer in use does not change under its threads


def test_rotation_keeps_the_instant_of_another_time_zone(small):
    paris = datetime.fromisoformat("2026-11-22T13:00:00+01:00")
    rotated = FileSigner(small).rotate("ES256", now=paris, publish_ahead=DAY, keep_after=DAY)
    assert rotated.keys()[1].not_before == datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_a_second_rotation_is_refused_even_to_a_signer_that_knows_nothing_of_the_first(small):
    one, two = FileSigner(small), FileSigner(small)
    one.rotate("ES256", now=NOW, publish_ahead=DAY, keep_after=DAY)
    with pytest.raises(RotationRefused, match="under way"):
        two.rotate("ES256", now=NOW, publish_ahead=DAY, keep_after=DAY)
    assert len(FileSigner(small).keys()) == 2


def test_one_of_eight_rotations_wins_and_readers_never_see_half_of_it(small):
    signer = FileSigner(small)

    def rotate(turn):
        if turn % 2:
            return len(FileSigner(small).keys()) == 0  # loads, or raises
        try:
            return bool(signer.rotate("ES256", now=NOW, publish_ahead=DAY, keep_after=DAY))
        except RotationRefused:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(rotate, range(16))) == 1
    assert len(FileSigner(small).keys()) == 2


@pytest.mark.parametrize("step", ["replace", "fsync"])
@pytest.mark.parametrize("succeeding", [0, 1])
def test_a_failed_write_leaves_what_was_there(small, monkeypatch, step, succeeding):
    """A full disk, at the first or the second file."""
    genuine, calls = getattr(os, step), []

    def fail(*args, **kwargs):
        calls.append(args)
        if len(calls) > succeeding:
            raise OSError(28, "No space left on device")
        return genuine(*args, **kwargs)

    before = {path.name: path.read_bytes() for path in small.iterdir()}
    signer = FileSigner(small)
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space"):
        signer.rotate("ES256", now=NOW, publish_ahead=DAY, keep_after=DAY)
    assert {path.name: path.read_bytes() for path in small.iterdir()} == before


def test_the_first_key_of_an_algorithm_is_active_at_once(small):
    signer = FileSigner(small).rotate("PS256", now=NOW + DAY, publish_ahead=DAY, keep_after=DAY)
    assert ring.active(signer.keys(), "PS256", NOW + DAY).not_before == NOW + DAY
    assert signer.keys()[0] == FileSigner(small).keys()[0]


@pytest.mark.parametrize("alg", ["HS256", "none", ""])
def test_a_rotation_refuses_an_unknown_algorithm(small, alg):
    with pytest.raises(UnfitKey):
        FileSigner(small).rotate(alg, now=NOW, publish_ahead=DAY, keep_after=DAY)
    assert len(FileSigner(small).keys()) == 1


def test_a_rotation_at_once_writes_no_second_key_when_one_is_pending(small):
    pending = FileSigner(small).rotate("ES256", now=NOW, publish_ahead=DAY, keep_after=DAY).keys()[-1]
    signer = FileSigner(small).rotate("ES256", now=NOW + DAY / 2, publish_ahead=timedelta(0), keep_after=DAY)
    assert ring.active(signer.keys(), "ES256", NOW + DAY / 2).kid == pending.kid
    assert len(list(small.glob("*.pem"))) == 2


def test_what_root_writes_belongs_to_the_owner_of_the_directory(small, monkeypatch):
    given = []
    monkeypatch.setattr(os, "geteuid", lambda: small.stat().st_uid + 1)
    monkeypatch.setattr(os, "fchown", lambda file, uid, gid: given.append((uid, gid)))
    FileSigner(small).rotate("ES256", now=NOW, publish_ahead=DAY, keep_after=DAY)
    assert given == [(small.stat().st_uid, small.stat().st_gid)] * 2  # the key and the ring


def test_an_unknown_key_cannot_be_withdrawn(small):
    with pytest.raises(KeyUnavailable):
        FileSigner(small).withdraw("A" * 43, now=NOW, publish_ahead=DAY, keep_after=DAY)


def test_a_leaked_key_is_replaced_at_once(small):
    signer = FileSigner(small)
    (leaked,) = signer.keys()
    signer = signer.withdraw(leaked.kid, now=NOW + DAY, publish_ahead=DAY, keep_after=DAY)
    assert leaked.kid not in {key.kid for key in ring.published(signer.keys(), NOW + DAY)}
    assert ring.active(signer.keys(), "ES256", NOW + DAY).kid != leaked.kid


def test_keys_retired_for_long_leave_the_directory(small):
    old, new = FileSigner(small).rotate("ES256", now=NOW, publish_ahead=DAY, keep_after=DAY).keys()
    signer, month = FileSigner(small), timedelta(days=30)
    assert signer.remove_retired(now=old.retire_at + month - DAY, retired_for=month) == ()
    assert signer.remove_retired(now=old.retire_at + month, retired_for=month) == (old,)
    assert FileSigner(small).keys() == (new,)
    assert {path.name for path in small.iterdir()} == {"ring.json", f"{new.kid}.pem"}
    assert signer.remove_retired(now=old.retire_at + month, retired_for=month) == ()
