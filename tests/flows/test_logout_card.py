"""« Retirez votre carte »: said at every way out of a session that a card opened, and at no other."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from tests.fakes import card
from tests.fakes.card import RPPS, present
from tests.fakes.provider import RP, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, error_of, hidden_of, path_of

HOME = f"{RP}/ror/"
TAKE_IT_OUT = "Retirez votre carte du lecteur"


@pytest.fixture
def provider(start: Callable[..., Provider], tmp_path: Path) -> Provider:
    made = card.provider(start, tmp_path)
    made.add_account("anne.pierre", rpps=RPPS)
    return made


def signed_in(provider: Provider, *, by_card: bool) -> tuple[RelyingParty, str]:
    """A browser that came to the ROR, and the ID Token."""
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    answer = present(rp, path) if by_card else rp.give_otp(path)
    return rp, rp.redeem(answer_of(answer)["code"])["id_token"]


def ask(rp: RelyingParty, **values: str) -> str:
    """The page that asks whether to sign out."""
    return path_of(rp.browser.get("/logout?" + urlencode(values)))


def confirm(rp: RelyingParty, page: str) -> TestResponse:
    return rp.post(page, page=page, decision="confirm")


def is_signed_in(rp: RelyingParty) -> bool:
    response = rp.authorize(prompt="none")
    return "code=" in response.headers["Location"] or error_of(response) != "login_required"


def test_between_the_provider_and_the_service_stands_a_page_and_the_session_is_over_before_it(
    provider: Provider,
) -> None:
    rp, hint = signed_in(provider, by_card=True)
    page = ask(rp, id_token_hint=hint, post_logout_redirect_uri=HOME, state="a b&c")
    assert "retirez-la du lecteur" in rp.browser.get(page).text
    assert is_signed_in(rp)
    done = path_of(confirm(rp, page))
    assert done.startswith("/logged-out/")
    assert not is_signed_in(rp)
    for _ in range(2):
        shown = rp.browser.get(done)
        assert shown.status_code == 200
        assert TAKE_IT_OUT in shown.text
        assert f'href="{HOME}?state=a+b%26c"' in shown.text
        assert 'id="logged-out"' in shown.text
        assert "Anne" not in shown.text


def test_without_a_card_the_service_is_next_as_the_standard_has_it(provider: Provider) -> None:
    rp, hint = signed_in(provider, by_card=False)
    page = ask(rp, id_token_hint=hint, post_logout_redirect_uri=HOME, state="s")
    assert "retirez-la" not in rp.browser.get(page).text
    left = confirm(rp, page)
    assert (left.status_code, left.headers["Location"]) == (303, f"{HOME}?state=s")


def test_a_card_shown_after_a_code_counts_too(provider: Provider) -> None:
    rp, _ = signed_in(provider, by_card=False)
    other = RelyingParty(provider, "card", rp.browser)
    assert "code" in answer_of(present(other, other.open_login()))
    assert path_of(confirm(rp, ask(rp))).startswith("/logged-out/")


@pytest.mark.parametrize("by_card", [True, False])
def test_where_nobody_is_to_be_sent_our_own_page_says_it(provider: Provider, by_card: bool) -> None:
    rp, _ = signed_in(provider, by_card=by_card)
    done = path_of(confirm(rp, ask(rp)))
    shown = rp.browser.get(done).text
    assert (TAKE_IT_OUT in shown) == by_card
    assert 'href="/compte"' in shown
    assert done.startswith("/logged-out/") == by_card


@pytest.mark.parametrize("path", ["/compte/logout", "/compte/account/sessions/end-all"])
@pytest.mark.parametrize("by_card", [True, False])
def test_the_portal_says_it_too(provider: Provider, path: str, by_card: bool) -> None:
    rp, _ = signed_in(provider, by_card=by_card)
    portal = RelyingParty(provider, "portail", rp.browser)
    response = portal.browser.get("/compte/account")
    while response.status_code == 303:
        response = portal.browser.get(path_of(response))
    done = path_of(portal.browser.post(path, data={"csrf": hidden_of(response)["csrf"]}))
    assert (TAKE_IT_OUT in portal.browser.get(done).text) == by_card
    assert not is_signed_in(rp)


def test_who_stays_is_told_nothing(provider: Provider) -> None:
    rp, _ = signed_in(provider, by_card=True)
    page = ask(rp)
    assert path_of(rp.post(page, page=page, decision="cancel")) == "/compte"
    assert is_signed_in(rp)


def test_it_is_in_the_language_of_the_service(provider: Provider) -> None:
    rp, hint = signed_in(provider, by_card=True)
    done = path_of(confirm(rp, ask(rp, id_token_hint=hint, post_logout_redirect_uri=HOME, ui_locales="en")))
    assert "Take your card out of the reader" in rp.browser.get(done).text


def test_the_page_is_gone_after_a_quarter_of_an_hour_and_no_other_is_made_up(provider: Provider) -> None:
    rp, _ = signed_in(provider, by_card=True)
    done = path_of(confirm(rp, ask(rp)))
    provider.clock.advance(minutes=16)
    for path in (done, "/logged-out/https://evil.example", "/logged-out/nothing"):
        answer = rp.browser.get(path)
        assert answer.status_code in (303, 404)
        assert answer.headers.get("Location", "/logged-out") == "/logged-out"


def test_nobody_signed_in_goes_straight_back(provider: Provider) -> None:
    _, hint = signed_in(provider, by_card=True)
    stranger = RelyingParty(provider, "ror")
    page = ask(stranger, id_token_hint=hint, post_logout_redirect_uri=HOME)
    assert stranger.browser.get(page).headers["Location"] == HOME


def test_the_page_is_for_the_browser_that_signed_out(provider: Provider) -> None:
    """Somebody who is still signed in is not told otherwise by a link."""
    rp, hint = signed_in(provider, by_card=True)
    done = path_of(confirm(rp, ask(rp, id_token_hint=hint, post_logout_redirect_uri=HOME)))
    assert path_of(provider.browser().get(done)) == "/logged-out"
    assert TAKE_IT_OUT in rp.browser.get(done).text
