"""A method suspended for every service: linking, registering, phones, federations, fresh proofs, emergency codes."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest

from idp.domain.authn import Assurance, IdentityRef, Proof
from idp.domain.policy import MethodEntry
from idp.errors import InvalidOperation
from idp.flows import own_means
from idp.flows.own_means import OwnMeans
from tests.fakes import completing, national_card
from tests.fakes.enrolling import TOTP, current, given_passkey, given_totp, secret_of, with_authenticators
from tests.fakes.federated import PSC, back, leave, shown, through, with_upstreams
from tests.fakes.portal import asked as sensitive
from tests.fakes.portal import at_the_portal, by_card, by_code, by_password, enter, link_of, with_card
from tests.fakes.provider import Provider
from tests.fakes.qr_login import Computer, Handset, with_phones
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of, path_of
from tests.fakes.rescue import issued, with_codes
from tests.fakes.suspending import restore, suspend
from tests.fakes.upstream import FakeUpstream

# -- fresh proofs of the account's own means ---------------------------------------


def means(provider: Provider, login: str = "anne.pierre") -> OwnMeans:
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login(login)
        assert account
        return own_means.of_account(provider.services, tx, account)


def asked(found: OwnMeans, provider: Provider) -> tuple[list[str], list[str]]:
    """What may be used, and what could if it were not suspended."""
    policy = found.policy("portail", provider.clock.now())
    return [each.id for each in policy.methods], [each.id for each, _ in policy.suspended]


@pytest.fixture
def many(start: Callable[..., Provider]) -> Provider:
    return start(methods=("email_otp", "password", "totp"))


def test_the_next_best_means_are_asked(many: Provider) -> None:
    many.add_account("anne.pierre")
    given_totp(many)
    assert asked(means(many), many) == (["email_otp", "totp"], [])
    suspend(many, "email_otp")
    assert asked(means(many), many) == (["totp"], [])
    assert means(many).level == Assurance.MEDIUM


def test_a_password_never_stands_for_two_factors(many: Provider) -> None:
    many.add_account("anne.pierre")
    suspend(many, "email_otp")
    assert asked(means(many), many) == ([], ["email_otp"])
    restore(many, "email_otp")
    assert asked(means(many), many) == (["email_otp"], [])


def test_a_password_stands_for_what_is_no_better(many: Provider) -> None:
    many.add_account("anne.pierre", anchor="mailbox")
    suspend(many, "email_otp")
    assert asked(means(many), many) == (["password"], [])


def test_a_fresh_proof_of_before_is_none(many: Provider) -> None:
    many.add_account("anne.pierre")
    rp = enter(many, by_code)
    assert rp.browser.get("/compte/password").status_code == 200
    suspend(many, "email_otp", timedelta(seconds=30))
    many.clock.advance(seconds=30)
    response = rp.browser.get("/compte/password")
    assert response.status_code == 303


def test_a_sensitive_page_says_why_it_cannot_be_opened(many: Provider) -> None:
    many.add_account("anne.pierre")
    many.set_policy("portail", ("password",), effective_from=many.clock.now() + timedelta(seconds=1))
    many.clock.advance(seconds=1)
    rp = enter(many, by_password, page="/compte")
    suspend(many, "email_otp")
    many.clock.advance(minutes=6)
    page = path_of(rp.browser.get("/compte/password"))
    assert page.startswith("/login/")
    assert rp.browser.get(page).status_code == 403
    assert "Aucun moyen de connexion" in unescape(rp.browser.get(page).text)
    assert path_of(rp.post(f"{page}/cancel", page=page)) == "/compte"


@pytest.mark.parametrize("is_over", [False, True])
def test_what_a_void_proof_began_adds_no_means(start: Callable[..., Provider], is_over: bool) -> None:
    """The password keeps its session at the portal; the code that can be guessed let the enrolment begin."""
    provider = with_authenticators(start)
    rp = at_the_portal(provider)
    assert path_of(rp.give_otp(sensitive(rp, TOTP))) == TOTP
    secret = secret_of(page := rp.browser.get(TOTP))
    suspend(provider, "email_otp")
    if is_over:
        provider.clock.advance(seconds=1)
        restore(provider, "email_otp")
    form = {"csrf": csrf_of(page), "code": current(secret, provider), "name": "Le mien"}
    assert path_of(rp.browser.post(TOTP, data=form)).startswith("/login/")
    assert not provider.events("means.added")


# -- linking -----------------------------------------------------------------------


def test_what_is_suspended_is_not_linked(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> None:
    national_card.install(monkeypatch)
    provider = start(methods=("email_otp", "password", "national_card"))
    provider.add_account("anne.pierre")
    rp = enter(provider, by_code)
    page = "/compte/means"
    begun = path_of(rp.post(f"{page}/add", page=page, method="national_card"))
    suspend(provider, "national_card")
    assert 'value="national_card"' not in rp.browser.get(page).text
    assert rp.browser.get(begun).status_code == 403
    assert "est suspendu" in rp.browser.get(begun).text
    assert rp.post(f"{page}/add", page=page, method="national_card").status_code == 404


def test_what_is_suspended_proves_no_link(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> None:
    national_card.install(monkeypatch)
    provider = start(methods=("email_otp", "password", "national_card"))
    suspend(provider, "email_otp")
    assert own_means.linking_policy(provider.services, "rp", "national_card").methods == ()
    assert own_means.linking_policy(provider.services, "rp", "email_otp").methods == (MethodEntry("national_card"),)


def test_what_was_shown_before_the_end_is_not_linked_either(start: Callable[..., Provider], psc: FakeUpstream) -> None:
    provider = completing.provider(start, psc)
    provider.add_account("anne.pierre")
    rp, path = completing.arrived(provider, psc)
    assert "Finaliser votre connexion" in shown(rp.browser.get(path))
    suspend(provider, PSC)
    provider.clock.advance(seconds=1)
    restore(provider, PSC)
    page = shown(rp.browser.get(path))
    assert "Finaliser votre connexion" not in page
    assert f'id="method-{PSC}"' in page


def test_a_code_of_a_first_login_is_void_too(start: Callable[..., Provider], psc: FakeUpstream) -> None:
    """It stands for the code that is asked after the password: another one is sent."""
    provider = completing.provider(start, psc)
    provider.add_account("anne.pierre")
    rp, path = completing.proven(provider, psc)
    suspend(provider, "email_otp")
    provider.clock.advance(seconds=1)
    restore(provider, "email_otp")
    assert len(provider.mails()) == 1
    assert path_of(completing.give_password(rp, path)) == f"{path}/email_otp"
    assert len(provider.mails()) == 2


# -- taking away -------------------------------------------------------------------


def test_a_service_that_opens_again_later_is_named(
    start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = with_card(start, monkeypatch)
    provider.add_client("cards", methods=("national_card",), name="Le service des cartes")
    enter(provider, by_card)
    suspend(provider, "national_card")
    rp = enter(provider, by_code)
    assert "est suspendue jusqu'au" in shown(rp.browser.get("/compte/means"))
    page = shown(rp.browser.get(f"/compte/means/{link_of(provider)}/remove"))
    assert "Le service des cartes" in page


def test_what_is_worth_something_afterwards_is_no_void_proof(many: Provider) -> None:
    now, who = many.clock.now(), IdentityRef("login_name", "anne.pierre")
    made = [Proof(each, who, Assurance.LOW, ("x",), now, each) for each in ("password", "totp")]
    suspend(many, "totp")
    assert own_means.recent(many.services, made) == made[:1]


# -- federations -------------------------------------------------------------------


def test_whoever_is_away_comes_back_to_the_choice(provider: Provider, psc: FakeUpstream) -> None:
    made = with_upstreams(provider, psc)
    rp = RelyingParty(made, "ror")
    path = rp.open_login()
    query = psc.sign_in(leave(rp, path))
    suspend(made, psc.method.id)
    response = back(rp, query)
    assert (response.status_code, path_of(response)) == (303, path)
    assert "est suspendue" in shown(rp.browser.get(path))


def test_a_session_elsewhere_that_is_older_than_the_end_counts_no_more(provider: Provider, psc: FakeUpstream) -> None:
    made = with_upstreams(provider, psc)
    rp = RelyingParty(made, "psc")
    path = rp.open_login()
    psc.sign_in(leave(rp, path))
    suspend(made, psc.method.id)
    made.clock.advance(minutes=1)
    restore(made, psc.method.id)
    response = through(rp, psc, path)
    assert "Cette authentification date d'avant la fin d'une suspension" in shown(response)
    assert "prompt=login" in leave(rp, path), "the next time a new login is asked for there"


# -- phones ------------------------------------------------------------------------


def test_a_phone_approves_nothing_meanwhile(start: Callable[..., Provider]) -> None:
    provider = with_phones(start)
    computer = Computer(provider).open()
    phone = Handset(provider, given_passkey(provider))
    page, number = phone.scanned(computer), computer.number()
    form = phone.form(page, number)
    suspend(provider, "qr_code")
    for answer in (phone.browser.get(page), phone.browser.post(page, data=form)):
        assert answer.status_code == 403
        assert "La connexion par téléphone est suspendue" in unescape(answer.text)
    assert not provider.events("login.qr_approved")
    assert path_of(computer.rp.post(computer.page, page=computer.path)) == computer.path


# -- emergency codes ---------------------------------------------------------------


def test_no_emergency_code_is_issued_meanwhile(start: Callable[..., Provider]) -> None:
    provider = with_codes(start)
    suspend(provider, "emergency_code")
    with pytest.raises(InvalidOperation, match="sesame method list"):
        issued(provider)
    restore(provider, "emergency_code")
    assert issued(provider)


def test_a_session_by_a_code_stays_temporary(start: Callable[..., Provider]) -> None:
    """Its proof counts no more, and its session changes nothing of the account all the same."""
    provider = with_codes(start)
    code = issued(provider)
    rp = RelyingParty(provider, "strong")
    path = rp.open_login()
    rp.post(f"{path}/emergency_code", page=path)
    fields = {"login": "anne.pierre", "password": "correct cheval batterie agrafe"}
    rp.post(f"{path}/emergency_code", page=f"{path}/emergency_code", **fields)
    assert "code" in answer_of(rp.post(f"{path}/emergency_code", page=f"{path}/emergency_code", code=code))
    suspend(provider, "emergency_code")
    assert rp.silent()["error"] == "login_required"
    portal = RelyingParty(provider, "portail", rp.browser)
    path = path_of(portal.browser.get(path_of(portal.browser.get("/compte"))))
    portal.browser.get(path_of(portal.give_otp(path)))
    assert portal.browser.get("/compte/password").status_code == 403
