"""People who sign in by Pro Santé Connect or a card, and what a service is told of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from demo.pro_sante_connect.people import LEA
from demo.pro_sante_connect.wallet import COOKIE
from idp.domain.account import Account
from idp.methods.registry import Registry
from tests.fakes import card
from tests.fakes.federated import PSC, through
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of
from tests.fakes.upstream import FakeUpstream

SCOPE = "openid identite_ps"
OF_PRACTICE = ("SubjectRole", "SubjectRefPro", "SubjectOrganization", "SubjectOrganizationID", "Secteur_Activite")
TODAY = "2026-11-02"


def with_both(start: Callable[..., Provider], folder: Path, psc: FakeUpstream) -> Provider:
    """`both` accepts Pro Santé Connect and the card, `card` the card, `rp` a password; `name` has not the scope."""
    made = card.provider(start, folder)
    psc.now = made.clock.now
    provider = made.with_services(registry=Registry([*made.services.registry.values(), psc.method]))
    provider.add_client("both", methods=(PSC, "cps_card", "email_otp"))
    provider.add_client("name", methods=(PSC,), scopes=("openid", "profile"))
    return provider


def lea(provider: Provider) -> Account:
    return provider.add_account("lea.martin", given_name="Léa", rpps=LEA)


def told(
    provider: Provider, psc: FakeUpstream, person: str = "lea", client: str = "both", **asked: str
) -> dict[str, Any]:
    """What a service reads at userinfo after a login there."""
    psc.pages.delete_cookie(COOKIE)  # another browser, there too
    rp = RelyingParty(provider, client)
    code = answer_of(through(rp, psc, rp.open_login(**{"scope": SCOPE, **asked}), person))["code"]
    return info(rp, code)


def told_by_card(provider: Provider) -> dict[str, Any]:
    rp = RelyingParty(provider, "both")
    return info(rp, answer_of(card.present(rp, rp.open_login(scope=SCOPE)))["code"])


def info(rp: RelyingParty, code: str) -> dict[str, Any]:
    found: dict[str, Any] = rp.userinfo(rp.redeem(code)["access_token"]).json or {}
    return found


def stored(provider: Provider, account: Account) -> dict[str, dict[str, Any]]:
    with provider.services.db.read() as tx:
        return {said.origin: dict(said.practice.claims) for said in tx.practices.of(account.account_id)}
