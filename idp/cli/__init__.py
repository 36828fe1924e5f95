"""`sesame`: run the provider, and operate it."""

import getpass
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

import click

from idp import signing
from idp.app import check
from idp.cli import (
    account_changes,
    accounts,
    alerts,
    audit,
    card,
    clients,
    doctor,
    imports,
    keyring,
    mail,
    methods,
    operators,
    outbox,
    policies,
    rpps,
    service_access,
    settings_table,
    worker,
)
from idp.cli.context import plainly, settings_of
from idp.settings import Settings
from idp.store import Database
from idp.web import logs
from keys.ring_file import RING

DEFAULT_FILE = Path("sesame.toml")


def whoever_runs_this() -> str:
    """The name of the current user; a container's may have a number only."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


@click.group()
@click.option("--settings", "path", type=click.Path(path_type=Path), envvar="SESAME_SETTINGS", help="TOML file.")
@click.option("--operator", default=whoever_runs_this, help="Name that the audit keeps of who acts.")
@click.pass_context
def main(context: click.Context, path: Path | None, operator: str) -> None:
    """Sésame: an OpenID Connect provider for health portals."""
    if path is None and DEFAULT_FILE.exists():
        path = DEFAULT_FILE
    context.obj = {"path": path, "operator": operator}


@main.command()
@click.pass_context
@plainly
def init(context: click.Context) -> None:
    """Create what the settings name and is missing: secrets, signing keys, database schema, the console's client."""
    settings = settings_of(context)
    for path in (settings.secret_file, settings.card.dialog_secret_file):
        if path is not None and not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(48))
            click.echo(f"secret: {path}")
    if not (settings.keys_dir / RING).exists():
        signing.place(settings).create(now=datetime.now(UTC))
        click.echo(f"signing keys: {settings.keys_dir}")
    _migrate(settings)
    click.echo("database: ready")
    operators.open_console(settings, context.obj["operator"])


@main.command()
@click.pass_context
@click.option("--grant-to", "role", help="PostgreSQL role of the application, which gets what it needs and no more.")
@plainly
def migrate(context: click.Context, role: str | None) -> None:
    """Bring the database schema to this version."""
    _migrate(settings_of(context), role)


def _migrate(settings: Settings, role: str | None = None) -> None:
    database = Database(settings.database_url)
    database.migrate()
    if role:
        database.grant_to(role)
    database.close()


@main.command()
@click.pass_context
@plainly
def serve(context: click.Context) -> None:
    """Serve the provider over HTTP, behind a TLS proxy."""
    from idp.serving import serve as run  # noqa: PLC0415 - the server is heavy, other commands do without

    settings = settings_of(context)
    logs.configure(settings.log_level)
    check(settings)
    if context.obj["path"]:
        os.environ["SESAME_SETTINGS"] = str(context.obj["path"].resolve())
    run("idp.app:from_environment", settings)


@main.group("settings")
def settings_group() -> None:
    """The provider's settings."""


@settings_group.command("check")
@click.pass_context
@plainly
def settings_check(context: click.Context) -> None:
    """Say whether the settings are sound."""
    click.echo(f"sound: {settings_of(context).issuer}")


@settings_group.command("table")
def print_settings_table() -> None:
    """Print every setting as a Markdown table."""
    click.echo(settings_table.table(), nl=False)


GROUPS = (
    accounts.account,
    alerts.alerts,
    audit.audit,
    card.card,
    clients.client,
    imports.entitlement,
    keyring.keys,
    mail.mail,
    methods.method,
    operators.operator,
    outbox.outbox,
    policies.policy,
    rpps.rpps,
    service_access.service_access,
)
for command in (*GROUPS, worker.worker, worker.purge, doctor.doctor):
    main.add_command(command)
accounts.account.add_command(account_changes.change)
