"""A new password: whether it may be chosen, what the page is told of the rules, and what ends when it is set."""

import hmac
from typing import Any

from idp.domain.account import Account
from idp.domain.audit import AuditEvent
from idp.domain.authn import Assurance
from idp.domain.password_rules import WEAK
from idp.flows import letters, not_me_link
from idp.flows.contexts import attempts_of
from idp.flows.services import Services
from idp.store import Tx
from idp.web.password_texts import PASSWORD_LEVELS, PASSWORD_PROBLEMS


def wrong(services: Services, account: Account, password: str, again: str) -> dict[str, str]:
    """Sentences by field, empty if the password may be set."""
    with services.db.read() as tx:
        names = [client.name for client in tx.clients.all()]
    found = services.new_passwords.problem(password, services.new_passwords.words(account, names))
    if found is not None:
        return {"password": services.pages.say(PASSWORD_PROBLEMS[found])}
    if not is_same(password, again):
        return {"confirmation": services.pages.say(PASSWORD_PROBLEMS["different"])}
    return {}


def meter(services: Services, account: Account) -> dict[str, Any]:
    """What static/meter.js is told. The names of the services are not: they are not everybody's to know."""
    say = services.pages.say
    codes = {"": "weak", **WEAK, "too_short": "too_short", "too_long": "too_long"}
    return {
        "least": services.new_passwords.min_bits,
        "words": sorted(services.new_passwords.words(account, ())),
        "levels": {level: say(text) for level, text in PASSWORD_LEVELS.items()},
        "reasons": {weakness: say(PASSWORD_PROBLEMS[code]) for weakness, code in codes.items()},
    }


def keep(
    services: Services,
    tx: Tx,
    account: Account,
    digest: str,
    *,
    by: str,
    anchor: str,
    assurance: Assurance = Assurance.LOW,
) -> None:
    """Set it; the account is locked from here. All that was opened with the one before ends, guesses are forgotten,
    and the holder is told. anchor: as a Proof's; assurance: of the proof by which it is set.
    """
    account_id, now = account.account_id, services.now()
    means = tx.accounts.set_password(account_id, digest, anchor, now, assurance)
    tx.resets.drop(account_id)
    tx.throttle.clear(attempts_of("password", account_id))
    tx.sessions.end_all(account_id, now)
    services.record(tx, AuditEvent("password.changed", account_id, account_id, detail={"by": by}))
    url = not_me_link.link(services, account_id, means, "password.changed")
    letters.tell(services, tx, account, "password_changed", services.pages.lang, not_me_url=url)


def is_same(password: str, other: str) -> bool:
    """In a time that does not depend on where they differ."""
    return hmac.compare_digest(password.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
