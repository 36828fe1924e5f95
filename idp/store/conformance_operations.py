"""The suite of what the worker and support rest on; part of `idp.store.conformance_sql`. Needs pytest."""

from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest

from idp.domain.account import Account, AccountStatus
from idp.domain.alert import NOT_ME, Alert
from idp.domain.authn import IdentityRef
from idp.domain.ids import new_id
from idp.errors import InvalidOperation
from idp.store.conformance import START, race
from idp.store.conformance_rows import HOUR, REFUSED, SECOND, add_account, add_client, add_grant, add_session
from idp.store.database import Database, Tx
from idp.store.outbox import LEASE, MAX_ATTEMPTS, Letter, Logout

DAY = timedelta(days=1)


def alert(kind: str = "logout.given_up", at: datetime = START, **changes: Any) -> Alert:
    return Alert(new_id(), kind, at, **{"detail": {"client_id": "ror"}, **changes})


def told(account_id: str, session_id: str) -> list[Logout]:
    return [Logout(client_id, account_id, session_id) for client_id in ("told", "told-too")]


class OperationsSuite:
    """Uses the fixture `database` of DatabaseSuite."""

    # -- leases --------------------------------------------------------------------

    def test_a_lease_is_one_holders_until_it_ends(self, database: Database) -> None:
        with database.write() as tx:
            assert tx.leases.until("purge") is None
            assert tx.leases.take("purge", "a", START, HOUR)
            assert not tx.leases.take("purge", "b", START + HOUR - SECOND, HOUR)
            assert tx.leases.take("other", "b", START, HOUR)
            assert tx.leases.take("purge", "a", START + SECOND, HOUR)
            assert tx.leases.until("purge") == START + SECOND + HOUR
            assert tx.leases.take("purge", "b", START + SECOND + HOUR, HOUR)
            assert not tx.leases.take("purge", "a", START + SECOND + HOUR, HOUR)
            tx.leases.release("b")
            assert tx.leases.until("purge") is tx.leases.until("other") is None

    @pytest.mark.parametrize("known", [False, True], ids=["never taken", "expired"])
    def test_of_many_workers_one_gets_the_lease(self, database: Database, known: bool) -> None:
        def take(number: int) -> bool:
            with database.write() as tx:
                return tx.leases.take("purge", f"worker{number}", START, HOUR)

        if known:
            with database.write() as tx:
                tx.leases.take("purge", "dead", START - HOUR, HOUR)
        assert race(take).count(True) == 1

    # -- alerts --------------------------------------------------------------------

    def test_an_alert_comes_back_as_it_was(self, database: Database) -> None:
        made = alert(account_id="anne")
        with database.write() as tx:
            assert tx.alerts.add(made)
            assert tx.alerts.get(made.alert_id) == made
            assert tx.alerts.get("nothing") is None
            assert tx.alerts.of_account("anne", made.kind) == tx.alerts.latest(10) == [made]
            assert tx.alerts.of_account("anne", NOT_ME) == tx.alerts.of_account("karim", made.kind) == []

    def test_the_same_is_raised_once_an_hour_while_it_is_open(self, database: Database) -> None:
        first = alert()
        with database.write() as tx:
            assert tx.alerts.add(first)
            assert not tx.alerts.add(alert(at=START + HOUR - SECOND, detail={"client_id": "ror", "reason": "other"}))
            assert tx.alerts.add(alert(detail={"client_id": "other"}))
            assert tx.alerts.add(alert(account_id="anne"))
            assert tx.alerts.add(alert("letters.given_up"))
            assert tx.alerts.add(alert(at=START + HOUR))
            assert len(tx.alerts.latest(10)) == 5
        with database.write() as tx:
            for each in tx.alerts.latest(10):
                tx.alerts.close(each.alert_id, "operator:test", "seen", START + HOUR)
            assert tx.alerts.add(alert(at=START + HOUR))

    def test_alerts_at_once_are_one(self, database: Database) -> None:
        def add(_: int) -> bool:
            with database.write() as tx:
                return tx.alerts.add(alert())

        assert race(add).count(True) == 1

    def test_an_alert_is_closed_once(self, database: Database) -> None:
        made = alert()
        with database.write() as tx:
            tx.alerts.add(made)
            tx.alerts.close(made.alert_id, "operator:test", "the service is back", START + HOUR)
            assert tx.alerts.latest(10) == []
            (found,) = tx.alerts.latest(10, closed=True)
            detail = {"client_id": "ror", "note": "the service is back"}
            assert found == replace(made, closed_at=START + HOUR, closed_by="operator:test", detail=detail)
            for alert_id, said in ((made.alert_id, "closed by operator:test"), ("nothing", "no such alert")):
                with pytest.raises(InvalidOperation, match=said):
                    tx.alerts.close(alert_id, "operator:other", "again", START + 2 * HOUR)

    def test_a_mailbox_is_closed_while_its_holders_alert_is_open(self, database: Database) -> None:
        made = alert(NOT_ME, account_id="anne", detail={"means": "password"})
        with database.write() as tx:
            tx.alerts.add(alert(account_id="anne"))
            assert not tx.alerts.mailbox_is_closed("anne")
            tx.alerts.add(made)
            assert tx.alerts.mailbox_is_closed("anne")
            assert not tx.alerts.mailbox_is_closed("karim")
            tx.alerts.close(made.alert_id, "operator:test", "seen at the desk", START)
            assert not tx.alerts.mailbox_is_closed("anne")

    # -- notices of logout ---------------------------------------------------------

    def test_the_end_of_a_session_tells_the_services_that_were_given_something_in_it(self, database: Database) -> None:
        with database.write() as tx:
            anne, session_id = self._session(tx)
            tx.sessions.end(session_id, START)
            tx.sessions.end(session_id, START)
            assert self._notices(tx) == told(anne, session_id)

    def test_so_does_the_end_of_all_sessions_for_each_of_them(self, database: Database) -> None:
        with database.write() as tx:
            anne, first = self._session(tx)
            second = add_session(tx, anne, "second")
            long_over = add_session(tx, anne, "over", lifetime=-12 * HOUR)
            for session_id in (second, long_over):
                grant = add_grant(tx, anne, session_id, "told", code=session_id)
                tx.grants.redeem(grant.grant_id, START, otherwise=REFUSED, offline_until=START + DAY)
            tx.sessions.end_all(anne, START)
            assert sorted(notice.session_id for notice in self._notices(tx)) == sorted([first, first, second])

    @pytest.mark.parametrize("offline_until", [None, START + DAY], ids=["bound", "offline"])
    def test_a_service_that_is_just_being_given_something_is_told_too(
        self, database: Database, offline_until: datetime | None
    ) -> None:
        """The end of the session waits for the code that is being redeemed, and then knows of it."""
        with database.write() as tx:
            add_client(tx, "told", backchannel_logout_uri="https://ror.example/backchannel")
            anne = add_account(tx).account_id
            session_id = add_session(tx, anne)
            grant_id = add_grant(tx, anne, session_id, "told").grant_id
        redeemed, ended = Event(), Event()

        def end() -> None:
            redeemed.wait(5)
            with database.write() as tx:
                tx.sessions.end(session_id, START)
            ended.set()

        ending = Thread(target=end)
        ending.start()
        with database.write() as tx:
            tx.grants.redeem(grant_id, START, otherwise=REFUSED, offline_until=offline_until)
            assert tx.accounts.get(anne)  # what waits is sent with it
            redeemed.set()
            assert not ended.wait(0.3), "it did not wait"
        ending.join()
        with database.write() as tx:
            assert self._notices(tx) == told(anne, session_id)[:1]
            assert bool(tx.grants.live(grant_id)) is bool(offline_until)

    def _session(self, tx: Tx) -> tuple[str, str]:
        """A session in which a service was given something twice, one what was revoked since; others are not told."""
        uri = "https://ror.example/backchannel"
        anne, session_id = (account_id := add_account(tx).account_id), add_session(tx, account_id)
        add_client(tx, "not-asked")
        for client_id in ("told", "not-redeemed", "told-too"):
            add_client(tx, client_id, backchannel_logout_uri=uri)
        for number, client_id in enumerate(("told", "told", "not-asked", "not-redeemed", "told-too")):
            grant = add_grant(tx, anne, session_id, client_id, code=f"code{number}")
            if client_id != "not-redeemed":
                tx.grants.redeem(grant.grant_id, START, otherwise=REFUSED)
            if client_id == "told-too":
                tx.grants.revoke(grant.grant_id, START)
        return anne, session_id

    @staticmethod
    def _notices(tx: Tx) -> list[Logout]:
        found = []
        while notice := tx.outbox.lease_next(START, logouts=True):
            found.append(Logout.from_bytes(notice.sealed))
        return sorted(found, key=lambda each: each.client_id)

    def test_letters_and_notices_do_not_wait_for_one_another(self, database: Database) -> None:
        with database.write() as tx:
            tx.outbox.put("a", "logout", b"{}", START)
            tx.outbox.put("b", "email_otp", b"", START + SECOND)
            assert tx.outbox.waiting() == 2
            for logouts, outbox_id in ((False, "b"), (True, "a")):
                found = tx.outbox.lease_next(START + SECOND, logouts=logouts)
                assert found
                assert found.outbox_id == outbox_id
                assert tx.outbox.lease_next(START + SECOND, logouts=logouts) is None

    def test_messages_of_one_instant_go_out_in_the_order_in_which_they_were_written(self, database: Database) -> None:
        written = ["a", "b", "c"]
        with database.write() as tx:
            for outbox_id in ("b", "c", "a"):
                tx.outbox.put(outbox_id, "email_otp", b"", START)
            due = [tx.outbox.lease_next(START) for _ in written]
        assert [letter.outbox_id for letter in due if letter] == written

    def test_a_message_that_is_put_back_untried_keeps_its_tries(self, database: Database) -> None:
        with database.write() as tx:
            tx.outbox.put("a", "logout", b"{}", START)
            first = tx.outbox.lease_next(START, logouts=True)
            assert first
            tx.outbox.postpone(first, START + HOUR)
            assert tx.outbox.lease_next(START + HOUR - SECOND, logouts=True) is None
            again = tx.outbox.lease_next(START + HOUR, logouts=True)
            assert again
            assert again.attempts == first.attempts == 1

    def test_a_message_whose_last_worker_died_is_found_to_be_given_up(self, database: Database) -> None:
        with database.write() as tx:
            tx.outbox.put("a", "email_otp", b"", START)
            last = self._try_out(tx)
            assert not last.is_spent
            assert tx.outbox.waiting() == 1
            found = tx.outbox.lease_next(START + DAY + LEASE)
            assert found
            assert found.is_spent
            assert not tx.outbox.give_up(last)
            assert tx.outbox.give_up(found)
            assert tx.outbox.lease_next(START + 2 * DAY) is None
            assert (tx.outbox.waiting(), tx.outbox.undelivered()) == (0, 1)

    @staticmethod
    def _try_out(tx: Tx) -> Letter:
        """The only letter, in its last try."""
        for _ in range(MAX_ATTEMPTS - 1):
            letter = tx.outbox.lease_next(START + DAY)
            assert letter
            assert tx.outbox.retry(letter, START)
        last = tx.outbox.lease_next(START + DAY)
        assert last
        return last

    # -- imports -------------------------------------------------------------------

    def test_many_accounts_are_added_as_one_is(self, database: Database) -> None:
        email, rpps = IdentityRef("email", "anne@chu.example"), IdentityRef("rpps", "10003456789")
        anne, karim = account("anne"), account("karim")
        with database.write() as tx:
            add_client(tx)
            assert tx.imports.taken([email, rpps]) == frozenset()
            tx.imports.add([])
            tx.imports.entitle([], "operator:test", START)
            tx.imports.add([(anne, [(email, "support"), (rpps, "support")]), (karim, [])])
            tx.imports.entitle([(anne.account_id, "ror")], "operator:test", START)
        with database.read() as tx:
            found = tx.accounts.find(rpps)
            assert found == tx.accounts.find_by_login("anne") == tx.accounts.find(email)
            assert found
            assert found == replace(anne, identities=found.identities)
            assert tx.accounts.may_open(anne.account_id, "ror", START)
            assert not tx.accounts.may_open(karim.account_id, "ror", START)
            asked = [email, IdentityRef("login_name", "karim"), IdentityRef("email", "karim"), IdentityRef("rpps", "1")]
            assert tx.imports.taken(asked) == {email, IdentityRef("login_name", "karim")}

    def test_an_identifier_that_was_taken_meanwhile_undoes_an_import(self, database: Database) -> None:
        with database.write() as tx:
            add_account(tx, "karim")
        with pytest.raises(InvalidOperation, match="meanwhile"), database.write() as tx:
            tx.imports.add([(account("anne"), []), (account("karim"), [])])
        with database.read() as tx:
            assert tx.accounts.find_by_login("anne") is None


def account(login: str) -> Account:
    return Account(new_id(), login, AccountStatus.ACTIVE, "Anne", "Pierre", None, False, START, START)
