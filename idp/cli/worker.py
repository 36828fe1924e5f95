"""`sesame worker` and `sesame purge`."""

import signal
import threading

import click
import structlog

from idp.app import build_services
from idp.cli.context import desk_of, plainly, settings_of
from idp.flows.operators.purging import purge as purge_rows
from idp.flows.worker import Worker, tasks
from idp.web import logs


@click.command()
@click.pass_context
@plainly
def worker(context: click.Context) -> None:
    """Send letters and notices of logout, rotate keys, purge what is over: until stopped. Several may run."""
    settings = settings_of(context)
    logs.configure(settings.log_level)
    services = build_services(settings)
    with services.db.read() as tx:
        if given_up := tx.outbox.undelivered():
            structlog.get_logger().warning("messages were given up", count=given_up)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        Worker(services, tasks(services, stop), stop).run()
    finally:
        services.db.close()


@click.command()
@click.pass_context
@plainly
def purge(context: click.Context) -> None:
    """Delete what is over, once: the worker does it every hour."""
    for table, count in purge_rows(desk_of(context), settings_of(context)).items():
        click.echo(f"{table}\t{count}")
