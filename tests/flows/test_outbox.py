"""Letters leave at least once: leased by one worker, tried again later, sealed until then."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest

from idp.flows import letters
from idp.flows.delivery import deliver_next
from idp.store.outbox import LEASE, MAX_ATTEMPTS, Letter
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start()
    made.add_client("ror", methods=("email_otp",))
    made.add_account("anne.pierre")
    return made


def ask_code(provider: Provider) -> None:
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    rp.post(f"{path}/email_otp", page=path)
    rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login="anne.pierre", password=PASSWORD)


def lease(provider: Provider) -> Letter | None:
    with provider.services.db.write() as tx:
        return tx.outbox.lease_next(provider.clock.now())


def undelivered(provider: Provider) -> int:
    with provider.services.db.read() as tx:
        return tx.outbox.undelivered()


def bytes_of(provider: Provider) -> bytes:
    """Everything that the database wrote to disk, its log too."""
    path = Path(provider.services.settings.database_url.removeprefix("sqlite:///"))
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


def test_a_letter_goes_out_once(provider: Provider) -> None:
    ask_code(provider)
    assert not provider.mailer.sent
    assert deliver_next(provider.services)
    assert not deliver_next(provider.services)
    assert len(provider.mailer.sent) == 1


def test_two_workers_never_hold_the_same_letter(provider: Provider) -> None:
    ask_code(provider)
    barrier, got = Barrier(2), list[Letter | None]()

    def work() -> None:
        barrier.wait(10)
        got.append(lease(provider))

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(letter is not None for letter in got) == 1


def test_a_letter_of_a_worker_that_died_is_taken_up(provider: Provider) -> None:
    ask_code(provider)
    first = lease(provider)
    assert first
    assert lease(provider) is None
    provider.clock.advance(seconds=LEASE.total_seconds())
    second = lease(provider)
    assert second
    assert (second.outbox_id, second.attempts) == (first.outbox_id, 2)
    with provider.services.db.write() as tx:
        tx.outbox.done(first)  # the late worker no longer holds it
    provider.clock.advance(seconds=LEASE.total_seconds())
    assert lease(provider)


def test_a_mail_system_that_is_down_is_tried_again_with_the_same_message_id(provider: Provider) -> None:
    ask_code(provider)
    provider.mailer.down = True
    with provider.services.db.read() as tx:
        outbox_id = tx._connection.exec_driver_sql("SELECT outbox_id FROM outbox").scalar_one()
    assert deliver_next(provider.services)
    assert not deliver_next(provider.services)
    provider.clock.advance(seconds=9)
    assert not deliver_next(provider.services)
    provider.clock.advance(seconds=1)
    provider.mailer.down = False
    assert deliver_next(provider.services)
    assert [mail.message_id for mail in provider.mailer.sent] == [outbox_id]


def test_it_is_given_up_after_many_attempts(provider: Provider) -> None:
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        letters.tell(provider.services, tx, account, "not_me", "fr")
    provider.mailer.down = True
    tries = 0
    for _ in range(30):
        tries += deliver_next(provider.services)
        provider.clock.advance(minutes=30)
    assert tries == MAX_ATTEMPTS
    assert undelivered(provider) == 1


def test_one_letter_that_fails_does_not_hold_the_others(provider: Provider) -> None:
    ask_code(provider)
    provider.mailer.down = True
    deliver_next(provider.services)
    provider.mailer.down = False
    ask_code(provider)
    assert deliver_next(provider.services)
    assert len(provider.mailer.sent) == 1


@pytest.mark.embedded
def test_a_letter_is_sealed_at_rest(provider: Provider) -> None:
    ask_code(provider)
    with provider.services.db.write() as tx:
        letters.put(provider.services, tx, "email_otp", {"account_id": "x", "code": "a code that stands out"})
    at_rest = bytes_of(provider)
    assert b"anne.pierre" in at_rest  # the files are the right ones
    assert b"a code that stands out" not in at_rest
    assert b'"code"' not in at_rest


@pytest.mark.embedded
def test_a_reset_link_is_never_at_rest(provider: Provider) -> None:
    browser = provider.browser()
    rp = RelyingParty(provider, "ror", browser)
    rp.post("/password/forgot", page="/password/forgot", login="somebody.unique")
    assert b"somebody.unique" not in bytes_of(provider)
    rp.post("/password/forgot", page="/password/forgot", login="anne.pierre")
    token = provider.last_reset_path().rpartition("/")[2]
    assert token.encode() not in bytes_of(provider)


def test_a_letter_that_was_moved_or_altered_is_dropped(provider: Provider) -> None:
    ask_code(provider)
    with provider.services.db.write() as tx:
        tx._connection.exec_driver_sql("UPDATE outbox SET outbox_id = 'another'")
    assert deliver_next(provider.services)
    assert not provider.mailer.sent
    assert lease(provider) is None


def test_a_letter_is_in_the_transaction_of_its_event(provider: Provider) -> None:
    class Stop(Exception):
        pass

    def put_and_fail() -> None:
        with provider.services.db.write() as tx:
            letters.put(provider.services, tx, "email_otp", {"account_id": "x"})
            raise Stop

    with pytest.raises(Stop):
        put_and_fail()
    assert lease(provider) is None


def test_a_new_link_is_made_for_each_try(provider: Provider) -> None:
    rp = RelyingParty(provider, "ror")
    rp.post("/password/forgot", page="/password/forgot", login="anne.pierre")
    provider.mailer.down = True
    deliver_next(provider.services)
    provider.mailer.down = False
    provider.clock.advance(seconds=timedelta(minutes=1).total_seconds())
    path = provider.last_reset_path()
    assert rp.browser.get(path).status_code == 200


def test_a_code_that_died_while_the_mail_system_was_away_is_not_sent(provider: Provider) -> None:
    provider.mailer.down = True
    ask_code(provider)
    provider.mails()
    provider.mailer.down = False
    provider.clock.advance(minutes=10)
    assert not provider.mails()


def test_a_letter_that_the_mail_library_chokes_on_does_not_end_the_worker(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:

    def choke(*arguments: str, **named: str) -> None:
        monkeypatch.undo()
        raise IndexError("string index out of range")

    monkeypatch.setattr(provider.mailer, "send", choke)
    ask_code(provider)
    ask_code(provider)
    assert deliver_next(provider.services)
    assert deliver_next(provider.services)
    assert not deliver_next(provider.services)
    assert len(provider.mailer.sent) == 1
