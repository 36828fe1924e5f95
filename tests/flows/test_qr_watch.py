"""What the computer's page is told while it waits for a phone, and to whom."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from idp import serving
from idp.domain.interaction import Interaction
from idp.domain.phone_request import Approval, PhoneRequest
from idp.errors import Unavailable
from idp.flows.qr import requests, watch
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty

PHONE = "digest of a phone's browser"
BY = Approval("a key", "an account", "anne.pierre", ("swk", "pin", "mfa"))


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start(methods=("email_otp", "password", "qr_code"), threads=8)
    made.add_client("rp", methods=("qr_code", "password"))
    made.add_account("anne.pierre")
    return made


class Waiting:
    """A computer whose page shows a QR code."""

    def __init__(self, provider: Provider) -> None:
        self.provider, self.rp = provider, RelyingParty(provider)
        login = self.rp.open_login()
        self.page = f"{login}/qr_code"
        assert self.rp.post(self.page, page=login).status_code == 303

    @property
    def request(self) -> PhoneRequest:
        services, handle = self.provider.services, self.page.split("/")[2]
        found = services.ephemeral.get_versioned("interaction", handle)
        assert found
        request = requests.of_login(services, Interaction.from_json(handle, found[1], found[0]), "qr_code")
        assert request
        return request

    def becomes(self, change: Callable[[PhoneRequest], PhoneRequest]) -> None:
        """What a phone makes of it."""
        before = self.request
        changed, ephemeral = change(before), self.provider.services.ephemeral
        assert ephemeral.swap(requests.KIND, before.id, before.version, changed.to_json(), before.kept_until)

    def is_scanned(self) -> None:
        self.becomes(lambda found: replace(found.scanned(PHONE, self.provider.clock.now()), number="47"))

    def told(self) -> dict[str, Any]:
        answer = self.rp.browser.get(f"{self.page}/state")
        assert answer.status_code == 200
        found: dict[str, Any] = json.loads(answer.data)
        return found

    def stream(self) -> TestResponse:
        return self.rp.browser.get(f"{self.page}/events", buffered=False)


def pieces(response: TestResponse, count: int) -> list[str]:
    body = response.iter_encoded()
    return [next(body).decode() for _ in range(count)]


# -- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["state", "events"])
def test_another_browser_is_told_nothing(provider: Provider, what: str) -> None:
    waiting = Waiting(provider)
    waiting.is_scanned()
    refused = provider.browser().get(f"{waiting.page}/{what}")
    assert refused.status_code == 403
    assert (refused.mimetype, "number" in refused.text) == ("text/html", False)


@pytest.mark.parametrize("what", ["state", "events"])
def test_of_a_login_that_is_gone_nothing_is_told(provider: Provider, what: str) -> None:
    assert provider.browser().get(f"/login/unknown/qr_code/{what}").status_code == 410


@pytest.mark.parametrize("what", ["state", "events"])
def test_a_look_ahead_is_refused_and_holds_no_place(provider: Provider, what: str) -> None:
    waiting = Waiting(provider)
    assert waiting.rp.browser.head(f"{waiting.page}/{what}").status_code == 405
    opened = waiting.stream()
    assert opened.status_code == 200
    opened.close()


def test_a_process_has_few_streams_and_says_so(provider: Provider) -> None:
    """Each holds a thread: of eight, one."""
    first, second = Waiting(provider), Waiting(provider)
    held = first.stream()
    refused = second.stream()
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")
    assert second.told()["state"] == "pending", "the page asks again and again instead"

    held.close()
    held.close()
    after, further = second.stream(), first.stream()
    assert (after.status_code, further.status_code) == (200, 503), "closed twice, one place came free"
    after.close()


# -- what is told ------------------------------------------------------------------------


def test_the_number_is_told_once_a_phone_has_scanned(provider: Provider) -> None:
    waiting = Waiting(provider)
    assert waiting.told() == {"state": "pending", "number": None, "left": 120}
    provider.clock.advance(seconds=20)
    waiting.is_scanned()
    assert waiting.told() == {"state": "scanned", "number": "47", "left": 100}


def test_what_came_of_it_is_told_without_the_number(provider: Provider) -> None:
    approved, refused, forgotten = Waiting(provider), Waiting(provider), Waiting(provider)
    now = provider.clock.now()
    for each in (approved, refused, forgotten):
        each.is_scanned()
    approved.becomes(lambda found: found.approved(PHONE, BY, now))
    refused.becomes(lambda found: found.refused(PHONE, now))
    provider.clock.advance(seconds=120)
    told = [each.told() for each in (approved, refused, forgotten)]
    assert [each["state"] for each in told] == ["approved", "refused", "expired"]
    assert {each["number"] for each in told} == {None}


def test_a_login_that_lost_its_request_is_told_so(provider: Provider) -> None:
    """The ephemeral store was restarted, or the method was not begun."""
    waiting = Waiting(provider)
    provider.services.ephemeral.take(requests.KIND, waiting.request.id)
    assert waiting.told()["state"] == "expired"
    rp = RelyingParty(provider)
    assert json.loads(rp.browser.get(f"{rp.open_login()}/qr_code/state").data)["state"] == "expired"


def test_who_waits_asks_sql_nothing(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = Waiting(provider)

    def read(*_args: object) -> None:
        raise AssertionError("SQL was asked")

    monkeypatch.setattr(type(provider.services.db), "read", read)
    assert waiting.told()["state"] == "pending"
    stream = waiting.stream()
    assert '"pending"' in pieces(stream, 2)[1]
    stream.close()


def test_a_stream_is_one_that_proxies_and_browsers_know(provider: Provider) -> None:
    stream = Waiting(provider).stream()
    assert stream.mimetype == "text/event-stream"
    assert (stream.headers["Cache-Control"], stream.headers["X-Accel-Buffering"]) == ("no-store", "no")
    retry, data = pieces(stream, 2)
    assert retry == "retry: 500\n"
    assert json.loads(data.removeprefix("data: ")) == {"state": "pending", "number": None, "left": 120}
    assert data.endswith("\n\n")
    stream.close()


# -- the stream by itself ----------------------------------------------------------------


class Turns:
    """How a request stands at each look; waits are counted, and take no time."""

    def __init__(self, *states: str) -> None:
        self.states, self.looks, self.waits = states, 0, list[float]()

    def look(self) -> dict[str, Any]:
        state = self.states[min(self.looks, len(self.states) - 1)]
        self.looks += 1
        if state == "down":
            raise Unavailable("ephemeral store")
        return {"state": state, "number": "47" if state == "scanned" else None, "left": 120 - self.looks}

    def told(self) -> list[str]:
        return [piece.decode() for piece in watch.changes(self.look, self.waits.append)]


def test_each_change_is_told_once_and_the_end_ends_it() -> None:
    turns = Turns("pending", "pending", "scanned", "scanned", "approved", "approved")
    _retry, *told = turns.told()
    assert [json.loads(each.removeprefix("data: "))["state"] for each in told] == ["pending", "scanned", "approved"]
    assert turns.waits == [watch.LOOK_EVERY_S] * 4


@pytest.mark.parametrize("end", ["refused", "expired"])
def test_nothing_is_awaited_of_what_is_over(end: str) -> None:
    turns = Turns(end)
    assert len(turns.told()) == 2
    assert turns.waits == []


def test_a_long_wait_has_words_in_it_and_an_end() -> None:
    turns = Turns("pending")
    _retry, first, *rest = turns.told()
    assert '"pending"' in first
    assert set(rest) == {":\n\n"}
    assert watch.SAY_EVERY * watch.LOOK_EVERY_S <= 10
    assert len(turns.waits) == watch.LOOKS - 1
    assert sum(turns.waits) < min(25, serving.STOP_S), "a worker that is told to end is not killed for it"


def test_a_store_that_does_not_answer_ends_the_stream() -> None:
    turns = Turns("pending", "down")
    assert len(turns.told()) == 2
