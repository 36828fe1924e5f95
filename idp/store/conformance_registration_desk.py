"""The suite of what the desk decides about registrations; part of `idp.store.conformance_sql`. Needs pytest."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from idp.domain.ids import digest, new_id
from idp.domain.registration import Registration, RegistrationStatus
from idp.store.conformance import RACERS, START, race
from idp.store.conformance_rows import HOUR, SECOND, add_account, add_client
from idp.store.database import Database, Tx
from idp.store.desk_registrations import NOBODY, WAITING, Filter

WEEK = timedelta(days=7)
ANNE = {"family_name": "Pierre", "given_name": "Anne", "rpps": "10000000017"}
TOKEN = "a-token-that-is-worth-an-account"


def registered(tx: Tx, status: RegistrationStatus = WAITING, **changes: Any) -> Registration:
    """One that was submitted, as the wizard leaves it."""
    values: dict[str, Any] = {
        "form": ANNE,
        "email": "anne.pierre@chu.example",
        "email_proven_at": START,
        "login_name": "anne.pierre",
        "password_digest": "$argon2id$…",
        "birth": b"sealed",
        "submitted_at": START,
        "browser_digest": new_id(),
    }
    made = replace(Registration(new_id(), status, 1, "fr", START, START, **values), **changes)
    tx.registrations.start(made)
    return made


def approved(tx: Tx, token: str = TOKEN, **changes: Any) -> Registration:
    made = registered(tx, **changes)
    assert tx.registration_desk.claim(made.registration_id, 1, "claire", START)
    assert tx.registration_desk.approve(made.registration_id, 2, "claire", START, token=token, expires_at=START + WEEK)
    found = tx.registration_desk.get(made.registration_id)
    assert found is not None
    return found


class RegistrationDeskSuite:
    """Uses the fixture `database` of DatabaseSuite."""

    # -- what is seen ----------------------------------------------------------------

    def test_the_desk_sees_no_draft(self, database: Database) -> None:
        with database.write() as tx:
            draft = registered(tx, RegistrationStatus.DRAFT, submitted_at=None)
            assert tx.registration_desk.get(draft.registration_id) is None
            assert tx.registration_desk.page(Filter(status=None), 10) == []
            assert tx.registration_desk.counts() == {}
            assert not tx.registration_desk.claim(draft.registration_id, 1, "claire", START)

    def test_the_queue_is_in_the_order_of_arrival_and_pages(self, database: Database) -> None:
        with database.write() as tx:
            made = [registered(tx, submitted_at=START + n * HOUR).registration_id for n in (2, 0, 1)]
            second, first, third = made[2], made[1], made[0]
            desk = tx.registration_desk
            assert [each.registration_id for each in desk.page(Filter(), 10)] == [first, second, third]
            assert [each.registration_id for each in desk.page(Filter(), 2, 2)] == [third]
            newest_first = desk.page(Filter(status=None), 10)
            assert [each.registration_id for each in newest_first] == [third, second, first]

    @pytest.mark.parametrize(
        ("wanted", "names"),
        [
            (Filter(), ["Pierre", "Lefèvre"]),
            (Filter(status=RegistrationStatus.REFUSED), ["Benali"]),
            (Filter(status=None), ["Benali", "Lefèvre", "Pierre"]),
            (Filter(claimed_by="claire"), ["Pierre"]),
            (Filter(claimed_by=NOBODY), ["Lefèvre"]),
            (Filter(client_id="ror"), ["Lefèvre"]),
            (Filter(text="PIER anne"), ["Pierre"]),
            (Filter(text="100000000"), ["Pierre"]),
            (Filter(text="s.lefevre@"), ["Lefèvre"]),
            (Filter(text="%"), []),
            (Filter(text="'; --"), []),
        ],
    )
    def test_filters(self, database: Database, wanted: Filter, names: list[str]) -> None:
        with database.write() as tx:
            add_client(tx)
            registered(tx, claimed_by="claire")
            sophie: dict[str, Any] = {
                "form": {"family_name": "Lefèvre"},
                "email": "s.lefevre@chu.example",
                "login_name": "sophie",
            }
            registered(tx, **sophie, client_id="ror", submitted_at=START + SECOND)
            karim: dict[str, Any] = {"form": {"family_name": "Benali"}, "email": "k@chu.example", "login_name": "karim"}
            registered(tx, RegistrationStatus.REFUSED, **karim, submitted_at=START + 2 * SECOND)
            found = tx.registration_desk.page(wanted, 10)
            assert [each.form["family_name"] for each in found] == names
            assert tx.registration_desk.counts() == {WAITING: 2, RegistrationStatus.REFUSED: 1}

    # -- who works on it -------------------------------------------------------------

    def test_claimed_taken_over_and_released(self, database: Database) -> None:
        with database.write() as tx:
            this, desk = registered(tx).registration_id, tx.registration_desk
            assert desk.claim(this, 1, "claire", START)
            assert not desk.claim(this, 1, "nadia", START)  # she saw what is no more
            assert desk.claim(this, 2, "nadia", START + HOUR)
            found = desk.get(this)
            assert found is not None
            assert (found.claimed_by, found.claimed_at, found.version) == ("nadia", START + HOUR, 3)
            assert desk.release(this, 3, START)
            found = desk.get(this)
            assert found is not None
            assert (found.claimed_by, found.claimed_at, found.version) == (None, None, 4)
            assert not desk.release(this, 3, START)

    def test_of_many_at_once_one_claims(self, database: Database) -> None:
        with database.write() as tx:
            this = registered(tx).registration_id

        def claim(number: int) -> bool:
            with database.write() as tx:
                return tx.registration_desk.claim(this, 1, f"operator{number}", START)

        assert sorted(race(claim)) == [False] * (RACERS - 1) + [True]

    # -- deciding --------------------------------------------------------------------

    def test_only_whoever_claimed_it_decides(self, database: Database) -> None:
        with database.write() as tx:
            this, desk = registered(tx).registration_id, tx.registration_desk
            assert not desk.refuse(this, 1, "claire", START, reason="x")
            assert desk.claim(this, 1, "claire", START)
            link: dict[str, Any] = {"token": TOKEN, "expires_at": START + WEEK}
            assert not desk.approve(this, 2, "nadia", START, **link)
            assert not desk.approve(this, 1, "claire", START, **link)
            assert desk.approve(this, 2, "claire", START, **link)
            assert not desk.approve(this, 3, "claire", START, **link)
            assert not desk.refuse(this, 3, "claire", START, reason="x")
            assert not desk.claim(this, 3, "nadia", START)
            found = desk.get(this)
            assert found is not None
            assert (found.status, found.decided_by, found.decided_at) == (
                RegistrationStatus.APPROVED,
                "claire",
                START,
            )
            assert (found.token_digest, found.token_expires_at) == (digest(TOKEN), START + WEEK)

    def test_a_refusal_forgets_what_could_open_an_account(self, database: Database) -> None:
        with database.write() as tx:
            this, desk = registered(tx).registration_id, tx.registration_desk
            desk.claim(this, 1, "claire", START)
            assert desk.refuse(this, 2, "claire", START, reason="Inconnue")
            found = desk.get(this)
            assert found is not None
            assert (found.status, found.reason) == (RegistrationStatus.REFUSED, "Inconnue")
            assert (found.password_digest, found.birth, found.token_digest) == (None, None, None)

    def test_of_many_at_once_one_decides(self, database: Database) -> None:
        """A double click, and somebody who refuses meanwhile in another window."""
        with database.write() as tx:
            this = registered(tx).registration_id
            tx.registration_desk.claim(this, 1, "claire", START)

        def decide(number: int) -> bool:
            with database.write() as tx:
                if number % 2:
                    return tx.registration_desk.refuse(this, 2, "claire", START, reason="x")
                link: dict[str, Any] = {"token": f"{TOKEN}{number}", "expires_at": START + WEEK}
                return tx.registration_desk.approve(this, 2, "claire", START, **link)

        assert sorted(race(decide)) == [False] * (RACERS - 1) + [True]

    # -- the link --------------------------------------------------------------------

    def test_a_link_is_good_for_seven_days_to_the_second(self, database: Database) -> None:
        with database.write() as tx:
            made, desk = approved(tx), tx.registration_desk
            assert desk.take("another", START) is None
            assert desk.take(TOKEN, START + WEEK) is None
            assert desk.take(TOKEN, START + WEEK + SECOND) is None
            taken = desk.take(TOKEN, START + WEEK - SECOND)
            assert taken is not None
            assert (taken.registration_id, taken.password_digest) == (made.registration_id, "$argon2id$…")
            assert taken.status is RegistrationStatus.CONFIRMED
            assert desk.take(TOKEN, START) is None
            known = desk.of_token(TOKEN)
            assert known is not None
            assert known.status is RegistrationStatus.CONFIRMED

    def test_of_many_at_once_one_uses_a_link(self, database: Database) -> None:
        with database.write() as tx:
            approved(tx)

        def take(_: int) -> bool:
            with database.write() as tx:
                return tx.registration_desk.take(TOKEN, START) is not None

        assert sorted(race(take)) == [False] * (RACERS - 1) + [True]

    def test_another_link_kills_the_one_before(self, database: Database) -> None:
        with database.write() as tx:
            made, desk = approved(tx), tx.registration_desk
            link: dict[str, Any] = {"token": "newer", "expires_at": START + 2 * WEEK}
            assert not desk.renew(made.registration_id, made.version - 1, START, **link)
            assert desk.renew(made.registration_id, made.version, START, **link)
            assert desk.of_token(TOKEN) is None
            assert desk.take(TOKEN, START) is None
            assert desk.take("newer", START + WEEK) is not None
            assert not desk.renew(made.registration_id, made.version + 2, START, token="x", expires_at=START)

    def test_what_only_its_making_needed_is_forgotten(self, database: Database) -> None:
        with database.write() as tx:
            made, desk = approved(tx), tx.registration_desk
            desk.take(TOKEN, START)
            account = add_account(tx, "anne.pierre2")
            desk.settle(made.registration_id, account.account_id)
            found = desk.get(made.registration_id)
            assert found is not None
            assert (found.account_id, found.login_name) == (account.account_id, "anne.pierre")
            assert (found.password_digest, found.birth) == (None, None)

    def test_what_the_person_says_makes_whoever_decides_look_again(self, database: Database) -> None:
        with database.write() as tx:
            this, desk = registered(tx).registration_id, tx.registration_desk
            desk.claim(this, 1, "claire", START)
            assert desk.note(this, START)
            assert not desk.refuse(this, 2, "claire", START, reason="x")
            assert desk.refuse(this, 3, "claire", START, reason="x")
            assert not desk.note(this, START)

    # -- questions -------------------------------------------------------------------

    def test_a_question_is_answered_once_and_in_time(self, database: Database) -> None:
        with database.write() as tx:
            messages, about = tx.desk_messages, new_id()
            messages.ask(about, "claire", "Quel service ?", token="q", now=START, expires_at=START + WEEK)
            asked = messages.asked("q", START + WEEK - SECOND)
            assert asked is not None
            assert (asked.about, asked.author, asked.text) == (about, "claire", "Quel service ?")
            assert messages.asked("q", START + WEEK) is None
            assert messages.answer("q", "Trop tard", START + WEEK) is None
            assert messages.asked("another", START) is None
            assert messages.answer("q", "Urgences", START + HOUR) is not None
            assert messages.answer("q", "Encore", START + HOUR) is None
            assert messages.asked("q", START + HOUR) is None
            found = messages.of(about)
            assert [(each.kind, each.author, each.text) for each in found] == [
                ("question", "claire", "Quel service ?"),
                ("answer", "", "Urgences"),
            ]
            assert found[0].answered_at == START + HOUR
            assert messages.of("another") == []

    def test_of_many_at_once_one_answers(self, database: Database) -> None:
        about = new_id()
        with database.write() as tx:
            tx.desk_messages.ask(about, "claire", "?", token="q", now=START, expires_at=START + WEEK)

        def answer(number: int) -> bool:
            with database.write() as tx:
                return tx.desk_messages.answer("q", str(number), START) is not None

        assert sorted(race(answer)) == [False] * (RACERS - 1) + [True]
        with database.read() as tx:
            assert len(tx.desk_messages.of(about)) == 2
