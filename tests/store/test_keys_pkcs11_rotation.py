# ruff: noqa: SIM118
"""Rotation of keys in a token: the next one is made there, and what did not come to its end leaves nothing behind."""

from datetime import timedelta

import pkcs11
import pytest
from pkcs11 import ObjectClass

from keys import ring
from keys.conformance import SignerSuite
from keys.jwks import jwks
from keys.pkcs11 import keypair
from keys.place import Place
from keys.ring import RotationRefused
from keys.signer import KeyUnavailable, UnsafeKeyFile
from tests.fakes.hsm import Hsm

NOW = SignerSuite.now
DAY = timedelta(days=1)
ANY_KID = "A" * 43


@pytest.fixture
def hsm(tmp_path):
    with Hsm.made(tmp_path / "hsm") as made:
        yield made


def rotate(signer, now=NOW, ahead=DAY, alg="ES256"):
    return signer.rotate(alg, now=now, publish_ahead=ahead, keep_after=DAY)


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
def test_a_rotation_makes_the_key_in_the_token(hsm, alg):
    before = hsm.place.create([alg], now=NOW)
    after = rotate(before, alg=alg)
    old, new = after.keys()
    assert (old.retire_at, new.not_before) == (NOW + 2 * DAY, NOW + DAY)
    assert len(before.keys()) == 1  # a signer in use does not change under its threads
    assert before.reload()
    assert before.sign(new.kid, b"input")
    assert hsm.labels() == {f"sesame {old.kid}", f"sesame {new.kid}"}


def test_a_refused_rotation_makes_no_key(hsm):
    signer = rotate(hsm.place.create(["ES256"], now=NOW))
    with pytest.raises(RotationRefused, match="under way"):
        rotate(signer)
    assert len(hsm.labels()) == 2


def test_a_rotation_at_once_uses_the_pending_key(hsm):
    signer = rotate(hsm.place.create(["ES256"], now=NOW))
    assert len(rotate(signer, NOW + DAY / 2, timedelta(0)).keys()) == 2
    assert len(hsm.labels()) == 2


def test_a_ring_that_cannot_be_written_leaves_no_key_in_the_token(hsm, monkeypatch):
    signer = hsm.place.create(["ES256"], now=NOW)

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("keys.private_directory.write", full_disk)
    with pytest.raises(OSError, match="No space"):
        rotate(signer)
    assert len(hsm.labels()) == len(signer.keys()) == 1


def test_what_a_dead_writer_left_in_the_token_goes_at_the_next_rotation(hsm):
    signer = hsm.place.create(["ES256"], now=NOW)
    (key,) = signer.keys()
    with hsm.session() as session:
        keypair.make(session, "ES256", key.kid)
    assert keypair.unfinished(key.kid) in hsm.labels()
    with hsm.used():
        rotate(signer)
    assert keypair.unfinished(key.kid) not in hsm.labels()
    assert len(hsm.labels()) == 2


def test_what_another_provider_is_making_in_the_token_is_left_alone(hsm):
    signer = hsm.place.create(["ES256"], now=NOW)
    with hsm.session() as session:
        keypair.make(session, "ES256", ANY_KID)
    with hsm.used():
        rotate(signer)
        Place(hsm.folder / "ring of a third", hsm.access).create(["ES256"], now=NOW)
    assert keypair.unfinished(ANY_KID) in hsm.labels()


@pytest.mark.parametrize("named", [0, 1, 2, 3])
def test_a_key_is_unfinished_until_it_is_named_in_all(hsm, monkeypatch, named):
    """A process that dies meanwhile leaves nothing that stays for ever."""
    signer = hsm.place.create(["ES256"], now=NOW)
    (key,), done = signer.keys(), []
    genuine = pkcs11._pkcs11.Object.__setitem__

    def set_some(self, attribute, value):
        if len(done) == named:
            raise pkcs11.exceptions.DeviceRemoved
        done.append(attribute)
        genuine(self, attribute, value)

    with hsm.session() as session:
        identity = keypair.make(session, "ES256", key.kid)
        monkeypatch.setattr(pkcs11._pkcs11.Object, "__setitem__", set_some)
        with pytest.raises(pkcs11.exceptions.DeviceRemoved):
            keypair.name(session, "ES256", identity)
        monkeypatch.undo()
    with hsm.used():
        rotate(signer)
    assert len(hsm.labels()) == 2


def test_a_ring_without_keys_gets_its_first(hsm):
    signer = hsm.place.create(["ES256"], now=NOW)
    (hsm.place.directory / "ring.json").write_text('{"version": 1, "keys": []}')
    assert [key.not_before for key in rotate(signer).keys()] == [NOW]


def test_a_key_that_the_token_has_lost_can_be_replaced(hsm):
    (lost,) = hsm.place.create(["ES256"], now=NOW).keys()
    with hsm.session() as session:
        keypair.destroy(session, lost.kid)
    with hsm.used():
        signer = hsm.place.open().withdraw(lost.kid, now=NOW + DAY, publish_ahead=DAY, keep_after=DAY)
        assert len(jwks(signer, NOW + DAY)["keys"]) == 1


def test_a_compromised_key_is_replaced_at_once(hsm):
    signer = hsm.place.create(["ES256"], now=NOW)
    (leaked,) = signer.keys()
    with pytest.raises(KeyUnavailable):
        signer.withdraw(ANY_KID, now=NOW, publish_ahead=DAY, keep_after=DAY)
    signer = signer.withdraw(leaked.kid, now=NOW + DAY, publish_ahead=DAY, keep_after=DAY)
    assert ring.active(signer.keys(), "ES256", NOW + DAY).kid != leaked.kid


def test_keys_retired_for_long_are_destroyed(hsm):
    old, new = rotate(hsm.place.create(["ES256"], now=NOW)).keys()
    signer, month = hsm.place.open(), timedelta(days=30)
    assert signer.remove_retired(now=old.retire_at + month - DAY, retired_for=month) == ()
    assert signer.remove_retired(now=old.retire_at + month, retired_for=month) == (old,)
    assert hsm.place.open().keys() == (new,)
    assert hsm.labels() == {f"sesame {new.kid}"}
    assert {label for label, _ in hsm.objects(ObjectClass.PUBLIC_KEY)} == {f"sesame {new.kid}"}


def test_a_reload_that_finds_no_token_keeps_the_keys_that_are_held(hsm):
    signer = hsm.place.create(["ES256"], now=NOW)
    rotate(signer)
    (hsm.place.directory / "ring.json").write_text(
        (hsm.place.directory / "ring.json").read_text().replace(signer.keys()[0].kid, ANY_KID)
    )
    with pytest.raises(UnsafeKeyFile, match="those held stay in use"):
        signer.reload()
    assert signer.sign(signer.keys()[0].kid, b"input")


def test_an_old_key_that_the_token_has_lost_keeps_no_new_one_from_being_read(hsm):
    old, current = rotate(hsm.place.create(["ES256"], now=NOW)).keys()
    with hsm.session() as session:
        keypair.destroy(session, old.kid)
    with hsm.used():
        signer = hsm.place.open()
        rotate(signer, NOW + 3 * DAY)
        assert signer.reload()
        assert signer.sign(current.kid, b"input")
        assert signer.sign(signer.keys()[-1].kid, b"input")
