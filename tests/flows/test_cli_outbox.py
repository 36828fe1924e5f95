"""`sesame outbox`: what was given up is seen, without what it says, and goes out after all."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from idp.domain.ids import new_id
from idp.flows import letters
from idp.flows.backchannel import GIVE_UP_AFTER, Backchannel
from idp.flows.delivery import deliver_next
from idp.flows.operators import outbox
from idp.settings.sections import Outgoing
from idp.store import Tx
from idp.store.outbox import LOGOUT, MAX_ATTEMPTS, Logout
from tests.fakes.clock import START
from tests.fakes.command_line import CommandLine
from tests.fakes.provider import Provider
from tests.fakes.site import Site

LOOPBACK = Outgoing(allowed_networks=("127.0.0.0/8",), timeout_s=0.5)  # type: ignore[arg-type]


@pytest.fixture
def cli(tmp_path: Path, template: Path) -> CommandLine:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return CommandLine.in_folder(tmp_path)


def give_up(tx: Tx, outbox_id: str, kind: str) -> None:
    tx.outbox.put(outbox_id, kind, b"what it says", START)
    letter = tx.outbox.lease_next(START, logouts=kind == LOGOUT)
    assert letter
    assert tx.outbox.give_up(letter)


def test_nothing_was_given_up(cli: CommandLine) -> None:
    cli.write(lambda tx: tx.outbox.put("waiting", "email_otp", b"", START))
    assert cli.run("outbox", "list") == ""
    assert cli.run("outbox", "retry", "--all") == "0 messages"
    assert cli.events() == []


def test_what_was_given_up_is_listed(cli: CommandLine) -> None:
    cli.write(lambda tx: give_up(tx, "b", "password_reset"))
    cli.write(lambda tx: give_up(tx, "a", LOGOUT))
    rows = [line.split("\t") for line in cli.run("outbox", "list").splitlines()]
    assert [(row[0], row[1], row[2], row[4]) for row in rows] == [
        ("a", "logout", START.isoformat(), f"{MAX_ATTEMPTS} attempts"),
        ("b", "password_reset", START.isoformat(), f"{MAX_ATTEMPTS} attempts"),
    ]
    assert all(row[3].endswith(" h") and len(row) == 5 for row in rows)


def test_those_that_are_named_are_put_back(cli: CommandLine) -> None:
    for outbox_id in ("a", "b", "c"):
        cli.write(lambda tx, outbox_id=outbox_id: give_up(tx, outbox_id, "alert"))
    assert cli.run("outbox", "retry", "a") == "1 messages"
    event = cli.last_event()
    assert (event["name"], event["detail"]) == ("outbox.retried", {"messages": "1"})
    assert [line[0] for line in cli.run("outbox", "list").splitlines()] == ["b", "c"]
    assert cli.run("outbox", "retry", "--all") == "2 messages"
    assert cli.run("outbox", "list") == ""
    assert cli.read(lambda tx: tx.outbox.waiting()) == 3


def test_one_that_was_not_given_up_puts_none_back(cli: CommandLine) -> None:
    cli.write(lambda tx: give_up(tx, "a", "alert"))
    cli.write(lambda tx: tx.outbox.put("waiting", "alert", b"", START))
    said = "nobody, waiting: no such message was given up; nothing was put back"
    assert cli.refused("outbox", "retry", "a", "waiting", "nobody") == said
    assert cli.read(lambda tx: (tx.outbox.undelivered(), tx.outbox.waiting())) == (1, 1)
    assert cli.events() == []


@pytest.mark.parametrize("arguments", [(), ("a", "--all")])
def test_it_must_be_clear_which(cli: CommandLine, arguments: tuple[str, ...]) -> None:
    cli.write(lambda tx: give_up(tx, "a", "alert"))
    assert "either" in cli.refused("outbox", "retry", *arguments)
    assert cli.read(lambda tx: tx.outbox.undelivered()) == 1


def test_a_letter_goes_out_after_all(provider: Provider) -> None:
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        letters.tell(provider.services, tx, account, "not_me", "fr")
    provider.mailer.down = True
    for _ in range(MAX_ATTEMPTS):
        assert deliver_next(provider.services)
        provider.clock.advance(minutes=30)
    provider.mailer.down = False
    with provider.services.db.read() as tx:
        (lost,) = tx.outbox.given_up()
    assert (lost.kind, lost.created_at) == ("not_me", START)
    outbox.retry(provider.desk, [lost.outbox_id])
    with provider.services.db.read() as tx:
        assert tx.outbox.given_up() == []
    provider.mails()
    assert lost.outbox_id in {mail.message_id for mail in provider.mailer.sent}


def test_a_notice_of_logout_goes_out_a_day_later(start: Callable[..., Provider]) -> None:
    provider = start(outgoing=LOOPBACK)
    account = provider.add_account("anne.pierre")
    with Site(None).running() as site:
        provider.add_client("ror", backchannel_logout_uri=f"http://127.0.0.1:{site.port}/backchannel")
        with provider.services.db.write() as tx:
            notice = Logout("ror", account.account_id, new_id()).to_bytes()
            tx.outbox.put("notice", LOGOUT, notice, provider.clock.now())
        provider.clock.advance(seconds=GIVE_UP_AFTER.total_seconds())
        channel = Backchannel(provider.services)
        assert channel.deliver_next()
        assert (len(site.received), len(provider.events("logout.given_up"))) == (0, 1)
        outbox.retry(provider.desk, ["notice"])
        assert channel.deliver_next()
        assert len(site.received) == 1
