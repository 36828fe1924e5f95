"""The page of a card that was refused: why, what to do, the code for support, and the other ways in."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from idp.domain.account import AccountStatus
from idp.flows.operators import accounts
from idp.methods.card_causes import REFUSED
from tests.fakes import card, igc
from tests.fakes.card import RPPS, asked, begin, luc, present, said, send, signed
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, path_of

HELP = "/aide/changer-de-carte"

pytestmark = pytest.mark.embedded  # pages of a refusal; what is stored of one, test_cps_card asks of servers too


@pytest.fixture
def provider(start: Callable[..., Provider], tmp_path: Path) -> Provider:
    made = card.provider(start, tmp_path)
    made.add_account("anne.pierre", rpps=RPPS)
    return made


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return RelyingParty(provider, "ror")


def refused(rp: RelyingParty, name: str = "expired") -> str:
    """The page of the login's card, which was refused."""
    path = rp.open_login()
    assert said(igc.CASES[name].cause or "") in present(rp, path, igc.issued(name)).text
    return f"{path}/cps_card"


# -- the page ----------------------------------------------------------------------------------


def test_it_is_a_page_of_its_own_and_stays_when_it_is_loaded_anew(provider: Provider, rp: RelyingParty) -> None:
    path = rp.open_login()
    page = begin(rp, path)
    answer = rp.browser.post(page, data=signed(rp, page, igc.issued("expired")))
    assert (answer.status_code, path_of(answer)) == (303, page)
    first, second = rp.browser.get(page).text, rp.browser.get(page).text
    for shown in (first, second):
        assert "Cette carte a expiré</h1>" in shown
        assert '<code id="card-code">CPS-40</code>' in shown
    assert "data-nonce" not in first
    assert provider.events("login.failed") == []


@pytest.mark.parametrize("name", igc.REFUSED)
def test_it_says_nothing_of_whose_card_it_is_or_whether_there_is_an_account(
    provider: Provider, start: Callable[..., Provider], tmp_path: Path, name: str
) -> None:
    (tmp_path / "other").mkdir()
    nobody = card.provider(start, tmp_path / "other")
    pages = []
    for made in (provider, nobody):
        rp = RelyingParty(made, "ror")
        pages.append(re.sub(r"[\w-]{20,}", "", rp.browser.get(refused(rp, name)).text))
    assert pages[0] == pages[1]
    shown = igc.issued(name).certificate
    for secret in ("PIERRE", "ANNE", RPPS, f"{shown.serial_number:x}", str(shown.serial_number)):
        assert secret not in pages[0]


def test_trying_again_asks_for_another_signature(rp: RelyingParty) -> None:
    page = refused(rp)
    assert path_of(rp.post(page, page=page)) == page
    shown = rp.browser.get(page).text
    assert "data-nonce" in shown
    assert said("expired") not in shown
    assert "code" in answer_of(send(rp, page, signed(rp, page)))


def test_what_was_signed_meanwhile_in_another_tab_still_counts(rp: RelyingParty) -> None:
    page = refused(rp)
    begin(rp, page.removesuffix("/cps_card"))
    assert "code" in answer_of(send(rp, page, signed(rp, page)))
    assert rp.browser.get(page).status_code == 410


def test_the_other_accepted_methods_are_a_way_on(rp: RelyingParty) -> None:
    page = refused(rp)
    other = page.replace("cps_card", "email_otp")
    shown = rp.browser.get(page).text
    assert f'<form method="post" action="{other}">' in shown
    assert "Ou choisissez un autre mode" in shown
    assert path_of(rp.post(other, page=page)) == other
    assert "code" in answer_of(rp.give_otp(page.removesuffix("/cps_card")))


def test_no_other_method_is_promised_where_there_is_none(provider: Provider) -> None:
    rp = RelyingParty(provider, "card")
    page = refused(rp)
    shown = rp.browser.get(page).text
    assert "Ou choisissez" not in shown
    assert f'href="{page.removesuffix("/cps_card")}"' in shown


def test_a_method_that_the_person_lacks_is_not_offered(provider: Provider) -> None:
    provider.add_account("karim.benali", email="")
    rp = RelyingParty(provider, "rp")
    rp.give_password(rp.open_login(), "karim.benali")
    ror = RelyingParty(provider, "ror", rp.browser)
    page = refused(ror)
    assert 'action="' + page.replace("cps_card", "email_otp") not in ror.browser.get(page).text


def test_it_speaks_english_and_names_support_where_support_can_help(rp: RelyingParty) -> None:
    path = rp.open_login(ui_locales="en")
    page = present(rp, path, igc.issued("revoked")).text
    for part in ("This card was revoked</h1>", "What to do?", "Change card", "Try again", "CPS-42"):
        assert part in page
    assert page.count("support@region.example") > present(rp, path, igc.issued("expired")).text.count(
        "support@region.example"
    )


