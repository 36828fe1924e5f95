"""The audit trail: sealed by the worker, verified by an operator, told to the log."""

import json
import shutil
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import delete, update

from idp.domain.audit import AuditEvent
from idp.flows import audit_trail
from idp.flows.worker import look_for_late_events
from idp.store.schema import audit_event, audit_personal, audit_seal
from idp.web import logs
from tests.fakes.clock import START
from tests.fakes.command_line import CommandLine
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty


@pytest.fixture
def cli(tmp_path: Path, template: Path) -> CommandLine:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return CommandLine.in_folder(tmp_path)


def change(provider: Provider, statement: Any) -> None:
    with provider.services.db.engine.begin() as connection:
        connection.execute(statement)


def seal(provider: Provider) -> int:
    services = provider.services
    return audit_trail.seal_next(services.db, services.data_keys.mac, services.now())


def verify(provider: Provider, expected: tuple[int, str] | None = None) -> audit_trail.Report:
    return audit_trail.verify(provider.services.db, provider.services.data_keys.mac, expected=expected)


def test_everything_of_a_login_is_sealed_and_sound(provider: Provider) -> None:
    RelyingParty(provider).login()
    waiting = verify(provider)
    assert (waiting.last.number, waiting.faults) == (0, [])
    assert waiting.unsealed == seal(provider) > 0
    assert seal(provider) == 0
    report = verify(provider)
    assert (report.last.number, report.unsealed, report.is_sound) == (waiting.unsealed, 0, True)


def test_a_row_that_was_altered_shows(provider: Provider) -> None:
    seal(provider)
    change(provider, update(audit_event).values(actor="operator:somebody"))
    assert not verify(provider).is_sound


def test_personal_values_that_were_altered_show(provider: Provider) -> None:
    RelyingParty(provider).login()
    seal(provider)
    assert verify(provider).is_sound
    change(provider, update(audit_personal).values(values={"network": "198.51.100.0/24", "browser": "x"}))
    assert {"altered" in fault.what for fault in verify(provider).faults} == {True}


def test_an_end_that_was_cut_off_shows_against_a_line_of_the_log(provider: Provider) -> None:
    seal(provider)
    noted = verify(provider).last
    assert verify(provider, (noted.number, noted.chain)).is_sound
    change(provider, delete(audit_seal).where(audit_seal.c.number == noted.number))
    change(provider, delete(audit_event).where(audit_event.c.event_id == noted.event_id))
    assert verify(provider).is_sound
    assert [fault.number for fault in verify(provider, (noted.number, noted.chain)).faults] == [noted.number]


def test_a_trail_that_was_made_anew_with_the_key_shows_against_a_line_of_the_log(provider: Provider) -> None:
    seal(provider)
    noted = verify(provider).last
    change(provider, delete(audit_seal))
    change(provider, update(audit_event).values(actor="operator:somebody"))
    seal(provider)
    assert verify(provider).is_sound
    assert not verify(provider, (noted.number, noted.chain)).is_sound


def test_an_event_put_in_between_old_ones_shows(provider: Provider) -> None:
    seal(provider)
    provider.clock.advance(minutes=30)
    provider.add_client("later")
    seal(provider)
    with provider.services.db.write() as tx:
        (old, *_) = reversed(tx.audit.latest(100))
        tx.audit.record(old.event, old.at)
    assert seal(provider) == 0
    assert ["inserted" in fault.what for fault in verify(provider).faults] == [True]


def test_an_event_is_a_line_of_the_log_with_its_seal(provider: Provider, capsys: pytest.CaptureFixture[str]) -> None:
    provider.add_account("lea.martin")
    logs.configure("INFO")
    seal(provider)
    structlog.reset_defaults()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    line = [line for line in lines if line["event"] == "audit"][-1]
    last = verify(provider).last
    assert (line["number"], line["chain"], line["event_id"]) == (last.number, last.chain, last.event_id)
    assert (line["name"], line["actor"]) == ("account.created", "operator:test")
    assert "personal" not in line


