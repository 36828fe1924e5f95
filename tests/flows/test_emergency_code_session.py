"""The session that an emergency code opened changes nothing, whatever else is proven in it."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from idp.flows import own_means
from idp.store.conformance import race
from tests.fakes import national_card
from tests.fakes.clock import START
from tests.fakes.enrolling import given_passkey, given_totp
from tests.fakes.linking import answer
from tests.fakes.phone import given_phone
from tests.fakes.portal import asked, at_the_portal, copy_of, enter, links, present
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of, path_of
from tests.fakes.rescue import METHODS, after_password, at_the_code, give, in_the_portal, issued, session_of, with_codes

TAKES_AWAY = {
    "/compte/logout",
    "/compte/account/sessions/<uuid:session>/end",
    "/compte/account/sessions/end-others",
    "/compte/account/sessions/end-all",
    "/compte/account/consents/<client_id>/withdraw",
    "/compte/account/services/<client_id>/disconnect",
}
NOWHERE = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return with_codes(start)


def portal_rules(provider: Provider, method: str) -> list[str]:
    found = provider.app.url_map.iter_rules()
    return sorted(each.rule for each in found if each.rule.startswith("/compte") and method in (each.methods or ()))


def walk(rp: RelyingParty) -> tuple[dict[str, int], set[str]]:
    """Status of each page of the portal that links lead to, by its path; where their forms go."""
    pages, forms, ahead = dict[str, int](), set[str](), ["/compte"]
    while ahead:
        path = ahead.pop()
        shown = rp.browser.get(path)
        pages[path] = shown.status_code
        found = re.findall(r'<a [^>]*href="(/compte[^"?#]*)', shown.text)
        ahead += [each for each in dict.fromkeys(found) if each not in pages and each not in ahead]
        forms.update(re.findall(r'<form [^>]*action="([^"]+)', shown.text))
        forms.update(re.findall(r'formaction="([^"]+)', shown.text))
    return pages, forms


# -- it changes nothing ------------------------------------------------------------------


def test_no_form_of_the_portal_but_those_that_take_away(provider: Provider) -> None:
    rp = in_the_portal(provider)
    csrf = csrf_of(rp.browser.get("/compte"))
    refused = [rule for rule in portal_rules(provider, "POST") if rule not in TAKES_AWAY]
    form = {
        "csrf": csrf,
        "name": "x",
        "code": "000000",
        "password": "x",
        "email": "thief@evil.example",
        "understood": "1",
    }
    for rule in refused:
        refusal = rp.browser.post(re.sub(r"<[^>]+>", NOWHERE, rule), data=form)
        assert (refusal.status_code, "temporary_session" in refusal.text) == (403, True), rule
    assert len(refused) > 15
    assert {event.detail["page"] for event in provider.events("emergency_code.change_refused")} == set(refused)
    assert {event.outcome for event in provider.events("emergency_code.change_refused")} == {"refused"}


@pytest.mark.parametrize(
    "page",
    [
        "/compte/means/totp",
        "/compte/means/passkey",
        "/compte/password",
        "/compte/personal/email",
        "/compte/personal/phone",
        "/compte/account/close",
        "/compte/account/export",
        f"/compte/means/{NOWHERE}/remove",
    ],
)
def test_the_page_of_a_change_says_why_and_asks_for_no_proof(provider: Provider, page: str) -> None:
    refusal = in_the_portal(provider).browser.get(page)
    assert (refusal.status_code, "temporary_session" in refusal.text) == (403, True)
    assert "ouverte par un code de secours" in refusal.text
    assert not provider.events("emergency_code.change_refused")  # looked, and sent nothing


def test_no_page_offers_a_change_that_would_be_refused(start: Callable[..., Provider]) -> None:
    provider = with_codes(start, methods=(*METHODS, "qr_code"))
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        tx.profiles.set_profile(account.account_id, {"function": "Urgentiste", "phone_number": "+33556000000"}, START)
    given_totp(provider), given_passkey(provider), given_phone(provider)
    own, own_forms = walk(enter(provider, lambda rp, path: rp.give_otp(path), page="/compte"))
    pages, forms = walk(in_the_portal(provider))

    assert "/compte/password" in own
    assert len(own_forms) > 10
    assert {"/compte/means", "/compte/personal", "/compte/account", "/compte/account/history"} <= pages.keys()
    assert set(pages.values()) == {200}, pages
    urls = provider.app.url_map.bind("")
    rules = {urls.match(form, "POST", return_rule=True)[0].rule for form in forms}
    assert {"/compte/logout", "/compte/account/sessions/end-all"} <= rules <= TAKES_AWAY
    assert "Urgentiste" in in_the_portal(provider, "/compte/personal").browser.get("/compte/personal").text


def test_the_page_that_says_to_log_out_has_the_button(provider: Provider) -> None:
    rp = in_the_portal(provider)
    refusal = rp.browser.get("/compte/password")
    assert 'action="/compte/logout"' in refusal.text
    rp.browser.post("/compte/logout", data={"csrf": csrf_of(refusal)})
    assert rp.browser.get("/compte").status_code == 303
    assert 'action="/compte/logout"' not in provider.browser().get("/compte/nowhere").text


def test_a_proof_by_ones_own_means_in_it_changes_nothing_either(provider: Provider) -> None:
    rp = in_the_portal(provider)
    csrf = csrf_of(rp.browser.get("/compte"))
    service = RelyingParty(provider, "strong", rp.browser)
    answer_of(service.give_otp(service.open_login(prompt="login")))
    assert {proof.method for proof in session_of(provider, rp).proofs} == {"emergency_code", "email_otp"}
    assert rp.browser.get("/compte/password").status_code == 403
    assert rp.browser.post("/compte/means/totp", data={"csrf": csrf}).status_code == 403


def test_a_code_in_a_session_of_ones_own_means_marks_it(provider: Provider) -> None:
    rp = enter(provider, lambda rp, path: rp.give_otp(path))
    assert rp.browser.get("/compte/means/totp").status_code == 200
    before = session_of(provider, rp)
    code = issued(provider, hours=1)
    service = RelyingParty(provider, "strong", rp.browser)
    path = service.open_login(prompt="login")
    after_password(service, path)
    answer_of(give(service, path, code))
    after = session_of(provider, rp)
    assert after.session_id == before.session_id
    assert after.expires_at == provider.clock.now() + timedelta(hours=1) < before.expires_at
    assert rp.browser.get("/compte/means/totp").status_code == 403


def test_the_code_is_no_fresh_proof_where_ones_own_means_are_a_password_alone(provider: Provider) -> None:
    """A policy that asks for the password takes what was composed of it; a proof of the account itself does not."""
    provider.add_account("zoe", email="")
    rp, path = at_the_code(provider, "zoe")
    code = issued(provider, "zoe")
    answer_of(give(rp, path, code))
    (proof,) = session_of(provider, rp).proofs
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("zoe")
        assert account
        own = own_means.of_account(provider.services, tx, account)
    now = provider.clock.now()
    assert [entry.id for entry in own.reach] == ["password"]
    assert own.policy("portail", now).accepts(proof)
    assert not own.are_fresh((proof,), now)
    assert own.are_fresh((replace(proof, until=None),), now)


def test_what_asks_for_a_proof_of_the_account_itself_takes_no_code(provider: Provider) -> None:
    """Asked before the session was marked, in another tab."""
    provider.add_account("zoe", email="")
    visitor = at_the_portal(provider, "zoe")
    provider.clock.advance(minutes=6)
    path = asked(visitor, "/compte/password")
    service = RelyingParty(provider, "strong", visitor.browser)
    code, login = issued(provider, "zoe"), service.open_login(prompt="login")
    after_password(service, login, "zoe")
    answer_of(give(service, login, code))
    assert visitor.browser.get(path).status_code == 200  # asks still


def test_a_card_is_not_linked_in_it(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> None:
    national_card.install(monkeypatch)
    provider = with_codes(start, methods=(*METHODS, "national_card"))
    provider.add_client("card", methods=("national_card",))
    code = issued(provider)
    rp, path = at_the_code(provider)
    answer_of(give(rp, path, code))
    other = RelyingParty(provider, "card", rp.browser)
    path = other.open_login()
    present(other, path)
    csrf = csrf_of(other.browser.get(path))
    form = {"csrf": csrf, "code": code, "login": "anne.pierre"}
    assert other.browser.post(f"{path}/emergency_code", data=form).status_code == 403  # no proof for linking
    other.give_otp(path)
    refused = answer(other, path)
    assert (refused.status_code, "temporary_session" in refused.text) == (403, True)
    assert links(provider) == []
    assert provider.events("emergency_code.change_refused")[0].detail["page"] == "/login/<handle>/link"


def test_what_takes_away_is_done(provider: Provider) -> None:
    other = enter(provider, lambda rp, path: rp.give_otp(path))
    rp = in_the_portal(provider)
    page = "/compte/account"
    theirs = session_of(provider, other).session_id
    assert path_of(rp.post(f"{page}/sessions/{theirs}/end", page=page)) == page
    assert path_of(rp.post("/compte/logout", page=page))
    assert rp.browser.get(page).status_code == 303
    assert not provider.events("emergency_code.change_refused")


def test_it_is_called_by_its_name(provider: Provider) -> None:
    rp = in_the_portal(provider)
    assert "connecté par un code de secours" in rp.browser.get("/compte").text
    assert "Ouverte par un code de secours" in rp.browser.get("/compte/account").text
    assert "Code de secours" in rp.browser.get("/compte/account/history").text
    other = enter(provider, lambda rp, path: rp.give_otp(path), page="/compte/account")
    shown = other.browser.get("/compte/account").text
    assert shown.count("Ouverte par un code de secours") == 1
    assert "connecté par un code de secours" not in shown


def test_two_tabs_of_it_are_refused_alike(provider: Provider) -> None:
    rp = in_the_portal(provider)
    tab, csrf = copy_of(rp, provider), csrf_of(rp.browser.get("/compte"))
    browsers = [rp.browser, tab]

    def send(number: int) -> int:
        return browsers[number].post("/compte/means/totp", data={"csrf": csrf}).status_code

    assert race(send, 2) == [403, 403]
