# ruff: noqa: SIM118
"""Keys in a directory: what is refused, what is kept, and the suite of every signer."""

import json
import os
import shutil
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from keys import algorithms, ring
from keys.conformance import SignerSuite
from keys.file import FileSigner
from keys.ring import KeyState
from keys.signer import UnsafeKeyFile

NOW = SignerSuite.now
DAY = timedelta(days=1)
NAIVE = datetime(2026, 11, 21, 12, 0)  # noqa: DTZ001
ANY_KID = "A" * 43


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    """A directory as `create` leaves it; tests that alter it take a copy."""
    directory = tmp_path_factory.mktemp("keys") / "ring"
    FileSigner.create(directory, ("RS256", "PS256", "ES256"), now=NOW)
    return directory


@pytest.fixture
def directory(pristine, tmp_path):
    return shutil.copytree(pristine, tmp_path / "ring")


@pytest.fixture
def small(tmp_path):
    """A directory with one ES256 key, quick to make."""
    FileSigner.create(tmp_path / "small", ["ES256"], now=NOW)
    return tmp_path / "small"


def pem(private, kind=PrivateFormat.PKCS8, encryption=None):
    return private.private_bytes(Encoding.PEM, kind, encryption or NoEncryption())


def write(path, content):
    path.write_bytes(content)
    path.chmod(0o600)


def install(tmp_path, alg, content, kid=ANY_KID):
    """A directory written by hand, with one key."""
    directory = tmp_path / "by_hand"
    directory.mkdir(mode=0o700)
    write(directory / f"{kid}.pem", content)
    entry = {"kid": kid, "alg": alg, "not_before": NOW.isoformat(), "retire_at": None}
    write(directory / "ring.json", json.dumps({"version": 1, "keys": [entry]}).encode())
    return directory


def edit_ring(directory, change):
    path = directory / "ring.json"
    document = json.loads(path.read_bytes())
    change(document)
    write(path, json.dumps(document).encode())


def first_pem(directory):
    return min(directory.glob("*.pem"))


class TestFileSigner(SignerSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def signer(cls, pristine):
        return FileSigner(pristine)


class TestFileSignerInRotation(SignerSuite):
    """Every state at once."""

    now = NOW + 3.5 * DAY

    @pytest.fixture(scope="class")
    @classmethod
    def signer(cls, tmp_path_factory):
        signer = FileSigner.create(tmp_path_factory.mktemp("keys") / "ring", ["ES256"], now=NOW)
        for days in (0, 2, 4):
            signer = signer.rotate("ES256", now=NOW + days * DAY, publish_ahead=DAY, keep_after=DAY)
        states = [ring.state(key, signer.keys(), cls.now) for key in signer.keys()]
        assert states == [KeyState.RETIRED, KeyState.RETIRING, KeyState.ACTIVE, KeyState.PENDING]
        return signer


# Refusals of the directory


def test_a_missing_directory_is_refused(tmp_path):
    with pytest.raises(UnsafeKeyFile, match="No such file"):
        FileSigner(tmp_path / "nowhere")


def test_a_linked_directory_is_refused(directory, tmp_path):
    (tmp_path / "link").symlink_to(directory)
    with pytest.raises(UnsafeKeyFile, match="not a directory"):
        FileSigner(tmp_path / "link")


@pytest.mark.parametrize("bit", [0o040, 0o020, 0o010, 0o004, 0o002, 0o001])
def test_a_directory_open_to_others_is_refused(directory, bit):
    directory.chmod(0o700 | bit)
    with pytest.raises(UnsafeKeyFile, match="lets group or others in"):
        FileSigner(directory)


@pytest.mark.parametrize("name", ["note.txt", ".hidden", "B" * 42 + ".pem", ".other.json.tmp", "ring.json~"])
def test_an_unknown_file_is_refused(directory, name):
    write(directory / name, b"")
    with pytest.raises(UnsafeKeyFile, match="unknown file"):
        FileSigner(directory)


@pytest.mark.parametrize("name", ["B" * 43 + ".pem", "." + "B" * 43 + ".pem.tmp", ".ring.json.tmp"])
def test_what_a_dead_writer_left_stops_neither_readers_nor_the_next_writer(small, name):
    before = FileSigner(small).keys()
    write(small / name, b"half a f")
    assert FileSigner(small).keys() == before
    rotated = FileSigner(small).rotate("ES256", now=NOW, publish_ahead=DAY, keep_after=DAY)
    assert FileSigner(small).keys() == rotated.keys()


# Refusals of a file


@pytest.mark.parametrize("bit", [0o040, 0o020, 0o010, 0o004, 0o002, 0o001])
@pytest.mark.parametrize("find", [first_pem, lambda directory: directory / "ring.json"])
def test_a_file_open_to_others_is_refused(directory, find, bit):
    find(directory).chmod(0o600 | bit)
    with pytest.raises(UnsafeKeyFile, match="lets group or others in"):
        FileSigner(directory)


@pytest.mark.parametrize("find", [first_pem, lambda directory: directory / "ring.json"])
def test_a_missing_file_is_refused(directory, find):
    find(directory).unlink()
    with pytest.raises(UnsafeKeyFile, match="No such file"):
        FileSigner(directory)


@pytest.mark.parametrize("find", [first_pem, lambda directory: directory / "ring.json"])
def test_a_linked_file_is_refused(directory, tmp_path, find):
    path = find(directory)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeKeyFile, match="not a file that can be opened"):
        FileSigner(directory)


def test_a_pipe_is_refused_without_waiting_for_a_writer(directory):
    path = first_pem(directory)
    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(UnsafeKeyFile, match="not a plain file"):
        FileSigner(directory)


