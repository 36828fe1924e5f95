"""The suite of registrations while they are filled in; part of `idp.store.conformance_sql`. Needs pytest."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from idp.domain.ids import digest, new_id
from idp.domain.registration import DRAFT_LIFETIME, Registration, RegistrationStatus
from idp.store.conformance import RACERS, START, race
from idp.store.conformance_rows import SECOND, add_client
from idp.store.database import Database, Tx
from idp.store.registrations import Birth

FORM = {"family_name": "Nouvelle", "given_name": "Claire", "city": "Pau"}
PROVEN = {"method": "cps_card", "kind": "rpps", "value": "10100000016", "related": [], "locked": ["rpps"]}
TURNS = 5


def draft(tx: Tx, token: str = "token", **changes: Any) -> Registration:
    made = Registration(
        new_id(),
        RegistrationStatus.DRAFT,
        version=1,
        lang="fr",
        created_at=START,
        updated_at=START,
        browser_digest=digest(token),
        **changes,
    )
    tx.registrations.start(made)
    return made


class RegistrationSuite:
    """Uses the fixture `database` of DatabaseSuite."""

    def test_a_draft_comes_back_as_it_was_kept(self, database: Database) -> None:
        with database.write() as tx:
            made, client = draft(tx), add_client(tx)
            changed = replace(
                made,
                form=FORM,
                birth=b"sealed",
                proven=PROVEN,
                email="claire@chu.example",
                email_proven_at=START,
                login_name="claire.nouvelle",
                password_digest="digest",
                client_id=client.client_id,
                terms_version="1",
                lang="en",
            )
            saved = tx.registrations.save(changed, START + SECOND)
            assert saved == replace(changed, version=2, updated_at=START + SECOND)
        with database.read() as tx:
            assert tx.registrations.get(made.registration_id) == saved
            assert tx.registrations.of_browser("token", START) == saved
            assert tx.registrations.of_browser("another", START) is None

    def test_an_older_version_is_not_kept(self, database: Database) -> None:
        with database.write() as tx:
            made = draft(tx)
            newer = tx.registrations.save(replace(made, form=FORM), START)
            assert newer
            assert tx.registrations.save(replace(made, form={"city": "Dax"}), START) is None
            assert tx.registrations.submit(made, START) is None
            assert tx.registrations.get(made.registration_id) == newer

    def test_of_many_at_once_one_submits(self, database: Database) -> None:
        with database.write() as tx:
            made = draft(tx, form=FORM)

        def submit(_: int) -> bool:
            with database.write() as tx:
                return tx.registrations.submit(made, START) is not None

        assert sorted(race(submit)) == [False] * (RACERS - 1) + [True]
        with database.read() as tx:
            found = tx.registrations.get(made.registration_id)
            assert found
            assert (found.status, found.submitted_at, found.version) == (RegistrationStatus.SUBMITTED, START, 2)

    def test_what_was_submitted_is_filled_in_no_more(self, database: Database) -> None:
        with database.write() as tx:
            submitted = tx.registrations.submit(draft(tx, form=FORM), START)
            assert submitted
            assert tx.registrations.save(replace(submitted, form={}), START) is None
            assert not tx.registrations.discard(submitted.registration_id)
            later = START + 2 * DRAFT_LIFETIME
            assert tx.registrations.of_browser("token", later) == submitted

    def test_a_draft_lives_a_day_whatever_is_written(self, database: Database) -> None:
        def is_there(now: datetime) -> bool:
            with database.read() as tx:
                return tx.registrations.of_browser("token", now) is not None

        with database.write() as tx:
            made = draft(tx)
        assert is_there(made.expires_at - SECOND)
        assert not is_there(made.expires_at)
        with database.write() as tx:
            assert tx.registrations.save(made, made.expires_at) is None
            saved = tx.registrations.save(made, made.expires_at - SECOND)
            assert saved
        assert saved.expires_at == made.expires_at
        assert not is_there(made.expires_at)

    def test_another_that_waits_has_the_proven_address_or_identity(self, database: Database) -> None:
        with database.write() as tx:
            held = draft(tx, "held", email="a@chu.example", email_proven_at=START, proven=PROVEN)
            mine = draft(tx, "mine", email="a@chu.example", email_proven_at=START)
            carded = draft(tx, "carded", email="b@chu.example", email_proven_at=START, proven=PROVEN)
            others = [
                replace(mine, email_proven_at=None),
                replace(mine, email="b@chu.example"),
                replace(carded, proven={**PROVEN, "kind": "adeli"}),
                replace(carded, proven={**PROVEN, "value": "10100000024"}),
            ]
            assert not tx.registrations.is_waiting(mine)  # a draft is nobody's request yet
            assert tx.registrations.submit(held, START)
            assert tx.registrations.is_waiting(mine)
            assert tx.registrations.is_waiting(carded)
            assert not tx.registrations.is_waiting(held)
            assert [tx.registrations.is_waiting(each) for each in others] == [False] * len(others)

    @pytest.mark.parametrize("what", ["address", "identity"])
    def test_of_many_of_one_person_at_once_one_waits_for_the_desk(self, database: Database, what: str) -> None:
        for turn in range(TURNS):
            address = {"email": f"{turn}@chu.example", "email_proven_at": START}
            shared = address if what == "address" else {"proven": {**PROVEN, "value": f"{turn}"}}
            with database.write() as tx:
                drafts = [draft(tx, f"{turn}-{number}", **shared) for number in range(RACERS)]

            def submit(number: int, drafts: list[Registration] = drafts) -> bool:
                with database.write() as tx:
                    if tx.registrations.is_waiting(drafts[number]):
                        return False
                    return tx.registrations.submit(drafts[number], START) is not None

            assert sorted(race(submit)) == [False] * (RACERS - 1) + [True]

    def test_a_draft_is_discarded_once(self, database: Database) -> None:
        with database.write() as tx:
            made, other = draft(tx), draft(tx, "another")
            assert tx.registrations.discard(made.registration_id)
            assert not tx.registrations.discard(made.registration_id)
            assert tx.registrations.get(made.registration_id) is None
            assert tx.registrations.get(other.registration_id) == other

    def test_a_birth_that_is_sealed_otherwise_is_found_and_sealed_again_once(self, database: Database) -> None:
        with database.write() as tx:
            draft(tx, "none")
            draft(tx, "new", birth=b"\x02new and")
            old = draft(tx, "old", birth=b"\x01old", form=FORM)
            (found,) = tx.registrations.births_sealed_otherwise(b"\x02new")
            assert found == Birth(old.registration_id, b"\x01old")
            assert tx.registrations.seal_birth_again(found, b"\x02new too")
            assert not tx.registrations.seal_birth_again(found, b"\x02new three")
            assert tx.registrations.births_sealed_otherwise(b"\x02new") == []
            every = tx.registrations.births_sealed_otherwise(b"\x03")
            assert [each.registration_id for each in every] == sorted(each.registration_id for each in every)
            assert tx.registrations.births_sealed_otherwise(b"\x03", after=every[0].registration_id) == every[1:]
            assert tx.registrations.birth_beginnings(4) == {b"\x02new": 2}
            assert tx.registrations.get(old.registration_id) == replace(old, birth=b"\x02new too")
