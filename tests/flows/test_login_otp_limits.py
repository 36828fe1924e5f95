"""One-time codes by e-mail: how many, how long, for whom."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from idp.errors import Unavailable
from idp.flows.contexts import NEWEST
from idp.store.throttle import Throttle
from tests.fakes.one_time_codes import MASKED, SESSION, at_the_code, wrong
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start()
    made.add_client("ror", methods=("email_otp",))
    made.add_account("anne.pierre")
    return made


def test_a_code_whose_place_in_the_store_is_lost_is_refused(provider: Provider) -> None:
    rp = RelyingParty(provider, "ror")
    path = at_the_code(rp)
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
    assert account
    assert provider.services.ephemeral.take(NEWEST, f"email_otp.send:{account.account_id}")
    assert "plus valable" in rp.post(path, page=path, code=provider.last_code()).text


def test_what_is_sent_is_counted_queued_and_audited_together_or_not_at_all(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state of the login cannot be stored: no letter, no event, nothing off the allowance."""
    rp = RelyingParty(provider, "ror")
    path = at_the_code(rp)
    page = rp.browser.get(path)
    provider.clock.advance(seconds=60)
    code, before = provider.last_code(), len(provider.events("login.letter_queued"))
    monkeypatch.setattr(type(provider.services.ephemeral), "swap", lambda *_: False)
    assert rp.browser.post(path, data={"csrf": csrf_of(page), "resend": "1"}).status_code == 409
    monkeypatch.undo()
    assert len(provider.mails()) == 1
    assert len(provider.events("login.letter_queued")) == before
    for _ in range(4):  # of five
        at_the_code(RelyingParty(provider, "ror"))
    assert len(provider.mails()) == 5
    assert "plus valable" in rp.post(path, page=path, code=code).text


def test_a_sending_that_fails_in_sql_leaves_no_code_that_works(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    rp = RelyingParty(provider, "ror")
    path = at_the_code(rp)
    first = provider.last_code()
    provider.clock.advance(seconds=60)

    def fail(*_: object) -> None:
        raise Unavailable("no database")

    page = rp.browser.get(path)
    monkeypatch.setattr("idp.store.outbox.Outbox.put", fail)
    assert rp.browser.post(path, data={"csrf": csrf_of(page), "resend": "1"}).status_code == 503
    monkeypatch.undo()
    assert "code" in answer_of(rp.post(path, page=path, code=first))  # nothing was sent: nothing changed


def test_two_that_want_the_last_letter_of_the_hour_at_once(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        at_the_code(RelyingParty(provider, "ror"))
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    rp.post(f"{path}/email_otp", page=path)
    monkeypatch.setattr(Throttle, "delay", lambda *_: timedelta(0))  # as it was a moment ago
    page = rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login="anne.pierre", password=PASSWORD)
    assert page.status_code == 409
    assert len(provider.mails()) == len(provider.events("login.letter_queued")) == 5


def test_a_code_expires(provider: Provider) -> None:
    rp = RelyingParty(provider, "ror")
    path = at_the_code(rp)
    code = provider.last_code()
    provider.clock.advance(minutes=10)
    assert "plus valable" in rp.post(path, page=path, code=code).text


def test_five_mails_an_hour_across_all_browsers(provider: Provider) -> None:
    for _ in range(5):
        at_the_code(RelyingParty(provider, "ror"))
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    rp.post(f"{path}/email_otp", page=path)
    page = rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login="anne.pierre", password=PASSWORD)
    assert "Trop de codes ont été demandés" in page.text
    for shown in (page.text, rp.browser.get(f"{path}/email_otp").text):
        assert "a été envoyé à" not in shown
        assert "Aucun code n'a été envoyé." in shown
        assert 'id="otp-resend"' in shown
    assert len(provider.mails()) == 5
    provider.clock.advance(hours=1)
    at_the_code(RelyingParty(provider, "ror"))
    assert len(provider.mails()) == 6


def test_25_wrong_codes_a_day_across_all_browsers_remembered_ones_too(provider: Provider) -> None:
    known = RelyingParty(provider, "ror")
    path = at_the_code(known)
    assert "code" in answer_of(known.post(path, page=path, code=provider.last_code()))
    known.browser.delete_cookie(SESSION)
    for turn in range(25):
        rp = known if turn % 2 else RelyingParty(provider, "ror")
        provider.clock.advance(minutes=20)
        path = at_the_code(rp)
        assert "Ce code n&#39;est pas le bon" in rp.post(path, page=path, code=wrong(provider.last_code())).text
    provider.clock.advance(minutes=20)
    path = at_the_code(known)
    assert "Trop d&#39;essais infructueux" in known.post(path, page=path, code=provider.last_code()).text
    assert known.silent()["error"] == "login_required"
    provider.clock.advance(hours=24)
    path = at_the_code(known)
    assert "code" in answer_of(known.post(path, page=path, code=provider.last_code()))


def test_an_account_without_an_address_is_told_so_on_the_list(provider: Provider) -> None:
    provider.add_account("nomail", email="")
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    rp.post(f"{path}/email_otp", page=path)
    page = rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login="nomail", password=PASSWORD)
    assert "ne permet pas encore ce mode" in page.text
    assert 'id="method-email_otp"' in page.text
    assert not provider.mails()


def test_alone_the_page_tells_nobody_who_exists(provider: Provider) -> None:
    provider.add_client("alone", methods=("email_otp:alone",))
    pages = []
    for login in ("anne.pierre", "nobody", "thief@evil.example"):
        rp = RelyingParty(provider, "alone")
        path = rp.open_login()
        rp.post(f"{path}/email_otp", page=path)
        sent = rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login=login)
        pages.append((sent.status_code, rp.browser.get(f"{path}/email_otp").text.replace(path, "")))
    status, text = pages[0]
    assert "Si un compte correspond" in text
    assert MASKED not in text
    assert all(other[0] == status for other in pages)
    assert [mail.to for mail in provider.mails()] == ["anne.pierre@chu.example"]


def test_the_policys_lifetime_is_said_and_kept(provider: Provider) -> None:
    provider.add_client("short", methods=("email_otp:lifetime_minutes=2",))
    rp = RelyingParty(provider, "short")
    path = at_the_code(rp)
    assert "Il est valable 2 min " in rp.browser.get(path).text
    assert "Il est valable 2 min " in provider.mails()[-1].text
    provider.clock.advance(minutes=2)
    assert "plus valable" in rp.post(path, page=path, code=provider.last_code()).text
    at_the_code(rp)
    provider.clock.advance(minutes=2)
    assert len(provider.mails()) == 1  # the mail system was away for as long: the letter is worth nothing
