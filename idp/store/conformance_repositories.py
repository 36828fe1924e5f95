"""The suite of what operators and letters write; part of `idp.store.conformance_sql`. Needs pytest."""

from dataclasses import replace
from datetime import timedelta

import pytest

from idp.domain.client import Client
from idp.domain.throttle import Limit
from idp.errors import InvalidOperation
from idp.store.conformance import START, race
from idp.store.conformance_own_data import OwnDataSuite
from idp.store.conformance_rows import HOUR, SECOND, add_account, add_client, policy_of
from idp.store.consents import Consent
from idp.store.database import Database
from idp.store.outbox import LEASE, LOGOUT, MAX_ATTEMPTS, GivenUp, Letter


class RepositorySuite(OwnDataSuite):
    """Uses the fixture `database` of DatabaseSuite."""

    def test_a_client_comes_back_as_it_was(self, database: Database) -> None:
        with database.write() as tx:
            plain = add_client(tx)
            full = add_client(
                tx,
                "full",
                auth_method="none",
                secret_digest=None,
                post_logout_redirect_uris=("https://ror.example/", "https://ror.example/é"),
                scopes=("openid", "identite_ps"),
                id_token_alg="ES256",
                require_pkce=False,
                needs_entitlement=False,
                token_lifetime=timedelta(seconds=90),
                initiate_login_uri="https://ror.example/login",
                logo_uri="https://ror.example/logo.svg",
                policy_uri="https://ror.example/p",
                tos_uri="https://ror.example/t",
                description="Offre de soins",
                grant_types=("authorization_code", "refresh_token"),
                jwks={"keys": [{"kty": "EC", "kid": "1"}]},
                jwks_uri="https://ror.example/jwks",
                subject_type="pairwise",
                sector="ror.example",
                access_token_format="jwt",
                audience="urn:ror:api",
                introspects="audience",
                consent="first",
                par_required=True,
                backchannel_logout_uri="https://ror.example/backchannel",
                offline_lifetime=timedelta(days=30),
                enabled=False,
            )
        with database.read() as tx:
            assert tx.clients.all() == [full, plain]
            assert tx.clients.get("full") == full
            assert tx.clients.get("nobody") is None

    def test_the_configuration_has_a_version_that_each_change_raises(self, database: Database) -> None:
        def version() -> int:
            with database.read() as tx:
                return tx.meta.config_version

        seen = [version()]
        with database.write() as tx:
            add_client(tx)
        seen.append(version())
        with database.write() as tx:
            tx.clients.set_enabled("ror", False)
        seen.append(version())
        with database.write() as tx:
            tx.clients.set_secret("ror", "1" * 64)
        seen.append(version())
        with database.write() as tx:
            assert tx.clients.replace(Client("ror", "Another name", ("https://ror.example/cb",), enabled=False))
        seen.append(version())
        with database.write() as tx:
            policy = policy_of("ror", START + HOUR)
            tx.policies.add(policy)
        seen.append(version())
        with database.write() as tx:
            tx.policies.cancel(policy.policy_id, START)
        seen.append(version())
        with pytest.raises(RuntimeError), database.write() as tx:  # noqa: PT012 - it must be undone
            tx.meta.bump_config()
            raise RuntimeError
        assert seen == sorted(set(seen))
        assert version() == seen[-1]

    def test_a_client_is_changed_by_its_name(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)
            assert tx.clients.set_enabled("ror", False)
            assert tx.clients.set_secret("ror", "1" * 64)
            assert not tx.clients.set_enabled("nobody", False)
            assert not tx.clients.set_secret("nobody", "1" * 64)
            found = tx.clients.get("ror")
        assert found
        assert (found.enabled, found.secret_digest) == (False, "1" * 64)

    def test_the_secret_before_is_kept_until_its_end(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)
            tx.clients.set_secret("ror", "1" * 64, START + HOUR)
            found = tx.clients.get("ror")
            assert found
            assert found.secret_digests(START) == ("1" * 64, "0" * 64)
            assert found.secret_digests(START + HOUR) == ("1" * 64,)
            tx.clients.set_secret("ror", "2" * 64)
            renewed = tx.clients.get("ror")
        assert renewed
        assert renewed.secret_digests(START) == ("2" * 64,)

    def test_of_two_changes_of_a_client_at_once_none_is_lost(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)
            assert tx.clients.lock("nobody") is None
            assert not tx.clients.replace(Client("nobody", "Nobody", ()))

        def change(number: int) -> None:
            with database.write() as tx:
                found = tx.clients.lock("ror")
                assert found
                tx.clients.replace(replace(found, description=f"{found.description or ''}{number}"))

        race(change)
        with database.read() as tx:
            found = tx.clients.get("ror")
        assert found
        assert sorted(found.description or "") == list("01234567")

    def test_the_policies_of_a_client_come_back_as_they_were_oldest_first(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)
            add_client(tx, "other")
            now = policy_of("ror", START, max_age=timedelta(hours=2), notice="Bientôt", reason="décision 12")
            later = policy_of("ror", START + HOUR)
            for each in (later, now, policy_of("other", START + HOUR / 2)):
                tx.policies.add(each)
            assert tx.policies.of("ror") == [now, later]

    def test_only_a_policy_to_come_is_cancelled(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)
            current, later = policy_of("ror", START), policy_of("ror", START + HOUR)
            tx.policies.add(current)
            tx.policies.add(later)
            cancelled = tx.policies.cancel(later.policy_id, START)
            assert cancelled.cancelled_at == START
            assert tx.policies.of("ror") == [current, cancelled]
            for policy_id in (current.policy_id, later.policy_id, "nothing"):
                with pytest.raises(InvalidOperation):
                    tx.policies.cancel(policy_id, START)
            tx.policies.add(again := policy_of("ror", START + HOUR))  # the instant is free again
            assert len(found := tx.policies.of("ror")) == 3  # nothing is deleted
            assert again in found

    def test_a_client_has_one_policy_an_instant(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)
            tx.policies.add(policy_of("ror"))
        with pytest.raises(InvalidOperation), database.write() as tx:
            tx.policies.add(policy_of("ror"))

    # -- outbox, links, attempts --------------------------------------------

    def test_letters_leave_in_order_and_come_back_when_they_fail(self, database: Database) -> None:
        with database.write() as tx:
            tx.outbox.put("b", "email_otp", b"\x00sealed", START + SECOND)
            tx.outbox.put("a", "password_reset", b"", START)
            assert tx.outbox.lease_next(START - SECOND) is None
            first = tx.outbox.lease_next(START + SECOND)
            second = tx.outbox.lease_next(START + SECOND)
            assert first
            assert second
            assert (first.outbox_id, second.outbox_id, second.sealed) == ("a", "b", b"\x00sealed")
            assert tx.outbox.lease_next(START + SECOND) is None
            tx.outbox.done(first)
            tx.outbox.retry(second, START + SECOND)
            assert tx.outbox.lease_next(START + 11 * SECOND - timedelta(microseconds=1)) is None
            again = tx.outbox.lease_next(START + 11 * SECOND)
            assert again
            assert (again.outbox_id, again.attempts, again.created_at) == ("b", 2, START + SECOND)

    def test_a_worker_that_died_loses_its_lease(self, database: Database) -> None:
        with database.write() as tx:
            tx.outbox.put("a", "email_otp", b"", START)
            dead = tx.outbox.lease_next(START)
            assert dead
            assert tx.outbox.lease_next(START + LEASE - SECOND) is None
            assert tx.outbox.lease_next(START + LEASE)
            tx.outbox.done(dead)  # too late: the letter is another's
            assert tx.outbox.lease_next(START + 2 * LEASE)

    def test_a_letter_is_given_up_after_many_attempts(self, database: Database) -> None:
        now = START
        with database.write() as tx:
            tx.outbox.put("a", "email_otp", b"", now)
            for _ in range(MAX_ATTEMPTS):
                letter: Letter | None = tx.outbox.lease_next(now)
                assert letter
                tx.outbox.retry(letter, now)
                now += 24 * HOUR
            assert tx.outbox.lease_next(now) is None
            assert tx.outbox.undelivered() == 1

    def test_what_was_given_up_is_taken_up_again(self, database: Database) -> None:
        with database.write() as tx:
            for outbox_id, kind in (("a", "alert"), ("b", LOGOUT), ("c", "alert"), ("d", "alert")):
                tx.outbox.put(outbox_id, kind, b"", START)
                letter = tx.outbox.lease_next(START, logouts=kind == LOGOUT)
                assert letter
                assert outbox_id == "d" or tx.outbox.give_up(letter)  # "d" is on its way
        with database.write() as tx:
            assert tx.outbox.given_up() == [
                GivenUp(outbox_id, kind, START, MAX_ATTEMPTS)
                for outbox_id, kind in (("a", "alert"), ("b", LOGOUT), ("c", "alert"))
            ]
            assert sorted(tx.outbox.take_up(["a", "b", "d", "nothing"], START + HOUR)) == ["a", "b"]
            assert [message.outbox_id for message in tx.outbox.given_up()] == ["c"]
            assert tx.outbox.take_up(None, START + HOUR) == ["c"]
            assert not tx.outbox.is_due(START + HOUR - SECOND, logouts=True)
            notice = tx.outbox.lease_next(START + HOUR, logouts=True)
            assert notice
            assert (notice.outbox_id, notice.attempts, notice.created_at) == ("b", 1, START + HOUR)
            tx.outbox.done(notice)
            due = [tx.outbox.lease_next(START + HOUR) for _ in range(3)]
            ages = {letter.outbox_id: (letter.attempts, letter.created_at) for letter in due if letter}
            assert ages == {"a": (1, START), "c": (1, START), "d": (2, START)}

    def test_a_reset_link_is_good_until_it_expires_or_one_is_used(self, database: Database) -> None:
        with database.write() as tx:
            account_id = add_account(tx).account_id
            tx.resets.add("old", account_id, START, START + HOUR)
            tx.resets.add("new", account_id, START, START + HOUR)
            assert tx.resets.peek("old", START) == account_id
            assert tx.resets.peek("new", START + HOUR) is tx.resets.take("new", START + HOUR) is None
            assert tx.resets.peek("new", START) == tx.resets.peek("new", START) == account_id
            assert tx.resets.take("new", START) == account_id
            assert tx.resets.peek("new", START) is tx.resets.take("new", START) is None
            assert tx.resets.peek("old", START) is tx.resets.take("old", START) is None

    def test_consents_add_up_until_they_are_withdrawn(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)
            add_client(tx, "other")
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            assert tx.consents.scopes(anne, "ror") == frozenset()
            tx.consents.give(anne, "ror", frozenset({"openid", "email"}), START)
            tx.consents.give(anne, "ror", frozenset({"openid", "phone"}), START + HOUR)
            tx.consents.give(anne, "other", frozenset({"openid"}), START)
        with database.write() as tx:
            assert tx.consents.scopes(anne, "ror") == {"openid", "email", "phone"}
            assert tx.consents.scopes(karim, "ror") == frozenset()
            assert tx.consents.of(anne) == [
                Consent("other", ("openid",), START),
                Consent("ror", ("email", "openid", "phone"), START + HOUR),
            ]
            assert tx.consents.of(karim) == []
            assert not tx.consents.withdraw(karim, "ror")
            assert tx.consents.withdraw(anne, "ror")
            assert not tx.consents.withdraw(anne, "ror")
            assert tx.consents.scopes(anne, "ror") == frozenset()
            assert tx.consents.scopes(anne, "other") == {"openid"}

    def test_attempts_come_back_after_the_window_and_after_a_success(self, database: Database) -> None:
        limit = Limit(most=2, window=HOUR, free=None)
        none = timedelta(0)
        with database.write() as tx:
            assert tx.throttle.take("a", limit, START) == none
            assert tx.throttle.take("a", limit, START + SECOND) == none
            assert tx.throttle.take("a", limit, START + SECOND) == HOUR - SECOND
            assert tx.throttle.delay("a", limit, START + SECOND) == HOUR - SECOND
            assert tx.throttle.delay("b", limit, START) == tx.throttle.delay("b", limit, START) == none
            assert tx.throttle.take("b", limit, START) == none
            tx.throttle.forgive("a")
            assert tx.throttle.take("a", limit, START + SECOND) == none
            assert tx.throttle.take("a", limit, START + HOUR) == none
            tx.throttle.forgive("nobody")

    def test_a_delay_grows_with_failures_in_a_row(self, database: Database) -> None:
        limit = Limit(most=10, window=HOUR, free=2, delay=SECOND)
        with database.write() as tx:
            for _ in range(2):
                assert not tx.throttle.take("a", limit, START)
            assert tx.throttle.take("a", limit, START) == SECOND
            assert not tx.throttle.take("a", limit, START + SECOND)
            assert tx.throttle.take("a", limit, START + SECOND) == 2 * SECOND
            tx.throttle.forgive("a")
            assert not tx.throttle.take("a", limit, START + SECOND)
