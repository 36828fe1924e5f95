"""`sesame alerts …`"""

import json

import click

from idp.cli.context import desk_of, plainly
from idp.flows.operators import alerts as operations


@click.group()
def alerts() -> None:
    """What support must look at."""


@alerts.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50)
@click.option("--all", "closed", is_flag=True, help="Closed ones too.")
@click.pass_context
@plainly
def show(context: click.Context, limit: int, closed: bool) -> None:
    """Print open alerts, newest first, one JSON object a line."""
    desk = desk_of(context)
    with desk.db.read() as tx:
        for alert in tx.alerts.latest(limit, closed=closed):
            account = tx.accounts.get(alert.account_id) if alert.account_id else None
            line = {
                "id": alert.alert_id,
                "at": alert.at.isoformat(),
                "kind": alert.kind,
                "login": account.login_name if account else None,
                "detail": dict(alert.detail),
                "closed_at": alert.closed_at.isoformat() if alert.closed_at else None,
                "closed_by": alert.closed_by,
            }
            click.echo(json.dumps(line, ensure_ascii=False))


@alerts.command()
@click.argument("alert_id", metavar="ID")
@click.option("--note", required=True, help="What was found, and done.")
@click.pass_context
@plainly
def close(context: click.Context, alert_id: str, note: str) -> None:
    """Close an alert. One of kind account.not_me: only when the holder was identified, and the mailbox is theirs."""
    operations.close(desk_of(context), alert_id, note)
