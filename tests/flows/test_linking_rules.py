"""The rules of linking as one table, for a card and an upstream alike: what is known, what is shown, what follows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import pytest

from demo.look_alike import ANNE
from idp.domain.authn import IdentityRef
from tests.fakes import national_card
from tests.fakes.federated import PSC, through, with_upstreams
from tests.fakes.national import alerts, give
from tests.fakes.portal import links, present
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, hidden_of, path_of
from tests.fakes.upstream import FakeUpstream

NUMBER = IdentityRef("rpps", ANNE)
HERS, OTHERS = "anne.pierre", "anne.pierre2"
NAMES = {"same": ("Anne", "PIERRE"), "differ": ("Lucie", "DURAND"), "missing": ("", "")}


@dataclass(frozen=True)
class Bench:
    """A provider, and a means that shows `NUMBER`; `direct` accepts it alone, `code` two factors."""

    provider: Provider
    method: str
    show: Callable[[RelyingParty, str, str], str]

    def account_id(self, login: str = HERS) -> str:
        with self.provider.services.db.read() as tx:
            account = tx.accounts.find_by_login(login)
        assert account
        return account.account_id

    def link(self, login: str, *, is_removed: bool) -> None:
        account_id, now = self.account_id(login), self.provider.clock.now()
        with self.provider.services.db.write() as tx:
            link_id = tx.means.add_link(account_id, self.method, now)
            if is_removed:
                assert tx.means.remove(account_id, link_id, now)

    def holder(self) -> str | None:
        with self.provider.services.db.read() as tx:
            found = tx.accounts.find(NUMBER)
        return found.login_name if found else None

    def yes(self, rp: RelyingParty, path: str) -> str:
        """« Relier », whether a page asks for it or not: "linked", the kind of the alert, or "asked" if nothing was."""
        parts = (self.account_id(), self.method, NUMBER.kind, NUMBER.value)
        shown = self.provider.services.data_keys.mac("link", path.rpartition("/")[2], *parts)
        form = {**hidden_of(rp.browser.get(path)), "decision": "link", "shown": shown}
        if rp.browser.post(f"{path}/link", data=form).status_code == 403:
            return alerts(self.provider)[0].removeprefix("link.")
        arrived = rp.browser.get(path)
        return "linked" if arrived.status_code == 303 and "code" in answer_of(arrived) else "asked"


@pytest.fixture(params=["national_card", PSC])
def bench(request: pytest.FixtureRequest, start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Bench:
    if request.param == PSC:
        psc = FakeUpstream()
        made = with_upstreams(start(), psc)

        def show(rp: RelyingParty, path: str, names: str) -> str:
            given, family = NAMES[names]
            said = {"given_name": given, "family_name": family}
            psc.behaviour.become(id_token=said, userinfo=said)
            return outcome(rp, path, through(rp, psc, path).headers.get("Location"))
    else:
        national_card.install(monkeypatch)
        made = start(methods=("email_otp", "password", "national_card"))

        def show(rp: RelyingParty, path: str, names: str) -> str:
            given, family = NAMES[names]
            answer = present(rp, path, rpps=NUMBER.value, given_name=given, family_name=family)
            return outcome(rp, path, answer.headers.get("Location"))

    made.add_client("direct", methods=(request.param,))
    made.add_client("code", methods=("email_otp",))
    made.add_account(HERS)
    return Bench(made, request.param, show)


def outcome(rp: RelyingParty, path: str, location: str | None) -> str:
    """Of what was shown: in, a refusal (the alert says why), or the page that asks for two factors of an account."""
    if location is None:
        found = alerts(rp.provider)
        return found[0].removeprefix("link.") if found else "refused"
    return "in" if "code=" in location else "asked" if location.endswith(path) else location


class Row(NamedTuple):
    """identity: who holds the number, and how it was verified. link: of its holder. names: those that are shown.
    proven: of the account, in the same login unless it says so.
    """

    identity: str
    link: str
    names: str
    proven: str
    expected: str
    linked: bool = False


TABLE = [
    # Hers, as a card proved it: names are not compared, and a link that was removed is not made again by itself.
    Row("card", "none", "same", "nothing", "in", linked=True),
    Row("card", "none", "differ", "nothing", "in", linked=True),
    Row("card", "live", "differ", "nothing", "in", linked=True),
    Row("card", "removed", "same", "nothing", "asked"),
    Row("card", "removed", "same", "password", "asked"),
    Row("card", "removed", "same", "session", "asked"),
    Row("card", "removed", "same", "two factors", "linked", linked=True),
    Row("card", "removed", "differ", "two factors", "names_differ"),
    # Hers, as support typed it: once, with the same names.
    Row("support", "none", "same", "nothing", "in", linked=True),
    Row("support", "none", "differ", "nothing", "names_differ"),
    Row("support", "none", "missing", "nothing", "names_differ"),
    Row("support", "live", "differ", "nothing", "in", linked=True),
    Row("support", "removed", "same", "two factors", "linked", linked=True),
    Row("support", "removed", "differ", "two factors", "names_differ"),
    # Nobody's: two factors of this login, and the same names.
    Row("nobody", "none", "same", "nothing", "asked"),
    Row("nobody", "none", "same", "password", "asked"),
    Row("nobody", "none", "same", "session", "asked"),
    Row("nobody", "none", "same", "two factors", "linked", linked=True),
    Row("nobody", "none", "differ", "two factors", "names_differ"),
    # Another's of the same names.
    Row("another", "removed", "same", "nothing", "asked"),
    Row("another", "removed", "same", "two factors", "identity_taken"),
    # She holds another number, of this kind or of another one.
    Row("other rpps", "none", "same", "nothing", "asked"),
    Row("other rpps", "none", "same", "two factors", "other_identity"),
    Row("adeli", "none", "same", "two factors", "other_identity"),
    Row("employee", "none", "same", "two factors", "other_identity"),
]
HELD = {"other rpps": ("rpps", "10109999999"), "adeli": ("adeli", "331234567"), "employee": ("employee", "33300/1")}


@pytest.mark.parametrize("row", TABLE, ids=[", ".join(row[:4]) for row in TABLE])
def test_the_table(bench: Bench, row: Row) -> None:
    provider, holder = bench.provider, None
    if row.identity == "another":
        provider.add_account(OTHERS, given_name="Anne", family_name="Pierre", rpps=NUMBER.value)
        holder = OTHERS
    elif row.identity in {"card", "support"}:
        give_hers(bench, NUMBER, row.identity)
        holder = HERS
    elif row.identity in HELD:
        give_hers(bench, IdentityRef(*HELD[row.identity]), "support")
    if row.link != "none":
        bench.link(holder or HERS, is_removed=row.link == "removed")
    rp = RelyingParty(provider, "direct")
    if row.proven == "session":
        earlier = RelyingParty(provider, "code", rp.browser)
        answer_of(earlier.give_otp(earlier.open_login()))
    path = rp.open_login()
    found = bench.show(rp, path, row.names)
    if found == "asked":
        if row.proven == "password":
            form = {**hidden_of(rp.browser.get(path)), "login": HERS, "password": PASSWORD}
            assert rp.browser.post(f"{path}/password", data=form).status_code == 403
        elif row.proven == "two factors":
            assert path_of(rp.give_otp(path)) == path
        assert links(provider) == []
        found = bench.yes(rp, path)
    assert found == row.expected
    assert links(provider) == ([bench.method] if row.linked else [])
    assert bench.holder() == (HERS if row.linked else holder)


def give_hers(bench: Bench, ref: IdentityRef, origin: str) -> None:
    with bench.provider.services.db.read() as tx:
        account = tx.accounts.find_by_login(HERS)
    assert account
    give(bench.provider, account, ref.kind, ref.value, "cps_card" if origin == "card" else origin)


# -- attacks that are no row --------------------------------------------------------------------------


def test_a_yes_from_another_browser_is_refused(bench: Bench) -> None:
    rp = RelyingParty(bench.provider, "direct")
    path = rp.open_login()
    assert bench.show(rp, path, "same") == "asked"
    rp.give_otp(path)
    asked = hidden_of(rp.browser.get(path))
    thief = RelyingParty(bench.provider, "direct")
    own = hidden_of(thief.browser.get(thief.open_login()))
    for form in (asked, own, {**asked, "csrf": own["csrf"]}):
        assert thief.browser.post(f"{path}/link", data={**form, "decision": "link"}).status_code == 403
    assert links(bench.provider) == []
    rp.browser.post(f"{path}/link", data={**asked, "decision": "link"})
    assert links(bench.provider) == [bench.method]


def test_a_number_that_somebody_declares_is_nobodys(bench: Bench) -> None:
    """The victim's number in the profile, and for a login name, of an account with the same names."""
    forged = {"rpps": NUMBER.value, "SubjectNameID": f"8{NUMBER.value}", "nickname": f"8{NUMBER.value}"}
    for login in (NUMBER.value, f"8{NUMBER.value}"):
        bench.provider.add_account(login, given_name="Anne", family_name="Pierre", profile=forged)
    rp = RelyingParty(bench.provider, "direct")
    path = rp.open_login()
    assert bench.show(rp, path, "same") == "asked"
    assert bench.holder() is None
    assert not bench.provider.events("login.succeeded")


def test_a_phished_password_and_a_homonyms_own_card_link_nothing(bench: Bench) -> None:
    """The attacker has the victim's names, and a number of their own."""
    give_hers(bench, IdentityRef("rpps", "10109999999"), "card")
    rp = RelyingParty(bench.provider, "direct")
    path = rp.open_login()
    assert bench.show(rp, path, "same") == "asked"
    form = {**hidden_of(rp.browser.get(path)), "login": HERS, "password": PASSWORD}
    assert rp.browser.post(f"{path}/password", data=form).status_code == 403
    assert bench.yes(rp, path) == "asked"
    rp.give_otp(path)  # and her mailbox too
    assert bench.yes(rp, path) == "other_identity"
    assert (links(bench.provider), bench.holder()) == ([], None)
