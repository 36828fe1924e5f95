"""What the worker fetches of what authorities revoked, and what becomes of logins when it cannot."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from idp.flows import card_lists
from idp.flows.worker import tasks
from idp.pki import crl
from tests.fakes import igc
from tests.fakes.card import anne
from tests.fakes.card_mirror import NAME, Mirror, alerts, outcome, worker
from tests.fakes.clock import START
from tests.fakes.provider import Provider
from tests.fakes.servers import free_port
from tests.fakes.site import Site, answer

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def mirror(start: Callable[..., Provider], tmp_path: Path) -> Iterator[Mirror]:
    with ExitStack() as stack:
        yield Mirror(start, tmp_path, stack)


# -- a list that comes -------------------------------------------------------------------------


def test_the_worker_has_the_task_where_cards_are_believed(mirror: Mirror, provider: Provider) -> None:
    stop = threading.Event()
    assert "card lists" not in {each.name for each in tasks(provider.services, stop)}
    made = mirror.provider()
    mirror.publish()
    (task,) = (each for each in tasks(made.services, stop) if each.name == "card lists")
    assert task.alone is None  # each machine has its own folder
    assert not task.run()
    assert outcome(made) == "accepted"


def test_a_card_that_the_list_names_is_refused(mirror: Mirror) -> None:
    provider = mirror.provider()
    assert outcome(provider) == "revocation_unknown"
    mirror.publish(anne())
    worker(provider).refresh()
    assert outcome(provider) == "revoked"


def test_a_list_is_fetched_again_when_it_is_due_and_not_before(mirror: Mirror) -> None:
    provider = mirror.provider()
    mirror.publish()
    lists = worker(provider)
    for minutes, fetched in ((0, 1), (59, 1), (1, 2)):
        provider.clock.advance(minutes=minutes)
        lists.refresh()
        assert len(mirror.site.received) == fetched
    assert outcome(provider) == "accepted"
    mirror.publish(anne(), this_update=START + HOUR)
    provider.clock.advance(hours=1)
    lists.refresh()
    assert outcome(provider) == "revoked"


def test_a_list_that_runs_out_before_it_is_due_is_fetched_again_then(mirror: Mirror) -> None:
    provider = mirror.provider()
    mirror.publish(next_update=START + HOUR / 6)
    lists = worker(provider)
    lists.refresh()
    mirror.publish(this_update=START)
    provider.clock.advance(minutes=9)
    lists.refresh()
    assert len(mirror.site.received) == 1
    provider.clock.advance(minutes=1)
    lists.refresh()
    assert outcome(provider) == "accepted"


def test_the_same_list_is_not_read_twice(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = mirror.provider()
    mirror.publish()
    lists = worker(provider)
    lists.refresh()
    provider.clock.advance(hours=1)
    monkeypatch.setattr(crl, "signed", lambda *_: pytest.fail("it is read"))
    lists.refresh()
    assert len(mirror.site.received) == 2


def test_the_list_stays_over_a_restart(mirror: Mirror) -> None:
    mirror.publish(anne())
    worker(mirror.provider()).refresh()
    mirror.content = answer(b"", status=500)
    assert outcome(mirror.provider()) == "revoked"


def test_a_file_of_the_settings_is_read_by_the_worker_once(mirror: Mirror, tmp_path: Path) -> None:
    file = tmp_path / "own.crl"
    file.write_bytes(igc.hierarchy().crl(revoked=[anne()]).public_bytes(Encoding.PEM) + b"\n" * 1024 * 1024)
    provider = mirror.provider(addresses=(), crl_files=(file,))
    assert outcome(provider) == "revocation_unknown"  # too long for a login
    lists = worker(provider)
    lists.refresh()
    assert outcome(provider) == "revoked"
    lists.refresh()
    assert len(list((tmp_path / "revocation").iterdir())) == 1


def test_what_is_gone_from_the_folder_is_put_there_again(mirror: Mirror, tmp_path: Path) -> None:
    """Though it did not change, and nothing is due."""
    file = tmp_path / "fort.crl"
    file.write_bytes(of_another().public_bytes(Encoding.PEM))
    provider = mirror.provider(crl_files=(file,))
    mirror.publish(anne())
    lists, folder = worker(provider), tmp_path / "revocation"
    lists.refresh()
    put = sorted(folder.iterdir())
    put[0].unlink()
    put[1].write_bytes(b"damaged")
    lists.refresh()
    assert sorted(folder.iterdir()) == put
    assert outcome(mirror.provider(crl_files=())) == "revoked"  # after a restart
    fetched = len(mirror.site.received)
    lists.refresh()
    assert len(mirror.site.received) == fetched


def test_a_long_file_of_the_future_is_read_when_its_time_has_come(mirror: Mirror, tmp_path: Path) -> None:
    file = tmp_path / "own.crl"
    listed = igc.hierarchy().crl(this_update=START + HOUR)
    file.write_bytes(listed.public_bytes(Encoding.PEM) + b"\n" * 1024 * 1024)
    provider = mirror.provider(addresses=(), crl_files=(file,))
    lists = worker(provider)
    lists.refresh()
    assert outcome(provider) == "revocation_unknown"
    provider.clock.advance(hours=1)
    lists.refresh()
    assert outcome(provider) == "accepted"


# -- a list that does not come -----------------------------------------------------------------


def of_another() -> x509.CertificateRevocationList:
    return igc.hierarchy().crl(igc.hierarchy().authority("FORT"))


def published(listed: x509.CertificateRevocationList) -> bytes:
    return answer(listed.public_bytes(Encoding.DER))


USELESS: dict[str, Callable[[], bytes]] = {
    "none": lambda: answer(b"", status=404),
    "with an error": lambda: answer(igc.hierarchy().crl().public_bytes(Encoding.DER), status=503),
    "a page": lambda: answer(b"<html>", "Content-Type: text/html"),
    "signed by another": lambda: published(igc.hierarchy().crl(signer=igc.holder_key())),
    "of another authority": lambda: published(of_another()),
    "that ran out": lambda: published(igc.hierarchy().crl(this_update=START - DAY, next_update=START)),
    "of the future": lambda: published(igc.hierarchy().crl(this_update=START + DAY)),
    "a redirect": lambda: answer(b"", "Location: http://127.0.0.1/", status=302),
    "cut short": lambda: published(igc.hierarchy().crl())[:-1],
}


@pytest.mark.parametrize("name", USELESS)
def test_without_a_list_that_counts_cards_are_refused_and_support_is_told(mirror: Mirror, name: str) -> None:
    provider = mirror.provider()
    mirror.content = USELESS[name]()
    worker(provider).refresh()
    assert outcome(provider) == "revocation_unknown"
    assert alerts(provider) == ["card.list_not_fetched"]


def test_a_server_that_is_away_or_slow(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_lists, "TIMEOUT_S", 0.2)
    with Site(None, is_silent=True).running() as silent:
        for port in (silent.port, free_port()):
            provider = mirror.provider(f"http://127.0.0.1:{port}/")
            worker(provider).refresh()
            assert outcome(provider) == "revocation_unknown"


def test_a_server_that_drips_gains_no_time(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_lists, "TIMEOUT_S", 0.3)
    whole = published(igc.hierarchy().crl())
    with Site(None, pieces=lambda: [whole[at : at + 1] for at in range(len(whole))], slowly=True).running() as site:
        provider = mirror.provider(f"http://127.0.0.1:{site.port}/")
        worker(provider).refresh()
        assert outcome(provider) == "revocation_unknown"
        assert len(site.received) == 1


def test_a_folder_that_cannot_be_written_to_shuts_the_door_and_is_told(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "revocation").write_bytes(b"")  # a file where the folder should be
    provider = mirror.provider()
    mirror.publish()
    worker(provider).refresh()
    assert outcome(provider) == "revocation_unknown"
    assert alerts(provider) == ["card.list_not_fetched"]


def test_each_authority_is_told_of(mirror: Mirror) -> None:
    """One that cannot be reached for weeks does not keep another's alert to itself."""
    names = [NAME, NAME.replace("ELEMENTAIRE", "FORT")]
    provider = mirror.provider(addresses=[{"authority": each, "crl": [mirror.url]} for each in names])
    worker(provider).refresh()
    with provider.services.db.read() as tx:
        assert sorted(each.detail["authority"] for each in tx.alerts.latest(10)) == names


