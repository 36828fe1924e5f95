"""Adding a phone while the ephemeral store, or the answer, goes away: what was stored is not useless."""

from collections.abc import Callable
from typing import Any

import pytest

from idp.domain.ids import digest
from idp.errors import Unavailable
from idp.flows.qr import enrolments
from idp.flows.qr.enrolments import Enrolment, State
from tests.fakes.enrolling import given_passkey, means
from tests.fakes.phone_enrolling import PAGE, Scanning, at_computer, confirm, confirmation, refuse, scan, with_phones
from tests.fakes.portal import MEANS
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, path_of

STORED = "phone_browsers"


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return with_phones(start)


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return at_computer(provider)


@pytest.fixture
def phone(rp: RelyingParty) -> Scanning:
    made = scan(rp).claim()
    made.give_key()
    return made


def before(monkeypatch: pytest.MonkeyPatch, state: State, happens: Callable[[], None]) -> None:
    """Something happens just before an enrolment gets to this state."""
    change = enrolments.change

    def changed(services: Any, known: Enrolment, **changes: Any) -> Enrolment:
        if changes.get("state") is state:
            happens()
        return change(services, known, **changes)

    monkeypatch.setattr(enrolments, "change", changed)


def away() -> None:
    raise Unavailable("ephemeral store: gone")


def forgotten(provider: Provider) -> None:
    provider.services.ephemeral._redis.flushall()


def remembered(provider: Provider, cookie: str | None) -> str | None:
    with provider.services.db.read() as tx:
        known = tx.phones.by_cookie(digest(cookie or ""))
    return known.credential_id if known else None


def test_what_was_stored_while_the_store_went_away_is_confirmed_again(
    provider: Provider, rp: RelyingParty, phone: Scanning, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = confirmation(rp)
    before(monkeypatch, State.CONFIRMED, away)
    assert confirm(rp, form).status_code == 503
    monkeypatch.undo()
    phone.post("/finish")
    assert phone.cookie is None
    assert confirmation(rp) == form
    assert path_of(confirm(rp, form)) == MEANS
    assert "Le téléphone est ajouté." in rp.browser.get(MEANS).text
    phone.post("/finish")
    (made,) = means(provider, "phone")
    assert remembered(provider, phone.cookie) == made.credential_id
    assert len(provider.events("means.added")) == 1


def test_what_was_not_stored_is_begun_again(
    provider: Provider, rp: RelyingParty, phone: Scanning, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = confirmation(rp)
    monkeypatch.setattr("idp.flows.portal.adding.keep", lambda *_, **__: away())
    assert confirm(rp, form).status_code == 503
    monkeypatch.undo()
    assert confirm(rp, form).status_code == 409
    phone.post("/finish")
    assert (means(provider, "phone"), phone.cookie) == ([], None)
    assert 'id="phone-address"' in rp.browser.get(PAGE).text


def test_what_was_stored_cannot_be_refused_as_if_it_were_not(
    provider: Provider, rp: RelyingParty, phone: Scanning, monkeypatch: pytest.MonkeyPatch
) -> None:
    before(monkeypatch, State.CONFIRMED, away)
    confirm(rp)
    monkeypatch.undo()
    assert path_of(refuse(rp)) == MEANS
    shown = rp.browser.get(MEANS).text
    assert "Aucun téléphone" not in shown
    assert len(means(provider, "phone")) == 1


def test_a_phone_that_cannot_be_told_is_said_in_the_list(
    provider: Provider, rp: RelyingParty, phone: Scanning, monkeypatch: pytest.MonkeyPatch
) -> None:
    before(monkeypatch, State.CONFIRMED, lambda: forgotten(provider))
    assert path_of(confirm(rp)) == MEANS
    assert len(means(provider, "phone")) == 1
    assert "retirez-le de la liste, puis ajoutez-le" in rp.browser.get(MEANS).text


def test_where_nothing_was_added_the_list_says_nothing(
    provider: Provider, rp: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The phone has a passkey already: there is nothing to remove."""
    scan(rp).claim().give_held(given_passkey(provider))
    before(monkeypatch, State.CONFIRMED, lambda: forgotten(provider))
    assert confirm(rp).status_code == 409
    assert "retirez-le" not in rp.browser.get(MEANS).text


def test_a_cookie_whose_answer_was_lost_is_sent_again(provider: Provider, rp: RelyingParty, phone: Scanning) -> None:
    confirm(rp)
    phone.post("/finish")
    first = phone.cookie
    phone.browser.delete_cookie("__Host-sesame-phone")
    assert phone.state == "confirmed"
    phone.post("/finish")
    assert phone.cookie == first
    assert phone.state == "finished"
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        assert len(tx.personal_data.of(account.account_id)[STORED]) == 1


def test_a_store_that_goes_away_at_the_end_loses_no_cookie(
    provider: Provider, rp: RelyingParty, phone: Scanning, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm(rp)
    before(monkeypatch, State.FINISHED, away)
    assert phone.post("/finish").status_code == 503
    monkeypatch.undo()
    phone.post("/finish")
    (made,) = means(provider, "phone")
    assert remembered(provider, phone.cookie) == made.credential_id


def test_a_phone_that_was_removed_meanwhile_is_not_remembered(
    provider: Provider, rp: RelyingParty, phone: Scanning
) -> None:
    confirm(rp)
    (made,) = means(provider, "phone")
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        tx.means.remove(account.account_id, made.credential_id, provider.clock.now())
    for _ in range(2):  # sent again too: it is no row more, and no failure
        assert phone.post("/finish").status_code == 303
        assert remembered(provider, phone.cookie) is None
        assert phone.state == "finished"
        phone.browser.delete_cookie("__Host-sesame-phone")
