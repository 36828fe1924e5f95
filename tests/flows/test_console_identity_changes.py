"""Another address or a card in the console: who may propose, who may approve, and what they are shown."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from idp.domain.identity_change import ChangeState
from idp.store.rpps_extract import Registered
from tests.fakes import national_card
from tests.fakes.console import Console, give_role, send
from tests.fakes.console_changes import FORMS, PAGE, address, decide, other, page_of, proposed
from tests.fakes.portal import METHODS
from tests.fakes.provider import Provider
from tests.fakes.relying_party import csrf_of, path_of
from tests.fakes.two_operators import ANNE, NEW, OLD, RPPS, WHY, account, letters, now

LIST = "/console/identity-changes"


@pytest.fixture
def console(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Console:
    national_card.install(monkeypatch)
    made = Console.start(start, methods=METHODS)
    made.provider.add_account(ANNE)
    return made


# -- who may not -------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [("approver", "*"), ("policy_owner", "*"), ("auditor", "*"), ("support", "rp")])
def test_other_roles_neither_see_nor_do_it(console: Console, role: tuple[str, str]) -> None:
    made = proposed(console)
    console.provider.add_client("rp")
    paul = console.of("paul", role)
    csrf = csrf_of(paul.browser.get("/console"))
    paths = (
        *(f"{page_of(console)}/{form}" for form in FORMS),
        *(address(console, made, a) for a in ("approve", "refuse")),
    )
    for path in (LIST, *paths):
        assert paul.browser.get(path).status_code == 403, path
    for path in paths:
        form = {"csrf": csrf, "value": NEW, "reason": "x", "version": "1"}
        assert paul.browser.post(path, data=form).status_code == 403, path
    assert "second opérateur" not in paul.browser.get("/console").text
    assert now(console.provider, made) == made


def test_who_proposes_does_not_approve(console: Console) -> None:
    made = proposed(console)
    shown = console.support.browser.get(page_of(console)).text
    assert address(console, made, "approve") not in shown
    assert address(console, made, "refuse") in shown
    assert "un autre opérateur en décide" in decide(console, console.support, made)
    assert now(console.provider, made) == made
    assert console.provider.events("identity_change.denied")[0].detail["reason"] == "same_operator"


def test_nobody_decides_of_themselves(console: Console) -> None:
    own = page_of(console, "nadia.support") if console.support else ""
    for form, value in FORMS.items():
        assert f"{own}/{form}" not in console.support.browser.get(own).text
        answer = send(console.support, f"{own}/{form}", f"{own}/{form}", value=value, reason=WHY, kind="rpps")
        assert path_of(answer) == own
        assert "ne décide pas de son propre compte" in console.support.browser.get(own).text
    with console.provider.services.db.read() as tx:
        assert tx.identity_changes.waiting(9) == []


def test_nor_of_another_operator(console: Console) -> None:
    made = proposed(console)
    give_role(console.provider, ANNE, "auditor", "ror")
    page = page_of(console)
    for form, value in FORMS.items():
        path = f"{page}/{form}"
        assert path not in console.support.browser.get(page).text
        fields = {"value": value, "reason": WHY, "kind": "rpps", "method": "national_card"}
        assert path_of(send(console.support, path, path, **fields)) == page
        assert "ligne de commande" in console.support.browser.get(page).text
    assert "ligne de commande" in decide(console, other(console), made)
    assert now(console.provider, made).state is ChangeState.PROPOSED


def test_it_needs_a_fresh_proof(console: Console) -> None:
    made, claire = proposed(console), other(console)
    csrf = csrf_of(claire.browser.get("/console"))
    console.provider.clock.advance(minutes=6)
    for path in (*(f"{page_of(console)}/{form}" for form in FORMS), address(console, made, "approve")):
        assert path_of(claire.browser.get(path)).startswith("/login/"), path
        form = {"csrf": csrf, "value": NEW, "reason": WHY, "version": "1"}
        assert path_of(claire.browser.post(path, data=form)).startswith("/login/"), path
    assert now(console.provider, made) == made


def test_a_change_is_found_under_its_own_person_only(console: Console) -> None:
    made, claire = proposed(console), other(console)
    console.provider.add_account("karim.benali")
    csrf = csrf_of(claire.browser.get("/console"))
    for person in (page_of(console, "karim.benali"), f"{PAGE}/{uuid4()}"):
        for act in ("approve", "refuse"):
            path = f"{person}/changes/{made.change_id}/{act}"
            assert claire.browser.get(path).status_code == 404
            form = {"csrf": csrf, "version": "1", "reason": "x"}
            assert claire.browser.post(path, data=form).status_code == 404
    assert claire.browser.get(f"{page_of(console)}/changes/{uuid4()}/approve").status_code == 404
    assert now(console.provider, made) == made


@pytest.mark.parametrize("version", ["", "0", "2", "x", "1 ", "9" * 5000])
def test_what_is_approved_is_what_was_shown(console: Console, version: str) -> None:
    made = proposed(console)
    said = decide(console, other(console), made, version=version)
    assert "décidé entre-temps" in said
    assert now(console.provider, made) == made


# -- what is done ------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_a_second_operator_finds_it_and_approves(console: Console, form: str) -> None:
    made, claire = proposed(console, form), other(console)
    assert "1 en attente" in claire.browser.get("/console").text
    assert "un second opérateur : 1" in claire.browser.get(PAGE).text
    listed = claire.browser.get(LIST).text
    assert page_of(console) in listed
    assert FORMS[form] in listed
    person = claire.browser.get(page_of(console)).text
    for text in (address(console, made, "approve"), "nadia.support", "carte d&#39;identité vue", FORMS[form]):
        assert text in person, text
    said = decide(console, claire, made)
    assert "dès qu&#39;elle confirme" in said
    assert "Approuvé par claire.support" in said
    assert now(console.provider, made).state is ChangeState.APPROVED
    assert len(letters(console.provider)) == 1
    assert "en attente" not in claire.browser.get("/console").text
    assert account(console.provider).verified_email == OLD


def test_what_a_number_would_open_the_account_by_is_shown(console: Console) -> None:
    """An upstream that states the holder's own number, and would sign in whoever it likes, is no card."""
    made, claire = proposed(console, "link-identity"), other(console)
    for page in (address(console, made, "approve"), page_of(console), LIST):
        assert "Carte d&#39;essai" in claire.browser.get(page).text, page


