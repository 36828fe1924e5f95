"""`sesame policy …`"""

from datetime import datetime, timedelta

import click

from idp.cli.context import desk_of, plainly
from idp.domain.authn import Assurance
from idp.domain.policy import Policy, in_force
from idp.flows.operators import policies
from idp.methods.registry import Registry

INSTANTS = click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"])


@click.group()
def policy() -> None:
    """What each service accepts as a login, from which date."""


@policy.command("set")
@click.argument("client_id")
@click.argument("methods", nargs=-1, required=True)
@click.option("--from", "effective_from", type=INSTANTS, help="2026-07-01T00:00:00+02:00; now if not given.")
@click.option("--min-assurance", type=click.Choice([level.name for level in Assurance]), default="LOW")
@click.option("--max-age", type=click.IntRange(1), help="Age from which a login is asked again, seconds.")
@click.option("--notice", help="Said on the login page while this policy is in force.")
@click.option("--reason", default="")
@click.pass_context
@plainly
def set_policy(
    context: click.Context,
    client_id: str,
    methods: tuple[str, ...],
    effective_from: datetime | None,
    min_assurance: str,
    max_age: int | None,
    notice: str | None,
    reason: str,
) -> None:
    """Record the METHODS that a client accepts, the preferred one first.

    `email_otp` asks the password first; `email_otp:alone` does not; `email_otp:after=password` says so.
    Options follow, separated by commas: `email_otp:after=password,lifetime_minutes=5`.
    """
    desk = desk_of(context)
    with desk.db.write() as tx:
        recorded = policies.add(
            desk,
            tx,
            client_id,
            methods,
            effective_from=effective_from,
            min_assurance=Assurance[min_assurance],
            max_age=None if max_age is None else timedelta(seconds=max_age),
            notice=notice,
            reason=reason,
        )
    click.echo(f"{recorded.policy_id}\tfrom {recorded.effective_from.isoformat()}")


@policy.command("list")
@click.argument("client_id")
@click.pass_context
@plainly
def show_all(context: click.Context, client_id: str) -> None:
    """List a client's policies, oldest first; `*` marks the one in force."""
    desk = desk_of(context)
    with desk.db.read() as tx:
        found = tx.policies.of(client_id)
    current = in_force(found, desk.now())
    for each in found:
        click.echo(_line(desk.registry, each, is_current=each == current))


@policy.command()
@click.argument("policy_id")
@click.pass_context
@plainly
def cancel(context: click.Context, policy_id: str) -> None:
    """Cancel a policy that is still to come."""
    policies.cancel(desk_of(context), policy_id)


def _line(registry: Registry, policy: Policy, *, is_current: bool) -> str:
    methods = " ".join(registry.text(entry) for entry in policy.methods)
    mark = "*" if is_current else "x" if policy.cancelled_at else " "
    return f"{mark} {policy.policy_id}\t{policy.effective_from.isoformat()}\t{policy.min_assurance.name}\t{methods}"
