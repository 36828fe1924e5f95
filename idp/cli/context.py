"""What every command works with."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from idp.app import build_services
from idp.clock import SystemClock
from idp.errors import InvalidOperation, Unavailable
from idp.flows.operators.desk import Desk
from idp.flows.services import Services
from idp.methods import federation, registry
from idp.methods.registry import MethodError
from idp.settings import Settings, SettingsError, load
from idp.store.access_tokens import open_stores
from keys.signer import SignerUnavailable, UnsafeKeyFile

TOLD = (SettingsError, InvalidOperation, MethodError, UnsafeKeyFile, SignerUnavailable, Unavailable, OSError)


def plainly(command: Callable[..., Any]) -> Callable[..., Any]:
    """An operator's mistake is one line on standard error and status 1, never a stack."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except TOLD as error:
            click.echo(f"sesame: {error}", err=True)
            sys.exit(1)

    return run


def settings_of(context: click.Context) -> Settings:
    """The settings that the command line names."""
    return load(context.obj["path"])


def desk_of(context: click.Context) -> Desk:
    """The desk of the operator who runs this command; closed when the command ends."""
    settings = settings_of(context)
    methods = registry.load(settings.methods, federation.methods(settings, None))
    clock = SystemClock()
    db, _, _ = open_stores(settings.database_url, settings.ephemeral_url, clock)
    context.call_on_close(db.close)
    return Desk(db, clock, methods, context.obj["operator"])


def services_of(context: click.Context) -> tuple[Services, Desk]:
    """Everything that the provider works with, and the operator's desk on it, for a command that also writes to people;
    closed when it ends.
    """
    services = build_services(settings_of(context))
    context.call_on_close(services.db.close)
    context.call_on_close(services.ephemeral.close)
    return services, Desk(services.db, services.clock, services.registry, context.obj["operator"])
