"""`sesame account …`"""

from datetime import datetime
from itertools import chain

import click

from idp.cli.context import desk_of, plainly, services_of
from idp.domain.account import AccountStatus
from idp.errors import InvalidOperation
from idp.flows.operators import accounts, cards, contacts, emergency, means
from idp.web.dates import moment

ALONE = click.option(
    "--alone", is_flag=True, help="At once, without a second operator or the holder: audited, and support is alerted."
)


@click.group()
def account() -> None:
    """People's accounts and what they may open."""


@account.command()
@click.argument("login")
@click.option("--given-name", required=True)
@click.option("--family-name", required=True)
@click.option("--email", default="", help="Verified by whoever runs this command.")
@click.option("--rpps", default="")
@click.option("--civility", default="")
@click.option("--service", "services", multiple=True, help="client_id of a service to open; may be repeated.")
@click.pass_context
@plainly
def create(context: click.Context, services: tuple[str, ...], **data: str) -> None:
    """Create an account; its holder chooses a password by « Mot de passe oublié ? »."""
    desk = desk_of(context)
    with desk.db.write() as tx:
        created = accounts.create(desk, tx, {**data, "services": " ".join(services)})
    click.echo(created.account_id)


@account.command()
@click.argument("login")
@click.pass_context
@plainly
def show(context: click.Context, login: str) -> None:
    """Say what an account holds, with what it signs in, and which address and telephone number it had before."""
    desk = desk_of(context)
    with desk.db.read() as tx:
        found = desk.account(tx, login)
        parts = (contacts.describe(tx, found), means.describe(tx, found), emergency.describe(desk, tx, found))
        for name, value in chain.from_iterable(parts):
            click.echo(f"{name}: {value}")


@account.command("set-email")
@click.argument("login")
@click.argument("address")
@click.option("--reason", required=True, help="How the holder was identified.")
@ALONE
@click.pass_context
@plainly
def set_email(context: click.Context, login: str, address: str, *, reason: str, alone: bool) -> None:
    """Give an account another address at once; its sessions and tokens end. Two operators do so by `change propose`."""
    _require_alone(alone, "email ADDRESS")
    contacts.set_email(*services_of(context), login, address, reason)


@account.command("drop-identity")
@click.argument("login")
@click.argument("kind")
@click.option("--reason", required=True, help="How it was found to be another's.")
@click.pass_context
@plainly
def drop_identity(context: click.Context, login: str, kind: str, reason: str) -> None:
    """Take a national identity (rpps, adeli, employee) away from an account, with its cards, sessions and tokens."""
    contacts.drop_identity(desk_of(context), login, kind, reason)


@account.command("link-card")
@click.argument("login")
@click.option("--rpps", help="The 11 digits.")
@click.option("--adeli", help="The 9 characters.")
@click.option("--employee", help="An establishment's employee, as the card has it: type, small letters and all.")
@click.option("--method", "method_id", default="cps_card", show_default=True, help="Or an upstream that names them.")
@click.option("--reason", required=True, help="How the holder of account and card was identified.")
@ALONE
@click.pass_context
@plainly
def link_card(
    context: click.Context, login: str, *, method_id: str, reason: str, alone: bool, **identity: str | None
) -> None:
    """Let a card, or an upstream, sign an account in at once, or do so again; the holder is told. Two operators do so
    by `change propose`.
    """
    _require_alone(alone, "rpps|adeli|employee VALUE")
    given = [(kind, value) for kind, value in identity.items() if value]
    if len(given) != 1:
        raise InvalidOperation("give one of --rpps, --adeli, --employee")
    proven = cards.identity(*given[0])
    link_id, is_told = cards.link(*services_of(context), login, proven, reason, method_id=method_id)
    click.echo(link_id)
    if not is_told:
        click.echo(f"sesame: {login} has no verified address: no letter says so, tell the holder yourself", err=True)


@account.command("remove-means")
@click.argument("login")
@click.argument("means_id")
@click.option("--reason", required=True, help="How the holder was identified, and what happened to it.")
@click.pass_context
@plainly
def remove_means(context: click.Context, login: str, means_id: str, reason: str) -> None:
    """Take a means away (a lost phone; `show` has the ids); sessions and tokens end, and the holder is told."""
    if not means.remove(*services_of(context), login, means_id, reason):
        click.echo(f"sesame: {login} has no verified address: no letter says so, tell the holder yourself", err=True)


@account.command("unblock-means")
@click.argument("login")
@click.argument("means_id")
@click.option("--reason", required=True, help="How the holder was identified.")
@click.pass_context
@plainly
def unblock_means(context: click.Context, login: str, means_id: str, reason: str) -> None:
    """Let an authenticator application count again, that too many wrong codes blocked."""
    means.unblock(desk_of(context), login, means_id, reason)


