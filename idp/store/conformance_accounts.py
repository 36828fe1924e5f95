"""The suite of accounts, sessions and grants; part of `idp.store.conformance_sql`. Needs pytest."""

from datetime import timedelta

import pytest

from idp.domain.account import AccountStatus
from idp.domain.authn import IdentityRef
from idp.errors import InvalidOperation
from idp.store.conformance import START
from idp.store.conformance_authenticators import AuthenticatorSuite
from idp.store.conformance_means import MeansSuite
from idp.store.conformance_phones import PhoneSuite
from idp.store.conformance_rows import (
    HOUR,
    IDLE,
    REFUSED,
    SECOND,
    add_account,
    add_client,
    add_grant,
    add_session,
    is_done,
    proof,
)
from idp.store.database import Database

EMAIL = IdentityRef("email", "anne@chu.example")


class AccountSuite(MeansSuite, AuthenticatorSuite, PhoneSuite):
    """Uses the fixture `database` of DatabaseSuite."""

    def test_an_account_comes_back_as_it_was(self, database: Database) -> None:
        with database.write() as tx:
            made = add_account(tx, email=EMAIL.value)
        with database.read() as tx:
            found = tx.accounts.get(made.account_id)
            assert found
            assert found.identities == {"login_name": "anne.pierre", "email": EMAIL.value}
            assert (found.profile, found.created_at, found.civility) == (made.profile, START, "Mme")
            assert tx.accounts.find_by_login("anne.pierre") == tx.accounts.find(EMAIL) == found
            assert tx.accounts.find_by_login(EMAIL.value) == found
            assert tx.accounts.get("nobody") is tx.accounts.find_by_login("nobody") is None

    def test_an_address_that_nobody_verified_finds_nobody(self, database: Database) -> None:
        with database.write() as tx:
            add_account(tx)
            assert tx.accounts.find_by_login(EMAIL.value) is None

    def test_a_login_name_and_an_identifier_are_one_accounts(self, database: Database) -> None:
        with database.write() as tx:
            add_account(tx, email=EMAIL.value)
        for login, email in (("anne.pierre", None), ("anne.autre", EMAIL.value)):
            with pytest.raises(InvalidOperation, match="already in use"), database.write() as tx:
                add_account(tx, login, email)
        with database.read() as tx:
            assert tx.accounts.find_by_login("anne.autre") is None

    def test_the_first_login_is_noted_once(self, database: Database) -> None:
        with database.write() as tx:
            account_id = add_account(tx).account_id
            for at in (None, START + HOUR, START + HOUR):
                found = tx.accounts.get(account_id)
                assert found
                assert found.signed_in_at == at
                tx.accounts.note_login(account_id, START + HOUR if at is None else START + 2 * HOUR)

    def test_the_status_of_an_account(self, database: Database) -> None:
        with database.write() as tx:
            account_id = add_account(tx).account_id
            tx.accounts.set_status(account_id, AccountStatus.SUSPENDED, START + HOUR)
            found = tx.accounts.get(account_id)
        assert found
        assert (found.status, found.updated_at) == (AccountStatus.SUSPENDED, START + HOUR)

    def test_what_an_account_owns(self, database: Database) -> None:
        with database.write() as tx:
            account_id, other = add_account(tx, email=EMAIL.value).account_id, add_account(tx, "karim").account_id
            assert tx.accounts.owned(account_id) == {"identity:login_name", "identity:email"}
            tx.accounts.set_password(account_id, "digest", "knowledge", START)
            assert tx.accounts.owned(account_id) == {"identity:login_name", "identity:email", "credential:password"}
            assert tx.accounts.owned(other) == {"identity:login_name"}

    def test_a_new_password_takes_the_place_of_the_one_before(self, database: Database) -> None:
        with database.write() as tx:
            account_id = add_account(tx).account_id
            assert tx.accounts.password(account_id) is None
            tx.accounts.set_password(account_id, "first", "knowledge", START)
            first = tx.accounts.password(account_id)
            tx.accounts.set_password(account_id, "second", "mailbox", START + HOUR)
            second = tx.accounts.password(account_id)
            assert first
            assert second
            assert (second.digest, second.anchor, second.created_at) == ("second", "mailbox", START + HOUR)
            assert not tx.accounts.renew_password_digest(first, "late")
            assert tx.accounts.renew_password_digest(second, "renewed")
            assert not tx.accounts.renew_password_digest(second, "again")
            assert tx.accounts.confirm_password(account_id)
            assert not tx.accounts.confirm_password(account_id)
            last = tx.accounts.password(account_id)
        assert last
        assert (last.digest, last.anchor) == ("renewed", "knowledge")

    def test_the_parameters_of_live_passwords(self, database: Database) -> None:
        older, newer = "$argon2id$v=19$m=7168,t=1,p=1$", "$argon2id$v=19$m=19456,t=2,p=1$"
        with database.write() as tx:
            accounts = [add_account(tx, name).account_id for name in ("anne", "karim", "lea", "samir")]
            assert tx.accounts.password_parameters() == frozenset()
            digests = (f"{older}c2Fs/HQ$aGFz+A9z", f"{newer}b3RoZXI$aGFzaA", f"{newer}c2FsdA$b3RoZXI", "digest")
            for account_id, digest in zip(accounts, digests, strict=True):
                tx.accounts.set_password(account_id, digest, "knowledge", START)
        with database.write() as tx:
            assert tx.accounts.password_parameters() == {older, newer}
            tx.accounts.set_password(accounts[0], f"{newer}c2FsdA$aGFzaA", "knowledge", START)
            assert tx.accounts.password_parameters() == {newer}

    def test_an_entitlement_can_end(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)
            add_client(tx, "other")
            account_id = add_account(tx).account_id
            tx.accounts.grant(account_id, "ror", "operator:test", START, START + HOUR)
            assert tx.accounts.may_open(account_id, "ror", START + HOUR - SECOND)
            assert not tx.accounts.may_open(account_id, "ror", START + HOUR)
            assert not tx.accounts.may_open(account_id, "other", START)
            tx.accounts.grant(account_id, "ror", "operator:test", START, None)
            assert tx.accounts.may_open(account_id, "ror", START + 1000 * HOUR)
            assert tx.accounts.revoke(account_id, "ror", START)
            assert not tx.accounts.revoke(account_id, "ror", START)
            assert not tx.accounts.may_open(account_id, "ror", START)
            tx.accounts.grant(account_id, "ror", "operator:test", START, None)
            assert tx.accounts.may_open(account_id, "ror", START)

    def test_tiles_are_what_the_person_may_open(self, database: Database) -> None:
        uri = "https://ror.example/login"
        with database.write() as tx:
            account_id = add_account(tx).account_id
            add_client(tx, "b-entitled", initiate_login_uri=uri)
            add_client(tx, "a-for-all", initiate_login_uri=uri, needs_entitlement=False)
            add_client(tx, "not-entitled", initiate_login_uri=uri)
            add_client(tx, "expired", initiate_login_uri=uri)
            add_client(tx, "disabled", initiate_login_uri=uri, needs_entitlement=False)
            add_client(tx, "no-start", needs_entitlement=False)
            tx.clients.set_enabled("disabled", False)
            tx.accounts.grant(account_id, "b-entitled", "operator:test", START, None)
            tx.accounts.grant(account_id, "expired", "operator:test", START, START)
            assert [tile.client_id for tile in tx.accounts.tiles(account_id, START)] == ["a-for-all", "b-entitled"]


