"""`sesame worker`: each task goes on whatever becomes of the others, and all end when they are told."""

import os
import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner

from idp import cli
from idp.errors import InvalidOperation, Unavailable
from idp.flows import worker
from idp.flows.operators import keyring
from idp.flows.worker import HEARTBEAT, HEARTBEAT_LASTS, Task, Worker, tasks
from tests.fakes.provider import ISSUER, Provider

BLINK = timedelta(milliseconds=1)
HOUR = timedelta(hours=1)


def run(provider: Provider, *wanted: Task, until: threading.Event) -> None:
    """Run tasks until the event is set, which one of them must do."""
    ended = threading.Event()
    stop = threading.Event()
    made = Worker(provider.services, wanted, stop)
    thread = threading.Thread(target=lambda: (made.run(), ended.set()))
    thread.start()
    assert until.wait(10)
    stop.set()
    assert ended.wait(10)
    thread.join()


def after(turns: int, then: threading.Event) -> tuple[Callable[[], bool], list[int]]:
    """A task that sets an event in that turn; and its turns."""
    done: list[int] = []

    def turn() -> bool:
        done.append(len(done))
        if len(done) >= turns:
            then.set()
        return False

    return turn, done


@pytest.mark.parametrize("failure", [Unavailable("database: locked"), RuntimeError("a mistake of ours")])
def test_a_task_that_fails_is_run_again_and_holds_up_no_other(provider: Provider, failure: Exception) -> None:
    reached, failures = threading.Event(), list[int]()

    def fail() -> bool:
        failures.append(1)
        raise failure

    def other() -> bool:
        if len(failures) >= 2:
            reached.set()
        return False

    run(provider, Task("fails", BLINK, fail), Task("other", BLINK, other), until=reached)
    assert len(failures) >= 2


def test_a_task_that_takes_long_holds_up_no_other_and_ends_its_turn(provider: Provider) -> None:
    begun, reached, ended = threading.Event(), threading.Event(), list[str]()

    def long() -> bool:
        begun.set()
        reached.wait(10)
        ended.append("long")
        return False

    def short() -> bool:
        if begun.is_set():
            reached.set()
        return False

    run(provider, Task("long", HOUR, long), Task("short", BLINK, short), until=reached)
    assert ended == ["long"]


def test_what_one_worker_does_no_other_does_meanwhile(provider: Provider) -> None:
    """The lease stands when the turn is over: the next turn is due when it ends, whoever takes it."""
    mine, others, reached = list[int](), list[int](), threading.Event()
    with provider.services.db.write() as tx:
        assert tx.leases.take("purge", "another worker", provider.clock.now(), HOUR)
    turn, turns = after(3, reached)
    tick = Task("tick", BLINK, turn)
    run(provider, tick, Task("purge", BLINK, lambda: bool(others.append(1)), alone=HOUR), until=reached)
    assert (others, len(turns) >= 3) == ([], True)

    provider.clock.advance(hours=1)
    reached.clear()
    turn, _ = after(2, reached)
    run(provider, Task("purge", BLINK, lambda: mine.append(1) or turn(), alone=HOUR), until=reached)
    assert mine
    with provider.services.db.read() as tx:
        assert tx.leases.until("purge") is None  # given back, so that another worker need not wait


def test_a_worker_that_runs_shows_it(provider: Provider) -> None:
    reached = threading.Event()
    seen = []

    def look() -> bool:
        with provider.services.db.read() as tx:
            if until := tx.leases.until(HEARTBEAT):
                seen.append(until)
                reached.set()
        return False

    (heartbeat,) = [task for task in tasks(provider.services, reached) if task.name == HEARTBEAT]
    run(provider, heartbeat, Task("look", BLINK, look), until=reached)
    assert seen[0] == provider.clock.now() + HEARTBEAT_LASTS


def test_everything_is_done(provider: Provider) -> None:
    """Letters and notices by every worker; what must be done once, by one at a time."""
    found = tasks(provider.services, threading.Event())
    assert {task.name for task in found if task.alone is None} >= {"letters", "logouts", "configuration"}
    alone = {HEARTBEAT, "rotate keys", "purge", "seal audit", "look for late events"}
    assert {task.name for task in found if task.alone} >= alone
    for task in found:
        assert task.run() is False  # nothing is left to do at once
    with provider.services.db.read() as tx:
        assert tx.audit.unsealed_count() == 0


def test_events_are_sealed_each_second_and_by_another_worker_soon_after_one_died(provider: Provider) -> None:
    (sealer,) = [task for task in tasks(provider.services, threading.Event()) if task.name == "seal audit"]
    assert sealer.period <= timedelta(seconds=1)
    assert sealer.alone
    assert sealer.alone <= timedelta(seconds=5)  # the lease that it leaves


def kids(provider: Provider) -> set[str]:
    ring = provider.services.signer.keys()
    return {key.kid for key in ring}


def test_old_keys_are_replaced_and_read_again(provider: Provider) -> None:
    services = provider.services
    before = kids(provider)
    worker.read_configuration(services)
    provider.clock.advance(days=89)
    assert worker.rotate_keys(services, provider.desk) is False
    assert kids(provider) == before
    provider.clock.advance(seconds=1)
    assert worker.read_configuration(services) is False
    assert len(kids(provider)) == 2 * len(before)


def test_keys_that_cannot_be_replaced_are_an_alert(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise InvalidOperation("the directory is read-only: /var/lib/sesame")

    monkeypatch.setattr(keyring, "rotate_due", refuse)
    for _ in range(2):
        assert worker.rotate_keys(provider.services, provider.desk) is False
    with provider.services.db.read() as tx:
        (alert,) = tx.alerts.latest(10)
    assert (alert.kind, alert.detail) == ("keys.rotation_failed", {"reason": "InvalidOperation"})


@pytest.mark.embedded
def test_the_command_ends_when_it_is_told(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[int] = []

    def some(_services: object, stop: threading.Event) -> list[Task]:
        def turn() -> bool:
            turns.append(1)
            if len(turns) == 1:
                raise Unavailable("database: locked")
            threading.Timer(0, os.kill, (os.getpid(), signal.SIGTERM)).start()
            return stop.wait(10)

        return [Task("letters", BLINK, turn)]

    settings = tmp_path / "sesame.toml"
    settings.write_text(
        f'issuer = "{ISSUER}"\ndatabase_url = "sqlite:///{template / "sesame.db"}"\n'
        f'keys_dir = "{template / "keys.d"}"\nsecret_file = "{template / "secret"}"\n'
    )
    monkeypatch.setattr("idp.cli.worker.tasks", some)
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        result = CliRunner().invoke(cli.main, ["--settings", str(settings), "worker"])
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
        structlog.reset_defaults()
    assert result.exit_code == 0, result.output
    assert len(turns) == 2
