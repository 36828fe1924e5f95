"""Asking for access to a service: from « Accès refusé » and from the portal, until it is decided or taken back."""

from collections.abc import Callable
from threading import Thread

import pytest

from idp.domain.access_request import Level, Message, RequestStatus
from idp.domain.ids import new_id
from idp.domain.throttle import ACCESS_REQUESTS
from idp.flows.access.asking import TOLD_BEFORE
from tests.fakes.access import FIELDS, GOOD, ask, asked, request_of, with_service
from tests.fakes.portal import at_the_portal, copy_of
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, path_of

PAGE = "/compte/access/espace-pro"


@pytest.fixture
def region(provider: Provider) -> Provider:
    with_service(provider, region_approves=True, service_approves=True)
    return provider


def test_denied_leads_to_the_form(region: Provider) -> None:
    rp = RelyingParty(region, "espace-pro")
    login = rp.open_login()
    rp.give_password(login)
    page = rp.browser.get(login)
    assert page.status_code == 403
    assert "Vous n'avez pas accès au service ?" in page.text
    assert "Demander votre accès maintenant" in page.text
    assert f'id="denied-ask" href="{PAGE}"' in page.text
    authorize = path_of(rp.browser.get(PAGE))
    callback = path_of(rp.browser.get(authorize))
    assert path_of(rp.browser.get(callback)) == PAGE  # signed in already: nothing more is asked
    form = rp.browser.get(PAGE).text
    for said in ("Adhésion", "anne.pierre", "Anne Pierre", "anne.pierre@chu.example", "Motif de l'inscription *"):
        assert said in form
    assert all(field.label in form for field in FIELDS if not field.is_locked)
    assert 'name="email"' not in form  # the account's, shown above


def test_a_request_is_kept_told_and_shown_in_place_of_the_form(region: Provider) -> None:
    visitor = at_the_portal(region)
    assert path_of(ask(visitor)) == PAGE
    made = request_of(region)
    assert (made.status, made.step, made.version) == (RequestStatus.OPEN, Level.REGION, 1)
    assert made.answers == {
        "given_name": "Anne",
        "family_name": "Pierre",
        "email": "anne.pierre@chu.example",
        **{name: GOOD[name] for name in ("function", "speciality", "you_are")},
        "phone": "+33556000000",
    }
    assert made.terms_version == "1"
    assert "est bien enregistrée" in region.mails()[-1].text
    assert region.events("access_request.submitted")[0].detail["request"] == made.request_id
    page = visitor.browser.get(PAGE).text
    assert "En attente depuis le" in page
    assert "capacitaire du 33" in page
    assert "access-submit" not in page
    assert "Demande en attente" in visitor.browser.get("/compte").text
    login = RelyingParty(region, "espace-pro", visitor.browser).open_login()
    assert "est en attente" in visitor.browser.get(login).text


