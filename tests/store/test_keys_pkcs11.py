# ruff: noqa: SIM118
"""Keys in a token: the suite of every signer, what is refused, and a rotation that makes its key in the token."""

import json
import sys
from datetime import timedelta
from typing import Any

import pkcs11
import pytest
from pkcs11 import Attribute, KeyType, ObjectClass

from keys import ring
from keys.algorithms import UnfitKey
from keys.conformance import SignerSuite
from keys.jwks import jwks
from keys.pkcs11 import keypair
from keys.place import Place
from keys.ring import KeyState, RotationRefused
from keys.signer import KeyUnavailable, SignerUnavailable, UnsafeKeyFile
from tests.fakes.hsm import Hsm

NOW = SignerSuite.now
DAY = timedelta(days=1)
ANY_KID = "A" * 43


class TestPkcs11Signer(SignerSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def signer(cls, tmp_path_factory):
        with Hsm.made(tmp_path_factory.mktemp("hsm")) as hsm:
            yield hsm.place.create(now=NOW)


class TestPkcs11SignerInRotation(SignerSuite):
    """Every state at once."""

    now = NOW + 3.5 * DAY

    @pytest.fixture(scope="class")
    @classmethod
    def signer(cls, tmp_path_factory):
        with Hsm.made(tmp_path_factory.mktemp("hsm")) as hsm:
            signer = hsm.place.create(["ES256"], now=NOW)
            for days in (0, 2, 4):
                signer = signer.rotate("ES256", now=NOW + days * DAY, publish_ahead=DAY, keep_after=DAY)
            states = [ring.state(key, signer.keys(), cls.now) for key in signer.keys()]
            assert states == [KeyState.RETIRED, KeyState.RETIRING, KeyState.ACTIVE, KeyState.PENDING]
            yield signer


@pytest.fixture
def hsm(tmp_path):
    with Hsm.made(tmp_path / "hsm") as made:
        yield made


def rotate(signer, now=NOW, ahead=DAY, alg="ES256"):
    return signer.rotate(alg, now=now, publish_ahead=ahead, keep_after=DAY)


def in_token(hsm: Hsm) -> set[str]:
    """Labels of the private keys."""
    return {label for label, _ in hsm.objects(ObjectClass.PRIVATE_KEY)}


def edit(hsm: Hsm, **member: Any) -> None:
    path = hsm.place.directory / "ring.json"
    document = json.loads(path.read_text())
    document["keys"][0].update(member)
    path.write_text(json.dumps(document))


# The keys


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256"])
def test_a_private_key_is_born_in_the_token_and_cannot_leave_it(hsm, alg):
    (key,) = hsm.place.create([alg], now=NOW).keys()
    with hsm.session() as session:
        (private,) = list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}))
        assert private[Attribute.LABEL] == f"sesame {key.kid}"
        for attribute in (
            Attribute.SENSITIVE,
            Attribute.ALWAYS_SENSITIVE,
            Attribute.NEVER_EXTRACTABLE,
            Attribute.LOCAL,
        ):
            assert private[attribute] is True
        assert private[Attribute.EXTRACTABLE] is False
        assert [private[each] for each in (Attribute.DECRYPT, Attribute.UNWRAP)] == [False, False]
        secret = Attribute.VALUE if alg == "ES256" else Attribute.PRIVATE_EXPONENT
        with pytest.raises(pkcs11.exceptions.PKCS11Error):
            _ = private[secret]


def test_the_directory_holds_dates_only(hsm):
    hsm.place.create(now=NOW)
    assert {path.name for path in hsm.place.directory.iterdir()} == {"ring.json", "refused-pin"}
    assert (hsm.place.directory / "refused-pin").read_text().startswith("tried")
    entries = json.loads((hsm.place.directory / "ring.json").read_text())["keys"]
    assert {name for entry in entries for name in entry} == {"kid", "alg", "not_before", "retire_at"}


@pytest.mark.parametrize("attributes", [{Attribute.EXTRACTABLE: True}, {Attribute.SENSITIVE: False}])
def test_a_key_that_may_leave_the_token_is_refused(hsm, monkeypatch, attributes):
    monkeypatch.setattr(keypair, "BOUND", keypair.BOUND | attributes)
    monkeypatch.setattr(keypair, "ASKED", tuple({*keypair.ASKED, *attributes}))
    monkeypatch.setattr(keypair, "find", lambda *_: None)
    hsm.place.create(["ES256"], now=NOW)
    monkeypatch.undo()
    with hsm.used(), pytest.raises(SignerUnavailable, match="may leave the token"):
        hsm.place.open().check()


def test_an_imported_key_is_refused(hsm):
    """It was outside once."""
    (key,) = hsm.place.create(["ES256"], now=NOW).keys()
    with hsm.session() as session:
        for found in list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY})):
            found.destroy()
        hsm.import_key(session, keypair._identity(key.kid))
    with hsm.used(), pytest.raises(SignerUnavailable, match="CKA_LOCAL"):
        hsm.place.open().check()


