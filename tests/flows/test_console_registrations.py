"""The desk's pages of registrations, as support uses them in the console."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from sqlalchemy import update

from idp.domain.account import AccountStatus
from idp.domain.ids import new_id
from idp.domain.registration import Registration, RegistrationStatus
from idp.flows.operators import accounts
from idp.store.rpps_extract import Registered
from idp.store.schema import registration
from tests.fakes.console import Console
from tests.fakes.desk_pages import LIST, act, page_of, shown
from tests.fakes.provider import Provider
from tests.fakes.registering import EMAIL, FORM, PROVEN, now_of, submit
from tests.fakes.relying_party import RelyingParty, csrf_of, path_of


@pytest.fixture
def console(start: Callable[..., Provider]) -> Console:
    return Console.start(start)


# -- who may ---------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["auditor", "approver", "owner", "regional"])
def test_support_alone_sees_registrations(console: Console, who: str) -> None:
    about = submit(console.provider)
    console.provider.add_client("ror")
    others: dict[str, Callable[[], RelyingParty]] = {
        "auditor": lambda: console.auditor,
        "approver": lambda: console.approver("ror"),
        "owner": lambda: console.policy_owner("ror"),
        "regional": lambda: console.of("regional", ("support", "ror")),  # of one service: a person is of none
    }
    browser = others[who]().browser
    for path in (LIST, page_of(about)):
        assert browser.get(path).status_code == 403
    token = csrf_of(browser.get("/password/forgot"))
    for action in ("claim", "release", "ask", "approve", "refuse", "resend", "birth"):
        data = {"csrf": token, "version": "1", "text": "x"}
        assert browser.post(f"{page_of(about)}/{action}", data=data).status_code == 403
    assert now_of(console.provider, about.registration_id) == about


def test_nobody_sees_them_without_signing_in(console: Console) -> None:
    about = submit(console.provider)
    for path in (LIST, page_of(about)):
        answered = console.provider.browser().get(path)
        assert answered.status_code == 303
        assert EMAIL not in answered.text


def test_a_draft_and_an_unknown_one_are_not_there(console: Console) -> None:
    draft = Registration(
        new_id(), RegistrationStatus.DRAFT, 1, "fr", console.provider.clock.now(), console.provider.clock.now()
    )
    with console.provider.services.db.write() as tx:
        tx.registrations.start(draft)
    token = csrf_of(console.support.browser.get(LIST))
    for this in (draft.registration_id, str(uuid4()), "x", "x" * 2000):
        assert console.support.browser.get(f"{LIST}/{this}").status_code == 404
        for action in ("claim", "birth"):
            data = {"csrf": token, "version": "1"}
            assert console.support.browser.post(f"{LIST}/{this}/{action}", data=data).status_code == 404


def test_a_foreign_form_decides_nothing(console: Console) -> None:
    about = submit(console.provider)
    for action in ("claim", "birth"):
        assert console.support.browser.post(f"{page_of(about)}/{action}", data={"version": "1"}).status_code == 403
    assert now_of(console.provider, about.registration_id) == about


def test_no_other_action(console: Console) -> None:
    about = submit(console.provider)
    assert act(console.support, console.provider, about, "delete").status_code == 404


# -- the list --------------------------------------------------------------------------


def test_the_list_has_ages_in_working_hours(console: Console) -> None:
    submit(console.provider)
    console.provider.clock.advance(days=7)
    text = shown(console.support, LIST)
    assert "Anne Pierre" in text
    assert "ouvrés" in text
    assert "CHU de Bordeaux" in text


def test_filters_are_in_the_address(console: Console) -> None:
    provider, support = console.provider, console.support
    provider.add_client("ror", name="Le ROR")
    first = submit(provider)
    submit(
        provider,
        form={**FORM, "family_name": "Roux", "given_name": "Paul"},
        email="paul@chu.example",
        login_name="p.roux",
        client_id="ror",
    )
    act(support, provider, first, "claim")
    for query, names in (
        ("", {"Pierre", "Roux"}),
        ("?claimed=me", {"Pierre"}),
        ("?claimed=nobody", {"Roux"}),
        ("?service=ror", {"Roux"}),
        ("?q=pierre", {"Pierre"}),
        ("?q=ROUX+paul", {"Roux"}),
        ("?q=%25", set()),
        ("?state=CONFIRMED", set()),
        ("?state=all", {"Pierre", "Roux"}),
        ("?state=nonsense&claimed=x&service=x&page=x", {"Pierre", "Roux"}),
        ("?page=99999", set()),
    ):
        text = shown(support, LIST + query)
        assert {name for name in ("Pierre", "Roux") if f" {name}</a>" in text} == names, query
    assert "<script>" not in shown(support, f"{LIST}?q=<script>alert(1)</script>")


def test_a_long_list_has_pages(console: Console) -> None:
    for number in range(51):
        submit(console.provider, email=f"p{number}@chu.example", password_digest=None)
    first, second = shown(console.support, LIST), shown(console.support, f"{LIST}?page=2")
    assert (first.count("@chu.example</small>"), second.count("@chu.example</small>")) == (50, 1)
    assert "page=2" in first
    assert "page=1" in second


# -- one registration ------------------------------------------------------------------


def test_what_is_verified_and_what_is_declared(console: Console) -> None:
    text = shown(console.support, page_of(submit(console.provider, proven=PROVEN)))
    verified, declared = text.split('id="declared-title"')
    assert all(each in verified for each in (EMAIL, "10000000017", "759900001", "cps_card"))
    assert "CHU de Bordeaux" not in verified
    assert "CHU de Bordeaux" in declared
    assert "Infirmier" in declared
    plain = shown(console.support, page_of(submit(console.provider, email="other@chu.example")))
    verified, declared = plain.split('id="declared-title"')
    assert "10000000017" not in verified
    assert "10000000017" in declared
    assert "seulement déclarée" in verified


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (None, "absent de l&#39;extrait"),
        (("ROUX", "PAUL"), "à un autre nom : PAUL ROUX"),
        (("PIERRE", "ANNE"), "au même nom"),
    ],
)
def test_what_the_register_says_is_shown(console: Console, names: tuple[str, str] | None, said: str) -> None:
    about = submit(console.provider)
    assert "Aucun extrait du RPPS" in shown(console.support, page_of(about))
    with console.provider.services.db.write() as tx:
        lines = [Registered("10000000033", "X", "Y"), *([Registered(FORM["rpps"], *names)] if names else [])]
        tx.rpps_extract.put(lines, console.provider.clock.now())
    assert said in shown(console.support, page_of(about))


def test_who_else_it_may_be_is_shown(console: Console) -> None:
    provider = console.provider
    account = provider.add_account("anne.piere")
    about, other, refused = (submit(provider) for _ in range(3))
    act(console.support, provider, refused, "claim")
    act(console.support, provider, refused, "refuse", text="Structure inconnue")
    accounts.set_status(provider.desk, "anne.piere", AccountStatus.SUSPENDED, "test")
    text = shown(console.support, page_of(about))
    for each, status in (
        (account.account_id, "Suspendu"),
        (page_of(other), "En attente"),
        (page_of(refused), "Refusée"),
    ):
        assert f"({status})" in text.split(each)[1].split("</li>")[0]
    assert f"/console/people/{account.account_id}" in text
    assert page_of(other) in text
    assert "nom proche" in text
    assert "même N° RPPS" in text


def test_whoever_opens_one_is_recorded(console: Console) -> None:
    about = submit(console.provider)
    shown(console.support, LIST)
    assert console.provider.events("registration.seen") == []
    shown(console.support, page_of(about))
    (event,) = console.provider.events("registration.seen")
    assert (event.actor, event.subject, event.detail) == ("operator:nadia.support", about.registration_id, {})


def test_the_birthday_is_masked_until_whoever_claimed_it_asks(console: Console) -> None:
    about, provider = submit(console.provider), console.provider
    assert "17/05" not in shown(console.support, page_of(about))
    refused = act(console.support, provider, about, "birth")
    assert path_of(refused) == page_of(about)
    assert "17/05" not in shown(console.support, page_of(about))
    assert provider.events("registration.birth_seen") == []
    act(console.support, provider, about, "claim")
    assert "17/05" not in shown(console.support, page_of(about))
    seen = act(console.support, provider, about, "birth")
    assert "17/05" in seen.text
    assert seen.headers["Cache-Control"] == "no-store"
    assert len(provider.events("registration.birth_seen")) == 1
    assert "17/05" not in shown(console.support, page_of(about))


def test_a_birthday_whose_key_is_gone_is_said_to_be_lost(console: Console) -> None:
    about, provider = submit(console.provider), console.provider
    act(console.support, provider, about, "claim")
    with provider.services.db.engine.begin() as connection:
        connection.execute(update(registration).values(birth=b"\x02\x00\x00\x00\x01broken"))
    assert path_of(act(console.support, provider, about, "birth")) == page_of(about)
    page = shown(console.support, page_of(about))
    assert "ne peuvent plus être lus" in page
    assert "masqué" in page
    assert provider.events("registration.birth_seen") == []


def test_what_people_typed_is_not_markup(console: Console) -> None:
    hostile = "<script>alert(1)</script>\u202e"
    about = submit(console.provider, form=dict.fromkeys(FORM, hostile))
    for path in (LIST, page_of(about)):
        assert "<script>alert" not in shown(console.support, path)
