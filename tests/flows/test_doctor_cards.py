"""`sesame doctor` on the authorities of cards and their revocation lists."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from demo.look_alike import Hierarchy
from idp.cli.doctor import CHECKS, cards
from idp.cli.doctor.finding import Level
from idp.pki import crl
from idp.pki.index import Index
from idp.settings import Settings
from idp.settings.sections import Card
from keys.seal import DataKeys
from tests.fakes.findings import only

pytestmark = pytest.mark.embedded  # asks nothing of a store

Doctor = Callable[..., tuple[Level, str]]


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    """What is found with an authority made `ago`, and its list unless it is `without_list`."""

    def look(
        ago: timedelta = timedelta(0),
        *,
        without_list: bool = False,
        lasted: timedelta = timedelta(hours=1),
        issuer: str = "https://idp.example",
        **card: Any,
    ) -> tuple[Level, str]:
        made = Hierarchy.make(datetime.now(UTC) - ago)
        authorities = made.write_authorities(tmp_path / "a.pem", made.authority())
        since = datetime.now(UTC) - lasted
        (tmp_path / "a.crl").write_bytes(made.crl(revoked=[5], this_update=since).public_bytes(Encoding.DER))
        lists = () if without_list else (tmp_path / "a.crl",)
        folder = tmp_path / "lists"
        section = Card(**{"authorities": authorities, "crl_files": lists, "revocation_dir": folder, **card})
        return only(cards.authorities(Settings(issuer=issuer, card=section)))

    return look


def test_it_is_among_the_checks() -> None:
    assert cards.authorities in CHECKS


def test_an_authority_with_a_list_is_well(doctor: Doctor) -> None:
    level, text = doctor()
    assert level is Level.OK
    assert text == "AC SANTE-DEMO ELEMENTAIRE PERSONNES: 3284 days left"


def test_an_authority_without_a_list_fails(doctor: Doctor) -> None:
    level, text = doctor(without_list=True)
    assert level is Level.FAIL
    assert "AC SANTE-DEMO ELEMENTAIRE PERSONNES: no revocation list" in text


def test_a_list_of_the_worker_is_one(tmp_path: Path) -> None:
    """Known by the secret of the settings; another's, or without it, is not, and is told."""
    made = Hierarchy.make(datetime.now(UTC))
    section = Card(
        authorities=made.write_authorities(tmp_path / "a.pem", made.authority()), revocation_dir=tmp_path / "l"
    )
    (tmp_path / "secret").write_bytes(b"k" * 32)
    (tmp_path / "secret").chmod(0o600)
    settings = Settings(issuer="https://idp.example", card=section, secret_file=tmp_path / "secret")
    authority = made.authority().certificate
    (listed,) = crl.signed(made.crl(revoked=[5, 7]).public_bytes(Encoding.DER), [authority])
    Index(tmp_path / "l", DataKeys(b"k" * 32).mac, [authority]).keep(listed)
    levels = {each.text: each.level for each in cards.authorities(settings)}
    assert set(levels.values()) == {Level.OK}
    assert any("PERSONNES: 2 revoked, a list of 20" in text for text in levels)
    (tmp_path / "secret").write_bytes(b"o" * 32)
    found = {each.level: each.text for each in cards.authorities(settings)}
    assert "no revocation list" in found[Level.FAIL]
    assert "1 files are not lists of this provider" in found[Level.WARN]


def test_a_list_that_was_not_replaced_is_a_warning(doctor: Doctor) -> None:
    """It is good for a week: 41 hours are less than a quarter of it."""
    level, text = doctor(lasted=timedelta(days=5, hours=7))
    assert (level, "its list runs out on" in text) == (Level.WARN, True)
    assert doctor(lasted=timedelta(days=5, hours=5))[0] is Level.OK


def test_where_a_responder_is_asked_too_a_list_that_is_missing_is_a_warning(doctor: Doctor) -> None:
    named = [{"authority": "AC SANTE-DEMO ELEMENTAIRE PERSONNES", "ocsp": "http://ocsp.example/"}]
    level, text = doctor(without_list=True, revocation=["crl", "ocsp"], addresses=named)
    assert (level, "its responder alone is asked" in text) == (Level.WARN, True)
    assert doctor(without_list=True, revocation=["ocsp"], addresses=named)[0] is Level.OK


def test_an_authority_that_nobody_can_be_asked_about_fails(doctor: Doctor, tmp_path: Path) -> None:
    made = Hierarchy.make(datetime.now(UTC))
    both = made.write_authorities(tmp_path / "two.pem", made.authority(), made.authority("FORT"))
    named = [{"authority": "AC SANTE-DEMO FORT PERSONNES", "ocsp": "http://ocsp.example/"}]
    level, text = doctor(authorities=both, revocation=["ocsp"], addresses=named)
    assert (level, text.startswith("AC SANTE-DEMO ELEMENTAIRE PERSONNES: no OCSP responder")) == (Level.FAIL, True)


def test_the_degraded_mode_is_a_warning(doctor: Doctor) -> None:
    level, text = doctor(revocation_max_age_h=12)
    assert (level, "for 12 hours after it ran out" in text) == (Level.WARN, True)


def test_addresses_of_an_authority_that_is_not_trusted_fail(doctor: Doctor) -> None:
    level, text = doctor(addresses=[{"authority": "AC SANTE-DEMO FORT ORGANISATIONS"}])
    assert (level, text.startswith("card.addresses: AC SANTE-DEMO FORT ORGANISATIONS: not one of")) == (
        Level.FAIL,
        True,
    )


def test_an_authority_that_runs_out_soon_is_a_warning(doctor: Doctor) -> None:
    level, text = doctor(timedelta(days=9 * 365 - 59, hours=-1))
    assert (level, "59 days left" in text) == (Level.WARN, True)


def test_an_authority_that_ran_out_fails(doctor: Doctor) -> None:
    level, text = doctor(timedelta(days=9 * 365, hours=1))
    assert (level, "valid until" in text) == (Level.FAIL, True)


def test_authorities_that_cannot_be_read_fail(doctor: Doctor, tmp_path: Path) -> None:
    level, text = doctor(authorities=tmp_path / "none.pem")
    assert (level, text.startswith("card.authorities: No such file")) == (Level.FAIL, True)


def test_test_cards_where_people_work_are_a_warning(doctor: Doctor) -> None:
    level, text = doctor(test_cards=True)
    assert (level, "card.test_cards" in text) == (Level.WARN, True)
    assert doctor(test_cards=True, issuer="http://localhost:8000")[0] is Level.OK


def test_cards_without_authorities_fail_where_the_method_is_offered() -> None:
    assert list(cards.authorities(Settings(issuer="https://idp.example"))) == []
    level, text = only(cards.authorities(Settings(issuer="https://idp.example", methods=("cps_card",))))
    assert (level, text.startswith("card.authorities: ")) == (Level.FAIL, True)
