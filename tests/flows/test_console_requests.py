"""The desk decides about requests for access: two levels, two people, once; and access comes with its roles."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Barrier, Thread
from typing import Any
from uuid import uuid4

import pytest
from markupsafe import escape

from idp.domain.access_request import AccessRequest, Level, RequestStatus
from idp.domain.account import AccountStatus
from idp.domain.service_access import GivenRole
from idp.flows.operators import accounts
from tests.fakes.access import ROLES, ask, request_of, with_service
from tests.fakes.access_desk import LIST, act, entitled, page_of, said
from tests.fakes.console import Console, send
from tests.fakes.portal import at_the_portal
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, csrf_of

ROR = {"role": ["PORTEUR_OFFRE", "PSL"], "perimeter_PORTEUR_OFFRE": "330781196, 2A0000014"}


@pytest.fixture
def console(start: Callable[..., Provider]) -> Console:
    """Espace Pro with two levels and roles, and Anne's request for it."""
    made = Console.start(start)
    made.provider.add_account("anne.pierre")
    with_service(made.provider, region_approves=True, service_approves=True, roles=ROLES)
    ask(at_the_portal(made.provider))
    return made


def test_two_levels_then_the_tile_the_letter_and_the_service(console: Console) -> None:
    provider, support, approver = console.provider, console.support, console.approver("espace-pro")
    listed = support.browser.get(LIST).text
    assert "Anne Pierre" in listed
    assert "Assistance régionale" in listed
    page = support.browser.get(page_of(provider)).text
    assert "capacitaire du 33" in page
    assert "Transmettre à l&#39;équipe du service" in page or "Transmettre à l'équipe du service" in page
    assert "request-until" not in page  # of the last level only
    assert "Votre accord est enregistré" in said(support, provider, "approve", **ROR)
    assert not entitled(provider)
    assert (request_of(provider).step, request_of(provider).status) == (Level.SERVICE, RequestStatus.OPEN)
    mails = len(provider.mails())
    assert "accès est donné" in said(approver, provider, "approve", until="2027-06-30", **ROR)
    assert entitled(provider)
    letter = provider.mails()[mails]
    assert "est acceptée" in letter.text
    assert "30 juin 2027" in letter.text or "1er juillet 2027" in letter.text
    made = request_of(provider)
    assert (made.status, made.decided_by) == (RequestStatus.GRANTED, "approver.espace-pro")
    assert [each.by for each in made.approvals] == ["nadia.support", "approver.espace-pro"]
    with provider.services.db.read() as tx:
        roles = tx.held_accesses.roles(made.account_id, "espace-pro", provider.clock.now())
        (access,) = tx.own_data.accesses(made.account_id, provider.clock.now())
    assert roles == (
        GivenRole("PORTEUR_OFFRE", "330781196"),
        GivenRole("PORTEUR_OFFRE", "2A0000014"),
        GivenRole("PSL"),
    )
    assert access.expires_at == datetime(2027, 6, 30, 22, tzinfo=UTC)  # the end of that day in France
    visitor = at_the_portal(provider)
    assert "https://rp.example/espace-pro/start" in visitor.browser.get("/compte").text
    assert "code" in RelyingParty(provider, "espace-pro", visitor.browser).silent()
    (granted,) = provider.events("entitlement.granted")
    assert granted.actor == "operator:approver.espace-pro"
    assert granted.detail["roles"] == "PORTEUR_OFFRE@330781196 PORTEUR_OFFRE@2A0000014 PSL"


def test_nobody_decides_at_the_others_level(console: Console) -> None:
    provider, support, approver = console.provider, console.support, console.approver("espace-pro")
    for action in ("claim", "approve", "refuse", "ask"):
        assert "décidée par d'autres" in said(approver, provider, action, text="non", **ROR).replace("&#39;", "'")
    act(support, provider, "approve")
    for action in ("claim", "approve", "refuse", "ask"):
        assert "décidée par d'autres" in said(support, provider, action, text="non", **ROR).replace("&#39;", "'")
    assert request_of(provider).version == 2
    assert not entitled(provider)


def test_one_person_does_not_give_both_agreements(console: Console) -> None:
    provider, both = console.provider, console.of("both", ("support", "*"), ("approver", "espace-pro"))
    act(both, provider, "approve")
    assert "une autre personne donne le second" in said(both, provider, "approve", **ROR)
    assert not entitled(provider)


def test_nobody_decides_about_themselves(console: Console) -> None:
    provider = console.provider
    nadia = console.support
    made = request_of(provider)
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("nadia.support")
        assert account
        own = AccessRequest(
            str(uuid4()), account.account_id, "espace-pro", Level.REGION, "moi", "fr", provider.clock.now()
        )
        assert tx.access_requests.submit(own)
    page = f"{LIST}/{own.request_id}"
    for action in ("claim", "approve", "refuse", "ask"):
        send(nadia, f"{page}/{action}", page, version="1", text="oui")
        assert "Une autre personne que vous" in nadia.browser.get(page).text
    assert made.request_id != own.request_id
    with provider.services.db.read() as tx:
        assert tx.access_requests.get(own.request_id) == own