class SessionSuite:
    """Sessions and grants; uses the fixture `database` of DatabaseSuite."""

    def test_a_session_lives_while_it_is_used_and_no_longer_than_its_life(self, database: Database) -> None:
        with database.write() as tx:
            account_id = add_account(tx).account_id
            session_id = add_session(tx, account_id, user_agent="x" * 500)
            tx.sessions.add_proof(session_id, proof())
            found = tx.sessions.find("cookie", START + IDLE - SECOND, IDLE)
            assert found
            assert (found.session_id, found.account_id, found.proofs) == (session_id, account_id, (proof(),))
            assert found.is_current
            assert tx.sessions.find("cookie", START + IDLE, IDLE) is None
            for step in range(1, 9):
                now = START + step * (IDLE - SECOND)
                assert tx.sessions.find("cookie", now, IDLE)
                assert tx.sessions.touch(session_id, now)
            assert tx.sessions.find("cookie", START + 4 * HOUR - SECOND, IDLE)
            assert tx.sessions.find("cookie", START + 4 * HOUR, IDLE) is None
            assert tx.sessions.find("other", START, IDLE) is tx.sessions.find(session_id, START, IDLE) is None

    def test_the_cookie_before_reads_for_ten_seconds(self, database: Database) -> None:
        with database.write() as tx:
            session_id = add_session(tx, add_account(tx).account_id, "one")
            assert tx.sessions.rotate(session_id, "one", "two", START)
            assert not tx.sessions.rotate(session_id, "one", "three", START)
            current, before = tx.sessions.find("two", START, IDLE), tx.sessions.find("one", START, IDLE)
            assert current
            assert before
            assert (current.is_current, before.is_current) == (True, False)
            assert tx.sessions.find("one", START + 10 * SECOND - timedelta(microseconds=1), IDLE)
            assert tx.sessions.find("one", START + 10 * SECOND, IDLE) is None
            assert tx.sessions.find("two", START + 10 * SECOND, IDLE)
            assert tx.sessions.rotate(session_id, "two", "three", START)
            assert tx.sessions.find("one", START, IDLE) is None

    def test_proofs_come_oldest_first(self, database: Database) -> None:
        with database.write() as tx:
            session_id = add_session(tx, add_account(tx).account_id)
            made = tuple(proof(START + n * SECOND) for n in range(20))
            for each in made:
                tx.sessions.add_proof(session_id, each)
            found = tx.sessions.find("cookie", START, IDLE)
        assert found
        assert found.proofs == made

    def test_a_session_that_ended_is_gone_with_its_grants(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)
            account_id = add_account(tx).account_id
            ended, kept = add_session(tx, account_id, "ended"), add_session(tx, account_id, "kept")
            grant, other = add_grant(tx, account_id, ended, code="a"), add_grant(tx, account_id, kept, code="b")
            assert tx.sessions.end(ended, START)
            assert not tx.sessions.end(ended, START)
            assert tx.sessions.find("ended", START, IDLE) is None
            assert not tx.sessions.touch(ended, START)
            assert tx.sessions.find("kept", START, IDLE)
            assert tx.grants.live(grant.grant_id) is None
            assert tx.grants.live(other.grant_id)
        assert not is_done(database, lambda tx: tx.grants.redeem(grant.grant_id, START, otherwise=REFUSED))

    def test_all_sessions_of_an_account_end_and_no_others(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            first = add_session(tx, anne, "one")
            add_session(tx, anne, "two")
            hers, his = add_grant(tx, anne, first), add_grant(tx, karim, add_session(tx, karim, "his"), code="his")
            assert tx.sessions.end_all(anne, START) == 2
            assert tx.sessions.end_all(anne, START) == 0
            assert tx.sessions.find("one", START, IDLE) is tx.sessions.find("two", START, IDLE) is None
            assert tx.sessions.find("his", START, IDLE)
            assert tx.grants.live(hers.grant_id) is None
            assert tx.grants.live(his.grant_id)

    def test_a_grant_comes_back_as_it_was(self, database: Database) -> None:
        with database.write() as tx:
            scopes = add_client(tx, scopes=("openid", "email")).scopes
            account_id = add_account(tx).account_id
            made = add_grant(
                tx, account_id, add_session(tx, account_id), nonce="é", code_challenge="c", userinfo_claims=("name",)
            )
            found = tx.grants.by_code("code")
            assert found
            assert found[0] == tx.grants.live(made.grant_id) == made
            assert found[1].account_id == account_id
            assert found[2] == set(scopes)
            assert tx.grants.by_code("other") is tx.grants.by_code(made.grant_id) is None

    def test_what_a_revoked_grant_gave_is_dead(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)
            account_id = add_account(tx).account_id
            session_id = add_session(tx, account_id)
            made = add_grant(tx, account_id, session_id)
            assert not tx.grants.has_live(session_id, "ror")
        for is_first in (True, False):
            redeemed = is_done(database, lambda tx: tx.grants.redeem(made.grant_id, START, otherwise=REFUSED))
            assert redeemed == is_first
        with database.write() as tx:
            assert tx.grants.has_live(session_id, "ror")
            assert not tx.grants.has_live(session_id, "other")
            tx.grants.revoke(made.grant_id, START)
            assert tx.grants.live(made.grant_id) is None
            assert not tx.grants.has_live(session_id, "ror")
            found = tx.grants.by_code("code")  # still known, so that a second use is seen
        assert found
        assert found[0].revoked_at == found[0].redeemed_at == START

    def test_all_that_was_given_to_one_client_is_revoked(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)
            add_client(tx, "other")
            account_id = add_account(tx).account_id
            session_id = add_session(tx, account_id)
            one = add_grant(tx, account_id, session_id, code="1")
            other = add_grant(tx, account_id, session_id, "other", code="2")
            tx.grants.revoke_for(account_id, "ror", START)
            assert tx.grants.live(one.grant_id) is None
            assert tx.grants.live(other.grant_id)

    def test_a_grant_of_an_account_that_is_not_active_is_dead(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)
            account_id = add_account(tx).account_id
            made = add_grant(tx, account_id, add_session(tx, account_id))
            tx.accounts.set_status(account_id, AccountStatus.SUSPENDED, START)
            assert tx.grants.live(made.grant_id) is None
