"""`sesame doctor`: looks at what the provider stands on, and says what to do."""

import json
import sys
from collections import Counter

import click

from idp.cli.context import plainly, settings_of
from idp.cli.doctor import card_host, cards, console, files, outside, stores, upstreams
from idp.cli.doctor.finding import Finding, Level

CHECKS = (
    files.secret,
    files.signing_keys,
    files.password_blocklist,
    files.letters,
    cards.authorities,
    upstreams.answers,
    upstreams.certificates,
    stores.database,
    stores.worker,
    stores.sealed_secrets,
    stores.passkeys,
    stores.policies,
    console.console,
    stores.ephemeral,
    stores.clocks,
    *outside.CHECKS,
    card_host.card_host,
)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object in place of lines.")
@click.pass_context
@plainly
def doctor(context: click.Context, *, as_json: bool) -> None:
    """Check what the provider stands on; status 1 if it cannot work so. Changes nothing, sends no mail.

    One thing remains of it: a forged header of the card host that a proxy lets through is an event of the audit.
    """
    settings = settings_of(context)
    found: list[Finding] = []
    for check in CHECKS:
        for finding in check(settings):
            found.append(finding)
            if not as_json:
                click.echo(f"{finding.level.value:4}  {finding.part}: {finding.text}")
    counted = Counter(finding.level for finding in found)
    if as_json:
        listed = [{"level": each.level.value, "part": each.part, "text": each.text} for each in found]
        click.echo(json.dumps({"failed": counted[Level.FAIL], "findings": listed}, ensure_ascii=False, indent=2))
    if counted[Level.FAIL]:
        sys.exit(1)
