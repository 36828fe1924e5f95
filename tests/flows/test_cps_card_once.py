"""What a card signed is good once, in one login; and whatever else is posted is answered by a sentence."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from idp.methods.cps_card import CpsCard
from idp.pki import CardHolder, CardTrust
from tests.fakes import card, igc
from tests.fakes.card import RPPS, asked, begin, failures, luc, present, said, send, signed
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty, answer_of


@pytest.fixture
def provider(start: Callable[..., Provider], tmp_path: Path) -> Provider:
    made = card.provider(start, tmp_path)
    made.add_account("anne.pierre", rpps=RPPS)
    return made


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return RelyingParty(provider, "ror")


# -- single use --------------------------------------------------------------------------------


def test_a_token_is_good_once(provider: Provider, rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    form = signed(rp, page)
    bad = {**form, "token": form["token"].replace("web-eid:1.0", "web-eid:9.0")}
    assert said("token_malformed") in send(rp, page, bad).text
    assert said("challenge_expired") in send(rp, page, form).text
    del form["nonce"]
    assert said("signature_wrong") in send(rp, page, form).text
    assert not provider.events("login.succeeded")


def test_after_the_login_it_opens_nothing_more(provider: Provider, rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    form = signed(rp, page)
    assert "code" in answer_of(send(rp, page, form))
    assert send(rp, page, form).status_code == 410


@pytest.mark.parametrize("is_same_browser", [True, False])
def test_a_token_of_another_login_is_refused(provider: Provider, rp: RelyingParty, is_same_browser: bool) -> None:
    stolen = signed(rp, begin(rp, rp.open_login()))["token"]
    thief = RelyingParty(provider, "card", rp.browser if is_same_browser else provider.browser())
    page = begin(thief, thief.open_login())
    answer = send(thief, page, {**asked(thief, page), "token": stolen})
    assert said("signature_wrong") in answer.text


def test_a_login_of_another_browser_takes_no_token(provider: Provider, rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    form = signed(rp, page)
    thief = RelyingParty(provider, "ror")
    own = asked(thief, begin(thief, thief.open_login()))
    assert thief.browser.post(page, data={**form, "csrf": own["csrf"]}).status_code == 403


def test_two_tabs_share_one_login_and_the_older_begins_again(provider: Provider, rp: RelyingParty) -> None:
    path = rp.open_login()
    older = signed(rp, begin(rp, path))
    newer = signed(rp, begin(rp, path))
    assert newer["nonce"] != older["nonce"]
    answer = send(rp, f"{path}/cps_card", older)
    assert said("challenge_expired") in answer.text
    assert failures(provider) == []
    assert "code" in answer_of(present(rp, path))


def test_looking_again_changes_nothing(provider: Provider, rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    assert asked(rp, page) == asked(rp, page)


class TwoAtOnce:
    """Lets two requests read a card before either may go on."""

    def __init__(self, trust: CardTrust | None) -> None:
        self._trust, self._barrier = trust, threading.Barrier(2)

    def authenticate(self, *args: Any, **kwargs: Any) -> CardHolder:
        assert self._trust
        found = self._trust.authenticate(*args, **kwargs)
        self._barrier.wait(10)
        return found


def test_sent_twice_at_once_it_counts_once(provider: Provider, rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    form, cookie = signed(rp, page), rp.browser.get_cookie("__Host-sesame-browser")
    assert cookie
    answers: list[TestResponse] = []
    racing = provider.with_services(card_trust=TwoAtOnce(provider.services.card_trust))
    browsers = [racing.browser() for _ in range(2)]

    def send(browser: FlaskClient) -> None:
        answers.append(browser.post(page, data=form))

    for browser in browsers:
        browser.set_cookie("__Host-sesame-browser", cookie.value, secure=True)
    threads = [threading.Thread(target=send, args=(browser,)) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    assert len(provider.events("login.succeeded")) == 1


# -- whatever is posted ------------------------------------------------------------------------


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=20), inner, max_size=3),
    max_leaves=8,
)


def mangled(token: str) -> st.SearchStrategy[str]:
    places = st.integers(0, len(token) - 1)
    return st.builds(lambda at, new: token[:at] + new + token[at + len(new) :], places, st.text(min_size=1, max_size=4))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_posted_is_answered_by_a_sentence(provider: Provider, data: st.DataObject) -> None:
    provider.clock.advance(hours=1)
    rp = RelyingParty(provider, "card")
    page = begin(rp, rp.open_login())
    form = asked(rp, page)
    good = igc.token(luc(), origin=ISSUER, nonce=igc.NONCE)
    token = data.draw(st.text(max_size=300) | JSON.map(json.dumps) | mangled(good))
    answer = send(rp, page, {**form, "token": token})
    assert answer.status_code == 200
    assert len([code for code in CpsCard.refusals if said(code) in answer.text]) == 1
    assert not provider.events("login.succeeded")


@pytest.mark.parametrize("size", [17_000, 60_000])
def test_a_huge_token_is_refused(provider: Provider, rp: RelyingParty, size: int) -> None:
    page = begin(rp, rp.open_login())
    answer = send(rp, page, {**asked(rp, page), "token": "x" * size})
    assert said("token_malformed") in answer.text


def test_tries_without_end_have_to_wait(provider: Provider, rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    for _ in range(5):
        send(rp, page, {**asked(rp, page), "token": "{}"})
    begin(rp, page.removesuffix("/cps_card"))
    assert "Trop d&#39;essais" in send(rp, page, signed(rp, page)).text
    other = RelyingParty(provider, "card")
    assert "code" in answer_of(present(other, other.open_login()))
