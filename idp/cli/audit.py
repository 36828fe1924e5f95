"""`sesame audit …`"""

import json

import click

from idp.cli.context import desk_of, plainly


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
        }
        click.echo(json.dumps(line, ensure_ascii=False))
