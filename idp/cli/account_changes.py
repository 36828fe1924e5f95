"""`sesame account change …`"""

import click

from idp.cli.context import desk_of, plainly, services_of
from idp.domain.identity_change import EMAIL, KINDS, ChangeState, IdentityChange
from idp.flows.operators import cards, identity_changes

LISTED = 200


@click.group()
def change() -> None:
    """Another address, or a card or an RPPS number to link: proposed by one operator, approved by another."""


@change.command()
@click.argument("login")
@click.argument("kind", type=click.Choice([EMAIL, *sorted(KINDS - {EMAIL})]))
@click.argument("value")
@click.option("--method", default=cards.METHOD, show_default=True, help="What a national identity is linked to.")
@click.option("--reason", required=True, help="How the holder was identified.")
@click.pass_context
@plainly
def propose(context: click.Context, login: str, kind: str, value: str, *, method: str, reason: str) -> None:
    """Propose an address, or the identity of a card (11 digits of an RPPS number, …); prints the change's id."""
    services, desk = services_of(context)
    made = identity_changes.propose(services, desk, login, kind=kind, typed=value, reason=reason, method=method)
    click.echo(made.change_id)
    _say_what_follows(made)


@change.command()
@click.argument("change_id")
@click.pass_context
@plainly
def approve(context: click.Context, change_id: str) -> None:
    """Agree to what another operator proposed: the holder is asked, and it is done in 24 hours at the latest."""
    services, desk = services_of(context)
    with desk.db.read() as tx:
        known = identity_changes.find(tx, change_id)
    _say_what_follows(identity_changes.approve(services, desk, known))


@change.command()
@click.argument("change_id")
@click.option("--reason", required=True)
@click.pass_context
@plainly
def refuse(context: click.Context, change_id: str, reason: str) -> None:
    """Refuse a change, or take back one that is one's own or was approved, as long as it is not done."""
    desk = desk_of(context)
    with desk.db.read() as tx:
        known = identity_changes.find(tx, change_id)
    identity_changes.refuse(desk, known, reason)


@change.command("list")
@click.pass_context
@plainly
def list_changes(context: click.Context) -> None:
    """Changes that wait for a second operator, or for their holder; oldest first."""
    with desk_of(context).db.read() as tx:
        for each in tx.identity_changes.waiting(LISTED):
            account = tx.accounts.get(each.account_id)
            login = account.login_name if account else "-"
            since = f"{each.proposed_at:%Y-%m-%dT%H:%MZ}"
            until = f"{each.due_at:%Y-%m-%dT%H:%MZ}" if each.due_at else "-"
            columns = (each.change_id, each.state, login, each.kind, each.value, each.proposed_by, since, until)
            click.echo("\t".join(columns))


def _say_what_follows(made: IdentityChange) -> None:
    """What whoever runs this must know, and no program that reads the id."""
    if made.state is ChangeState.PROPOSED:
        click.echo("sesame: waits for another operator: `sesame account change approve`", err=True)
    elif made.told is None:
        click.echo("sesame: no letter can ask the holder: tell them yourself; done in 24 hours", err=True)
    else:
        click.echo("sesame: the holder is asked by letter; done when they confirm, or in 24 hours", err=True)
