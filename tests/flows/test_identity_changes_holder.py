"""The holder of an account whose address or card support is about to change: asked, heard, and shown it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from uuid import uuid4

import pytest

from idp.domain.identity_change import ChangeState
from idp.flows import not_me_link
from idp.flows.alerts import raise_alert
from idp.flows.operators import alerts as alert_desk
from tests.fakes.holder import Holder
from tests.fakes.national import alerts
from tests.fakes.provider import Provider
from tests.fakes.relying_party import csrf_of, path_of
from tests.fakes.two_operators import (
    CLAIRE,
    NADIA,
    NEW,
    OLD,
    RPPS,
    account,
    approved,
    asked,
    letters,
    link_in,
    links,
    now,
    press,
    propose,
    wait,
    with_operators,
)

GONE = "Ce lien n'est plus valable"


@pytest.fixture
def provider(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    return with_operators(start, monkeypatch)


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


@pytest.mark.parametrize(("kind", "value", "is_named"), [("rpps", RPPS, True), ("email", NEW, False)])
def test_the_holder_is_told_what_would_open_the_account(
    provider: Provider, kind: str, value: str, is_named: bool
) -> None:
    path = asked(provider, kind, value)
    letter = letters(provider)[0]
    home = Holder.signed_in(provider).browser.get("/compte").text
    for text in (letter.text, letter.html, provider.browser().get(path).text, home):
        assert ("Mode d'authentification : Carte d'essai" in unescape(text)) is is_named


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