@account.command("set-names")
@click.argument("login")
@click.option("--given-name", required=True)
@click.option("--family-name", required=True)
@click.option("--reason", required=True, help="What was seen: an identity document, …")
@click.pass_context
@plainly
def set_names(context: click.Context, login: str, given_name: str, family_name: str, reason: str) -> None:
    """Correct the names of an account; those of a card that is to be linked are compared with them."""
    contacts.set_names(desk_of(context), login, given_name, family_name, reason)


@account.command("set-status")
@click.argument("login")
@click.argument("status", type=click.Choice(["active", "suspended", "closed"]))
@click.option("--reason", required=True)
@click.pass_context
@plainly
def set_status(context: click.Context, login: str, status: str, reason: str) -> None:
    """Activate, suspend or close an account; its sessions and grants end unless it is active."""
    accounts.set_status(desk_of(context), login, AccountStatus(status), reason)


@account.command("end-sessions")
@click.argument("login")
@click.option("--reason", required=True)
@click.pass_context
@plainly
def end_sessions(context: click.Context, login: str, reason: str) -> None:
    """End the sessions and tokens of an account that stays active; the services that want to are told."""
    click.echo(f"{accounts.end_sessions(desk_of(context), login, reason)} sessions")


@account.command("confirm-password")
@click.argument("login")
@click.option("--reason", required=True, help="How the holder was identified.")
@click.pass_context
@plainly
def confirm_password(context: click.Context, login: str, reason: str) -> None:
    """Note that the holder of a password set through the mailbox was identified by other means."""
    accounts.confirm_password(desk_of(context), login, reason)


@account.command("emergency-code")
@click.argument("login")
@click.option("--hours", type=click.IntRange(1, 24), required=True, help="How long it is good, and what it opens.")
@click.option("--reason", required=True, help="The need, and how the holder was identified.")
@click.option("--tell", required=True, metavar="ADDRESS", help="E-mail address of a second operator.")
@click.pass_context
@plainly
def emergency_code(context: click.Context, login: str, hours: int, reason: str, tell: str) -> None:
    """Print a code that signs an account in once, after its password; the holder and a second operator are told."""
    services, desk = services_of(context)
    issued = emergency.issue(services, desk, login, hours=hours, reason=reason, tell=tell)
    click.echo(issued.code)
    click.echo(f"sesame: good until {moment(issued.until, 'en')}, Paris time", err=True)
    if not issued.is_told:
        click.echo(f"sesame: {login} has no verified address: no letter says so, tell the holder yourself", err=True)


@account.command("revoke-emergency-code")
@click.argument("login")
@click.pass_context
@plainly
def revoke_emergency_code(context: click.Context, login: str) -> None:
    """End the emergency code of an account; if it was used, the account's sessions and tokens end with it."""
    click.echo(f"{emergency.revoke(desk_of(context), login)} sessions")


@account.command()
@click.argument("login")
@click.argument("client_id")
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"]), help="Instant with its zone."
)
@click.pass_context
@plainly
def entitle(context: click.Context, login: str, client_id: str, until: datetime | None) -> None:
    """Give an account access to a service."""
    desk = desk_of(context)
    with desk.db.write() as tx:
        accounts.entitle(desk, tx, desk.account(tx, login), client_id, until)


@account.command()
@click.argument("login")
@click.argument("client_id")
@click.pass_context
@plainly
def withdraw(context: click.Context, login: str, client_id: str) -> None:
    """Take access to a service away."""
    accounts.withdraw(desk_of(context), login, client_id)


@account.command()
@click.argument("login")
@click.option("--withdraw", "client_id", help="client_id of a service that the holder takes the consent away from.")
@click.pass_context
@plainly
def consents(context: click.Context, login: str, client_id: str | None) -> None:
    """List what an account lets services have, or withdraw a consent; the service's tokens end with it."""
    desk = desk_of(context)
    if client_id:
        accounts.withdraw_consent(desk, login, client_id)
        return
    with desk.db.read() as tx:
        for consent in tx.consents.of(desk.account(tx, login).account_id):
            click.echo(f"{consent.client_id}\t{' '.join(consent.scopes)}\t{consent.given_at.isoformat()}")


def _require_alone(alone: bool, asked: str) -> None:
    """Raises InvalidOperation, which says how it is done by two."""
    if not alone:
        raise InvalidOperation(
            f"two operators change this, and the holder is asked: `sesame account change propose LOGIN {asked} "
            "--reason …` (or --alone, at once: support is alerted)"
        )
