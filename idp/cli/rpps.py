"""`sesame rpps …`"""

import json
from pathlib import Path

import click

from idp.cli.context import desk_of, plainly, services_of
from idp.flows.operators import rpps as operations


@click.group()
def rpps() -> None:
    """The register of health professionals, and the RPPS numbers of accounts."""


@rpps.command("import")
@click.argument("path", metavar="FILE.csv", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
@plainly
def import_(context: click.Context, path: Path) -> None:
    """Import an extract, which replaces the one before: columns rpps, family_name, given_name, or those of the ANS."""
    done = operations.import_extract(desk_of(context), path)
    click.echo(f"{done.lines} lines kept, {done.refused} refused, {done.dropped} of the extract before dropped")


@rpps.command()
@click.option("--mail", is_flag=True, help="Write to the holders that they should use their card.")
@click.pass_context
@plainly
def unchecked(context: click.Context, mail: bool) -> None:
    """Print accounts whose number nobody verified for 24 months and that the extract does not confirm, a JSON object
    a line.
    """
    if mail:
        services, desk = services_of(context)
        click.echo(f"{operations.tell_unchecked(services, desk)} letters queued")
        return
    for each in operations.unchecked(desk_of(context)):
        line = {"login": each.login_name, "rpps": each.rpps, "verified_at": each.verified_at.isoformat()}
        click.echo(json.dumps(line, ensure_ascii=False))