def test_a_key_that_the_token_has_lost_is_refused_and_the_others_sign(hsm):
    signer = hsm.place.create(["ES256", "RS256"], now=NOW)
    lost, kept = signer.keys()
    with hsm.session() as session:
        keypair.destroy(session, lost.kid)
    with hsm.used():
        signer = hsm.place.open()
        with pytest.raises(SignerUnavailable, match="0 private"):
            signer.sign(lost.kid, b"input")
        assert signer.sign(kept.kid, b"input")


@pytest.mark.spec("RFC 7638 §3")
def test_a_key_under_the_name_of_another_is_refused(hsm):
    (key,) = hsm.place.create(["ES256"], now=NOW).keys()
    with hsm.session() as session:
        for found in list(session.get_objects({Attribute.LABEL: f"sesame {key.kid}"})):
            found[Attribute.ID] = keypair._identity(ANY_KID)
    edit(hsm, kid=ANY_KID)
    with hsm.used(), pytest.raises(SignerUnavailable, match="not the one that the ring names"):
        hsm.place.open().check()


def test_a_key_that_does_not_fit_its_algorithm_is_refused(hsm):
    hsm.place.create(["ES256"], now=NOW)
    edit(hsm, alg="RS256")
    with pytest.raises(SignerUnavailable, match="needs an RSA key"):
        hsm.place.open().check()


def test_an_unknown_algorithm_is_refused(hsm):
    with pytest.raises(UnfitKey):
        hsm.place.create(["HS256"], now=NOW)
    hsm.place.create(["ES256"], now=NOW)
    edit(hsm, alg="none")
    with pytest.raises(UnsafeKeyFile, match="unknown algorithm"):
        hsm.place.open()


def test_an_unknown_file_is_refused(hsm):
    hsm.place.create(["ES256"], now=NOW)
    (hsm.place.directory / f"{ANY_KID}.pem").touch()
    with pytest.raises(UnsafeKeyFile, match="unknown file"):
        hsm.place.open()


def test_keys_are_created_in_an_empty_directory(hsm):
    hsm.place.create(["ES256"], now=NOW)
    before = in_token(hsm)
    with hsm.used(), pytest.raises(UnsafeKeyFile, match="not empty"):
        hsm.place.create(["ES256"], now=NOW)
    assert in_token(hsm) == before


def test_the_jwks_of_a_token_is_public(hsm):
    published = jwks(hsm.place.create(now=NOW), NOW)["keys"]
    assert [set(jwk) & {"d", "p", "q", "dp", "dq", "qi", "k", "oth"} for jwk in published] == [set()] * 3


# Rotation


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
def test_a_rotation_makes_the_key_in_the_token(hsm, alg):
    before = hsm.place.create([alg], now=NOW)
    after = rotate(before, alg=alg)
    old, new = after.keys()
    assert (old.retire_at, new.not_before) == (NOW + 2 * DAY, NOW + DAY)
    assert len(before.keys()) == 1  # a signer in use does not change under its threads
    assert before.reload()
    assert before.sign(new.kid, b"input")
    assert in_token(hsm) == {f"sesame {old.kid}", f"sesame {new.kid}"}


def test_a_refused_rotation_makes_no_key(hsm):
    signer = rotate(hsm.place.create(["ES256"], now=NOW))
    with pytest.raises(RotationRefused, match="under way"):
        rotate(signer)
    assert len(in_token(hsm)) == 2


def test_a_rotation_at_once_uses_the_pending_key(hsm):
    signer = rotate(hsm.place.create(["ES256"], now=NOW))
    assert len(rotate(signer, NOW + DAY / 2, timedelta(0)).keys()) == 2
    assert len(in_token(hsm)) == 2


def test_a_ring_that_cannot_be_written_leaves_no_key_in_the_token(hsm, monkeypatch):
    signer = hsm.place.create(["ES256"], now=NOW)

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("keys.private_directory.write", full_disk)
    with pytest.raises(OSError, match="No space"):
        rotate(signer)
    assert len(in_token(hsm)) == len(signer.keys()) == 1


def test_what_a_dead_writer_left_in_the_token_goes_at_the_next_rotation(hsm):
    signer = hsm.place.create(["ES256"], now=NOW)
    with hsm.session() as session:
        session.generate_keypair(KeyType.RSA, 1024, label=keypair.UNFINISHED, store=True)
    with hsm.used():
        rotate(signer)
    assert keypair.UNFINISHED not in in_token(hsm)
    assert len(in_token(hsm)) == 2


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
    assert in_token(hsm) == {f"sesame {new.kid}"}
    assert {label for label, _ in hsm.objects(ObjectClass.PUBLIC_KEY)} == {f"sesame {new.kid}"}


def test_a_reload_that_finds_no_token_keeps_the_keys_that_are_held(hsm):
    signer = hsm.place.create(["ES256"], now=NOW)
    rotate(signer)
    edit(hsm, kid=ANY_KID)
    with pytest.raises(UnsafeKeyFile, match="those held stay in use"):
        signer.reload()
    assert signer.sign(signer.keys()[0].kid, b"input")


def test_without_the_extra_the_way_out_is_told(hsm, monkeypatch):
    monkeypatch.setitem(sys.modules, "keys.pkcs11.signer", None)
    with pytest.raises(UnsafeKeyFile, match=r"sesame-idp\[hsm\]"):
        Place(hsm.place.directory, hsm.access).open()