def test_a_list_that_is_too_long_is_not_taken(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror.publish()
    monkeypatch.setattr(card_lists, "MAX_FILE", 64)
    provider = mirror.provider()
    worker(provider).refresh()
    assert outcome(provider) == "revocation_unknown"


def test_what_is_useless_takes_the_place_of_nothing(mirror: Mirror) -> None:
    """And while the list that is there has time, nobody is called."""
    provider = mirror.provider()
    mirror.publish(anne())
    lists = worker(provider)
    lists.refresh()
    for make in USELESS.values():
        mirror.content = make()
        provider.clock.advance(hours=1)
        lists.refresh()
    mirror.publish(this_update=START - 2 * HOUR)  # older
    provider.clock.advance(hours=1)
    lists.refresh()
    assert outcome(provider) == "revoked"
    assert alerts(provider) == []


def test_a_list_that_is_not_replaced_where_it_is_fetched_is_told_when_it_ran_out(mirror: Mirror) -> None:
    provider = mirror.provider()
    mirror.publish(next_update=START + 2 * HOUR)
    lists = worker(provider)
    for hours, told in ((0, []), (1, []), (1, ["card.list_not_fetched"])):
        provider.clock.advance(hours=hours)
        lists.refresh()
        assert alerts(provider) == told


def test_a_fetch_that_fails_is_told_while_there_is_time(mirror: Mirror) -> None:
    provider = mirror.provider()
    mirror.publish(this_update=START - 6 * DAY, next_update=START + DAY)  # less than a quarter of it is left
    lists = worker(provider)
    lists.refresh()
    assert alerts(provider) == []
    mirror.content = answer(b"", status=404)
    provider.clock.advance(hours=1)
    lists.refresh()
    assert (outcome(provider), alerts(provider)) == ("accepted", ["card.list_not_fetched"])


def test_it_is_tried_again_soon_then_less_often(mirror: Mirror) -> None:
    provider, tried = mirror.provider(), []
    lists = worker(provider)
    for minute in range(60):
        before = len(mirror.site.received)
        lists.refresh()
        tried += [minute] * (len(mirror.site.received) - before)
        provider.clock.advance(minutes=1)
    assert tried == [0, 1, 3, 7, 15, 30, 45]
    assert len(alerts(provider)) == 1  # within the hour
