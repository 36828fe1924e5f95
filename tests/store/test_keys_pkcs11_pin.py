"""The PIN of a token: tried once, by all processes together, and shown nowhere."""

import logging
import os
import shutil
from dataclasses import replace

import pytest
from pkcs11 import TokenFlag

from keys.conformance import SignerSuite
from keys.pkcs11 import token as owners
from keys.place import Place
from keys.signer import SignerUnavailable, UnsafeKeyFile
from tests.fakes.hsm import PIN, Hsm

NOW = SignerSuite.now


@pytest.fixture
def hsm(tmp_path):
    with Hsm.made(tmp_path / "hsm") as made:
        yield made


@pytest.fixture
def signer(hsm):
    return hsm.place.create(["ES256"], now=NOW)


class Stand:
    """In the place of a module: each token that it has is put through `make`."""

    def __init__(self, library, make):
        self._library, self._make = library, make

    def get_token(self, **options):
        return self._make(self._library.get_token(**options))


class Counted:
    """A token that counts the PINs it is given."""

    def __init__(self, token, tried):
        self._token, self._tried, self.flags = token, tried, token.flags

    def open(self, **options):
        self._tried.extend([1] if "user_pin" in options else [])
        return self._token.open(**options)


def stand_in(monkeypatch, make):
    started = owners._started
    monkeypatch.setattr(owners, "_started", lambda module: Stand(started(module), make))


@pytest.fixture
def logins(monkeypatch):
    """How often a PIN was given to the token."""
    tried = []
    stand_in(monkeypatch, lambda token: Counted(token, tried))
    return tried


def rewrite(hsm, text, mode=0o600):
    hsm.pin_file.write_text(text)
    hsm.pin_file.chmod(mode)


@pytest.mark.parametrize("wrong", ["0000-wrong", "1", ""])
def test_a_wrong_pin_is_tried_once_by_all_processes_together(hsm, signer, logins, caplog, wrong):
    caplog.set_level(logging.DEBUG)
    rewrite(hsm, wrong)
    told = []
    for _ in range(5):
        with hsm.used():  # each as another process
            owners._tokens.clear()
            with pytest.raises(SignerUnavailable) as refusal:
                hsm.place.open().check()
            told.append(str(refusal.value))
    assert len(logins) == 1
    assert "refused the PIN" in told[0]
    assert all("not tried again" in each for each in told[1:])
    assert "0000-wrong" not in " ".join(told) + caplog.text
    hsm.mend_pin(hsm.place.directory)
    os.utime(hsm.pin_file, ns=(1, 1))  # as from a backup
    with hsm.used():
        hsm.place.open().check()


def test_copies_of_a_wrong_pin_are_tried_once_together(hsm, signer, logins):
    """Each service may have a copy of its own (systemd's credentials, secrets of containers)."""
    rewrite(hsm, "0000-wrong")
    copies = [hsm.folder / name for name in ("of serve", "of worker")]
    for copy in copies:
        shutil.copy2(hsm.pin_file, copy)
    for copy in copies * 3:
        with hsm.used(), pytest.raises(SignerUnavailable):
            Place(hsm.place.directory, replace(hsm.access, pin_file=copy)).open().check()
    assert len(logins) == 1
    hsm.mend_pin(hsm.place.directory)
    renewed = shutil.copy2(hsm.pin_file, copies[0])
    with hsm.used():
        Place(hsm.place.directory, replace(hsm.access, pin_file=renewed)).open().check()


def test_the_clock_of_another_machine_gives_no_second_try(hsm, signer, logins):
    """keys_dir may be on a server whose clock is slow: every PIN then looks newer than its refusal."""
    rewrite(hsm, "0000-wrong")
    for _ in range(3):
        with hsm.used(), pytest.raises(SignerUnavailable):
            hsm.place.open().check()
        os.utime(hsm.place.directory / "refused-pin", ns=(1, 1))
    assert len(logins) == 1


def test_a_full_disk_costs_no_try(hsm, signer, logins, monkeypatch):
    """What could not be remembered is not tried."""

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    rewrite(hsm, "0000-wrong")
    monkeypatch.setattr(os, "pwrite", full_disk)
    with hsm.used(), pytest.raises(SignerUnavailable, match="No space"):
        hsm.place.open().check()
    assert logins == []


@pytest.mark.parametrize("flag", [TokenFlag.USER_PIN_FINAL_TRY, TokenFlag.USER_PIN_LOCKED])
def test_no_pin_is_tried_when_one_try_is_left(hsm, signer, monkeypatch, flag):
    tried = []

    def last_try(token):
        counted = Counted(token, tried)
        counted.flags |= flag
        return counted

    stand_in(monkeypatch, last_try)
    with hsm.used(), pytest.raises(SignerUnavailable, match="one try left"):
        hsm.place.open().check()
    assert tried == []


def test_somebody_who_is_logged_in_already_proves_no_pin(hsm, signer, monkeypatch):
    """A wrong PIN is answered so too."""
    rewrite(hsm, "0000-wrong")
    logged_in = []

    def with_a_login(token):
        logged_in.append(token.open(user_pin=PIN))
        return token

    stand_in(monkeypatch, with_a_login)
    with hsm.used(), pytest.raises(SignerUnavailable, match="UserAlreadyLoggedIn"):
        hsm.place.open().check()
    assert logged_in


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_pin_that_others_can_read_is_refused(hsm, signer, logins, mode):
    hsm.pin_file.chmod(mode)
    with pytest.raises(UnsafeKeyFile, match="lets group or others in"):
        hsm.place.open()
    with hsm.used(), pytest.raises(SignerUnavailable, match="lets group or others in"):
        signer.check()
    assert logins == []


def test_the_pin_is_nowhere(hsm, signer, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    signer.check()
    shown = repr(signer) + repr(vars(signer)) + repr(vars(signer._token)) + repr(hsm.access) + caplog.text
    shown += "".join(capfd.readouterr())
    assert PIN not in shown
    assert all(PIN.encode() not in path.read_bytes() for path in hsm.place.directory.iterdir())


def test_the_refusal_that_is_remembered_tells_nothing_of_the_pin(hsm, signer):
    rewrite(hsm, "0000-wrong")
    with hsm.used(), pytest.raises(SignerUnavailable) as refusal:
        hsm.place.open().check()
    kept = (hsm.place.directory / "refused-pin").read_text()
    assert "wrong" not in kept + str(refusal.value)
    assert (hsm.place.directory / "refused-pin").stat().st_mode & 0o777 == 0o600
