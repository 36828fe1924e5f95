"""People in the console: found, shown, and what support may do to them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from idp.domain.account import AccountStatus
from idp.domain.service_access import GivenRole
from idp.flows.operators import accounts
from tests.fakes.console import Console, give_role, send
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, path_of

PAGE = "/console/people"
ACTS = ("end-sessions", "suspend", "activate")


@pytest.fixture
def console(start: Callable[..., Provider]) -> Console:
    made = Console.start(start)
    made.provider.add_client("rp")
    made.provider.add_account("anne.pierre", rpps="10003456786")
    return made


def page_of(console: Console, login: str = "anne.pierre") -> str:
    with console.provider.services.db.read() as tx:
        found = tx.accounts.find_by_login(login)
    assert found
    return f"{PAGE}/{found.account_id}"


def status_of(console: Console, login: str = "anne.pierre") -> AccountStatus:
    with console.provider.services.db.read() as tx:
        found = tx.accounts.find_by_login(login)
    assert found
    return found.status


def sign_in(console: Console) -> RelyingParty:
    """Anne, in a service."""
    rp = RelyingParty(console.provider)
    rp.browser.get(path_of(rp.give_password(rp.open_login())))
    return rp


@pytest.mark.parametrize("role", ["approver", "policy_owner", "auditor"])
def test_other_roles_see_nobody(console: Console, role: str) -> None:
    other = console.of("paul", (role, "*"))
    page = page_of(console)
    csrf = csrf_of(other.browser.get("/console"))
    for path in (PAGE, page, *(f"{page}/{act}" for act in ACTS)):
        response = other.browser.get(path)
        assert response.status_code == 403, path
        assert "pierre" not in response.text.lower(), path
    for act in ACTS:
        assert other.browser.post(f"{page}/{act}", data={"csrf": csrf, "reason": "x"}).status_code == 403
    assert status_of(console) is AccountStatus.ACTIVE


def test_support_for_one_service_sees_nobody(console: Console) -> None:
    other = console.of("paul", ("support", "rp"))
    assert other.browser.get(PAGE).status_code == 403
    assert other.browser.get(page_of(console)).status_code == 403


def test_people_are_found_by_name_login_address_and_number(console: Console) -> None:
    console.provider.add_account("karim.benali")
    for text in ("pierre", "ANNE", "anne.pierre", "anne.pierre@chu", "10003456786"):
        shown = console.support.browser.get(PAGE, query_string={"text": text}).text
        assert page_of(console) in shown, text
        assert page_of(console, "karim.benali") not in shown, text
    nobody = console.support.browser.get(PAGE, query_string={"text": "zzz"}).text
    assert "Aucun compte ne correspond" in nobody


def test_a_list_is_paged_and_sorted(console: Console) -> None:
    console.support.browser.get(PAGE)
    for number in range(60):
        console.provider.add_account(f"user.n{number:02}", password=None)
    first = console.support.browser.get(PAGE, query_string={"text": "user", "sort": "login"}).text
    assert first.count('<th scope="row">') == 50
    assert "user.n49" in first
    assert "user.n50" not in first
    more = first.partition('id="next-page" href="')[2].partition('"')[0].replace("&amp;", "&")
    second = console.support.browser.get(more).text
    assert second.count('<th scope="row">') == 10
    assert "user.n50" in second
    assert 'aria-sort="descending"' in console.support.browser.get(f"{PAGE}?sort=-login").text


@pytest.mark.parametrize("typed", ["<script>alert(1)</script>", "\x00", "\u202eabc", "a" * 5000, "%", "' OR 1=1 --"])
@pytest.mark.parametrize("name", ["text", "status", "sort", "after"])
def test_whatever_is_in_a_filter_is_a_page(console: Console, name: str, typed: str) -> None:
    response = console.support.browser.get(PAGE, query_string={name: typed})
    assert response.status_code == 200
    assert "<script>alert" not in response.text
    assert "\u202e" not in response.text


def test_a_person_is_shown_without_what_is_secret(console: Console) -> None:
    sign_in(console)
    shown = console.support.browser.get(page_of(console))
    assert shown.status_code == 200
    for text in ("anne.pierre@chu.example", "10003456786", "Service rp", "Connexion réussie", "Compte créé"):
        assert text in shown.text, text
    assert "argon2" not in shown.text
    (event,) = console.provider.events("account.seen")
    assert event.actor == "operator:nadia.support"
    assert event.subject == page_of(console).rpartition("/")[2]


def test_the_roles_at_each_service_are_shown(console: Console) -> None:
    provider, roles = console.provider, (GivenRole("PORTEUR_OFFRE", "330781196"), GivenRole("PSL"))
    account_id = page_of(console).rpartition("/")[2]
    with provider.services.db.write() as tx:
        tx.accounts.grant(account_id, "rp", "operator:nadia", provider.clock.now(), None, roles=roles)
    shown = console.support.browser.get(page_of(console)).text
    assert "<code>PORTEUR_OFFRE@330781196</code>, <code>PSL</code>" in shown


@pytest.mark.parametrize("path", ["", "/suspend", "/end-sessions"])
def test_an_unknown_account_is_not_found(console: Console, path: str) -> None:
    assert console.support.browser.get(f"{PAGE}/{uuid4()}{path}").status_code == 404
    assert console.support.browser.get(f"{PAGE}/x{path}").status_code == 404


def test_sessions_are_ended(console: Console) -> None:
    anne = sign_in(console)
    page = page_of(console)
    response = send(console.support, f"{page}/end-sessions", f"{page}/end-sessions", reason="poste volé")
    assert path_of(response) == page
    assert "sont fermées" in console.support.browser.get(page).text
    assert status_of(console) is AccountStatus.ACTIVE
    assert path_of(anne.authorize()).startswith("/login/")
    event = console.provider.events("session.ended")[0]
    assert (event.actor, event.detail["reason"]) == ("operator:nadia.support", "poste volé")


def test_an_account_is_suspended_and_let_in_again(console: Console) -> None:
    anne = sign_in(console)
    page = page_of(console)
    assert path_of(send(console.support, f"{page}/suspend", f"{page}/suspend", reason="départ")) == page
    assert status_of(console) is AccountStatus.SUSPENDED
    assert path_of(anne.authorize()).startswith("/login/")
    assert path_of(send(console.support, f"{page}/activate", f"{page}/activate", reason="retour")) == page
    assert status_of(console) is AccountStatus.ACTIVE
    said = [(event.actor, event.detail) for event in console.provider.events("account.status_changed")[:2]]
    assert said == [
        ("operator:nadia.support", {"status": "active", "reason": "retour"}),
        ("operator:nadia.support", {"status": "suspended", "reason": "départ"}),
    ]


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501, "x\x00y", "x\u202ey", "x" * 60_000])
def test_a_reason_is_needed(console: Console, reason: str) -> None:
    page = page_of(console)
    response = send(console.support, f"{page}/suspend", f"{page}/suspend", reason=reason)
    assert response.status_code == 422
    assert 'id="error-summary"' in response.text
    assert status_of(console) is AccountStatus.ACTIVE


def test_nobody_decides_of_themselves(console: Console) -> None:
    own = page_of(console, "nadia.support") if console.support else ""
    assert "un autre opérateur décide" in console.support.browser.get(own).text
    csrf = csrf_of(console.support.browser.get(own))
    for act in ACTS:
        assert path_of(console.support.browser.post(f"{own}/{act}", data={"csrf": csrf, "reason": "x"})) == own
        assert "ne décide pas de son propre compte" in console.support.browser.get(own).text
    assert status_of(console, "nadia.support") is AccountStatus.ACTIVE
    assert console.support.browser.get("/console").status_code == 200


@pytest.mark.parametrize(("act", "before"), [("suspend", "active"), ("activate", "suspended")])
def test_one_operator_does_not_decide_of_another(console: Console, act: str, before: str) -> None:
    page, csrf = page_of(console), csrf_of(console.support.browser.get("/console"))
    give_role(console.provider, "anne.pierre", "auditor", "rp")
    status = AccountStatus(before)
    accounts.set_status(console.provider.desk, "anne.pierre", status, "by the command line")
    for method in ("GET", "POST"):
        form = {"csrf": csrf, "reason": "x"} if method == "POST" else None
        assert path_of(console.support.browser.open(f"{page}/{act}", method=method, data=form)) == page
        assert "ligne de commande" in console.support.browser.get(page).text
    assert f"{page}/{act}" not in console.support.browser.get(page).text
    assert status_of(console) is status
    with pytest.raises(accounts.IsOperatorError):  # made an operator after the page had looked
        accounts.set_status(
            console.provider.desk, "anne.pierre", AccountStatus.CLOSED, "x", before=status, spares_operators=True
        )
    assert status_of(console) is status


def test_it_needs_a_fresh_proof(console: Console) -> None:
    page = page_of(console)
    csrf = csrf_of(console.support.browser.get(page))
    console.provider.clock.advance(minutes=6)
    for act in ("end-sessions", "suspend"):
        assert path_of(console.support.browser.get(f"{page}/{act}")).startswith("/login/")
        asked = console.support.browser.post(f"{page}/{act}", data={"csrf": csrf, "reason": "x"})
        assert path_of(asked).startswith("/login/")
    assert status_of(console) is AccountStatus.ACTIVE


def test_a_double_click_decides_once(console: Console) -> None:
    page, support = page_of(console), console.support
    csrf = csrf_of(support.browser.get(f"{page}/suspend"))
    cookies = [c for c in (support.browser.get_cookie(f"__Host-sesame-{n}") for n in ("browser", "session")) if c]

    def click(_: int) -> int:
        tab = console.provider.browser()
        for cookie in cookies:
            tab.set_cookie(cookie.key, cookie.value, secure=True)
        return tab.post(f"{page}/suspend", data={"csrf": csrf, "reason": "départ"}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(click, range(4))) == {303}
    assert len(console.provider.events("account.status_changed")) == 1


def test_a_form_without_its_token_is_refused(console: Console) -> None:
    page = page_of(console)
    for act in ACTS:
        assert console.support.browser.post(f"{page}/{act}", data={"reason": "x"}).status_code == 403
    assert status_of(console) is AccountStatus.ACTIVE
