"""« Inscription » in a browser that goes back, has two tabs, loses the network, comes a day late, or has no scripts."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect
from sqlalchemy import update

from idp.store.schema.desk import registration
from tests.browser.conftest import Visit
from tests.browser.people import database_of
from tests.browser.registering import FORM, REASON, Newcomer

OTHER_TAB = "Cette inscription a été modifiée dans un autre onglet. Vérifiez ce qui est affiché, puis continuez."
A_DAY = timedelta(hours=24, seconds=1)


def begins(newcomer: Newcomer) -> None:
    """Until the address is to be proven."""
    newcomer.begins_at("espace-pro")
    newcomer.page.click("#signup-none")
    newcomer.is_at(2)
    newcomer.fills_in()
    if not newcomer.visitor.has_scripts:  # one of them finds the department by the postal code
        newcomer.page.select_option("#signup-department", "33")
    newcomer.goes_on()
    newcomer.is_at(2, "Vérifiez votre adresse e-mail")


def test_what_a_browser_does_loses_nothing_that_was_typed(visit: Visit) -> None:
    newcomer = Newcomer(visit(), "martin.perdrix")
    begins(newcomer)
    newcomer.page.go_back()
    newcomer.is_at(2)
    newcomer.has(**FORM, email=newcomer.address)
    newcomer.page.go_forward()
    newcomer.types_code()
    newcomer.is_at(3)
    newcomer.page.reload()
    newcomer.is_at(3)

    two_tabs(newcomer)
    without_a_network(newcomer)
    a_day_later(newcomer)


def two_tabs(newcomer: Newcomer) -> None:
    """The one that was left behind overwrites nothing, and says so."""
    first, second = newcomer.page, newcomer.page.context.new_page()
    second.goto(first.url)
    second.fill("#signup-login", "martin.second")
    second.click("#signup-back")  # what was typed is kept
    second.close()
    newcomer.chooses("martin.first")
    newcomer.is_at(3)
    expect(first.get_by_text(OTHER_TAB)).to_be_visible()
    newcomer.has(login="martin.first")
    newcomer.chooses()
    newcomer.is_at(4)


def without_a_network(newcomer: Newcomer) -> None:
    """The browser's own error page; loaded anew, what was typed has arrived."""
    page = newcomer.page
    page.fill("#signup-reason", REASON)
    with newcomer.visitor.watch.expecting_no_answer(newcomer.visitor.demo.description["issuer"]):
        page.context.set_offline(True)
        newcomer.goes_on()
        expect(page.locator("[aria-current=step]")).to_have_count(0)
        page.context.set_offline(False)
        page.reload()
    newcomer.is_at(4)
    expect(page.locator("#error-summary")).to_contain_text("Conditions")  # not accepted yet
    newcomer.has(reason=REASON)


def a_day_later(newcomer: Newcomer) -> None:
    """Said on a page of its own, from which one begins anew."""
    with closing(database_of(newcomer.visitor.demo)) as database, database.engine.begin() as connection:
        begun = datetime.now(UTC) - A_DAY
        mine = registration.c.email == newcomer.address
        connection.execute(update(registration).where(mine).values(created_at=begun))
    with newcomer.visitor.watch.expecting(410):
        newcomer.goes_on()
        newcomer.visitor.sees("Votre inscription a expiré")
    newcomer.page.click("#signup-restart")
    newcomer.is_at(1)


def test_the_four_steps_need_no_script(visit: Visit) -> None:
    newcomer = Newcomer(visit(java_script_enabled=False), "sidonie.lemoine")
    begins(newcomer)
    newcomer.types_code()
    newcomer.is_at(3)
    newcomer.chooses()
    newcomer.is_at(4)
    newcomer.goes_on()
    expect(newcomer.page.locator("#error-summary")).to_be_visible()
    newcomer.joins(REASON)
