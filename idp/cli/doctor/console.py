"""The operators' console: whether anybody can get in, and nobody too easily."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

from idp.cli.doctor.finding import Finding, fail, ok, warn
from idp.domain.authn import Assurance
from idp.domain.policy import in_force
from idp.errors import Unavailable
from idp.settings import Settings
from idp.store import Database
from idp.store.inspection import inspect


def console(settings: Settings) -> Iterator[Finding]:
    client_id = settings.console_client_id
    try:
        with closing(Database(settings.database_url)) as opened:
            inspect(opened)
            with opened.read() as tx:
                client, found = tx.clients.get(client_id), tx.policies.of(client_id)
                roles = tx.operator_roles.all()
    except Unavailable:  # told by its own check
        return
    policy = in_force(found, datetime.now(UTC))
    if client is None or policy is None:
        yield warn("console", f"{client_id} is not registered, or has no policy: nobody gets in (`sesame init`)")
    elif settings.issuer + "/console/callback" not in client.redirect_uris:
        yield fail("console", f"{client_id}: its redirect URI is not {settings.issuer}/console/callback")
    elif policy.min_assurance < Assurance.MEDIUM:
        advice = f"`sesame policy set {client_id} … --min-assurance MEDIUM`"
        yield fail("console", f"its policy asks for less than two factors, and it stays closed: {advice}")
    elif not roles:
        yield warn("console", "nobody has a role in it (`sesame operator grant`)")
    else:
        yield ok("console", f"{len({each.account_id for each in roles})} people have a role in it")
