"""The secret file as a ring of data keys: old files are read as before, keys are added and never lost."""

import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from keys import data_ring
from keys.data_ring import append, parse
from keys.signer import UnsafeKeyFile

SECRET = bytes(range(32))
ONE = b"1:" + base64.urlsafe_b64encode(SECRET).rstrip(b"=")
TWO = b"2:" + base64.urlsafe_b64encode(bytes(32)).rstrip(b"=")
THREE = b"3:" + base64.urlsafe_b64encode(b"3" * 32)  # padded


@pytest.fixture
def path(tmp_path):
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "secret").chmod(0o600)
    return tmp_path / "secret"


@pytest.mark.parametrize("content", [b"", bytes(31), b"x" * 31])
def test_a_short_secret_is_refused(content):
    with pytest.raises(UnsafeKeyFile, match="32 bytes"):
        parse(content)


@pytest.mark.parametrize("content", [
    b"1:" + b"x" * 10,
    b"1:" + b"!" * 43,
    ONE + b"\nsecret",
    ONE + b"\n\n" + TWO,
    ONE + b"\r\n" + TWO,
    ONE + b"\n0" + TWO,
])  # fmt: skip
def test_a_malformed_line_is_refused_and_not_shown(content):
    with pytest.raises(UnsafeKeyFile, match=r"line \d: not a line") as refusal:
        parse(content)
    assert ONE.decode() not in str(refusal.value)


@pytest.mark.parametrize("content", [b"\n".join([ONE, THREE, TWO]), b"\n".join([ONE, TWO, TWO])])
def test_kids_only_grow(content):
    with pytest.raises(UnsafeKeyFile, match="line 3: kids only grow"):
        parse(content)


@pytest.mark.parametrize("content", [TWO, b"\n".join([TWO, THREE])])
def test_a_ring_without_its_first_line_is_refused(content):
    with pytest.raises(UnsafeKeyFile, match="key 1 is missing"):
        parse(content)


@pytest.mark.parametrize("content", [SECRET, b"s" * 48, b"a:b\n" * 12, b"\xff" * 40, b"9" * 50])
def test_a_raw_secret_is_the_first_key(content):
    assert parse(content) == {1: content}


def test_a_ring_is_read_oldest_first_and_later_keys_may_be_gone():
    assert list(parse(b"\n".join([ONE, TWO, THREE])).items()) == [(1, SECRET), (2, bytes(32)), (3, b"3" * 32)]
    assert parse(b"\n".join([ONE, THREE])) == {1: SECRET, 3: b"3" * 32}


def test_a_key_is_appended_and_what_was_there_stays(path):
    assert [append(path), append(path)] == [2, 3]
    found = parse(data_ring.read(path))
    assert (list(found), found[1]) == ([1, 2, 3], SECRET)
    assert len({*found.values()}) == 3
    assert {len(secret) for secret in found.values()} == {32}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["secret"]


def test_keys_appended_at_once_are_all_kept(path):
    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(lambda _: append(path), range(8))) == list(range(2, 10))
    assert list(parse(data_ring.read(path))) == list(range(1, 10))


def test_a_full_disk_leaves_the_file_as_it_was(path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        append(path)
    assert (path.read_bytes(), [each.name for each in path.parent.iterdir()]) == (SECRET, ["secret"])


def test_the_file_keeps_its_owner_when_root_appends(path, monkeypatch):
    given = []
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    monkeypatch.setattr(os, "fchown", lambda file, uid, gid: given.append((uid, gid)))
    append(path)
    assert given == [(path.stat().st_uid, path.stat().st_gid)]


@pytest.mark.parametrize("spoil", [
    lambda path: path.chmod(0o640),
    lambda path: path.unlink(),
    lambda path: path.write_bytes(ONE + b"\nsecret"),
    lambda path: path.write_bytes(TWO),
])  # fmt: skip
def test_a_file_that_cannot_be_trusted_gets_no_key(path, spoil):
    spoil(path)
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(UnsafeKeyFile):
        append(path)
    assert (path.read_bytes() if path.exists() else None) == before


@pytest.mark.parametrize("spoil", [lambda path: path.chmod(0o640), lambda path: path.unlink()])
def test_a_file_that_is_missing_or_open_to_others_is_not_read(path, spoil):
    spoil(path)
    with pytest.raises(UnsafeKeyFile):
        data_ring.read(path)
