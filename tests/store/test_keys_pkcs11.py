# ruff: noqa: SIM118
"""Keys in a token: the suite of every signer, and what is refused."""

import json
import sys
from datetime import timedelta
from typing import Any

import pkcs11
import pytest
from pkcs11 import Attribute, ObjectClass

from keys import ring
from keys.algorithms import UnfitKey
from keys.conformance import SignerSuite
from keys.jwks import jwks
from keys.pkcs11 import keypair
from keys.place import Place
from keys.ring import KeyState
from keys.signer import SignerUnavailable, UnsafeKeyFile
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


def edit(hsm: Hsm, **member: Any) -> None:
    path = hsm.place.directory / "ring.json"
    document = json.loads(path.read_text())
    document["keys"][0].update(member)
    path.write_text(json.dumps(document))


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
            Attribute.PRIVATE,
            Attribute.TOKEN,
            Attribute.SIGN,
        ):
            assert private[attribute] is True
        for attribute in (Attribute.EXTRACTABLE, Attribute.DECRYPT, Attribute.UNWRAP, Attribute.DERIVE):
            assert private[attribute] is False
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
    before = hsm.labels()
    with hsm.used(), pytest.raises(UnsafeKeyFile, match="not empty"):
        hsm.place.create(["ES256"], now=NOW)
    assert hsm.labels() == before


def test_the_jwks_of_a_token_is_public(hsm):
    published = jwks(hsm.place.create(now=NOW), NOW)["keys"]
    assert [set(jwk) & {"d", "p", "q", "dp", "dq", "qi", "k", "oth"} for jwk in published] == [set()] * 3


def test_without_the_extra_the_way_out_is_told(hsm, monkeypatch):
    monkeypatch.setitem(sys.modules, "keys.pkcs11.signer", None)
    with pytest.raises(UnsafeKeyFile, match=r"sesame-idp\[hsm\]"):
        Place(hsm.place.directory, hsm.access).open()