def test_where_a_person_signed_in_is_beside_the_event_and_not_in_it(provider: Provider) -> None:
    RelyingParty(provider).login()
    (event,) = provider.events("login.succeeded")
    assert event.personal["network"] == "127.0.0.0/24"
    assert provider.events("authorization.issued")[0].personal == {}


def test_the_command_says_what_it_found(cli: CommandLine) -> None:
    cli.run("client", "add", "ror", "--name", "ROR", "--redirect-uri", "https://ror.example/cb")
    assert cli.run("audit", "verify").splitlines()[0] == "0 events sealed, 1 not sealed yet, 0 faults"


@pytest.mark.parametrize("text", ["1", "x:y", "1:abc"])
def test_what_is_expected_must_be_a_seal(cli: CommandLine, text: str) -> None:
    assert "64 hexadecimal digits" in cli.refused("audit", "verify", "--expect", text)


def test_an_event_of_a_clock_that_runs_ahead_hides_none_of_today(provider: Provider) -> None:
    with provider.services.db.write() as tx:
        tx.audit.record(AuditEvent("client.enabled", "operator:fast"), provider.clock.now() + timedelta(hours=1))
    seal(provider)
    provider.add_client("later")
    assert verify(provider).unsealed == seal(provider) > 0
    assert verify(provider).is_sound


def test_an_event_of_hours_ago_that_was_sealed_in_turns_shows(provider: Provider) -> None:
    provider.clock.advance(hours=12)
    provider.add_client("now")
    seal(provider)
    reached = verify(provider)
    assert reached.is_sound
    for turn in range(1, 61):
        provider.clock.advance(seconds=1)
        with provider.services.db.write() as tx:
            instant = provider.clock.now() - turn * timedelta(minutes=9)
            tx.audit.record(AuditEvent("client.enabled", "operator:forger"), instant)
        assert seal(provider) == 1
    assert [fault.number for fault in verify(provider).faults] == [reached.last.number + turn for turn in range(2, 61)]


def test_the_sealer_may_be_away_for_hours(provider: Provider) -> None:
    seal(provider)
    for number in range(3):
        provider.clock.advance(hours=3)
        provider.add_client(f"client-{number}")
    assert seal(provider) >= 3
    report = verify(provider)
    assert (report.unsealed, report.faults) == (0, [])


def test_late_events_are_an_alert(provider: Provider) -> None:
    seal(provider)
    assert look_for_late_events(provider.services) is False
    with provider.services.db.write() as tx:
        assert not tx.alerts.latest(10)
        tx.audit.record(AuditEvent("client.enabled", "operator:slow"), provider.clock.now() - timedelta(hours=1))
    look_for_late_events(provider.services)
    with provider.services.db.read() as tx:
        (alert,) = tx.alerts.latest(10)
    assert (alert.kind, alert.detail) == ("audit.late", {"count": "1"})


def test_what_is_personal_is_forgotten_for_one_account(cli: CommandLine) -> None:
    cli.run("account", "create", "anne.pierre", "--given-name", "Anne", "--family-name", "Pierre")
    here = {"network": "192.0.2.0/24", "browser": "Firefox"}
    with closing(cli.database) as database, database.write() as tx:
        for login in ("anne.pierre", None):
            subject = tx.accounts.find_by_login(login).account_id if login else None  # type: ignore[union-attr]
            tx.audit.record(AuditEvent("login.failed", "anonymous", subject, personal=here), START)
    assert cli.run("audit", "forget", "anne.pierre") == "1 events"
    kept = [event["personal"] for event in cli.events("--name", "login.failed")]
    assert sorted(map(len, kept)) == [0, 2]
    assert "0 faults" in cli.run("audit", "verify")
    assert cli.refused("audit", "forget", "nobody") == "nobody: no such account"
