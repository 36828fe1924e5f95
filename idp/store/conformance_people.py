"""The suite of the lists of people; part of `idp.store.conformance_sql`. Needs pytest."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from idp.domain.account import Account, AccountStatus
from idp.domain.authn import IdentityRef
from idp.domain.ids import new_id
from idp.store.conformance import START
from idp.store.conformance_migrations import go_back
from idp.store.conformance_plans import FULL_SCAN, explained
from idp.store.conformance_rows import HOUR, add_client
from idp.store.database import Database, Tx
from idp.store.schema import account

NAMES = {
    "zoe": ("Zoé", "Émery"),
    "anne": ("Anne", "Pierre"),
    "pierre": ("Pierre", "Lemaître-Duval"),
    "karim": ("Karim", "de la Tour"),
    "lea": ("Léa", "emery"),
}


def person(login: str, number: int = 0) -> Account:
    given, family = NAMES.get(login, ("Same", "Name"))
    at = START + timedelta(minutes=number)
    return Account(new_id(), login, AccountStatus.ACTIVE, given, family, f"{login}@chu.example", True, at, at)


def populate(tx: Tx) -> None:
    people = [person(login, number) for number, login in enumerate(NAMES)]
    tx.imports.add([(each, [(IdentityRef("email", each.email or ""), "support")]) for each in people])
    tx.accounts.set_status(people[3].account_id, AccountStatus.CLOSED, START)


class PeopleSuite:
    """Uses the fixture `database` of DatabaseSuite."""

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ({}, ["karim", "lea", "zoe", "pierre", "anne"]),
            ({"sort": "-name"}, ["anne", "pierre", "zoe", "lea", "karim"]),
            ({"sort": "login"}, ["anne", "karim", "lea", "pierre", "zoe"]),
            ({"sort": "created"}, ["zoe", "anne", "pierre", "karim", "lea"]),
            ({"sort": "-created"}, ["lea", "karim", "pierre", "anne", "zoe"]),
            ({"sort": "digest; DROP TABLE account"}, ["karim", "lea", "zoe", "pierre", "anne"]),
            ({"status": "closed"}, ["karim"]),
            ({"status": "no such"}, []),
            ({"text": "EMERY"}, ["lea", "zoe"]),
            ({"text": "émery zoe"}, ["zoe"]),
            ({"text": "pierre"}, ["pierre", "anne"]),
            ({"text": "duval"}, ["pierre"]),
            ({"text": "Lemaitre-D"}, ["pierre"]),
            ({"text": "uval"}, []),
            ({"text": " KARIM@chu "}, ["karim"]),
            ({"text": "pierre", "status": "closed"}, []),
            ({"text": "%"}, []),
            ({"text": "_nne"}, []),
            ({"text": "' OR 1=1 --"}, []),
            ({"text": "\0"}, []),
            ({"text": "\u202e"}, []),
            ({"text": "x" * 100_000}, []),
        ],
    )
    def test_people_are_found_and_sorted(self, database: Database, asked: dict[str, Any], found: list[str]) -> None:
        with database.write() as tx:
            populate(tx)
        with database.read() as tx:
            page = tx.people.page(**asked)
            assert [each.login_name for each in page.people] == found
            assert page.after is None
            assert tx.people.count(text=asked.get("text", ""), status=asked.get("status")) == len(found)

    @pytest.mark.parametrize("sort", ["name", "-name", "login", "-login", "created", "-created"])
    def test_pages_follow_one_another_though_keys_are_alike(self, database: Database, sort: str) -> None:
        with database.write() as tx:
            populate(tx)
            tx.imports.add([(replace(person(f"same{n}"), email=None), []) for n in range(6)])
        with database.read() as tx:
            whole = [each.account_id for each in tx.people.page(sort=sort).people]
            found: list[str] = []
            after: str | None = None
            while True:
                page = tx.people.page(sort=sort, after=after, limit=2)
                found += [each.account_id for each in page.people]
                if (after := page.after) is None:
                    break
            assert found == whole
            assert len(set(found)) == 11
            assert [each.account_id for each in tx.people.page(sort=sort, after="no such").people] == whole

    def test_a_new_name_is_found(self, database: Database) -> None:
        with database.write() as tx:
            populate(tx)
            anne = tx.accounts.find_by_login("anne")
            assert anne
            tx.profiles.set_names(anne.account_id, "Anne", "Ünal", START)
            assert [each.login_name for each in tx.people.page(text="unal").people] == ["anne"]
            assert [each.login_name for each in tx.people.page(text="pierre").people] == ["pierre"]

    def test_a_search_that_finds_many_finds_the_same(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = ["pierre", "duval", "pierre lem", "lem pier", "karim@chu", "e z", "uval", "zz", "anne pierre duval"]
        with database.write() as tx:
            populate(tx)
            few = [[each.login_name for each in tx.people.page(text=text).people] for text in asked]
            monkeypatch.setattr("idp.store.people.FEW", 0)
            many = [[each.login_name for each in tx.people.page(text=text).people] for text in asked]
        assert few == many == [["pierre", "anne"], ["pierre"], ["pierre"], ["pierre"], ["karim"], ["zoe"], [], [], []]

    def test_a_search_reads_no_more_than_it_finds(self, database: Database) -> None:
        with database.write() as tx:
            populate(tx)
        with explained(database) as plans, database.read() as tx:
            tx.people.page(text="lemai pier")
        for bounded in ("word", "value"):
            assert any(re.search(rf"\b{bounded} ?>", line) for line in plans)
        assert not [line for line in plans if FULL_SCAN.search(line)]

    def test_a_name_that_an_account_has_no_more_finds_nobody(self, database: Database) -> None:
        """Its words went with it, and with the account."""
        with database.write() as tx:
            populate(tx)
            ids = [each.account_id for each in tx.people.page().people]
            for each in ids:
                tx.profiles.set_names(each, "Other", "Other", START)
            assert tx.people.page(text="lemaitre").people == []
            assert len(tx.people.page(text="oth").people) == len(ids)
            tx.imports.remove(ids)
            assert tx.people.page().people == []

    def test_names_of_before_are_found_after_the_migration(self, database: Database) -> None:
        with database.write() as tx:
            populate(tx)
            before = tx.people.page().people
        go_back(database, "0010")
        database.migrate()
        with database.read() as tx:
            assert tx.people.page().people == before
            assert len(tx.people.page(text="emery").people) == 2

    def test_a_key_of_before_is_made_anew_by_the_migration(self, database: Database) -> None:
        with database.write() as tx:
            populate(tx)
            (anne,) = tx.people.page(text="anne").people
            tx.profiles.set_names(anne.account_id, "Anne", "Lebœuf", START)
        go_back(database, "0013")
        with database.engine.begin() as connection:
            connection.execute(
                update(account).values(name_key="lebœuf anne").where(account.c.account_id == anne.account_id)
            )
        database.migrate()
        with database.read() as tx:
            assert [each.login_name for each in tx.people.page(text="LEBOEUF").people] == ["anne"]
            assert [each.login_name for each in tx.people.page(text="lebœuf").people] == ["anne"]

    def test_everybody_is_handed_out_with_their_identifiers(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("idp.store.people.BATCH", 2)
        with database.write() as tx:
            populate(tx)
        with database.read() as tx:
            every = list(tx.people.every())
            assert sorted(each.login_name for each in every) == sorted(NAMES)
            assert all(each == tx.accounts.get(each.account_id) for each in every)

    def test_live_entitlements_are_handed_out(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("idp.store.people.BATCH", 2)
        with database.write() as tx:
            populate(tx)
            for client_id in ("ror", "other"):
                add_client(tx, client_id)
            ids = {login: account.account_id for login in NAMES if (account := tx.accounts.find_by_login(login))}
            for login in NAMES:
                tx.accounts.grant(ids[login], "ror", "operator:test", START, START + 2 * HOUR)
            tx.accounts.grant(ids["anne"], "other", "operator:test", START, None)
            tx.accounts.grant(ids["zoe"], "ror", "operator:test", START, START + HOUR)
            tx.accounts.revoke(ids["lea"], "ror", START)
        with database.read() as tx:
            found = {(each.login_name, each.client_id) for each in tx.people.accesses(START + HOUR)}
            assert found == {("anne", "ror"), ("anne", "other"), ("pierre", "ror"), ("karim", "ror")}
            (only,) = tx.people.accesses(START + HOUR, client_id="other")
            assert (only.login_name, only.service, only.granted_by, only.expires_at, list(only.roles)) == (
                "anne",
                "other",
                "operator:test",
                None,
                [],
            )
