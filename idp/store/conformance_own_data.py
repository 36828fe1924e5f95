"""The suite of what people read of their own account; part of `idp.store.conformance_sql`. Needs pytest."""

from datetime import datetime

from idp.domain.audit import AuditEvent
from idp.domain.ids import new_id
from idp.store.conformance import START
from idp.store.conformance_access import made_request
from idp.store.conformance_registration_desk import registered
from idp.store.conformance_rows import (
    HOUR,
    IDLE,
    REFUSED,
    SECOND,
    add_account,
    add_client,
    add_grant,
    add_session,
    proof,
)
from idp.store.database import Database, Tx


def kept(tx: Tx, account_id: str, now: datetime = START) -> list[tuple[str, datetime, bool]]:
    found = tx.own_data.kept_accesses(account_id, now, IDLE)
    return [(each.client_id, each.until, each.is_offline) for each in found]


class OwnDataSuite:
    """Uses the fixture `database` of DatabaseSuite."""

    def test_sessions_that_are_open_the_last_used_first(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim.benali").account_id
            first, second = add_session(tx, anne, "first"), add_session(tx, anne, "second", ip_prefix="198.51.100.0/24")
            his, ended = add_session(tx, karim, "his"), add_session(tx, anne, "ended")
            tx.sessions.end(ended, START)
            tx.sessions.touch(first, START + SECOND)
            found = tx.own_data.open_sessions(anne, START + IDLE - SECOND, IDLE)
            assert [each.session_id for each in found] == [first, second]
            assert (found[1].user_agent, found[1].ip_prefix) == ("Firefox", "198.51.100.0/24")
            assert (found[0].created_at, found[0].last_seen_at) == (START, START + SECOND)
            assert [each.session_id for each in tx.own_data.open_sessions(anne, START + IDLE, IDLE)] == [first]
            assert tx.own_data.open_sessions(anne, START + 4 * HOUR, 5 * HOUR) == []
            assert tx.own_data.has_session(anne, first)
            assert tx.own_data.has_session(anne, ended)
            assert not tx.own_data.has_session(anne, his)
            assert not tx.own_data.has_session(anne, new_id())

    def test_grants_that_outlive_their_session(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            add_client(tx)
            mine, other = add_session(tx, anne, "mine"), add_session(tx, anne, "other")
            made = {name: add_grant(tx, anne, mine, code=name) for name in ("offline", "bound", "revoked")}
            elsewhere = add_grant(tx, anne, other, code="elsewhere")
            for each in (made["offline"], made["revoked"], elsewhere):
                tx.grants.redeem(each.grant_id, START, otherwise=REFUSED, offline_until=START + 5 * HOUR)
            tx.grants.revoke(made["revoked"].grant_id, START)
            assert tx.own_data.offline_grants(mine) == [made["offline"].grant_id]

    def test_services_that_hold_a_refresh_token(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim.benali").account_id
            for client_id in ("b", "a", "none", "used"):
                add_client(tx, client_id)
            session_id, his = add_session(tx, anne), add_session(tx, karim, "his")
            given = [
                add_grant(tx, account, where, client_id, code)
                for account, where, client_id, code in (
                    (anne, session_id, "b", "1"), (anne, session_id, "b", "2"), (anne, session_id, "a", "3"),
                    (anne, session_id, "none", "4"), (anne, session_id, "used", "5"), (karim, his, "a", "6"),
                )
            ]  # fmt: skip
            for each, until in zip(given, (START + 5 * HOUR, START + 6 * HOUR, None, None, None, None), strict=True):
                tx.grants.redeem(each.grant_id, START, otherwise=REFUSED, offline_until=until)
            for each in (given[0], given[1], given[2], given[4], given[5]):
                tx.refresh_tokens.add(f"token of {each.grant_id}", each.grant_id, START)
            found = tx.refresh_tokens.find(f"token of {given[4].grant_id}", START)
            assert found
            tx.refresh_tokens.use(found.token_digest, START, otherwise=REFUSED)
            a, b = ("a", START + 4 * HOUR, False), ("b", START + 6 * HOUR, True)
            assert kept(tx, anne) == [a, b]
            assert kept(tx, anne, START + IDLE) == [b]
            assert kept(tx, anne, START + 6 * HOUR) == []
            tx.grants.revoke(given[1].grant_id, START)
            assert kept(tx, anne) == [a, ("b", START + 5 * HOUR, True)]
            tx.sessions.end(session_id, START)
            assert kept(tx, anne) == [("b", START + 5 * HOUR, True)]

    def test_accesses_and_what_may_be_asked_for(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            uri = "https://ror.example/start"
            for client_id in ("d", "c", "b", "a"):
                add_client(tx, client_id, initiate_login_uri=uri)
            add_client(tx, "open", needs_entitlement=False, initiate_login_uri=uri)
            add_client(tx, "hidden")
            add_client(tx, "off", initiate_login_uri=uri)
            tx.clients.set_enabled("off", False)
            for client_id, until in (("a", None), ("b", START + HOUR), ("c", None), ("off", None)):
                tx.accounts.grant(anne, client_id, "test", START, until)
            tx.accounts.revoke(anne, "c", START)
            found = tx.own_data.accesses(anne, START)
            assert [(each.client_id, each.granted_at, each.expires_at) for each in found] == [
                ("a", START, None),
                ("b", START, START + HOUR),
            ]
            assert [each.client_id for each in tx.own_data.askable(anne, START)] == ["c", "d"]
            assert [each.client_id for each in tx.own_data.accesses(anne, START + HOUR)] == ["a"]
            assert [each.client_id for each in tx.own_data.askable(anne, START + HOUR)] == ["b", "c", "d"]

    def test_consents_by_the_name_of_the_service(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim.benali").account_id
            add_client(tx, "a", name="Z")
            add_client(tx, "z", name="A")
            for account_id, client_id in ((anne, "a"), (anne, "z"), (karim, "a")):
                tx.consents.give(account_id, client_id, frozenset({"openid", "email"}), START)
            found = tx.own_data.agreements(anne)
            assert [(each.client_id, each.name) for each in found] == [("z", "A"), ("a", "Z")]
            assert (found[0].scopes, found[0].given_at) == (("email", "openid"), START)

    def test_logins_page_by_page(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim.benali").account_id
            add_client(tx, "ror", name="ROR")
            where = {"network": "192.0.2.0/24", "browser": "Firefox"}
            facts = {"method": "password", "reason": "wrong"}
            for at in (START, START + SECOND, START + SECOND, START + SECOND):
                tx.audit.record(AuditEvent("login.failed", "anonymous", anne, "ror", "refused", facts, where), at)
            tx.audit.record(AuditEvent("login.succeeded", karim, karim, "ror"), START)
            tx.audit.record(AuditEvent("authorization.issued", anne, anne, "ror"), START)
            everything = tx.own_data.attempts(anne, 10)
            assert len(everything) == 4
            assert [each.at for each in everything] == sorted((each.at for each in everything), reverse=True)
            paged = [*tx.own_data.attempts(anne, 3)]
            paged += tx.own_data.attempts(anne, 3, before=paged[-1])
            assert paged == everything
            one = everything[0]
            assert (one.name, one.service, one.method, one.reason) == ("login.failed", "ROR", "password", "wrong")
            assert (one.network, one.browser) == ("192.0.2.0/24", "Firefox")
            assert tx.own_data.attempt(anne, one.event_id) == one
            assert tx.own_data.attempt(karim, one.event_id) is None
            tx.audit.forget_personal_of(anne)
            assert (tx.own_data.attempts(anne, 1)[0].network, tx.own_data.attempts(anne, 1)[0].browser) == (None, None)

    def test_the_language_is_that_of_what_they_asked_for_last(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)
            anne, karim = add_account(tx).account_id, add_account(tx, "karim.benali").account_id
            assert tx.own_data.language(anne) is None
            registered(tx, lang="en", account_id=anne, created_at=START + SECOND)
            assert tx.access_requests.submit(made_request(anne))
            assert tx.own_data.language(anne) == "en"
            assert tx.access_requests.submit(made_request(karim))
            assert tx.own_data.language(karim) == "fr"

    def test_personal_data_are_of_one_person(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)
            people = [add_account(tx, login).account_id for login in ("anne.pierre", "karim.benali")]
            for account_id in people:
                session_id = add_session(tx, account_id, f"cookie of {account_id}")
                tx.sessions.add_proof(session_id, proof())
                given = add_grant(tx, account_id, session_id, code=f"code of {account_id}")
                tx.refresh_tokens.add(f"token of {account_id}", given.grant_id, START)
                tx.audit.record(AuditEvent("login.succeeded", account_id, account_id, personal={"network": "x"}), START)
            found = tx.personal_data.of(people[0])
            for name in ("account", "identities", "sessions", "proofs", "grants", "refresh_tokens"):
                assert len(found[name]) == 1, name
            assert (len(found["events"]), len(found["events_personal"])) == (1, 1)
            assert found["account"][0]["login_name"] == "anne.pierre"
            assert found["sessions"][0]["created_at"] == START
            assert found["proofs"][0]["session_id"] == found["sessions"][0]["session_id"]
            assert found["events_personal"][0]["event_id"] == found["events"][0]["event_id"]