@pytest.mark.parametrize("action", ["approve", "refuse"])
def test_a_double_click_and_a_stale_page_decide_once(console: Console, action: str) -> None:
    provider, support = console.provider, console.support
    act(support, provider, "claim")  # version 2
    stale = said(support, provider, action, version="1", text="non")
    assert "a changé depuis" in stale
    assert "a décidé" not in stale
    assert request_of(provider).version == 2
    assert "a changé depuis" not in said(support, provider, action, version="2", text="non")
    assert "a changé depuis" in said(support, provider, action, version="2", text="non")
    events = provider.events("access_request.approved" if action == "approve" else "access_request.refused")
    assert len(events) == 1


@pytest.mark.parametrize("version", ["", "x", "0", "-1", "9" * 30, "1.0", "²"])
def test_a_version_that_is_none_changes_nothing(console: Console, version: str) -> None:
    assert "a changé depuis" in said(console.support, console.provider, "approve", version=version)
    assert request_of(console.provider).version == 1


def test_of_two_operators_at_once_one_decides(console: Console) -> None:
    provider = console.provider
    desks = [console.support, console.of("second.support", ("support", "*"))]
    page, barrier, answers = page_of(provider), Barrier(2), list[str]()
    forms = [{"csrf": csrf_of(desk.browser.get(page)), "version": "1", "text": "non"} for desk in desks]

    def decide(number: int) -> None:
        barrier.wait()
        answered = desks[number].browser.post(f"{page}/{('approve', 'refuse')[number]}", data=forms[number])
        answers.append(answered.text if answered.status_code == 200 else desks[number].browser.get(page).text)

    both = [Thread(target=decide, args=(number,)) for number in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert request_of(provider).version == 2
    assert sum("a changé depuis" in text for text in answers) == 1
    assert sum("support en a décidé entre-temps" in text for text in answers) == 1
    assert len(provider.events("access_request.approved")) + len(provider.events("access_request.refused")) == 1


def test_what_another_claimed_is_taken_over_first(console: Console) -> None:
    provider, nadia, second = console.provider, console.support, console.of("second.support", ("support", "*"))
    act(nadia, provider, "claim")
    page = second.browser.get(page_of(provider)).text
    assert "nadia.support" in page
    assert "request-approve" not in page
    for action in ("approve", "refuse", "ask", "release"):
        assert "Reprenez-la d" in said(second, provider, action, text="non")
    act(second, provider, "claim")
    assert request_of(provider).claimed_by == "second.support"
    assert provider.events("access_request.claimed")[0].detail["taken_from"] == "nadia.support"
    act(second, provider, "release")
    assert request_of(provider).claimed_by is None


def test_a_refusal_says_why_and_leaves_room_for_another_request(console: Console) -> None:
    provider, support = console.provider, console.support
    assert "Écrivez un texte" in said(support, provider, "refuse", text="  ")
    assert "est refusée" in said(support, provider, "refuse", text="Pas de cet établissement")
    letter = provider.mails()[-1]
    assert "Pas de cet établissement" in letter.text
    assert "Pas de cet établissement" in letter.html
    assert "établissement" not in str(provider.events("access_request.refused"))  # kept for ever
    visitor = at_the_portal(provider)
    assert "Pas de cet établissement" in visitor.browser.get("/compte/access/espace-pro").text
    assert "En attente" not in visitor.browser.get("/compte/access/espace-pro").text
    assert "nadia" not in letter.text
    ask(visitor)
    assert request_of(provider).is_open


def test_a_question_goes_out_by_mail_and_its_answer_comes_back(console: Console) -> None:
    provider, support = console.provider, console.support
    act(support, provider, "ask", text="Où exercez-vous ?\n<b>")
    seen = str(request_of(provider).version)
    letter = provider.mails()[-1]
    assert "Où exercez-vous ?\n<b>" in letter.text
    assert "<b>" not in letter.html
    assert "Question posée" in support.browser.get(LIST).text
    visitor = at_the_portal(provider)
    page = "/compte/access/espace-pro"
    visitor.post(f"{page}/answer", page=page, answer="<script>alert(1)</script> Bordeaux")
    assert "a changé depuis" in said(support, provider, "refuse", text="sans réponse", version=seen)
    shown = support.browser.get(page_of(provider)).text
    assert "Bordeaux" in shown
    assert "<script>alert" not in shown
    assert "Question posée" not in support.browser.get(LIST).text


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, "Choisissez au moins un rôle"),
        ({"role": ["UNKNOWN"]}, "existe pas"),
        ({"role": ["PSL"], "perimeter_PSL": "330781196"}, "FINESS"),
        ({**ROR, "perimeter_PORTEUR_OFFRE": "33078119"}, "FINESS"),
        ({**ROR, "perimeter_PORTEUR_OFFRE": "<script>"}, "FINESS"),
        ({**ROR, "perimeter_PORTEUR_OFFRE": "\u202e30781196"}, "FINESS"),
        ({**ROR, "perimeter_PORTEUR_OFFRE": " ".join(f"33{n:07}" for n in range(101))}, "Trop de rôles"),
        ({**ROR, "until": "2020-01-01"}, "à venir"),
        ({**ROR, "until": "demain"}, "ne peut pas être lue"),
        ({**ROR, "until": "9999-12-31"}, "ne peut pas être lue"),
        ({**ROR, "until": "x" * 10000}, "ne peut pas être lue"),
    ],
)
def test_no_access_with_roles_or_an_end_that_are_none(console: Console, fields: dict[str, Any], problem: str) -> None:
    provider, approver = console.provider, console.approver("espace-pro")
    act(console.support, provider, "approve")
    assert problem in said(approver, provider, "approve", **fields)
    assert (request_of(provider).version, entitled(provider)) == (2, False)


