"""`sesame service-access …`"""

from pathlib import Path

import click

from idp.cli.context import desk_of, plainly
from idp.domain.service_access import ServiceAccess
from idp.flows.operators import service_access as operations


@click.group("service-access")
def service_access() -> None:
    """What a service asks of those who want access, who decides, and which roles there are."""


@service_access.command("set")
@click.argument("client_id")
@click.option("--file", "path", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
@plainly
def set_form(context: click.Context, client_id: str, path: Path) -> None:
    """Put the definition of a TOML file in place; docs/operations.md has an example."""
    desk = desk_of(context)
    form = operations.read(path, client_id)
    with desk.db.write() as tx:
        operations.put(desk, tx, form)
    click.echo(
        f"{client_id}: {len(form.fields)} fields, {len(form.roles)} roles, decided by {' then '.join(form.levels)}"
    )


@service_access.command()
@click.argument("client_id")
@click.pass_context
@plainly
def show(context: click.Context, client_id: str) -> None:
    """Print the levels, the fields and the roles of a service."""
    desk = desk_of(context)
    with desk.db.read() as tx:
        form = tx.service_access.get(client_id) or ServiceAccess(client_id)
    click.echo(f"levels\t{' '.join(form.levels)}")
    click.echo(f"terms\t{form.terms_version or '-'}\t{form.terms_uri or '-'}")
    for field in form.fields:
        click.echo(f"field\t{field.name}\t{field.kind}{' *' if field.is_required else ''}\t{field.label}")
    for role in form.roles:
        click.echo(f"role\t{role.code}\t{'FINESS' if role.takes_perimeter else '-'}\t{role.label}")
