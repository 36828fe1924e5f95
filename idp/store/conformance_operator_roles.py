"""The suite of operators' roles; part of `idp.store.conformance_sql`. Needs pytest."""

from sqlalchemy import insert

from idp.domain.rights import Role, RoleGrant
from idp.store.conformance import RACERS, START, race
from idp.store.conformance_rows import HOUR, add_account
from idp.store.database import Database
from idp.store.schema import operator_role


class OperatorRoleSuite:
    """Uses the fixture `database` of DatabaseSuite."""

    def test_roles_come_back_by_account(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            first = RoleGrant(anne, Role.APPROVER, "ror", "claire", START)
            second = RoleGrant(anne, Role.APPROVER, "espace-pro", "claire", START)
            third = RoleGrant(karim, Role.SUPPORT, "*", "claire", START)
            assert all(tx.operator_roles.grant(each) for each in (first, second, third))
            assert tx.operator_roles.of(anne) == [second, first]
            assert tx.operator_roles.of(karim) == [third]
            assert tx.operator_roles.of("nobody") == []
            assert sorted(tx.operator_roles.all(), key=str) == sorted([first, second, third], key=str)

    def test_a_role_is_given_once(self, database: Database) -> None:
        with database.write() as tx:
            made = RoleGrant(add_account(tx).account_id, Role.SUPPORT, "*", "claire", START)
            assert tx.operator_roles.grant(made)
            assert not tx.operator_roles.grant(RoleGrant(made.account_id, made.role, "*", "nadia", START + HOUR))
            assert tx.operator_roles.of(made.account_id) == [made]

    def test_a_role_is_revoked_alone(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            kept = RoleGrant(anne, Role.APPROVER, "ror", "claire", START)
            for each in (kept, RoleGrant(anne, Role.APPROVER, "*", "claire", START)):
                tx.operator_roles.grant(each)
            assert not tx.operator_roles.revoke(anne, Role.SUPPORT, "ror")
            assert not tx.operator_roles.revoke("nobody", Role.APPROVER, "ror")
            assert tx.operator_roles.revoke(anne, Role.APPROVER, "*")
            assert not tx.operator_roles.revoke(anne, Role.APPROVER, "*")
            assert tx.operator_roles.of(anne) == [kept]
            tx.operator_roles.revoke_all(anne)
            assert tx.operator_roles.all() == []

    def test_of_many_at_once_one_revokes(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            tx.operator_roles.grant(RoleGrant(anne, Role.SUPPORT, "*", "claire", START))

        def revoke(_: int) -> bool:
            with database.write() as tx:
                return tx.operator_roles.revoke(anne, Role.SUPPORT, "*")

        assert sorted(race(revoke)) == [False] * (RACERS - 1) + [True]

    def test_a_role_that_is_not_known_gives_nothing(self, database: Database) -> None:
        """A later version wrote it."""
        with database.write() as tx:
            anne = add_account(tx).account_id
        row = {"account_id": anne, "role": "emperor", "scope": "*", "granted_by": "claire", "granted_at": START}
        with database.engine.begin() as connection:
            connection.execute(insert(operator_role).values(row))
        with database.read() as tx:
            assert tx.operator_roles.of(anne) == []
            assert tx.operator_roles.all() == []
