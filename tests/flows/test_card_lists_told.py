"""How fresh the revocation lists of cards are, as measured and as warned of."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes.card_mirror import NAME, Mirror, worker
from tests.fakes.clock import START
from tests.fakes.provider import Provider

HOUR = timedelta(hours=1)


@pytest.fixture
def mirror(start: Callable[..., Provider], tmp_path: Path) -> Iterator[Mirror]:
    with ExitStack() as stack:
        yield Mirror(start, tmp_path, stack)


def gauge(provider: Provider, name: str) -> float | None:
    text = provider.browser().get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"}).text
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return next((each.value for each in samples if each.name == name and each.labels == {"authority": NAME}), None)


def warned(provider: Provider) -> list[str]:
    return [each for each in (provider.browser().get("/readyz").json or {})["warnings"] if each.startswith(NAME)]


def test_the_freshness_of_a_list_is_measured(mirror: Mirror) -> None:
    provider = mirror.provider()
    assert (gauge(provider, "sesame_card_list_known"), gauge(provider, "sesame_card_list_age_seconds")) == (0, None)
    mirror.publish(this_update=START - HOUR, next_update=START + HOUR)
    worker(provider).refresh()
    since_start = (provider.clock.now() - START).total_seconds()
    assert gauge(provider, "sesame_card_list_known") == 1
    assert gauge(provider, "sesame_card_list_age_seconds") == 3600 + since_start
    assert gauge(provider, "sesame_card_list_left_seconds") == 3600 - since_start
    provider.clock.advance(hours=2)
    assert gauge(provider, "sesame_card_list_known") == 0
    assert (gauge(provider, "sesame_card_list_left_seconds") or 0) < 0
    assert (gauge(provider, "sesame_card_authority_left_seconds") or 0) > 8 * 365 * 86400


@pytest.mark.parametrize(
    ("lasts", "left", "text"),
    [
        (timedelta(days=120), timedelta(days=61), None),
        (timedelta(days=120), timedelta(days=59), "less than 60 days left"),
        (timedelta(days=120), timedelta(days=29), "less than 30 days left"),
        (timedelta(days=120), timedelta(days=6), "less than 7 days left"),
        (timedelta(days=7), timedelta(days=2), None),
        (timedelta(days=7), timedelta(days=1, hours=17), "runs out soon, and no later one came"),
        (timedelta(days=1), timedelta(hours=5), "runs out soon, and no later one came"),
    ],
)
def test_readiness_warns_of_a_list_that_runs_out_and_stays(
    mirror: Mirror, lasts: timedelta, left: timedelta, text: str | None
) -> None:
    provider = mirror.provider()
    until = START + left
    mirror.publish(this_update=until - lasts, next_update=until)
    worker(provider).refresh()
    assert warned(provider) == ([f"{NAME}: list {text}"] if text else [])
    assert provider.browser().get("/readyz").status_code == 200


def test_readiness_warns_of_what_is_over(mirror: Mirror) -> None:
    provider = mirror.provider()
    assert warned(provider) == [f"{NAME}: list not known"]
    mirror.publish(next_update=START + HOUR)
    worker(provider).refresh()
    provider.clock.advance(hours=2)
    assert warned(provider) == [f"{NAME}: list ran out"]


def test_readiness_warns_of_an_authority_that_runs_out(mirror: Mirror) -> None:
    provider = mirror.provider(revocation=["ocsp"], addresses=[{"authority": NAME, "ocsp": mirror.url}])
    assert warned(provider) == []
    provider.clock.advance(days=9 * 365 - 29)
    assert f"{NAME}: authority less than 30 days left" in warned(provider)
    provider.clock.advance(days=29)
    assert f"{NAME}: authority ran out" in warned(provider)
