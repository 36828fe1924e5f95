"""What was approved is done when its holder confirms, or after 24 hours: once, whole, and with everybody told."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from uuid import uuid4

import pytest

from idp.domain.account import AccountStatus
from idp.domain.authn import IdentityRef
from idp.domain.identity_change import ChangeState
from idp.flows import identity_changes, not_me_link
from idp.flows.alerts import raise_alert
from idp.flows.operators import accounts
from idp.flows.operators import alerts as alert_desk
from idp.flows.worker import tasks
from tests.fakes import national_card
from tests.fakes.holder import Holder
from tests.fakes.national import alerts, give
from tests.fakes.portal import METHODS, present
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of, path_of
from tests.fakes.two_operators import (
    ANNE,
    CLAIRE,
    NADIA,
    NEW,
    OLD,
    RPPS,
    account,
    approved,
    letters,
    link_in,
    now,
    press,
    propose,
    wait,
)

GONE = "Ce lien n'est plus valable"


@pytest.fixture
def provider(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    national_card.install(monkeypatch)
    made = start(methods=METHODS, brand={"support_email": "support@region.example"})
    made.add_client("rp")
    made.add_client("card", methods=("national_card",))
    for login in (ANNE, NADIA, CLAIRE):
        made.add_account(login)
    return made


def asked(provider: Provider, kind: str = "email", value: str = NEW) -> str:
    """The link in the letter of a change that was approved."""
    approved(provider, kind, value)
    return link_in(letters(provider)[-1])


def links(provider: Provider) -> list[str]:
    with provider.services.db.read() as tx:
        return [link.method for link in tx.means.links(account(provider).account_id)]


# -- the time that the holder has --------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "address"), [(-1, OLD), (1, NEW)])
def test_it_is_done_after_24_hours_to_the_second(provider: Provider, seconds: int, address: str) -> None:
    approved(provider)
    wait(provider, hours=24, seconds=seconds)
    assert account(provider).verified_email == address


def test_nothing_is_done_of_what_one_operator_wants(provider: Provider) -> None:
    made = propose(provider)
    wait(provider, hours=25)
    assert now(provider, made) == made
    assert account(provider).verified_email == OLD


def test_a_worker_that_starts_later_does_it(provider: Provider) -> None:
    approved(provider)
    provider.clock.advance(days=3)
    (task,) = [each for each in tasks(provider.services, Event()) if each.name == "changes of identity"]
    assert task.alone
    assert task.run() is False
    assert account(provider).verified_email == NEW


def test_of_several_workers_one_does_it(provider: Provider) -> None:
    made = approved(provider)
    provider.clock.advance(hours=25)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(identity_changes.apply_due, [provider.services] * 4)) == [False] * 4
    assert now(provider, made).state is ChangeState.DONE
    assert len(provider.events("identity_change.applied")) == len(provider.events("account.email_changed")) == 1
    assert len([mail for mail in provider.mails() if "vient d'être changée" in mail.text]) == 1


# -- what is done ------------------------------------------------------------------------------


def test_another_address_ends_sessions_and_the_old_one_is_told(provider: Provider) -> None:
    rp = RelyingParty(provider)
    tokens = rp.tokens()
    made = approved(provider)
    assert rp.silent().get("code")  # nothing has ended yet
    wait(provider, hours=25)
    assert rp.silent()["error"] == "login_required"
    assert rp.userinfo(tokens["access_token"]).status_code == 401
    told = provider.mails()[-1]
    assert (told.to, NEW in told.text, "/not-me/" in told.text) == (OLD, False, False)
    (event,) = provider.events("account.email_changed")
    assert (event.actor, event.personal["former"]) == (f"operator:{NADIA}", OLD)
    assert (event.detail["change"], event.detail["approved_by"]) == (made.change_id, CLAIRE)
    assert provider.events("identity_change.applied")[0].actor == "provider"


def test_a_card_that_was_linked_signs_in_and_the_holder_is_told(provider: Provider) -> None:
    approved(provider, "rpps", RPPS)
    assert links(provider) == []
    wait(provider, hours=25)
    assert links(provider) == ["national_card"]
    with provider.services.db.read() as tx:
        assert tx.means.origin(IdentityRef("rpps", RPPS)) == "support"
    told = provider.mails()[-1]
    assert (told.to, "/not-me/" in told.text) == (OLD, True)
    rp = RelyingParty(provider, "card")
    assert "code" in answer_of(present(rp, rp.open_login(), rpps=RPPS))


def test_what_is_undone_of_a_card_by_the_notice_stays_undone(provider: Provider) -> None:
    approved(provider, "rpps", RPPS)
    wait(provider, hours=25)
    path = provider.mails()[-1].text.partition("/not-me/")[2].split()[0]
    provider.browser().post(f"/not-me/{path}")
    assert links(provider) == []
    assert "rpps" not in account(provider).identities
    rp = RelyingParty(provider, "card")
    assert path_of(present(rp, rp.open_login(), rpps=RPPS)).startswith("/login/")


# -- the holder answers ------------------------------------------------------------------------


def test_the_letter_goes_to_the_present_address_and_says_little(provider: Provider) -> None:
    approved(provider)
    (mail,) = letters(provider)
    assert mail.to == OLD
    assert "a•••@clinique.example" in mail.text
    assert NEW not in mail.text + mail.html
    for text in (mail.text, mail.html):
        assert "L'assistance demande que l'adresse e-mail" in text
    assert "Sans réponse de votre part" in mail.text


def test_the_letter_goes_there_although_the_address_changed_before_it_was_sent(provider: Provider) -> None:
    approved(provider, "rpps", RPPS)
    with provider.services.db.write() as tx:
        tx.profiles.set_email(account(provider).account_id, NEW, "holder", provider.clock.now())
    assert letters(provider)[-1].to == OLD


def test_looking_changes_nothing(provider: Provider) -> None:
    path = asked(provider)
    for _ in range(3):
        shown = provider.browser().get(path)
        assert shown.status_code == 200
        assert "a•••@clinique.example" in shown.text
        assert NEW not in shown.text
    assert account(provider).verified_email == OLD
    assert provider.browser().head(path).status_code == 200
    assert provider.browser().post(path, data={"answer": "confirm"}).status_code == 403  # without the form's token


@pytest.mark.parametrize("answer", ["", "x", "CONFIRM", "confirm\x00"])
def test_another_word_decides_nothing(provider: Provider, answer: str) -> None:
    path = asked(provider)
    assert press(provider, path, answer).status_code in {303, 400}
    assert account(provider).verified_email == OLD
    assert "Ce n'est pas moi" in provider.browser().get(path).text


def test_a_holder_who_confirms_has_it_at_once_and_once(provider: Provider) -> None:
    path = asked(provider)
    assert path_of(press(provider, path)) == path
    assert account(provider).verified_email == NEW
    for answer in ("confirm", "refuse"):
        browser = provider.browser()
        form = {"csrf": csrf_of(browser.get("/password/forgot")), "answer": answer}
        assert path_of(browser.post(path, data=form)) == path
        assert "Le changement est fait" in browser.get(path).text
    assert len(provider.events("identity_change.applied")) == 1
    assert provider.events("identity_change.applied")[0].actor == "anonymous"
    assert not provider.events("identity_change.refused")


def test_a_holder_who_refuses_ends_it_and_support_is_alerted(provider: Provider) -> None:
    path = asked(provider)
    press(provider, path, "refuse")
    assert "refusé" in provider.browser().get(path).text
    wait(provider, hours=25)
    assert account(provider).verified_email == OLD
    assert alerts(provider) == ["identity_change.not_asked"]
    with provider.services.db.read() as tx:
        (alert,) = tx.alerts.latest(9)
    assert (alert.detail["proposed_by"], alert.detail["approved_by"]) == (NADIA, CLAIRE)
    assert NEW not in str(alert)
    assert provider.events("identity_change.refused")[0].detail["reason"] == "holder"
    browser = provider.browser()
    browser.post(path, data={"csrf": csrf_of(browser.get("/password/forgot")), "answer": "confirm"})
    assert account(provider).verified_email == OLD


def test_of_a_yes_and_a_no_at_once_one_counts(provider: Provider) -> None:
    path = asked(provider)
    browsers = [provider.browser() for _ in range(4)]
    forms = [{"csrf": csrf_of(browser.get(path))} for browser in browsers]

    def click(number: int) -> int:
        answer = "confirm" if number % 2 else "refuse"
        return browsers[number].post(path, data={**forms[number], "answer": answer}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(click, range(4))) == {303}
    done, no = len(provider.events("identity_change.applied")), len(provider.events("identity_change.refused"))
    assert (done, no, account(provider).verified_email) in {(1, 0, NEW), (0, 1, OLD)}


def test_a_link_that_is_nobodys_is_gone(provider: Provider) -> None:
    path = asked(provider)
    for other in (path[:-1], f"{path}x", "/identity-change/x%0d%0aSet-Cookie:%20a=b", "/identity-change/%00"):
        browser = provider.browser()
        shown = browser.get(other)
        assert shown.status_code in {400, 404, 410}, other
        form = {"csrf": csrf_of(browser.get("/password/forgot")), "answer": "confirm"}
        assert browser.post(other, data=form).status_code in {400, 404, 410}, other
    assert account(provider).verified_email == OLD


def test_a_link_of_one_change_answers_no_other(provider: Provider) -> None:
    email = asked(provider)
    card = asked(provider, "rpps", RPPS)
    press(provider, card, "refuse")
    assert "Ce n'est pas moi" in provider.browser().get(email).text
    press(provider, email)
    assert (account(provider).verified_email, links(provider)) == (NEW, [])


@pytest.mark.parametrize("hours", [25, 24 * 400])
def test_a_link_of_a_change_that_time_has_done_undoes_nothing(provider: Provider, hours: int) -> None:
    path = asked(provider)
    wait(provider, hours=hours)
    browser = provider.browser()
    browser.post(path, data={"csrf": csrf_of(browser.get("/password/forgot")), "answer": "refuse"})
    assert account(provider).verified_email == NEW
    assert not provider.events("identity_change.refused")


def test_a_holder_may_still_refuse_while_no_worker_has_had_its_turn(provider: Provider) -> None:
    path = asked(provider)
    provider.clock.advance(hours=30)
    press(provider, path, "refuse")
    wait(provider)
    assert account(provider).verified_email == OLD


# -- the holder at « Mon compte » --------------------------------------------------------------


def test_the_portal_shows_what_waits_and_refuses_it(provider: Provider) -> None:
    """To whoever reads no mail, or has no address."""
    made, proposal = approved(provider), propose(provider, "rpps", RPPS)
    anne = Holder.signed_in(provider)
    shown = anne.browser.get("/compte").text
    assert "a•••@clinique.example" in shown
    assert "L'assistance demande que l'adresse e-mail" in shown
    assert proposal.change_id not in shown
    path = f"/compte/identity-changes/{made.change_id}/refuse"
    assert path in shown
    assert anne.browser.post(path).status_code == 403  # without the form's token
    for said in ("l&#39;assistance prévenue", "n&#39;attend plus votre réponse"):
        assert path_of(anne.post(path, "/compte/personal")) == "/compte"
        assert said in anne.browser.get("/compte").text
    (event,) = provider.events("identity_change.refused")
    assert (event.actor, event.detail["reason"]) == (made.account_id, "holder")
    assert alerts(provider) == ["identity_change.not_asked"]
    wait(provider, hours=25)
    assert account(provider).verified_email == OLD


def test_the_portal_refuses_no_change_of_another_and_none_that_is_only_proposed(provider: Provider) -> None:
    provider.add_account("karim.benali")
    made, proposal = approved(provider), propose(provider, "rpps", RPPS)
    karim, anne = Holder.signed_in(provider, "karim.benali"), Holder.signed_in(provider)
    for change_id in (made.change_id, uuid4(), "x"):
        assert karim.post(f"/compte/identity-changes/{change_id}/refuse", "/compte/personal").status_code == 404
    assert path_of(anne.post(f"/compte/identity-changes/{proposal.change_id}/refuse", "/compte/personal")) == "/compte"
    assert (now(provider, made), now(provider, proposal)) == (made, proposal)


# -- a mailbox that is another's ---------------------------------------------------------------


def says_not_me(provider: Provider) -> None:
    """The holder presses the link of a letter about something else."""
    url = not_me_link.link(provider.services, account(provider).account_id, "x", "means.linked")
    provider.browser().post(url.removeprefix(provider.services.settings.issuer))


def test_not_me_ends_what_was_begun(provider: Provider) -> None:
    email, card = approved(provider), propose(provider, "rpps", RPPS)
    says_not_me(provider)
    for made in (email, card):
        assert (now(provider, made).state, now(provider, made).note) == (ChangeState.CANCELLED, "not_me")
    path = link_in(letters(provider)[-1])
    press_it = provider.browser()
    press_it.post(path, data={"csrf": csrf_of(press_it.get("/password/forgot")), "answer": "confirm"})
    assert account(provider).verified_email == OLD


def test_a_mailbox_that_is_closed_neither_reads_nor_answers(provider: Provider) -> None:
    """Support gives the holder the right address: a thief who reads the old one is not asked."""
    says_not_me(provider)
    made = approved(provider)
    assert (made.state, made.told) == (ChangeState.APPROVED, None)
    assert letters(provider) == []
    wait(provider, hours=25)
    assert account(provider).verified_email == NEW


def test_a_link_does_nothing_once_the_mailbox_is_closed(provider: Provider) -> None:
    path = asked(provider, "rpps", RPPS)
    with provider.services.db.write() as tx:
        raise_alert(provider.services, tx, "account.not_me", account_id=account(provider).account_id)
    browser = provider.browser()
    shown = browser.get(path)
    assert (shown.status_code, GONE in shown.text) == (410, True)
    for answer in ("confirm", "refuse"):
        browser.post(path, data={"csrf": csrf_of(browser.get("/password/forgot")), "answer": answer})
    with provider.services.db.read() as tx:
        (alert,) = tx.alerts.latest(9)
    alert_desk.close(provider.desk, alert.alert_id, "seen")
    assert "Ce n'est pas moi" in provider.browser().get(path).text


def test_whoever_has_no_address_is_not_written_to_and_has_the_time_all_the_same(provider: Provider) -> None:
    provider.add_account("zoe.lefevre", email="")
    made = approved(provider, login="zoe.lefevre", value="zoe@clinique.example")
    assert (made.told, letters(provider)) == (None, [])
    assert provider.events("identity_change.approved")[0].detail["holder_told"] == "no"
    wait(provider, hours=23)
    assert account(provider, "zoe.lefevre").verified_email is None
    wait(provider, hours=2)
    assert account(provider, "zoe.lefevre").verified_email == "zoe@clinique.example"


# -- what cannot be done any more --------------------------------------------------------------


@pytest.mark.parametrize("kind", ["email", "rpps"])
@pytest.mark.parametrize("by_holder", [True, False])
def test_what_was_taken_meanwhile_is_cancelled_whole(provider: Provider, kind: str, by_holder: bool) -> None:
    path = asked(provider, kind, NEW if kind == "email" else RPPS)
    karim = provider.add_account("karim.benali", email=NEW if kind == "email" else "karim@chu.example")
    if kind == "rpps":
        give(provider, karim, "rpps", RPPS)
    if by_holder:
        press(provider, path)
    else:
        wait(provider, hours=25)
    assert (account(provider).verified_email, links(provider)) == (OLD, [])
    (event,) = provider.events("identity_change.cancelled")
    assert (event.detail["reason"], event.actor) == ("taken", "provider")
    assert alerts(provider) == ["identity_change.stopped"]
    assert not provider.events("identity_change.applied")
    assert "annulé" in provider.browser().get(path).text


def test_nothing_is_half_done_of_what_is_taken_in_that_moment(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the write, which the database refuses."""
    made = approved(provider)
    provider.add_account("karim.benali", email=NEW)
    monkeypatch.setattr(identity_changes, "require_possible", lambda *_: None)
    wait(provider, hours=25)
    assert (now(provider, made).state, now(provider, made).note) == (ChangeState.CANCELLED, "taken")
    assert account(provider).verified_email == OLD
    assert not provider.events("account.email_changed")


def test_an_account_that_is_not_active_is_given_nothing_even_if_nobody_cancelled(provider: Provider) -> None:
    made = approved(provider)
    with provider.services.db.write() as tx:
        tx.accounts.set_status(made.account_id, AccountStatus.SUSPENDED, provider.clock.now())
    wait(provider, hours=25)
    assert (now(provider, made).state, now(provider, made).note) == (ChangeState.CANCELLED, "inactive")
    accounts.set_status(provider.desk, ANNE, AccountStatus.ACTIVE, "revenu")
    assert account(provider).verified_email == OLD