def test_too_many_tries_are_told_above_the_card_and_not_as_the_cause_of_before(rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    for _ in range(6):
        answer = send(rp, page, {**asked(rp, page), "token": "{}"})
    assert "Trop d&#39;essais" in answer.text
    assert "card-code" not in answer.text


# -- what is wrong with the account --------------------------------------------------------------


@pytest.mark.parametrize(("was_linked", "code"), [(False, "CPS-60"), (True, "CPS-61")])
def test_a_card_that_is_not_linked_has_its_code(
    start: Callable[..., Provider], tmp_path: Path, was_linked: bool, code: str
) -> None:
    made = card.provider(start, tmp_path)
    if was_linked:
        made.add_account("anne.pierre", rpps=RPPS)
        first = RelyingParty(made, "card")
        assert "code" in answer_of(present(first, first.open_login()))
        card.unlink(made)
    rp = RelyingParty(made, "ror")
    path = rp.open_login()
    present(rp, path)
    assert f"<code>{code}</code>" in rp.browser.get(path).text


def test_the_card_of_another_account_has_its_code(provider: Provider) -> None:
    provider.add_account("karim.benali")
    provider.set_policy("card", ("cps_card:after=password",))
    rp = RelyingParty(provider, "card")
    page = begin(rp, rp.open_login())
    rp.post(page, page=page, login="karim.benali", password="correct cheval batterie agrafe")
    answer = send(rp, page, signed(rp, page))
    assert "Cette carte n&#39;est pas celle du compte attendu. Insérez la vôtre" in answer.text
    assert "Ce n&#39;est pas le compte" not in answer.text
    assert "<code>CPS-62</code>" in answer.text
    assert "Anne" not in answer.text


def test_and_so_has_the_question_of_who_is_to_be_signed_in(provider: Provider) -> None:
    provider.add_account("karim.benali")
    rp = RelyingParty(provider, "rp")
    rp.give_password(rp.open_login(), "karim.benali")
    ror = RelyingParty(provider, "ror", rp.browser)
    path = ror.open_login()
    present(ror, path)
    asks = ror.browser.get(path).text
    assert "<code>CPS-62</code>" in asks
    assert f'href="{HELP}?login={path.split("/")[2]}"' in asks


def test_a_password_of_another_account_says_nothing_of_cards(provider: Provider) -> None:
    provider.add_account("karim.benali")
    rp = RelyingParty(provider, "rp")
    rp.give_password(rp.open_login(), "karim.benali")
    path = rp.open_login(prompt="login")
    rp.give_password(path, "anne.pierre")
    asks = rp.browser.get(path).text
    assert 'id="other-switch"' in asks
    assert HELP not in asks
    assert "CPS-" not in asks


@pytest.mark.parametrize("is_after_password", [True, False])
def test_an_account_that_is_not_active_has_a_code_of_the_card_where_the_card_was_shown(
    provider: Provider, is_after_password: bool
) -> None:
    provider.set_policy("card", ("cps_card:after=password" if is_after_password else "cps_card",))
    accounts.set_status(provider.desk, "anne.pierre", AccountStatus.SUSPENDED, "test")
    rp = RelyingParty(provider, "card")
    page = begin(rp, rp.open_login())
    given = {"login": "anne.pierre", "password": "correct cheval batterie agrafe"}
    answer = rp.post(page, page=page, **given) if is_after_password else send(rp, page, signed(rp, page))
    assert "Ce compte n&#39;est pas actif" in answer.text
    assert ("<code>CPS-65</code>" in answer.text) is not is_after_password


def test_names_that_differ_have_their_code(start: Callable[..., Provider], tmp_path: Path) -> None:
    made = card.provider(start, tmp_path)
    made.add_account("anne.pierre", rpps=RPPS)
    rp = RelyingParty(made, "card")
    assert "<code>CPS-64</code>" in present(rp, rp.open_login(), luc()).text


# -- « Changer de carte » ------------------------------------------------------------------------


def test_the_page_about_changing_cards_leads_back_to_the_login_of_this_browser_only(
    provider: Provider, rp: RelyingParty
) -> None:
    page = refused(rp)
    handle = page.split("/")[2]
    link = f"{HELP}?login={handle}"
    assert f'href="{link}"' in rp.browser.get(page).text
    assert f'href="{page}"' in rp.browser.get(link).text
    for browser, url in (
        (provider.browser(), link),
        (rp.browser, HELP),
        (rp.browser, f"{HELP}?login=nothing"),
        (rp.browser, f"{HELP}?login=//evil.example"),
        (rp.browser, f"{HELP}?login=https://evil.example/"),
    ):
        answer = browser.get(url)
        assert answer.status_code == 200
        assert "back-to-login" not in answer.text
        assert "evil" not in re.sub(r'href="[^"]*lang=en"', "", answer.text)


def test_the_card_s_own_page_leads_there_too(rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    assert f'href="{HELP}?login={page.split("/")[2]}"' in rp.browser.get(page).text


def test_every_cause_that_a_browser_can_bring_about_is_tried_here_or_beside() -> None:
    """So that a cause which nobody can see any more is noticed."""
    here = {igc.CASES[name].cause for name in igc.REFUSED}
    beside = {"token_missing", "challenge_expired", "token_malformed", "signature_wrong", "certificate_malformed"}
    beside |= {"no_certificate", "ticket_malformed", "ticket_expired"}  # test_card_dialog
    beside |= {"revocation_unknown", "policy_not_accepted"}
    assert here | beside >= set(REFUSED)
