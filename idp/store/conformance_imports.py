"""The suite of imports, in runs and back; part of `idp.store.conformance_sql`. Needs pytest."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from idp.domain.account import AccountStatus
from idp.domain.authn import IdentityRef
from idp.domain.ids import new_id
from idp.errors import InvalidOperation
from idp.store.conformance import START, race
from idp.store.conformance_rows import HOUR, add_account, add_client, add_session
from idp.store.database import Database, Tx
from idp.store.import_runs import RowStatus, Run, RunStatus, StagedRow
from idp.store.imports import REFERRING, TakenMeanwhile
from idp.store.schema import access_request, credential, known_browser, session

LATER = START + HOUR
RUN = Run("run", "digest", "people.csv", RunStatus.STAGING, 3, 0, 0, START, "operator:test", START)
ROWS = [StagedRow(line, f"account{line}", {"login": f"user{line}"}) for line in (2, 3, 5)]

USES: dict[str, Callable[[Tx, str], object]] = {
    "signed_in": lambda tx, anne: tx.accounts.note_login(anne, LATER),
    "changed": lambda tx, anne: tx.accounts.set_status(anne, AccountStatus.SUSPENDED, LATER),
    "credential": lambda tx, anne: tx.accounts.set_password(anne, "digest", "mailbox", LATER),
    "login_link": lambda tx, anne: tx.means.add_link(anne, "cps_card", LATER),
    "session": add_session,
    "reset_link": lambda tx, anne: tx.resets.add(new_id(), anne, LATER, LATER + HOUR),
    "entitlement": lambda tx, anne: tx.accounts.grant(anne, "ror", "operator:test", LATER, None),
    "identity": lambda tx, anne: tx.profiles.set_email(anne, "anne@chu.example", "holder", LATER),
    "consent": lambda tx, anne: tx.consents.give(anne, "ror", frozenset({"openid"}), LATER),
    "known_browser": lambda tx, anne: tx.browsers.meet(anne, new_id(), LATER, since=START),
}


class ImportsSuite:
    """Uses the fixture `database` of DatabaseSuite."""

    def test_a_run_comes_back_as_it_was(self, database: Database) -> None:
        with database.write() as tx:
            assert tx.import_runs.get("run") is tx.import_runs.of_file("digest") is None
            tx.import_runs.add(RUN)
            assert tx.import_runs.lock("run") == tx.import_runs.get("run") == tx.import_runs.of_file("digest") == RUN
            tx.import_runs.set("run", LATER, status=RunStatus.STAGED, staged_line=5)
            known = replace(RUN, status=RunStatus.STAGED, staged_line=5, updated_at=LATER)
            assert tx.import_runs.all() == [known]
            with pytest.raises(InvalidOperation, match="other: no such run"):
                tx.import_runs.lock("other")

    def test_a_file_has_one_run_until_it_is_undone(self, database: Database) -> None:
        def begin(number: int) -> bool:
            try:
                with database.write() as tx:
                    tx.import_runs.add(replace(RUN, run_id=f"run{number}"))
            except InvalidOperation:
                return False
            return True

        assert race(begin).count(True) == 1
        with database.write() as tx:
            (run,) = tx.import_runs.all()
            tx.import_runs.set(run.run_id, LATER, status=RunStatus.UNDONE)
            assert tx.import_runs.of_file("digest") is None
        assert begin(100)

    def test_lines_are_handed_out_in_order_until_it_is_said_what_became_of_them(self, database: Database) -> None:
        with database.write() as tx:
            tx.import_runs.add(RUN)
            tx.import_runs.stage("run", ROWS)
            staged = [(row, RowStatus.STAGED) for row in ROWS]
            assert tx.import_runs.following("run", 0, 2) == staged[:2]
            assert tx.import_runs.following("run", 3, 2) == staged[2:]
            assert tx.import_runs.following("other", 0, 2) == []
            tx.import_runs.conclude("run", RowStatus.DONE, {2: None})
            tx.import_runs.conclude("run", RowStatus.REFUSED, {3: "taken"})
            tx.import_runs.conclude("run", RowStatus.UNDONE, {})
            assert tx.import_runs.following("run", 0, 9) == staged[2:]
            done = tx.import_runs.following("run", 0, 9, status=(RowStatus.DONE,))
            assert done == [(replace(ROWS[0], person=None), RowStatus.DONE)]
            counts = {RowStatus.STAGED: 1, RowStatus.DONE: 1, RowStatus.REFUSED: 1, RowStatus.UNDONE: 0}
            assert tx.import_runs.counts("run") == counts
            assert tx.import_runs.problems("run") == [(3, "refused", None, "taken")]

    def test_who_was_taken_meanwhile_is_told_apart(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx)
        with pytest.raises(TakenMeanwhile), database.write() as tx:
            tx.imports.add([(replace(anne, account_id=new_id()), [])])

    # -- and back ------------------------------------------------------------------

    def test_whoever_nobody_used_is_removed(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)
            anne, karim = add_account(tx, email="a@chu.example"), add_account(tx, "karim")
            tx.imports.entitle([(anne.account_id, "ror")], "operator:test", START)
            ids = [anne.account_id, karim.account_id, "nobody"]
            assert sorted(tx.imports.lock(ids)) == sorted([(ids[0], "anne.pierre"), (ids[1], "karim")])
            assert tx.imports.used(ids) == {}
            tx.imports.remove(ids[:1])
        with database.write() as tx:
            assert tx.accounts.get(ids[0]) is tx.accounts.find(IdentityRef("email", "a@chu.example")) is None
            assert tx.accounts.get(ids[1])
            add_account(tx, email="a@chu.example")

    @pytest.mark.parametrize("use", USES)
    def test_whoever_was_used_is_told(self, database: Database, use: str) -> None:
        with database.write() as tx:
            add_client(tx)
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            tx.imports.entitle([(anne, "ror"), (karim, "ror")], "operator:test", START)
            USES[use](tx, anne)
            found = tx.imports.used([anne, karim])
            assert found.keys() == {anne}
            assert use in found[anne]

    def test_whatever_refers_to_an_account_counts(self) -> None:
        assert {access_request, credential, known_browser, session} <= set(REFERRING)