# Refusals of the ring's metadata


@pytest.mark.parametrize("content", [
    b"", b"\xff", b"{", b"[]", b"null", b"{}", b'{"version": 1}', b'{"version": 1, "keys": 3}',
    b'{"version": 1, "keys": [3]}', b'{"version": 1, "keys": [{}]}', b"[" * 100_000,
])  # fmt: skip
def test_a_malformed_ring_is_refused(directory, content):
    write(directory / "ring.json", content)
    with pytest.raises(UnsafeKeyFile, match=r"ring\.json: malformed"):
        FileSigner(directory)


@pytest.mark.parametrize(("member", "value"), [
    ("kid", "../" + "A" * 40),
    ("kid", "A" * 42),
    ("kid", "A" * 43 + "\0"),
    ("kid", 3),
    ("alg", 3),
    ("not_before", "2026-11-21T12:00:00"),  # naive
    ("not_before", "yesterday"),
    ("not_before", 3),
    ("retire_at", "2026-11-22T12:00:00"),
    ("unknown", 3),
])  # fmt: skip
def test_a_malformed_entry_is_refused(directory, member, value):
    edit_ring(directory, lambda document: document["keys"][0].update({member: value}))
    with pytest.raises(UnsafeKeyFile, match=r"ring\.json: malformed"):
        FileSigner(directory)


def test_an_unknown_version_is_refused(directory):
    edit_ring(directory, lambda document: document.update(version=2))
    with pytest.raises(UnsafeKeyFile, match="unknown version"):
        FileSigner(directory)


def test_a_key_listed_twice_is_refused(directory):
    edit_ring(directory, lambda document: document["keys"].append(document["keys"][0]))
    with pytest.raises(UnsafeKeyFile, match="twice"):
        FileSigner(directory)


# Refusals of a key


@pytest.mark.parametrize(("alg", "make", "reason"), [
    ("RS256", lambda: rsa.generate_private_key(65537, 1024), "too short"),
    ("PS256", lambda: rsa.generate_private_key(65537, 2040), "too short"),
    ("RS256", lambda: ec.generate_private_key(ec.SECP256R1()), "needs an RSA key"),
    ("PS256", lambda: ec.generate_private_key(ec.SECP256R1()), "needs an RSA key"),
    ("ES256", lambda: ec.generate_private_key(ec.SECP384R1()), "needs a key on P-256"),
    ("ES256", lambda: ec.generate_private_key(ec.SECP256K1()), "needs a key on P-256"),
    ("ES256", lambda: rsa.generate_private_key(65537, 2048), "needs a key on P-256"),
    ("ES256", ed25519.Ed25519PrivateKey.generate, "needs a key on P-256"),
    ("RS256", ed25519.Ed25519PrivateKey.generate, "needs an RSA key"),
    ("HS256", lambda: ec.generate_private_key(ec.SECP256R1()), "unknown algorithm"),
    ("none", lambda: ec.generate_private_key(ec.SECP256R1()), "unknown algorithm"),
])  # fmt: skip
def test_a_key_that_does_not_fit_its_algorithm_is_refused(tmp_path, alg, make, reason):
    with pytest.raises(UnsafeKeyFile, match=reason):
        FileSigner(install(tmp_path, alg, pem(make())))


@pytest.mark.parametrize("content", [
    b"",
    pem(ec.generate_private_key(ec.SECP256R1()), PrivateFormat.TraditionalOpenSSL),
    pem(ec.generate_private_key(ec.SECP256R1()), encryption=BestAvailableEncryption(b"secret")),
])  # fmt: skip
def test_what_is_not_a_plain_pkcs8_key_is_refused(tmp_path, content):
    with pytest.raises(UnsafeKeyFile, match="not an unencrypted PKCS#8"):
        FileSigner(install(tmp_path, "ES256", content))


UNKNOWN_KIND = "MC4CAQAwBQYDK2V/BCIEI" + "A" * 43  # Ed25519's form under an object identifier that nobody uses


@pytest.mark.parametrize("content", ["AAAA", UNKNOWN_KIND])
def test_a_key_that_cannot_be_parsed_is_refused(tmp_path, content):
    content = f"-----BEGIN PRIVATE KEY-----\n{content}\n-----END PRIVATE KEY-----\n".encode()
    with pytest.raises(UnsafeKeyFile, match=f"{ANY_KID}.pem"):
        FileSigner(install(tmp_path, "ES256", content))


@pytest.mark.spec("RFC 7638 §3")
def test_a_key_under_another_name_is_refused(tmp_path):
    with pytest.raises(UnsafeKeyFile, match="not named after the key"):
        FileSigner(install(tmp_path, "ES256", pem(ec.generate_private_key(ec.SECP256R1()))))


def test_a_key_whose_signatures_do_not_verify_is_refused(directory, monkeypatch):
    monkeypatch.setattr(algorithms, "sign", lambda alg, key, signing_input: bytes(64))
    with pytest.raises(UnsafeKeyFile, match="does not verify"):
        FileSigner(directory)


# What a signer is


def test_the_directory_is_read_once(directory):
    signer = FileSigner(directory)
    shutil.rmtree(directory)
    assert all(signer.sign(key.kid, b"input") for key in signer.keys())


def test_nothing_that_a_signer_shows_holds_key_material(small):
    signer = FileSigner(small)
    (held,) = signer._content.held.values()
    secret = held.private.private_numbers().private_value
    shown = repr(signer) + repr(vars(signer)) + repr(signer.keys())
    assert repr(signer) == f"FileSigner({str(small)!r}, 1 keys)"
    assert "PrivateKey" not in shown
    assert str(secret) not in shown
    assert f"{secret:x}" not in shown
