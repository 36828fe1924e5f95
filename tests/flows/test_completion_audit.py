"""The form of a first login: who asked for a letter is known, and nothing counts that cannot be written down."""

from collections.abc import Callable
from typing import Any

import pytest

from idp.domain.audit import AuditEvent
from idp.flows.services import Services
from tests.fakes.completing import NOBODYS, arrived, complete, give
from tests.fakes.federated import shown, with_upstreams
from tests.fakes.provider import Provider
from tests.fakes.relying_party import path_of
from tests.fakes.upstream import FakeUpstream


@pytest.fixture
def provider(start: Callable[..., Provider], psc: FakeUpstream) -> Provider:
    return with_upstreams(start(), psc)


def test_a_letter_leaves_a_trace_of_who_asked_for_it(provider: Provider, psc: FakeUpstream) -> None:
    rp, path = arrived(provider, psc)
    complete(rp, path, email=NOBODYS)
    (event,) = provider.events("login.letter_queued")
    assert event.personal["email"] == NOBODYS
    assert event.personal["upstream_sub"]


def test_no_address_is_proven_without_its_event(
    provider: Provider, psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    rp, path = arrived(provider, psc)
    complete(rp, path, email=NOBODYS)
    record = Services.record

    def full(services: Services, tx: Any, event: AuditEvent) -> None:
        if event.name == "login.address_proven":
            raise OSError("disk full")
        record(services, tx, event)

    monkeypatch.setattr(Services, "record", full)
    assert give(rp, path, provider.last_code()).status_code == 500
    monkeypatch.setattr(Services, "record", record)
    assert "Saisissez le code reçu par e-mail" in shown(rp.browser.get(f"{path}/complete"))
    assert path_of(give(rp, path, provider.last_code())) == f"{path}/complete"
