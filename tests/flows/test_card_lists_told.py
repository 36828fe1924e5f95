"""How fresh the revocation lists of cards are, as measured and as warned of."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from prometheus_client.parser import text_string_to_metric_families

from demo.look_alike import Hierarchy
from tests.fakes import igc
from tests.fakes.card import anne
from tests.fakes.card_mirror import NAME, Mirror, alerts, outcome, worker
from tests.fakes.clock import START
from tests.fakes.provider import Provider

HOUR = timedelta(hours=1)


@pytest.fixture
def mirror(start: Callable[..., Provider], tmp_path: Path) -> Iterator[Mirror]:
    with ExitStack() as stack:
        yield Mirror(start, tmp_path, stack)


def samples(provider: Provider, name: str) -> list[float]:
    text = provider.browser().get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"}).text
    found = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return [each.value for each in found if each.name == name and each.labels == {"authority": NAME}]


def gauge(provider: Provider, name: str) -> float | None:
    (found,) = samples(provider, name) or (None,)
    return found


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


def test_an_authority_and_its_successor_of_the_same_name_are_one_measure(mirror: Mirror, tmp_path: Path) -> None:
    """The worse of the two: Prometheus takes a name and its labels once."""
    authorities = tmp_path / "both.pem"
    successor = Hierarchy.make(START - timedelta(days=365))
    igc.hierarchy().write_authorities(authorities, igc.hierarchy().authority(), successor.authority())
    provider = mirror.provider(authorities=authorities)
    mirror.publish()
    worker(provider).refresh()
    assert samples(provider, "sesame_card_list_known") == [0]
    (left,) = samples(provider, "sesame_card_authority_left_seconds")
    assert left < 8.1 * 365 * 86400


def test_of_several_parts_the_first_to_run_out_is_measured(mirror: Mirror, tmp_path: Path) -> None:
    files = {tmp_path / f"part{hours}.crl": hours for hours in (3, 2, 4)}
    for file, hours in files.items():
        point = x509.IssuingDistributionPoint(
            full_name=[x509.UniformResourceIdentifier(f"http://igc.example/{file.name}")], relative_name=None,
            only_contains_user_certs=False, only_contains_ca_certs=False, only_some_reasons=None, indirect_crl=False,
            only_contains_attribute_certs=False,
        )  # fmt: skip
        listed = igc.hierarchy().crl(next_update=START + hours * HOUR, added=[(point, True)])
        file.write_bytes(listed.public_bytes(Encoding.DER))
    provider = mirror.provider(crl_files=tuple(files))
    left = START + 2 * HOUR - provider.clock.now()
    assert gauge(provider, "sesame_card_list_left_seconds") == left.total_seconds()


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


# -- degraded mode -----------------------------------------------------------------------------


def test_each_login_by_a_list_that_ran_out_is_audited_and_support_alerted_once(mirror: Mirror) -> None:
    provider = mirror.provider(revocation_max_age_h=12)
    mirror.publish(next_update=START + HOUR)
    worker(provider).refresh()
    assert outcome(provider) == "accepted"
    assert provider.events("card.list_ran_out") == []
    provider.clock.advance(hours=2)
    assert [outcome(provider), outcome(provider)] == ["accepted"] * 2
    events = provider.events("card.list_ran_out")
    assert [each.detail for each in events] == [{"since": (START + HOUR).isoformat()}] * 2
    assert events[0].personal == {"certificate": f"{anne().serial:x}", "issuer": NAME}
    assert alerts(provider) == ["card.list_ran_out"]
    provider.clock.advance(hours=11)
    assert outcome(provider) == "revocation_unknown"
    assert len(provider.events("card.list_ran_out")) == 2


def test_without_it_nobody_comes_in(mirror: Mirror) -> None:
    provider = mirror.provider()
    mirror.publish(next_update=START + HOUR)
    worker(provider).refresh()
    provider.clock.advance(hours=1)
    assert outcome(provider) == "revocation_unknown"
    assert provider.events("card.list_ran_out") == []
