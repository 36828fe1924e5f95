"""`sesame operator …`"""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import click

from idp.cli.context import desk_of, plainly
from idp.clock import SystemClock
from idp.domain.rights import ALL_SERVICES, Role
from idp.errors import InvalidOperation
from idp.flows.operators import roles
from idp.flows.operators.desk import Desk
from idp.methods import federation, registry
from idp.settings import Settings
from idp.store import Database


def _about_a_role(command: Callable[..., Any]) -> Callable[..., Any]:
    for part in (
        click.option("--all-services", is_flag=True, help="For every service, those to come too."),
        click.option("--service", help="client_id of the only service that it is for."),
        click.argument("role", type=click.Choice([role.value for role in Role])),
        click.argument("login"),
    ):
        command = part(command)
    return command


@click.group()
def operator() -> None:
    """Who may work in the console.

    support: registrations, first level of access requests, people. approver: access requests of a service.
    policy_owner: a service and its policies. auditor: sees the trail, services and policies, and changes nothing.
    Registrations and people belong to no service: they need --all-services.
    """


@operator.command()
@_about_a_role
@click.pass_context
@plainly
def grant(context: click.Context, login: str, role: str, service: str | None, *, all_services: bool) -> None:
    """Give an account a role in the console."""
    desk = desk_of(context)
    with desk.db.write() as tx:
        roles.grant(desk, tx, login, Role(role), _scope(service, all_services=all_services))


@operator.command()
@_about_a_role
@click.pass_context
@plainly
def revoke(context: click.Context, login: str, role: str, service: str | None, *, all_services: bool) -> None:
    """Take a role in the console away; it ends at once."""
    desk = desk_of(context)
    with desk.db.write() as tx:
        roles.revoke(desk, tx, login, Role(role), _scope(service, all_services=all_services))


@operator.command("list")
@click.pass_context
@plainly
def show(context: click.Context) -> None:
    """List who may do what: login, role, service (* for all), since when and by whom."""
    desk = desk_of(context)
    with desk.db.read() as tx:
        for each in tx.operator_roles.all():
            account = tx.accounts.get(each.account_id)
            login = account.login_name if account else each.account_id
            status = "" if account and account.is_active else "\tnot active"
            click.echo(f"{login}\t{each.role}\t{each.scope}\t{each.granted_at.isoformat()}\t{each.granted_by}{status}")


def _scope(service: str | None, *, all_services: bool) -> str:
    if bool(service) == all_services:
        raise InvalidOperation("either --service CLIENT_ID or --all-services")
    return service or ALL_SERVICES


def open_console(settings: Settings, name: str) -> None:
    """Register the console's client where it is missing, and say so; needs the database alone."""
    methods = registry.load(settings.methods, federation.methods(settings, None))
    with closing(Database(settings.database_url)) as database:
        desk = Desk(database, SystemClock(), methods, name)
        try:
            with database.write() as tx:
                if roles.open_console(desk, tx, settings):
                    click.echo(f"console: {settings.console_client_id} (`sesame operator grant` lets people in)")
        except InvalidOperation as error:
            click.echo(f"console: {error}")
