"""A provider that accepts cards of the look-alike hierarchy, and a person who shows one on the login page."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from werkzeug.test import TestResponse

from demo.look_alike import Issued
from idp.domain.authn import Assurance
from idp.methods.card_causes import REFUSED
from idp.methods.cps_card import CpsCard
from tests.fakes import igc
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty, hidden_of, path_of

RPPS = igc.ANNE
METHODS = ("cps_card", "email_otp", "password")
MEANS = "/compte/means"


def provider(start: Callable[..., Provider], folder: Path, **settings: Any) -> Provider:
    """The ROR accepts a card or a code, `card` a card alone, `rp` a password alone."""
    card = igc.write(folder) | settings.pop("card", {})
    made = start(**{"methods": METHODS, "card": card, "brand": {"support_email": "support@region.example"}, **settings})
    made.clock.advance(seconds=1)
    made.set_policy("portail", METHODS)
    made.add_client("ror", methods=("cps_card", "email_otp"), min_assurance=Assurance.MEDIUM)
    made.add_client("card", methods=("cps_card",))
    made.add_client("rp")
    made.clock.advance(seconds=1)
    return made


def anne() -> Issued:
    """Her card: ANNE PIERRE, `RPPS`."""
    return igc.issued("RPPS")


@cache
def renewed() -> Issued:
    """Her next card: another certificate of another authority, another key, the same person."""
    return igc.hierarchy().issue(level="FORT", card_number="8025000001/2800000043")


@cache
def luc() -> Issued:
    """Somebody else with her number, and his own key."""
    return igc.issue(given_name="LUC", family_name="DURAND")


def begin(rp: RelyingParty, path: str, method: str = "cps_card") -> str:
    """Choose « Carte CPS » on a login page; where its own page is."""
    page = path_of(rp.post(f"{path}/{method}", page=path))
    assert page == f"{path}/{method}"
    return page


def asked(rp: RelyingParty, page: str) -> dict[str, str]:
    """The fields of the form that the page posts: the nonce, an empty token and an empty ticket."""
    return {name: value for name, value in hidden_of(rp.browser.get(page)).items() if name != "dialog"}


def signed(rp: RelyingParty, page: str, card: Issued | None = None, **changed: str) -> dict[str, str]:
    """The form once the card has signed. changed: as of `igc.token`."""
    form = asked(rp, page)
    return {**form, "token": igc.token(card or anne(), **{"origin": ISSUER, "nonce": form["nonce"], **changed})}


def send(rp: RelyingParty, page: str, form: dict[str, str]) -> TestResponse:
    """Post the form; for a refusal that has a page of its own, that page."""
    answer = rp.browser.post(page, data=form)
    has_page = answer.status_code == 303 and path_of(answer) == page
    return rp.browser.get(page) if has_page else answer


def present(rp: RelyingParty, path: str, card: Issued | None = None, **changed: str) -> TestResponse:
    """Choose the card on a login page, and let it sign."""
    page = begin(rp, path)
    return send(rp, page, signed(rp, page, card, **changed))


def said(code: str) -> str:
    """The sentence of a refusal as the page writes it: what templates translate stands as it is."""
    sentence = CpsCard.refusals[code]
    return sentence if code in REFUSED else sentence.replace("'", "&#39;")


def failures(made: Provider) -> list[str]:
    """Why logins failed that are audited, newest first."""
    return [event.detail["reason"] for event in made.events("login.failed")]


def links(made: Provider, login: str = "anne.pierre") -> list[str]:
    """Methods of the live login links of an account."""
    with made.services.db.read() as tx:
        account = tx.accounts.find_by_login(login)
        assert account
        return [link.method for link in tx.means.links(account.account_id)]


def unlink(made: Provider, login: str = "anne.pierre") -> None:
    with made.services.db.write() as tx:
        account = tx.accounts.find_by_login(login)
        assert account
        (link,) = tx.means.links(account.account_id)
        assert tx.means.remove(account.account_id, link.link_id, made.clock.now())


def held_by(made: Provider) -> str | None:
    """The login name of who holds her RPPS number."""
    with made.services.db.read() as tx:
        found = tx.accounts.find(igc.DR_ANNE)
        return found.login_name if found else None
