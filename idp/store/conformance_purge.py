"""The suite of the purge: of each kind, what is over goes and what is not stays. Needs pytest."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from sqlalchemy import func, insert, select

from idp.domain.access_request import AccessRequest, Level, Message
from idp.domain.alert import Alert
from idp.domain.ids import new_id
from idp.domain.registration import DRAFT_LIFETIME, Registration, RegistrationStatus
from idp.domain.throttle import ATTEMPTS, LONGEST_WINDOW
from idp.domain.upstream_session import UpstreamSession
from idp.store.conformance import START
from idp.store.conformance_rows import HOUR, REFUSED, SECOND, add_account, add_client, add_grant, add_session, proof
from idp.store.database import Database, Tx
from idp.store.import_runs import Run, RunStatus, StagedRow
from idp.store.outbox import MAX_ATTEMPTS
from idp.store.purge import CLOSED_FOR, GIVEN_UP_FOR, TABLES, UNREDEEMED_FOR, Ages
from idp.store.schema import metadata, outbox

DAY = timedelta(days=1)
NOW = START + 1000 * DAY
AGES = Ages(NOW, retention=30 * DAY, remember_browser=180 * DAY, idle=HOUR / 2)
LONG_AGO, SOON = NOW - 900 * DAY, NOW + HOUR
PURGED = (*TABLES, "throttle")


def _session(tx: Tx, expires_at: datetime) -> str:
    """A session with a proof."""
    session_id = add_session(tx, _anne(tx), new_id(), lifetime=expires_at - START)
    tx.sessions.add_proof(session_id, proof())
    return session_id


def _grant(tx: Tx, session_id: str, *, offline_until: datetime | None = None) -> str:
    """A redeemed grant with a refresh token, used and replaced."""
    made = add_grant(tx, _anne(tx), session_id, code=new_id())
    tx.grants.redeem(made.grant_id, START, otherwise=REFUSED, offline_until=offline_until)
    first, second = new_id(), new_id()
    tx.refresh_tokens.add(first, made.grant_id, START)
    tx.refresh_tokens.add(second, made.grant_id, START)
    return made.grant_id


def _anne(tx: Tx) -> str:
    found = tx.accounts.find_by_login("anne.pierre")
    return (found or add_account(tx)).account_id


def _expired_session(tx: Tx, at: datetime) -> None:
    _grant(tx, _session(tx, at))


def _ended_session(tx: Tx, at: datetime) -> None:
    tx.sessions.end(_session(tx, SOON), at)


def _revoked_grant(tx: Tx, at: datetime) -> None:
    tx.grants.revoke(_grant(tx, _session(tx, SOON)), at)


def _offline_grant(tx: Tx, at: datetime) -> None:
    _grant(tx, _session(tx, LONG_AGO), offline_until=at)


def _unredeemed_grant(tx: Tx, at: datetime) -> None:
    add_grant(tx, _anne(tx), _session(tx, SOON), code=new_id(), created_at=at)


def _reset_link(tx: Tx, at: datetime) -> None:
    tx.resets.add(new_id(), _anne(tx), at - HOUR, at)


def _known_browser(tx: Tx, at: datetime) -> None:
    tx.browsers.meet(_anne(tx), new_id(), at, since=at)


def _given_up_letter(tx: Tx, at: datetime) -> None:
    row = {"kind": "email_otp", "sealed": b"", "attempts": MAX_ATTEMPTS, "created_at": at, "not_before": at}
    tx._connection.execute(insert(outbox).values(outbox_id=new_id(), **row))


def _upstream_of_a_session_that_ran_out(tx: Tx, at: datetime) -> None:
    _upstream(tx, _session(tx, at), seen_at=NOW)


def _upstream_of_an_idle_session(tx: Tx, at: datetime) -> None:
    _upstream(tx, _session(tx, SOON), seen_at=at)


def _upstream(tx: Tx, session_id: str, seen_at: datetime) -> None:
    tx.sessions.touch(session_id, seen_at)
    tx.upstream_sessions.keep(session_id, UpstreamSession("pro_sante_connect", START, "sub", "sid", b"sealed"))


def _closed_alert(tx: Tx, at: datetime) -> None:
    made = Alert(new_id(), "logout.given_up", LONG_AGO)
    tx.alerts.add(made)
    tx.alerts.close(made.alert_id, "operator:test", "seen", at)


def _decided_request(tx: Tx, at: datetime) -> None:
    made = AccessRequest(new_id(), _anne(tx), "ror", Level.REGION, "reason", "fr", LONG_AGO)
    assert tx.access_requests.submit(made)
    tx.access_requests.say(Message(new_id(), made.request_id, LONG_AGO, "test", "question", "?"))
    assert tx.access_requests.change(made, status="REFUSED", decided_at=at)


def _draft(tx: Tx, at: datetime) -> None:
    tx.registrations.start(Registration(new_id(), RegistrationStatus.DRAFT, 1, "fr", at, at + timedelta(hours=1)))


def _decided_registration(tx: Tx, at: datetime) -> None:
    status = RegistrationStatus.REFUSED
    made = Registration(new_id(), status, 1, "fr", LONG_AGO, at, submitted_at=LONG_AGO, decided_at=at)
    tx.registrations.start(made)
    tx.desk_messages.ask(made.registration_id, "test", "?", token=new_id(), now=LONG_AGO, expires_at=LONG_AGO)


def _import(tx: Tx, at: datetime) -> None:
    _staged(tx, at, person=None)


def _import_that_was_left(tx: Tx, at: datetime) -> None:
    _staged(tx, at, person={"login": "anne"})


def _staged(tx: Tx, at: datetime, *, person: dict[str, str] | None) -> None:
    run = Run(new_id(), new_id(), "people.csv", RunStatus.STAGED, 1, 2, 0, LONG_AGO, "operator:test", at)
    tx.import_runs.add(run)
    tx.import_runs.stage(run.run_id, [StagedRow(2, new_id(), person)])


def _count(tx: Tx, at: datetime) -> None:
    tx.throttle.take(new_id(), ATTEMPTS, at)


class Case(NamedTuple):
    """make: writes a row that is over since an instant. age: how long it is kept. gone: rows that go with it."""

    make: Callable[[Tx, datetime], None]
    age: timedelta
    gone: dict[str, int]


CASES = [
    Case(
        _expired_session,
        AGES.retention,
        {"session": 1, "session_proof": 1, "authorization_grant": 1, "refresh_token": 2},
    ),
    Case(_ended_session, AGES.retention, {"session": 1, "session_proof": 1}),
    Case(_revoked_grant, AGES.retention, {"authorization_grant": 1, "refresh_token": 2}),
    Case(
        _offline_grant,
        AGES.retention,
        {"session": 1, "session_proof": 1, "authorization_grant": 1, "refresh_token": 2},
    ),
    Case(_unredeemed_grant, UNREDEEMED_FOR, {"authorization_grant": 1}),
    Case(_reset_link, timedelta(0), {"reset_link": 1}),
    Case(_known_browser, AGES.remember_browser, {"known_browser": 1}),
    Case(_given_up_letter, GIVEN_UP_FOR, {"outbox": 1}),
    Case(_upstream_of_a_session_that_ran_out, timedelta(0), {"upstream_session": 1}),
    Case(_upstream_of_an_idle_session, AGES.idle, {"upstream_session": 1}),
    Case(_closed_alert, CLOSED_FOR, {"alert": 1}),
    Case(_decided_request, CLOSED_FOR, {"access_request": 1, "desk_message": 1}),
    Case(_draft, DRAFT_LIFETIME, {"registration": 1}),
    Case(_decided_registration, CLOSED_FOR, {"registration": 1, "desk_message": 1}),
    Case(_import, CLOSED_FOR, {"import_row": 1, "import_run": 1}),
    Case(_import_that_was_left, GIVEN_UP_FOR, {"import_row": 1}),
    Case(_count, LONGEST_WINDOW, {"throttle": 1}),
]


def _rows(database: Database) -> dict[str, int]:
    with database.read() as tx:
        return {
            name: tx._connection.scalar(select(func.count()).select_from(metadata.tables[name])) or 0 for name in PURGED
        }


def _purge(database: Database) -> None:
    for kind in TABLES:
        with database.read() as tx:
            keys = tx.purge.find(kind, AGES)
        with database.write() as tx:
            assert tx.purge.delete(kind, AGES, keys) == len(keys)
    with database.write() as tx:
        spent, following = tx.purge.counts_after("", NOW)
        assert tx.purge.delete_counts(spent, NOW) == len(spent)
    assert following is None


class PurgeSuite:
    """Uses the fixture `database` of DatabaseSuite."""

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.make.__name__.strip("_"))
    def test_what_is_over_goes_and_a_moment_before_it_stays(self, database: Database, case: Case) -> None:
        with database.write() as tx:
            add_client(tx)
            case.make(tx, NOW - case.age + SECOND)
        before = _rows(database)
        assert {name for name, count in before.items() if count} >= case.gone.keys()
        _purge(database)
        assert _rows(database) == before

        with database.write() as tx:
            case.make(tx, NOW - case.age)
        before = _rows(database)
        _purge(database)
        after = _rows(database)
        gone = {name: before[name] - after[name] for name in PURGED if before[name] != after[name]}
        assert gone == case.gone

    def test_what_is_not_over_stays_however_old(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)
            tx.alerts.add(Alert(new_id(), "logout.given_up", LONG_AGO))
            tx.outbox.put("a letter that waits", "email_otp", b"", LONG_AGO)
            _grant(tx, _session(tx, SOON))
            _grant(tx, _session(tx, LONG_AGO), offline_until=SOON)
        before = _rows(database)
        _purge(database)
        assert _rows(database) == before
        assert before["refresh_token"] == 4

    def test_what_came_alive_again_after_it_was_found_stays(self, database: Database) -> None:
        with database.write() as tx:
            tx.browsers.meet(_anne(tx), "browser", LONG_AGO, since=LONG_AGO)
            tx.throttle.take("bucket", ATTEMPTS, LONG_AGO)
        with database.read() as tx:
            keys, (spent, _) = tx.purge.find("known_browser", AGES), tx.purge.counts_after("", NOW)
        with database.write() as tx:
            tx.browsers.meet(_anne(tx), "browser", NOW, since=NOW)
            tx.throttle.take("bucket", ATTEMPTS, NOW)
        with database.write() as tx:
            assert tx.purge.delete("known_browser", AGES, keys) == 0
            assert tx.purge.delete_counts(spent, NOW) == 0
        assert len(keys) == len(spent) == 1
