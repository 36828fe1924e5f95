"""`sesame audit …`"""

import json
import sys

import click

from idp.cli.context import desk_of, plainly, settings_of
from idp.errors import InvalidOperation
from idp.flows import audit_trail
from idp.settings import read_secret
from keys.seal import DataKeys


@click.group()
def audit() -> None:
    """What happened."""


@audit.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50)
@click.option("--name", help="Only events of this name.")
@click.option("--account", "login", help="Only events about this account.")
@click.pass_context
@plainly
def show(context: click.Context, limit: int, name: str | None, login: str | None) -> None:
    """Print the latest events, newest first, one JSON object a line."""
    desk = desk_of(context)
    with desk.db.read() as tx:
        subject = desk.account(tx, login).account_id if login else None
        found = tx.audit.latest(limit, name=name, subject=subject)
    for each in found:
        event = each.event
        line = {
            "at": each.at.isoformat(),
            "name": event.name,
            "actor": event.actor,
            "subject": event.subject,
            "client_id": event.client_id,
            "outcome": event.outcome,
            "detail": dict(event.detail),
            "request_id": each.request_id,
            "personal": dict(event.personal),
        }
        click.echo(json.dumps(line, ensure_ascii=False))


@audit.command()
@click.option("--expect", help="NUMBER:CHAIN of an audit line of the log that was kept elsewhere.")
@click.pass_context
@plainly
def verify(context: click.Context, expect: str | None) -> None:
    """Walk the chain of seals; status 1 if an event was altered, inserted, deleted or moved."""
    desk, data_keys = desk_of(context), DataKeys(read_secret(settings_of(context).secret_file))
    report = audit_trail.verify(desk.db, data_keys.mac, expected=_read_seal(expect) if expect else None)
    for fault in report.faults:
        click.echo(f"{fault.number}: {fault.what}")
    click.echo(f"{report.last.number} events sealed, {report.unsealed} not sealed yet, {len(report.faults)} faults")
    if report.is_sound:
        click.echo(
            f"sound; to check later that its end is still there: --expect {report.last.number}:{report.last.chain}"
        )
    else:
        sys.exit(1)


@audit.command()
@click.argument("login")
@click.pass_context
@plainly
def forget(context: click.Context, login: str) -> None:
    """Delete networks and browsers beside the events of an account; the events stay, and so does the chain."""
    desk = desk_of(context)
    with desk.db.write() as tx:
        account_id = desk.account(tx, login).account_id
        count = tx.audit.forget_personal_of(account_id)
        desk.record(tx, "audit.personal_forgotten", subject=account_id, count=count)
    click.echo(f"{count} events")


def _read_seal(text: str) -> tuple[int, str]:
    number, _, chain = text.partition(":")
    if not number.isdecimal() or len(chain) != 64:
        raise InvalidOperation(f"{text}: a number, a colon and 64 hexadecimal digits are expected")
    return int(number), chain
