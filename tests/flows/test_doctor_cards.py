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
from idp.settings import Settings
from idp.settings.sections import Card
from tests.fakes.findings import only

Doctor = Callable[..., tuple[Level, str]]


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    """What is found with an authority made `ago`, and its list unless it is `without_list`."""

    def look(
        ago: timedelta = timedelta(0), *, without_list: bool = False, issuer: str = "https://idp.example", **card: Any
    ) -> tuple[Level, str]:
        made = Hierarchy.make(datetime.now(UTC) - ago)
        authorities = made.write_authorities(tmp_path / "a.pem", made.authority())
        since = datetime.now(UTC) - timedelta(hours=1)
        (tmp_path / "a.crl").write_bytes(made.crl(revoked=[5], this_update=since).public_bytes(Encoding.DER))
        lists = () if without_list else (tmp_path / "a.crl",)
        section = Card(**{"authorities": authorities, "crl_files": lists, **card})
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


def test_an_authority_that_runs_out_soon_is_a_warning(doctor: Doctor) -> None:
    level, text = doctor(timedelta(days=9 * 365 - 89, hours=-1))
    assert (level, "89 days left" in text) == (Level.WARN, True)


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
