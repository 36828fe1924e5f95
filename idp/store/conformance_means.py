"""The suite of means of authentication and of browsers; part of `idp.store.conformance_sql`. Needs pytest."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from idp.domain.audit import AuditEvent
from idp.domain.authn import Assurance, IdentityRef
from idp.errors import InvalidOperation
from idp.store.conformance import START
from idp.store.conformance_rows import HOUR, SECOND, add_account, add_client, add_session, proof
from idp.store.database import Database, Tx

RPPS = IdentityRef("rpps", "10101234567")


def links(tx: Tx, account_id: str) -> list[str]:
    return [link.link_id for link in tx.means.links(account_id)]


class MeansSuite:
    """Uses the fixture `database` of DatabaseSuite."""

    # -- what there is -------------------------------------------------------------

    def test_a_credential_says_with_what_it_was_enrolled(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            assert tx.means.credentials(anne) == []
            means = tx.accounts.set_password(anne, "digest", "mailbox", START, Assurance.MEDIUM)
            (found,) = tx.means.credentials(anne)
            assert (found.credential_id, found.kind, found.anchor) == (means, "password", "mailbox")
            assert (found.enrolled, found.created_at) == (Assurance.MEDIUM, START)
            assert (found.name, found.last_used_at) == (None, None)
            assert tx.means.enrolments([means]) == [Assurance.MEDIUM]
            assert tx.means.enrolments([]) == tx.means.enrolments(["unknown"]) == []
            assert tx.means.remove(anne, means, START)
            assert not tx.means.enrolments([means])
            assert not tx.means.credentials(anne)

    def test_a_link_comes_back_as_it_was(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            assert tx.means.link(anne, "card") is None
            first, second = tx.means.add_link(anne, "card", START), tx.means.add_link(anne, "federation", START)
            assert links(tx, anne) == [first, second]
            found = tx.means.link(anne, "card")
            assert found
            assert (found.link_id, found.method, found.created_at) == (first, "card", START)
            assert (found.name, found.last_used_at, found.revoked_at) == (None, None, None)

    def test_a_method_has_one_live_link(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            tx.means.add_link(anne, "card", START)
            tx.means.add_link(karim, "card", START)
        with pytest.raises(IntegrityError), database.write() as tx:
            tx.means.add_link(anne, "card", START)

    def test_the_last_link_that_was_removed_is_known(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            for hour in (0, 1):
                link_id = tx.means.add_link(anne, "card", START + hour * HOUR)
                tx.means.remove(anne, link_id, START + hour * HOUR)
            found = tx.means.link(anne, "card")
            assert found
            assert found.revoked_at == START + HOUR
            live = tx.means.add_link(anne, "card", START + 2 * HOUR)
            found = tx.means.link(anne, "card")
            assert found
            assert (found.link_id, found.revoked_at) == (live, None)

    def test_an_identity_is_one_accounts(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            assert tx.means.origin(RPPS) is None
            tx.means.add_identity(anne, RPPS, "card", START)
            assert tx.means.origin(RPPS) == "card"
        with pytest.raises(InvalidOperation, match="already in use"), database.write() as tx:
            tx.means.add_identity(karim, RPPS, "card", START)

    def test_an_account_holds_one_identity_of_a_kind(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            identity_id = tx.means.add_identity(anne, RPPS, "card", START)
            tx.means.add_identity(anne, IdentityRef("adeli", "331234567"), "card", START)
            assert tx.means.kind_of(anne, identity_id) == "rpps"
            karim = add_account(tx, "karim").account_id
            assert tx.means.kind_of(karim, identity_id) is tx.means.kind_of(anne, "unknown") is None
        with pytest.raises(InvalidOperation), database.write() as tx:
            tx.means.add_identity(anne, IdentityRef("rpps", "10109999999"), "card", START)

    def test_that_an_identity_was_taken_away_is_remembered(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            tx.means.add_identity(anne, RPPS, "card", START)
            assert not tx.means.drop_identity(anne, "adeli", START + HOUR)
            found = tx.accounts.get(anne)
            assert found
            assert found.identity_dropped_at is None
            assert tx.means.drop_identity(anne, "rpps", START + HOUR)
            found = tx.accounts.get(anne)
            assert found
            assert found.identity_dropped_at == START + HOUR

    # -- used, named, taken away ---------------------------------------------------

    def test_a_use_is_noted_of_what_is_live(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            means = tx.accounts.set_password(anne, "digest", "knowledge", START)
            link_id = tx.means.add_link(anne, "card", START)
            assert tx.means.use(anne, [means, means], "card", START + HOUR)
            assert tx.means.use(anne, [], None, START + HOUR)
            assert tx.means.credentials(anne)[0].last_used_at == START + HOUR
            assert tx.means.links(anne)[0].last_used_at == START + HOUR
            assert not tx.means.use(anne, [means, "unknown"], None, START)
            assert not tx.means.use(karim, [], "card", START)
            tx.means.remove(anne, link_id, START)
            assert not tx.means.use(anne, [], "card", START)
            tx.means.remove(anne, means, START)
            assert not tx.means.use(anne, [means], None, START)

    def test_only_ones_own_is_named_and_removed(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            means = tx.accounts.set_password(anne, "digest", "knowledge", START)
            link_id = tx.means.add_link(anne, "card", START)
            for mine in (means, link_id):
                assert not tx.means.rename(karim, mine, "his")
                assert not tx.means.remove(karim, mine, START)
                assert tx.means.rename(anne, mine, "x" * 64)
            assert [c.name for c in tx.means.credentials(anne)] == ["x" * 64] == [k.name for k in tx.means.links(anne)]
            for mine in (means, link_id):
                assert tx.means.remove(anne, mine, START + HOUR)
                assert not tx.means.remove(anne, mine, START + HOUR)
                assert not tx.means.rename(anne, mine, "late")
            assert not (tx.means.credentials(anne))
            assert not (tx.means.links(anne))

    def test_a_means_is_revoked_with_those_that_came_after_it(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            his = tx.accounts.set_password(karim, "his", "knowledge", START)
            first = tx.accounts.set_password(anne, "first", "knowledge", START)
            tx.accounts.set_password(anne, "second", "mailbox", START + HOUR)
            card, federation = tx.means.add_link(anne, "card", START), tx.means.add_link(anne, "federation", START)
            tx.means.revoke_since(anne, his, START + HOUR)
            tx.means.revoke_since(anne, "a session", START + HOUR)
            assert tx.accounts.password(anne)
            tx.means.revoke_since(anne, first, START + HOUR)
            assert tx.accounts.password(anne) is None
            assert tx.accounts.are_live([his])
            assert links(tx, anne) == [card, federation]
            tx.means.remove(anne, card, START)
            tx.means.add_link(anne, "card", START + HOUR)
            tx.means.revoke_since(anne, card, START + HOUR)
            assert links(tx, anne) == [federation]

    def test_an_older_means_stays(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            older = tx.means.add_link(anne, "federation", START)
            newer = tx.means.add_link(anne, "card", START + HOUR)
            tx.means.revoke_since(anne, newer, START + HOUR)
            assert links(tx, anne) == [older]

    def test_all_means_or_those_since_an_instant_are_revoked(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            his = tx.means.add_link(karim, "card", START + HOUR)
            tx.accounts.set_password(anne, "digest", "knowledge", START)
            older = tx.means.add_link(anne, "federation", START)
            tx.means.add_link(anne, "card", START + HOUR)
            tx.means.revoke_all(anne, START + HOUR, made_since=START + SECOND)
            assert links(tx, anne) == [older]
            assert tx.accounts.password(anne)
            tx.means.revoke_all(anne, START + HOUR)
            assert not (tx.means.credentials(anne))
            assert not (tx.means.links(anne))
            assert links(tx, karim) == [his]

    # -- what they open, and in which browsers --------------------------------------

    def test_services_that_an_account_may_open(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            for client_id in ("d-entitled", "expired", "not-entitled"):
                add_client(tx, client_id)
            for client_id, changes in (
                ("a-all", {}),
                ("off", {}),
                ("machine", {"grant_types": ("client_credentials",)}),
            ):
                add_client(tx, client_id, needs_entitlement=False, **changes)
            tx.clients.set_enabled("off", False)
            tx.accounts.grant(anne, "d-entitled", "operator:test", START, None)
            tx.accounts.grant(anne, "expired", "operator:test", START, START)
            assert [found.client_id for found in tx.clients.open_to(anne, START)] == ["a-all", "d-entitled"]

    def test_a_session_is_known_by_its_id_even_when_it_ended(self, database: Database) -> None:
        with database.write() as tx:
            session_id = add_session(tx, add_account(tx).account_id)
            tx.sessions.add_proof(session_id, proof())
            tx.sessions.add_proof(session_id, proof(START + SECOND))
            tx.sessions.end(session_id, START)
            found = tx.sessions.get(session_id)
            assert found
            assert (found.created_at, found.proofs) == (START, (proof(), proof(START + SECOND)))
            assert tx.sessions.get("unknown") is None

    def test_a_browser_is_known_to_the_account_that_used_it(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            tx.browsers.meet(anne, "hash", START, since=START)
            tx.browsers.meet(anne, "hash", START + HOUR, since=START)
            assert tx.browsers.knows(anne, "hash", START + HOUR)
            assert not tx.browsers.knows(anne, "hash", START + HOUR + SECOND)
            assert not tx.browsers.knows(anne, "other", START)
            assert not tx.browsers.knows(karim, "hash", START)
            tx.browsers.meet(karim, "hash", START, since=START)
            tx.browsers.forget(anne)
            assert not tx.browsers.knows(anne, "hash", START)
            assert tx.browsers.knows(karim, "hash", START)

    def test_a_browser_is_new_to_who_signed_in_before(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            tx.audit.record(AuditEvent("login.failed", "anonymous", anne), START)
            tx.audit.record(AuditEvent("login.succeeded", karim, karim), START)
            assert not tx.browsers.meet(anne, "hash", START, since=START)  # the first login of all
            tx.audit.record(AuditEvent("login.succeeded", anne, anne), START)
            assert not tx.browsers.meet(anne, "hash", START, since=START)
            assert tx.browsers.meet(anne, "other", START, since=START)
            assert tx.browsers.meet(karim, "hash", START, since=START)
            later = START + timedelta(days=180)
            assert not tx.browsers.meet(anne, "other", later, since=START)
            assert tx.browsers.meet(anne, "hash", later, since=START + SECOND)  # not seen for too long
