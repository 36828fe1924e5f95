"""Changes of an address or of a card, as operators make them in the console."""

from idp.domain.identity_change import IdentityChange
from tests.fakes.console import Console, send
from tests.fakes.relying_party import RelyingParty, csrf_of, path_of
from tests.fakes.two_operators import ANNE, NEW, RPPS, WHY, account

PAGE = "/console/people"
FORMS = {"change-email": NEW, "link-identity": RPPS}


def other(console: Console) -> RelyingParty:
    """The second operator."""
    return console.of("claire.support", ("support", "*"))


def page_of(console: Console, login: str = ANNE) -> str:
    return f"{PAGE}/{account(console.provider, login).account_id}"


def proposed(console: Console, form: str = "change-email") -> IdentityChange:
    path = f"{page_of(console)}/{form}"
    kind = {"kind": "rpps", "method": "national_card"} if form == "link-identity" else {}
    answer = send(console.support, path, path, value=FORMS[form], reason=WHY, **kind)
    assert path_of(answer) == page_of(console), answer.text
    with console.provider.services.db.read() as tx:
        return tx.identity_changes.waiting(9)[-1]


def address(console: Console, made: IdentityChange, act: str) -> str:
    return f"{page_of(console)}/changes/{made.change_id}/{act}"


def version_in(page: str) -> str:
    return page.partition('name="version" value="')[2].partition('"')[0]


def decide(console: Console, rp: RelyingParty, made: IdentityChange, act: str = "approve", **fields: str) -> str:
    """What the page says that one lands on."""
    path = address(console, made, act)
    shown = rp.browser.get(path)
    assert shown.status_code == 200, shown.headers
    form = {"csrf": csrf_of(shown), "version": version_in(shown.text), **fields}
    answer = rp.browser.post(path, data=form)
    return rp.browser.get(path_of(answer)).text if answer.status_code == 303 else answer.text
