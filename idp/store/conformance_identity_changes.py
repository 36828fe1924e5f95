"""The suite of changes of what identifies an account; part of `idp.store.conformance_sql`. Needs pytest."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from idp.domain.identity_change import HOLDER_HAS, PROPOSAL_LASTS, ChangeState, IdentityChange
from idp.domain.ids import new_id
from idp.errors import InvalidOperation
from idp.store.conformance import START, race
from idp.store.conformance_purge import AGES
from idp.store.conformance_rows import SECOND, add_account
from idp.store.database import Database, Tx
from idp.store.purge import CLOSED_FOR


def propose(tx: Tx, account_id: str, kind: str = "email", **changes: Any) -> IdentityChange:
    made = IdentityChange(new_id(), account_id, kind, "anne@x.example", None, "asked", "claire", None, START)
    made = replace(made, **changes)
    tx.identity_changes.add(made)
    return made


def approve(tx: Tx, known: IdentityChange, token: str | None = None) -> bool:
    until = START + HOLDER_HAS
    return tx.identity_changes.approve(
        known, START, by="nadia", account_id="nadia's", due_at=until, told="anne@chu.example", token=token
    )


class IdentityChangeSuite:
    """Uses the fixture `database` of DatabaseSuite."""

    def test_a_change_comes_back_as_it_was(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            made = propose(tx, anne, proposed_account="claire's", method="cps_card")
            assert tx.identity_changes.get(made.change_id) == made
            assert tx.identity_changes.open_of(anne) == tx.identity_changes.waiting(9) == [made]
            assert tx.identity_changes.open_of(karim) == []
            assert tx.identity_changes.get("another") is None
            assert approve(tx, made, "token")
            found = tx.identity_changes.of_token("token")
            assert found is not None
            assert (found.state, found.version, found.approved_by) == (ChangeState.APPROVED, 2, "nadia")
            assert (found.operators, found.told) == (("claire's", "nadia's"), "anne@chu.example")
            assert "token" not in repr(found)
            assert tx.identity_changes.of_token("other") is None

    def test_what_an_operator_had_a_part_in_is_found_while_it_is_open(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            made, other = propose(tx, anne, proposed_account="claire's"), propose(tx, karim)
            assert approve(tx, other)
            found = tx.identity_changes.get(other.change_id)
            assert tx.identity_changes.open_by("claire's") == [made]
            assert tx.identity_changes.open_by("nadia's") == [found]
            assert tx.identity_changes.open_by(anne) == []
            assert tx.identity_changes.end(made, ChangeState.REFUSED, START, by="nadia")
            assert tx.identity_changes.open_by("claire's") == []

    def test_one_of_a_kind_is_open(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            first = propose(tx, anne)
            propose(tx, anne, "rpps")
            propose(tx, karim)
        with pytest.raises(InvalidOperation), database.write() as tx:
            propose(tx, anne)
        with database.write() as tx:
            assert approve(tx, first)
        with pytest.raises(InvalidOperation), database.write() as tx:
            propose(tx, anne)
        with database.write() as tx:
            known = tx.identity_changes.get(first.change_id)
            assert known
            assert tx.identity_changes.end(known, ChangeState.DONE, START, by="provider")
            propose(tx, anne)

    def test_of_those_who_decide_one_does(self, database: Database) -> None:
        with database.write() as tx:
            made = propose(tx, add_account(tx).account_id)

        def decide(_: int) -> bool:
            with database.write() as tx:
                return approve(tx, made)

        assert race(decide).count(True) == 1

        def end(_: int) -> bool:
            with database.write() as tx:
                return known is not None and tx.identity_changes.end(known, ChangeState.DONE, START, by="x")

        with database.read() as tx:
            known = tx.identity_changes.get(made.change_id)
        assert race(end).count(True) == 1

    def test_what_has_ended_moves_no_more(self, database: Database) -> None:
        with database.write() as tx:
            made = propose(tx, add_account(tx).account_id)
            assert tx.identity_changes.end(made, ChangeState.REFUSED, START, by="nadia", note="no")
            assert not approve(tx, made)
            ended = tx.identity_changes.get(made.change_id)
            assert ended
            assert (ended.state, ended.note, ended.ended_by) == (ChangeState.REFUSED, "no", "nadia")
            assert not approve(tx, ended)
            assert not tx.identity_changes.end(ended, ChangeState.DONE, START, by="nadia")
            assert tx.identity_changes.waiting(9) == []

    def test_it_is_due_to_the_second(self, database: Database) -> None:
        until = START + HOLDER_HAS
        with database.write() as tx:
            made = propose(tx, add_account(tx).account_id)
            assert tx.identity_changes.due(until + SECOND) == []
            approve(tx, made)
            assert tx.identity_changes.due(until - SECOND) == []
            assert [each.change_id for each in tx.identity_changes.due(until + SECOND)] == [made.change_id]
            assert tx.identity_changes.stale(START + PROPOSAL_LASTS + SECOND) == []

    def test_a_proposal_is_stale_to_the_second(self, database: Database) -> None:
        with database.write() as tx:
            made = propose(tx, add_account(tx).account_id)
            assert tx.identity_changes.count(ChangeState.PROPOSED) == 1
            assert tx.identity_changes.stale(START + PROPOSAL_LASTS - SECOND) == []
            assert tx.identity_changes.stale(START + PROPOSAL_LASTS + SECOND) == [made]

    @pytest.mark.parametrize("is_over", [True, False])
    def test_what_ended_long_ago_is_purged(self, database: Database, is_over: bool) -> None:
        since = AGES.now - CLOSED_FOR + (timedelta(0) if is_over else SECOND)
        with database.write() as tx:
            anne = add_account(tx).account_id
            made = propose(tx, anne)
            tx.identity_changes.end(made, ChangeState.REFUSED, since, by="nadia")
            propose(tx, anne)
            assert tx.purge.find("identity_change", AGES) == ([(made.change_id,)] if is_over else [])
