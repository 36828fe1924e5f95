"""Logins that ask OpenSSL's responder, on loopback; the clock is the machine's, as the responder's is."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.look_alike import Hierarchy, Issued
from idp.outgoing import Outgoing
from idp.pki import CardRefused, CardTrust, ocsp
from idp.settings import sections
from tests.fakes import igc
from tests.fakes.ocsp import FOR_OCSP, openssl
from tests.fakes.servers import free_port
from tests.fakes.site import Site, answer

pytestmark = pytest.mark.embedded  # asks nothing of a store

NAME = "AC SANTE-DEMO ELEMENTAIRE PERSONNES"


class Place:
    """A hierarchy of now, two cards, and one who answers in the authority's name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known = known = Hierarchy.make(datetime.now(UTC))
        self.card = known.issue(key=igc.holder_key())
        self.lost = known.issue(key=igc.holder_key())
        self.delegate = known.issue(key=igc.holder_key(), added=(FOR_OCSP,))
        self.states = {self.card.serial: "V", self.lost.serial: "R"}

    def trust(self, url: str, **settings: Any) -> CardTrust:
        authorities = self.known.write_authorities(self.folder / "a.pem", self.known.authority())
        addresses = [{"authority": NAME, "ocsp": url}]
        given = {"authorities": authorities, "addresses": addresses, "revocation": ["ocsp"], **settings}
        made = Outgoing(sections.Outgoing.model_validate({"allowed_networks": ["127.0.0.0/8"]}))
        return CardTrust.load(sections.Card.model_validate(given), outgoing=made)

    def outcome(self, url: str, card: Issued | None = None, *, later: float = 0, **settings: Any) -> str:
        try:
            now = datetime.now(UTC) + timedelta(seconds=later)
            self.trust(url, **settings).holder((card or self.card).der, now)
        except CardRefused as refused:
            return refused.code
        return "accepted"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_good_revoked_and_unknown(place: Place) -> None:
    stranger = place.known.issue(key=igc.holder_key())
    with openssl(place.folder, place.known.authority(), place.delegate, place.states) as url:
        assert place.outcome(url, ocsp_nonce_required=True) == "accepted"
        assert place.outcome(url, place.lost) == "revoked"
        assert place.outcome(url, stranger) == "revocation_unknown"


def test_the_authority_may_answer_itself(place: Place) -> None:
    authority = place.known.authority()
    with openssl(place.folder, authority, authority, place.states, "-resp_key_id") as url:
        assert place.outcome(url) == "accepted"
        assert place.outcome(url, place.lost) == "revoked"


def test_a_card_answers_for_no_other(place: Place) -> None:
    with openssl(place.folder, place.known.authority(), place.card, place.states) as url:
        assert place.outcome(url) == "revocation_unknown"


def test_an_answer_whose_signature_is_wrong(place: Place) -> None:
    with openssl(place.folder, place.known.authority(), place.delegate, place.states, "-badsig") as url:
        assert place.outcome(url) == "revocation_unknown"
        assert place.outcome(url, place.lost) == "revocation_unknown"


def test_an_answer_that_is_stale(place: Place) -> None:
    """Of now, good for a minute; asked by who lives an hour later."""
    with openssl(place.folder, place.known.authority(), place.delegate, place.states, "-nmin", "1") as url:
        assert place.outcome(url) == "accepted"
        assert place.outcome(url, later=59) == "accepted"
        assert place.outcome(url, later=3600) == "revocation_unknown"


def test_one_that_is_away_slow_or_sends_elsewhere(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocsp, "TIMEOUT_S", 0.3)
    assert place.outcome(f"http://127.0.0.1:{free_port()}/") == "revocation_unknown"
    with Site(None, is_silent=True).running() as silent:
        began = time.monotonic()
        assert place.outcome(f"http://127.0.0.1:{silent.port}/") == "revocation_unknown"
        assert time.monotonic() - began < 3
    with openssl(place.folder, place.known.authority(), place.delegate, place.states) as url:
        moved = answer(b"", f"Location: {url}", status=307)
        with Site(None, pieces=lambda: [moved]).running() as elsewhere:
            assert place.outcome(f"http://127.0.0.1:{elsewhere.port}/") == "revocation_unknown"


def test_questions_beyond_those_that_may_be_under_way_do_not_wait_for_ever(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocsp, "TIMEOUT_S", 0.05)
    monkeypatch.setattr(ocsp, "AT_ONCE", 0)
    with Site(None).running() as site:
        assert place.outcome(f"http://127.0.0.1:{site.port}/") == "revocation_unknown"
        assert site.received == []