def test_a_double_click_approves_once(console: Console) -> None:
    made, claire = proposed(console), other(console)
    path = address(console, made, "approve")
    form = {"csrf": csrf_of(claire.browser.get(path)), "version": "1"}
    cookies = [c for c in (claire.browser.get_cookie(f"__Host-sesame-{n}") for n in ("browser", "session")) if c]

    def click(_: int) -> int:
        tab = console.provider.browser()
        for cookie in cookies:
            tab.set_cookie(cookie.key, cookie.value, secure=True)
        return tab.post(path, data=form).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(click, range(4))) == {303}
    assert len(console.provider.events("identity_change.approved")) == 1
    assert len(letters(console.provider)) == 1


def test_a_double_click_proposes_once(console: Console) -> None:
    proposed(console)
    path = f"{page_of(console)}/change-email"
    assert path_of(send(console.support, path, path, value=NEW, reason=WHY)) == page_of(console)
    assert "attend déjà pour cette personne" in console.support.browser.get(page_of(console)).text
    assert len(console.provider.events("identity_change.proposed")) == 1


def test_it_is_refused_or_taken_back(console: Console) -> None:
    for who, state in ((other(console), ChangeState.REFUSED), (console.support, ChangeState.CANCELLED)):
        made = proposed(console)
        assert "rien n&#39;est modifié" in decide(console, who, made, "refuse", reason="pas elle")
        assert now(console.provider, made).state is state
        assert (
            "décidé entre-temps"
            in console.support.browser.get(path_of(console.support.browser.get(address(console, made, "approve")))).text
        )


def test_who_approves_sees_whose_number_it_is(console: Console) -> None:
    made, claire = proposed(console, "link-identity"), other(console)
    path = address(console, made, "approve")
    assert "répertoire" not in claire.browser.get(path).text
    for person, said in (
        (Registered("10000000017", "AUTRE", "Paul"), "ce numéro n'y est pas"),
        (Registered(RPPS, "AUTRE", "Paul"), "ce n'est pas le nom du compte"),
    ):
        with console.provider.services.db.write() as tx:
            tx.rpps_extract.put([person], console.provider.clock.now())
        assert said in claire.browser.get(path).text
    with console.provider.services.db.write() as tx:
        tx.rpps_extract.put([Registered(RPPS, "PIERRE", "ANNE")], console.provider.clock.now())
    assert "ANNE PIERRE" in claire.browser.get(path).text


def test_whoever_cannot_be_written_to_is_to_be_called(console: Console) -> None:
    with console.provider.services.db.write() as tx:
        who = account(console.provider).account_id
        tx.profiles.set_email(who, OLD, "holder", console.provider.clock.now())
        tx.profiles.distrust_email(who, console.provider.clock.now(), set_since=None)
    made, claire = proposed(console), other(console)
    assert "aucun e-mail ne la prévient" in claire.browser.get(address(console, made, "approve")).text
    said = decide(console, claire, made)
    assert "appelez-la" in said
    assert letters(console.provider) == []


def test_where_one_operator_is_enough_the_page_says_so(
    start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch
) -> None:
    national_card.install(monkeypatch)
    alone = Console.start(start, methods=METHODS, two_operators=False)
    alone.provider.add_account(ANNE)
    assert "Aucun second" in alone.support.browser.get(f"{page_of(alone)}/change-email").text
    made = proposed(alone)
    assert made.state is ChangeState.APPROVED
    assert "Sans second opérateur" in alone.support.browser.get(page_of(alone)).text
