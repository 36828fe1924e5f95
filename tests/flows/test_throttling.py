"""Guessing is slow; nobody is locked out of another method; a busy network is slowed and never refused."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of
from tests.fakes.slowed import TOO_MANY, WRONG, Slowed, counted, fail


@pytest.fixture
def slowed(start: Callable[..., Provider]) -> Callable[..., Slowed]:
    def make(**settings: Any) -> Slowed:
        made = start(failures_per_10_min=2, **settings)
        made.add_client("rp")
        made.add_account("anne.pierre")
        return Slowed(made)

    return make


def test_more_than_a_minute_after_five_failures(provider: Provider) -> None:
    assert WRONG in fail(provider, times=5)
    rp = RelyingParty(provider)
    assert TOO_MANY % 2 in rp.give_password(rp.open_login()).text
    assert provider.events("login.throttled")[0].detail == {"method": "password", "reason": "too_many_attempts"}
    provider.clock.advance(seconds=60)
    assert TOO_MANY % 1 in rp.give_password(rp.open_login()).text
    provider.clock.advance(seconds=4.5)
    assert TOO_MANY % 1 in rp.give_password(rp.open_login()).text
    provider.clock.advance(seconds=0.5)
    assert "code" in answer_of(rp.give_password(rp.open_login()))


@pytest.mark.parametrize(("lang", "said"), [("fr", "Mot de passe oublié ?"), ("en", "Forgotten password?")])
@pytest.mark.parametrize("login", ["anne.pierre", "nobody"])
def test_a_delayed_password_shows_the_way_out(provider: Provider, login: str, lang: str, said: str) -> None:
    """In the refusal itself, beside the time to wait; and it leads on: a new password is good at once."""
    way_out = f'id="way-out" href="/password/forgot">{said}</a>'
    assert 'id="way-out"' not in fail(provider, login, 5)
    rp = RelyingParty(provider)
    rp.browser.get(f"/password/forgot?lang={lang}")
    page = rp.give_password(rp.open_login(), login).text
    assert way_out in page.partition("</ul>")[2].partition('class="ref"')[0]
    if login == "anne.pierre":
        rp.post("/password/forgot", page="/password/forgot", login=login)
        path, fresh = provider.last_reset_path(), "Huit-Tasses-de-Tilleul-9"
        rp.post(path, page=path, password=fresh, confirmation=fresh)
        assert "code" in answer_of(rp.give_password(rp.open_login(), login, fresh))


def test_the_code_behind_a_delayed_password_waits_with_it(provider: Provider) -> None:
    provider.add_client("ror", methods=("email_otp",))
    fail(provider, times=5)
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    rp.post(f"{path}/email_otp", page=path)
    page = rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login="anne.pierre", password=PASSWORD).text
    assert TOO_MANY % 2 in page
    assert 'id="way-out"' in page
    assert not provider.mails()


def test_a_delayed_code_shows_no_way_out_that_is_none(provider: Provider) -> None:
    """A new password does not make a code come sooner."""
    provider.add_client("alone", methods=("email_otp:alone",))
    rp = RelyingParty(provider, "alone")
    path = rp.open_login()
    rp.post(f"{path}/email_otp", page=path)
    rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login="anne.pierre")
    code = provider.last_code()
    for _ in range(5):
        rp.post(f"{path}/email_otp", page=f"{path}/email_otp", code=f"{(int(code) + 1) % 1_000_000:06d}")
    provider.clock.advance(seconds=61)
    rp.post(f"{path}/email_otp", page=f"{path}/email_otp", resend="1")
    page = rp.post(f"{path}/email_otp", page=f"{path}/email_otp", code=provider.last_code()).text
    assert TOO_MANY.partition(" Réessayez")[0] in page
    assert 'id="way-out"' not in page


def test_a_refused_attempt_does_not_lengthen_the_delay(provider: Provider) -> None:
    fail(provider, times=5)
    for _ in range(6):
        assert TOO_MANY.partition(" Réessayez")[0] in fail(provider)
        provider.clock.advance(seconds=10)
    provider.clock.advance(seconds=5)
    assert WRONG in fail(provider)


def test_at_most_25_in_a_day_even_after_a_restart(provider: Provider) -> None:
    for _ in range(25):
        assert WRONG in fail(provider)
        provider.clock.advance(minutes=16)
    restarted = provider.with_services()
    rp = RelyingParty(restarted)
    assert "Trop d&#39;essais" in rp.give_password(rp.open_login()).text
    provider.clock.advance(hours=24)
    assert "code" in answer_of(rp.give_password(rp.open_login()))


def test_a_success_ends_the_delays_but_not_the_count(provider: Provider) -> None:
    for _ in range(6):
        fail(provider, times=4)
        rp = RelyingParty(provider)
        assert "code" in rp.login()
    fail(provider)
    assert "Trop d&#39;essais" in fail(provider)


def test_another_method_stays_open(provider: Provider) -> None:
    provider.add_client("alone", methods=("email_otp:alone", "password"))
    fail(provider, times=5)
    rp = RelyingParty(provider, "alone")
    path = rp.open_login()
    assert "Trop d&#39;essais" in rp.give_password(path).text
    rp.post(f"{path}/email_otp", page=path)
    rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login="anne.pierre")
    answered = rp.post(f"{path}/email_otp", page=f"{path}/email_otp", code=provider.last_code())
    assert "code" in answer_of(answered)


def test_an_unknown_name_is_treated_alike(provider: Provider) -> None:
    """Words, status and delay are those of somebody known."""

    def seen(login: str) -> list[tuple[int, bool, bool]]:
        pages = []
        for _ in range(7):
            rp = RelyingParty(provider)
            page = rp.give_password(rp.open_login(), login, "wrong")
            pages.append((page.status_code, WRONG in page.text, TOO_MANY % 2 in page.text))
        return pages

    known = seen("anne.pierre")
    assert known == seen("nobody") == seen("nobody@chu.example")
    assert known[4:6] == [(200, True, False), (200, False, True)]
    assert [event.subject for event in provider.events("login.throttled")].count(None) == 4


def test_login_name_and_address_share_one_count(provider: Provider) -> None:
    fail(provider, "anne.pierre", 3)
    fail(provider, "anne.pierre@chu.example", 2)
    assert "Trop d&#39;essais" in fail(provider, "ANNE.PIERRE")


def test_what_is_stored_of_a_name_is_a_digest(provider: Provider) -> None:
    fail(provider, "quelquun.dautre")
    with provider.services.db.read() as tx:
        rows = tx._connection.exec_driver_sql("SELECT bucket FROM throttle").all()
    assert "quelquun" not in repr(rows)
    assert counted(provider) == 1


def test_a_remembered_browser_is_not_delayed_by_others(provider: Provider) -> None:
    mine = RelyingParty(provider)
    mine.login()
    fail(provider, times=5)
    path = mine.open_login(prompt="login")
    assert "code" in answer_of(mine.give_password(path))
