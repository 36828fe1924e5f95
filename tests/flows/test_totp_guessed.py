"""Wrong codes add up from one success to the next: the holder is told, then no code counts without another means."""

from collections.abc import Callable

import pytest

from idp.flows import enrolled_codes
from idp.flows.operators import means as operators
from tests.fakes.enrolling import (
    current,
    give_passkey,
    give_totp,
    given_passkey,
    given_totp,
    means,
    proven,
    with_authenticators,
)
from tests.fakes.mailer import Mail
from tests.fakes.portal import by_password, enter
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, path_of

KNOWN = "Quelqu'un connaît votre mot de passe"


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return with_authenticators(start)


@pytest.fixture
def secret(provider: Provider) -> str:
    return given_totp(provider)


def typed(provider: Provider, code: str = "000000") -> str:
    """The password, then a code, an hour later than the last; what the page says, or empty if it goes on."""
    provider.clock.advance(hours=1)
    rp = RelyingParty(provider, "strong")
    path = rp.open_login()
    assert path_of(rp.post(f"{path}/totp", page=path)) == f"{path}/totp"
    rp.post(f"{path}/totp", page=f"{path}/totp", login="anne.pierre", password=PASSWORD)
    answer = give_totp(rp, path, code)
    return "" if answer.status_code == 303 else answer.text


def code_in_an_hour(provider: Provider, secret: str) -> str:
    return current(secret, provider, 120)


def tried(provider: Provider, times: int) -> None:
    """As many wrong codes were typed before."""
    with provider.services.db.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE totp_secret SET tries = {times}")


def letters(provider: Provider) -> list[Mail]:
    return [mail for mail in provider.mails() if "codes faux" in mail.subject]


def blocked(provider: Provider) -> None:
    tried(provider, enrolled_codes.BLOCKED_AFTER - 1)
    assert "pas le bon" in typed(provider)


def test_five_wrong_codes_in_a_row_are_told_to_the_holder_once(provider: Provider, secret: str) -> None:
    for number in range(7):
        assert letters(provider) == [] or number > 4
        typed(provider)
        provider.clock.advance(days=2)  # no window
    (letter,) = letters(provider)
    assert letter.to == "anne.pierre@chu.example"
    assert KNOWN in letter.text
    assert KNOWN in letter.html.replace("&#39;", "'")
    (event,) = provider.events("totp.guessed")
    assert event.detail == {"tries": "5", "after": "password"}


def test_a_right_code_begins_anew(provider: Provider, secret: str) -> None:
    for _ in range(3):
        for _ in range(4):
            typed(provider)
        assert "six chiffres" in typed(provider, "12345")  # no code, and no try
        assert typed(provider, code_in_an_hour(provider, secret)) == ""
    assert letters(provider) == []


def test_of_two_applications_the_use_of_one_is_enough(provider: Provider, secret: str) -> None:
    given_totp(provider)
    for _ in range(6):
        assert typed(provider, code_in_an_hour(provider, secret)) == ""
    assert letters(provider) == []


def test_no_more_letters_than_three_a_day(provider: Provider, secret: str) -> None:
    for _ in range(5):
        tried(provider, 4)
        typed(provider)
    assert len(letters(provider)) == 3
    assert len(provider.events("totp.guessed")) == 5


def test_after_fifty_the_right_code_is_refused_and_everybody_is_told(provider: Provider, secret: str) -> None:
    blocked(provider)
    assert "est bloquée" in typed(provider, code_in_an_hour(provider, secret))
    provider.clock.advance(days=400)
    assert "est bloquée" in typed(provider, code_in_an_hour(provider, secret))
    assert not provider.events("login.succeeded")
    assert len(provider.events("totp.blocked")) == 1
    (letter,) = letters(provider)
    assert "ne comptent plus" in letter.text
    assert "Connectez-vous par un autre moyen" in letter.text
    assert "rien à faire" not in letter.text
    with provider.services.db.read() as tx:
        assert [alert.kind for alert in tx.alerts.latest(5)] == ["totp.blocked"]


def test_a_password_alone_unblocks_nothing(provider: Provider, secret: str) -> None:
    blocked(provider)
    provider.clock.advance(hours=1)
    enter(provider, by_password)
    assert "est bloquée" in typed(provider, code_in_an_hour(provider, secret))


def test_what_was_proven_before_unblocks_nothing(provider: Provider, secret: str) -> None:
    proven(provider)
    blocked(provider)
    assert "est bloquée" in typed(provider, code_in_an_hour(provider, secret))


def test_another_means_unblocks_it(provider: Provider, secret: str) -> None:
    blocked(provider)
    provider.clock.advance(hours=1)
    proven(provider)
    assert typed(provider, code_in_an_hour(provider, secret)) == ""
    (event,) = provider.events("totp.unblocked")
    assert event.actor == "provider"


def test_an_application_that_was_added_since_is_not_blocked(provider: Provider, secret: str) -> None:
    blocked(provider)
    other = given_totp(provider)
    assert typed(provider, code_in_an_hour(provider, other)) == ""
    assert typed(provider, code_in_an_hour(provider, secret)) == ""


def test_support_unblocks_it(provider: Provider, secret: str) -> None:
    blocked(provider)
    (made,) = means(provider, "totp")
    operators.unblock(provider.desk, "anne.pierre", made.credential_id, "called back")
    assert typed(provider, code_in_an_hour(provider, secret)) == ""
    (event,) = provider.events("totp.unblocked")
    assert event.actor.startswith("operator:")


def test_a_passkey_goes_on(provider: Provider, secret: str) -> None:
    key = given_passkey(provider)
    blocked(provider)
    rp = RelyingParty(provider, "rp")
    assert answer_of(give_passkey(rp, rp.open_login(), key))["code"]
