"""The suite of who a registration may be of, and of the register; part of `idp.store.conformance_sql`. Needs pytest."""

import re
from dataclasses import replace
from typing import Any

import pytest

from idp.domain.account import Account, AccountStatus
from idp.domain.authn import IdentityRef
from idp.domain.ids import new_id
from idp.domain.registration import RegistrationStatus
from idp.store.conformance import START
from idp.store.conformance_plans import FULL_SCAN, explained
from idp.store.conformance_registration_desk import registered
from idp.store.conformance_rows import HOUR, SECOND, add_account
from idp.store.database import Database
from idp.store.rpps_extract import Registered


class LookAlikeSuite:
    """Uses the fixture `database` of DatabaseSuite."""

    # -- who else it may be ------------------------------------------------------------

    def test_look_alikes_among_accounts(self, database: Database) -> None:
        with database.write() as tx:
            by_name = add_account(tx, "a.pierre")
            named = replace(by_name, account_id=new_id(), login_name="elise", given_name="Élise", family_name="Durand")
            tx.accounts.add(named, [(IdentityRef("rpps", "10000000017"), "cps_card")])
            other = Account(
                new_id(), "paul", AccountStatus.SUSPENDED, "Paul", "Roux", "x@y.example", True, START, START
            )
            tx.accounts.add(other, [(IdentityRef("email", "x@y.example"), "support")])
            about = registered(tx, email="x@y.example")
            found = [(each.kind, each.login_name, each.why) for each in tx.look_alikes.of(about)]
            assert found == [
                ("account", "elise", "rpps"),
                ("account", "paul", "email"),
                ("account", "a.pierre", "name"),
            ]
            elise = replace(about, form={"family_name": "Elise", "given_name": "DURANT"}, email=None)
            assert [(each.login_name, each.why) for each in tx.look_alikes.of(elise)] == [("elise", "name")]
            nobody = replace(about, form={"family_name": "", "given_name": ""}, email=None)
            assert tx.look_alikes.of(nobody) == []

    def test_look_alikes_are_looked_for_among_names_that_begin_alike(self, database: Database) -> None:
        with database.write() as tx:
            about = registered(tx, form={"family_name": "ŒUVRARD", "given_name": "Élodie"}, email=None)
            names = [("Œuvrard", "Elodie"), ("Oeuvrard", "Élodie"), ("Elodie", "Ouvrard"), ("Euvrard", "Clodie")]
            for number, (family, given) in enumerate(names):
                person = add_account(tx, f"user{number}")
                tx.profiles.set_names(person.account_id, given, family, START)
            with explained(database) as plans:
                found = {each.login_name for each in tx.look_alikes.of(about)}
        assert found == {"user0", "user1", "user2"}
        assert [line for line in plans if re.search(r"\bname_key ?>", line)]
        assert not [line for line in plans if FULL_SCAN.search(line)]

    def test_look_alikes_among_registrations(self, database: Database) -> None:
        with database.write() as tx:
            about = registered(tx)
            other = {"family_name": "Roux", "given_name": "Paul"}
            again = registered(tx, email="another@chu.example")
            same_address = registered(tx, form=other)
            near = registered(tx, form={"family_name": "PIERE", "given_name": "Anne"}, email="z@chu.example")
            registered(tx, form=other, email="paul@chu.example")
            registered(tx, RegistrationStatus.DRAFT)
            registered(tx, RegistrationStatus.CONFIRMED)
            found = {each.id: each.why for each in tx.look_alikes.of(about)}
            assert found == {
                again.registration_id: "rpps",
                same_address.registration_id: "email",
                near.registration_id: "name",
            }

    def test_a_number_that_a_federation_proved_counts_too(self, database: Database) -> None:
        with database.write() as tx:
            add = add_account(tx, "paul")
            tx.means.add_identity(add.account_id, IdentityRef("rpps", "10000000025"), "support", START)
            proven = {"kind": "adeli", "value": "759900001", "related": [["rpps", "10000000025"]]}
            form = {"family_name": "Roux", "given_name": "Paul"}
            about = registered(tx, form=form, proven=proven, email=None)
            assert [(each.login_name, each.why) for each in tx.look_alikes.of(about)] == [("paul", "rpps")]

    @pytest.mark.parametrize(
        ("proven", "typed", "why"),
        [
            ({"kind": "rpps", "value": "10000000025"}, {}, "rpps"),
            ({"kind": "employee", "value": "x", "related": [["adeli", "759900001"]]}, {}, "adeli"),
            (None, {"adeli": "759900001"}, "adeli"),
            ({"kind": "employee", "value": "759900001"}, {}, None),
            ({"kind": "rpps", "value": "10000000033", "practice": "10000000025"}, {}, None),
        ],
    )
    def test_registrations_share_what_was_proven_and_what_was_typed(
        self, database: Database, proven: dict[str, Any] | None, typed: dict[str, str], why: str | None
    ) -> None:
        names = {"family_name": "Roux", "given_name": "Paul"}
        with database.write() as tx:
            other = registered(tx, form={**names, **typed}, proven=proven, email="paul@chu.example")
            one = {"rpps": "10000000025", "adeli": "759900001"}
            about = registered(tx, form={"family_name": "Durand", "given_name": "Luc", **one}, email="luc@chu.example")
            assert [(each.id, each.why) for each in tx.look_alikes.of(about)] == (
                [(other.registration_id, why)] if why else []
            )
            assert [each.why for each in tx.look_alikes.of(other)] == ([why] if why else [])

    # -- the register ------------------------------------------------------------------

    def test_the_newest_file_of_the_register_counts(self, database: Database) -> None:
        anne, paul = Registered("10000000017", "PIERRE", "ANNE"), Registered("10000000025", "ROUX", "PAUL")
        with database.write() as tx:
            assert tx.rpps_extract.imported_at() is None
            tx.rpps_extract.put([], START)
            tx.rpps_extract.put([anne, paul], START)
            changed = replace(anne, family_name="PIERRE-DURAND")
            tx.rpps_extract.put([changed], START + HOUR)
            assert tx.rpps_extract.drop_before(START + HOUR) == 1
            assert tx.rpps_extract.get(anne.rpps) == changed
            assert tx.rpps_extract.get(paul.rpps) is None
            assert tx.rpps_extract.imported_at() == START + HOUR

    def test_numbers_that_nobody_checked_for_long(self, database: Database) -> None:
        with database.write() as tx:
            anne, paul = add_account(tx), add_account(tx, "paul")
            gone = add_account(tx, "gone")
            for account, number in ((anne, "10000000017"), (paul, "10000000025"), (gone, "10000000033")):
                tx.means.add_identity(account.account_id, IdentityRef("rpps", number), "support", START)
            tx.accounts.set_status(gone.account_id, AccountStatus.CLOSED, START)
            assert tx.rpps_extract.unchecked(START, 10) == []
            found = tx.rpps_extract.unchecked(START + SECOND, 10)
            assert [each.login_name for each in found] == ["anne.pierre", "paul"]
            assert [e.login_name for e in tx.rpps_extract.unchecked(START + SECOND, 10, anne.account_id)] == ["paul"]
            assert (found[0].said_family_name, found[0].verified_at) == (None, START)
            tx.rpps_extract.put([Registered("10000000017", "PIERRE", "ANNE")], START)
            assert tx.rpps_extract.unchecked(START + SECOND, 1)[0].said_given_name == "ANNE"