def test_a_second_click_and_a_second_tab_make_one_request(region: Provider) -> None:
    visitor = at_the_portal(region)
    tabs = [copy_of(visitor, region) for _ in range(4)]
    token = csrf_of(visitor.browser.get("/compte"))
    answers: list[int] = []

    def click(tab: int) -> None:
        answers.append(tabs[tab].post(PAGE, data={"csrf": token, **GOOD}).status_code)

    clicks = [Thread(target=click, args=(tab,)) for tab in range(4)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()
    assert answers == [303] * 4
    assert len(region.events("access_request.submitted")) == 1
    assert len(region.mails()) == 1


@pytest.mark.parametrize("name", ["function", "speciality", "you_are", "phone", "reason", "terms"])
def test_what_is_missing_is_named_and_nothing_is_lost(region: Provider, name: str) -> None:
    visitor = at_the_portal(region)
    answered = ask(visitor, **{name: "", "more": "déjà écrit"})
    assert answered.status_code == 200
    assert f'href="#access-{name}"' in answered.text
    assert f'id="access-{name}-error"' in answered.text
    assert "déjà écrit" in answered.text
    assert not asked(region)


def test_what_stands_for_other_is_asked_with_it_only(region: Provider) -> None:
    visitor = at_the_portal(region)
    assert 'href="#access-function_other"' in ask(visitor, function="- Autre -").text
    ask(visitor, function_other="ignored")
    assert "function_other" not in request_of(region).answers


def test_blanks_of_french_typography_are_blanks(region: Provider) -> None:
    """The number of the account is shown with some, and comes back so."""
    ask(at_the_portal(region), phone="+33\u00a05\u00a056\u00a000\u00a000\u00a000", reason="oui\u202f: moi")
    assert request_of(region).answers["phone"] == "+33556000000"
    assert request_of(region).reason == "oui : moi"


def test_terms_that_are_refused_stop(region: Provider) -> None:
    assert "acceptez les Conditions" in ask(at_the_portal(region), terms="refuse").text
    assert not asked(region)


HOSTILE = {
    "script": "<script>alert(1)</script>",
    "megabyte": "x" * 2**20,
    "long": "x" * 1001,
    "right_to_left": "abc\u202edef",
    "nul": "abc\x00def",
    "lines": "a\nb",
    "escape": "\x1b[31m",
}


@pytest.mark.parametrize("field", ["function", "function_other", "speciality", "you_are", "more", "phone", "reason"])
@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_input_is_refused_or_shown_as_text(region: Provider, field: str, value: str) -> None:
    visitor = at_the_portal(region)
    answered = ask(visitor, **{"function": "- Autre -", "function_other": "Cadre", field: HOSTILE[value]})
    assert answered.status_code < 500
    if answered.status_code == 303:  # text that is as good as any other
        assert value in {"script", "lines"} or (field, value) == ("more", "long")
        assert request_of(region).answers.get(field, request_of(region).reason) == HOSTILE[value]
        answered = visitor.browser.get(PAGE)
    else:
        assert not asked(region)
    assert "<script>alert" not in answered.text


def test_what_the_account_says_is_not_taken_from_the_form(region: Provider) -> None:
    ask(at_the_portal(region), email="another@evil.example", family_name="Martin")
    assert request_of(region).answers["email"] == "anne.pierre@chu.example"
    assert request_of(region).answers["family_name"] == "Pierre"


def test_taking_it_back_makes_room_for_another(region: Provider) -> None:
    visitor = at_the_portal(region)
    ask(visitor)
    assert path_of(visitor.post(f"{PAGE}/withdraw", page=PAGE)) == PAGE
    assert request_of(region).status is RequestStatus.WITHDRAWN
    assert "Votre demande est annulée" in visitor.browser.get(PAGE).text
    token = csrf_of(visitor.browser.get("/compte"))
    visitor.browser.post(f"{PAGE}/withdraw", data={"csrf": token})
    assert "n&#39;attend plus rien" in visitor.browser.get(PAGE).text
    assert len(region.events("access_request.withdrawn")) == 1
    ask(visitor)
    assert request_of(region).status is RequestStatus.OPEN


def test_a_question_is_answered_once(region: Provider) -> None:
    visitor = at_the_portal(region)
    ask(visitor)
    made = request_of(region)
    with region.services.db.write() as tx:
        tx.access_requests.say(Message(new_id(), made.request_id, region.clock.now(), "claire", "question", "Où ?"))
    page = visitor.browser.get(PAGE).text
    assert "Où ?" in page
    assert "claire" not in page
    visitor.post(f"{PAGE}/answer", page=PAGE, answer=" ")
    assert "Écrivez votre réponse" in visitor.browser.get(PAGE).text
    visitor.post(f"{PAGE}/answer", page=PAGE, answer="À Bordeaux")
    visitor.post(f"{PAGE}/answer", page=PAGE, answer="encore")
    assert len(region.events("access_request.answered")) == 1
    page = visitor.browser.get(PAGE).text
    assert "À Bordeaux" in page
    assert "encore" not in page
    assert "access-answer" not in page


def test_ten_requests_a_day(region: Provider) -> None:
    visitor = at_the_portal(region)
    for _ in range(ACCESS_REQUESTS.most):
        ask(visitor)
        visitor.post(f"{PAGE}/withdraw", page=PAGE)
    assert "Trop de demandes" in ask(visitor).text
    region.clock.advance(hours=24)
    assert path_of(ask(at_the_portal(region))) == PAGE


def test_who_has_access_is_asked_nothing_until_it_ends_soon(region: Provider) -> None:
    visitor = at_the_portal(region)
    until = region.clock.now() + TOLD_BEFORE
    with region.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        tx.accounts.grant(account.account_id, "espace-pro", "test", region.clock.now(), None)
    assert "Vous avez accès à ce service" in visitor.browser.get(PAGE).text
    ask(visitor)
    assert not asked(region)
    with region.services.db.write() as tx:
        tx.accounts.grant(account.account_id, "espace-pro", "test", region.clock.now(), until)
    assert "access-submit" in visitor.browser.get(PAGE).text
    ask(visitor)
    assert request_of(region).is_open


@pytest.mark.parametrize("client_id", ["unknown", "rp", "portail", "{0.__class__}", "a b"])
def test_no_form_for_what_needs_no_asking(region: Provider, client_id: str) -> None:
    visitor = at_the_portal(region)
    assert visitor.browser.get(f"/compte/access/{client_id}").status_code == 404
    token = csrf_of(visitor.browser.get("/compte"))
    for path in ("", "/withdraw", "/answer"):
        data = {"csrf": token, "answer": "x", **GOOD}
        assert visitor.browser.post(f"/compte/access/{client_id}{path}", data=data).status_code == 404


def test_a_form_without_its_token_does_nothing(region: Provider) -> None:
    visitor = at_the_portal(region)
    for path in (PAGE, f"{PAGE}/withdraw", f"{PAGE}/answer"):
        assert visitor.browser.post(path, data=GOOD).status_code == 403
    assert not asked(region)


def test_a_service_that_defined_nothing_asks_for_a_reason(start: Callable[..., Provider]) -> None:
    provider = start(registration={"terms_version": "2026-06", "terms_uri": "https://region.example/cgu"})
    provider.add_account("anne.pierre")
    provider.add_client("ror", needs_entitlement=True)
    visitor = at_the_portal(provider)
    assert "https://region.example/cgu" in visitor.browser.get("/compte/access/ror").text
    ask(visitor, "ror")
    made = request_of(provider, client_id="ror")
    assert (made.answers, made.terms_version, made.step) == ({}, "2026-06", Level.REGION)