def test_what_was_ticked_and_typed_is_kept_when_it_is_refused(console: Console) -> None:
    provider, approver = console.provider, console.approver("espace-pro")
    act(console.support, provider, "approve")
    page = approver.browser.get(page_of(provider)).text
    assert not re.search(r'name="role"[^>]* checked', page)
    typed = {"role": ["PORTEUR_OFFRE"], "perimeter_PORTEUR_OFFRE": '33078119 "x', "until": "2027-06-30"}
    for changes in ({}, {"perimeter_PORTEUR_OFFRE": "330781196", "until": "2020-01-01"}, {"version": "1"}):
        fields = {**typed, **changes}
        page = said(approver, provider, "approve", **fields)
        assert re.findall(r'name="role" value="(\w+)" checked', page) == ["PORTEUR_OFFRE"]
        for name in ("perimeter_PORTEUR_OFFRE", "until"):
            assert f'name="{name}" value="{escape(str(fields[name]))}"' in page
        assert f'name="version" value="{request_of(provider).version}"' in page
        assert 'id="error-summary"' in page
    assert 'value="330781196"' not in approver.browser.get(page_of(provider)).text


@pytest.mark.parametrize(("action", "field"), [("ask", "request-question"), ("refuse", "request-reason")])
def test_a_text_that_is_too_long_is_kept_where_it_was_typed(console: Console, action: str, field: str) -> None:
    long = "non <b> " * 200
    page = said(console.support, console.provider, action, text=long)
    (kept,) = re.findall(rf'<textarea id="{field}"[^>]* aria-invalid="true"[^>]*>([^<]*)', page)
    assert kept == str(escape(long))
    assert page.count("non &lt;b&gt;") == 200
    assert request_of(console.provider).version == 1


def test_no_access_for_an_account_that_is_not_active(console: Console) -> None:
    provider, approver = console.provider, console.approver("espace-pro")
    act(console.support, provider, "approve")
    accounts.set_status(provider.desk, "anne.pierre", AccountStatus.SUSPENDED, "test")
    assert "actif" in said(approver, provider, "approve", **ROR)
    assert (request_of(provider).is_open, entitled(provider)) == (True, False)


def test_one_level_is_enough_where_the_service_says_so(start: Callable[..., Provider]) -> None:
    console = Console.start(start)
    provider = console.provider
    provider.add_account("anne.pierre")
    with_service(provider, region_approves=False, service_approves=True)
    ask(at_the_portal(provider))
    assert request_of(provider).step is Level.SERVICE
    assert "accès est donné" in said(console.approver("espace-pro"), provider, "approve")
    assert entitled(provider)


def test_filters_are_in_the_address(console: Console) -> None:
    provider, support = console.provider, console.support
    assert "Anne Pierre" in support.browser.get(f"{LIST}?service=espace-pro&level=region").text
    assert "Anne Pierre" not in support.browser.get(f"{LIST}?level=service").text
    assert "Anne Pierre" not in support.browser.get(f"{LIST}?mine=1").text
    assert "Anne Pierre" not in support.browser.get(f"{LIST}?state=decided").text
    act(support, provider, "claim")
    assert "Anne Pierre" in support.browser.get(f"{LIST}?mine=1").text
    act(support, provider, "refuse", text="non")
    assert "Anne Pierre" in support.browser.get(f"{LIST}?state=decided").text
    for odd in ("level=x", "after=x~y", "after=2026-11-21T10:00:00~x", "state=%00", "service=x"):
        assert support.browser.get(f"{LIST}?{odd}").status_code in {200, 400, 404}


def test_the_age_is_in_working_hours(console: Console) -> None:
    console.provider.clock.advance(days=7)
    assert "5 j 0 h ouvrés" in console.support.browser.get(LIST).text
