"""/metrics: what it counts, and who is not shown it."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import TestResponse

from tests.fakes.outage import Outage
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty
from tests.fakes.waiting import until


def scrape(provider: Provider, address: str = "127.0.0.1", **headers: str) -> TestResponse:
    return provider.browser().get("/metrics", environ_base={"REMOTE_ADDR": address}, headers=headers)


def value(provider: Provider, name: str, /, **labels: str) -> float | None:
    """The sample of this name and these labels."""
    for family in text_string_to_metric_families(scrape(provider).text):
        for sample in family.samples:
            if (sample.name, sample.labels) == (name, labels):
                return float(sample.value)
    return None


# -- who is not shown it -----------------------------------------------------------


@pytest.mark.parametrize("address", ["203.0.113.7", "10.1.2.3", "2001:db8::1"])
def test_others_do_not_find_it(provider: Provider, address: str) -> None:
    assert scrape(provider, address).status_code == 404


def test_what_a_proxy_passes_on_is_judged_by_who_asked_it(start: Callable[..., Provider]) -> None:
    provider = start(trusted_proxies=["127.0.0.1/32"])
    assert scrape(provider, **{"X-Forwarded-For": "203.0.113.7"}).status_code == 404
    assert scrape(provider, **{"X-Forwarded-For": "rubbish"}).status_code == 404
    assert scrape(provider, **{"X-Forwarded-For": ""}).status_code == 404
    assert scrape(provider, **{"X-Forwarded-For": "127.0.0.1"}).status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_what_a_proxy_that_nobody_named_passes_on_is_not_shown(provider: Provider, header: str) -> None:
    assert scrape(provider, **{header: "127.0.0.1"}).status_code == 404


def test_a_network_may_be_allowed(start: Callable[..., Provider]) -> None:
    provider = start(metrics_allowed=["10.1.0.0/16"])
    assert scrape(provider, "10.1.2.3").status_code == 200
    assert scrape(provider, "127.0.0.1").status_code == 404


def test_it_can_be_turned_off(start: Callable[..., Provider]) -> None:
    provider = start(metrics=False)
    assert scrape(provider).status_code == 404
    assert provider.browser().get("/jwks").status_code == 200


# -- what it counts ----------------------------------------------------------------


def test_requests_by_route_never_by_path(provider: Provider) -> None:
    path = RelyingParty(provider).open_login()
    provider.browser().get(path)
    provider.browser().open("/nowhere/secret", method="BREW")
    shown = scrape(provider).text
    assert path not in shown
    assert "secret" not in shown
    assert "BREW" not in shown
    found = {"route": "/authorize", "method": "GET", "status": "303"}
    assert value(provider, "sesame_requests_total", **found) == 1
    assert value(provider, "sesame_requests_total", route="unknown", method="other", status="404") == 1
    assert value(provider, "sesame_request_seconds_count", route="/authorize") == 1


def test_logins_tokens_and_events(provider: Provider) -> None:
    rp = RelyingParty(provider)
    rp.give_password(rp.open_login(), password="wrong")
    rp.tokens()
    assert value(provider, "sesame_logins_total", method="password", outcome="failed") == 1
    assert value(provider, "sesame_logins_total", method="password", outcome="succeeded") == 1
    assert value(provider, "sesame_tokens_total", grant_type="authorization_code") == 1
    assert value(provider, "sesame_events_total", name="authorization.issued", outcome="ok") == 1


def test_what_waits_in_the_outbox(start: Callable[..., Provider]) -> None:
    provider = start()
    provider.add_client("rp", methods=("email_otp",))
    provider.add_account("anne.pierre")
    assert value(provider, "sesame_outbox_waiting") == 0
    rp = RelyingParty(provider)
    path = rp.open_login()
    rp.post(f"{path}/email_otp", page=path)
    rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login="anne.pierre", password=PASSWORD)
    assert value(provider, "sesame_outbox_waiting") == 1
    provider.mails()
    provider.clock.advance(minutes=1)
    assert value(provider, "sesame_outbox_waiting") == 0


def test_events_that_wait_for_their_seal(provider: Provider) -> None:
    before = value(provider, "sesame_audit_unsealed")
    RelyingParty(provider).login()
    assert before is not None
    assert value(provider, "sesame_audit_unsealed") == before + 2  # the login, and the code


def test_without_the_database_the_rest_is_shown(provider: Provider) -> None:
    outage = Outage.of(provider)
    with outage.of_database():
        shown = scrape(outage.provider)
    assert shown.status_code == 200
    assert "sesame_outbox_waiting" not in shown.text
    assert "sesame_requests_total" in shown.text


def test_hashes_that_wait(provider: Provider) -> None:
    hasher, is_over = provider.services.hasher, threading.Event()
    holding = provider.services.settings.argon2.at_once
    held = [hasher._threads.submit(is_over.wait, timedelta(seconds=30).total_seconds()) for _ in range(holding)]
    waiting = threading.Thread(target=hasher.hash, args=(PASSWORD,))
    waiting.start()
    until(lambda: value(provider, "sesame_argon2_waiting") == 1)
    is_over.set()
    waiting.join()
    assert [task.result() for task in held] == [True] * holding
    assert value(provider, "sesame_argon2_waiting") == 0
