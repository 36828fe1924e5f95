"""« Ce n'était pas moi » and what was enrolled: who enrolled one had proven two factors, and may have enrolled more."""

import re
from collections.abc import Callable

import pytest

from idp.domain.authn import Assurance
from idp.domain.enrolled import ENROLLED_KINDS
from idp.domain.ids import new_id
from idp.domain.means import Credential
from idp.flows.not_me import IN_A_SESSION
from idp.web.texts import CHANGES
from tests.fakes.enrolling import (
    add_passkey,
    add_totp,
    given_passkey,
    given_totp,
    means,
    proven,
    records,
    with_authenticators,
)
from tests.fakes.notices import anne, has_password, linked, mailbox_is_closed, tell
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty

NOT_OF_A_SESSION = sorted(set(CHANGES) - IN_A_SESSION)


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = with_authenticators(start)
    made.clock.advance(seconds=1)
    return made


@pytest.fixture
def thief(provider: Provider) -> RelyingParty:
    """Who knows the password and reads the mailbox."""
    return proven(provider)


def letter(provider: Provider, which: int = -1, words: str = "ajouté à votre compte") -> str:
    """The path of the link in a letter with these words."""
    paths = [re.search(r"(/not-me/[\w-]+)", mail.text) for mail in provider.mails() if words in mail.text]
    found = [path[1] for path in paths if path]
    return found[which]


@pytest.mark.parametrize("which", [0, 1])
def test_neither_of_two_stays_whichever_letter_is_pressed(provider: Provider, thief: RelyingParty, which: int) -> None:
    add_totp(thief)
    provider.clock.advance(minutes=1)
    add_passkey(thief)
    provider.browser().post(letter(provider, which))
    assert means(provider, "totp") == means(provider, "passkey") == []
    assert not has_password(provider)  # it opened that session
    assert mailbox_is_closed(provider)


def test_what_was_linked_in_that_session_goes_with_it(provider: Provider, thief: RelyingParty) -> None:
    with provider.services.db.write() as tx:
        tx.means.add_link(anne(provider).account_id, "national_card", provider.clock.now())
    add_totp(thief)
    provider.browser().post(letter(provider))
    assert linked(provider) == []


def test_what_was_there_before_that_session_stays(provider: Provider) -> None:
    earlier = given_passkey(provider)
    given_totp(provider)
    provider.clock.advance(seconds=1)
    add_totp(proven(provider))
    provider.browser().post(letter(provider))
    assert len(means(provider, "totp")) == 1
    assert [record.webauthn_id for record in records(provider)] == [earlier.webauthn_id]


def test_of_a_session_that_was_purged_nothing_stays(provider: Provider, thief: RelyingParty) -> None:
    given_passkey(provider)
    provider.clock.advance(seconds=1)
    add_totp(thief)
    path = letter(provider)
    with provider.services.db.engine.begin() as connection:
        for table in ("session_proof", "authorization_grant", "session"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    provider.browser().post(path)
    assert means(provider, "totp") == means(provider, "passkey") == []


@pytest.mark.parametrize("event", NOT_OF_A_SESSION)
@pytest.mark.parametrize("kind", ENROLLED_KINDS)
def test_what_was_enrolled_after_any_such_change_goes(provider: Provider, event: str, kind: str) -> None:
    """A passkey alone is two factors: it would go on signing in while the page says that access is blocked."""
    enrol(provider, kind)
    before = [each.credential_id for each in means(provider, kind)]
    provider.clock.advance(seconds=1)
    tell(provider, event)
    provider.clock.advance(seconds=1)
    enrol(provider, kind)
    provider.browser().post(letter(provider, words="/not-me/"))
    assert [each.credential_id for each in means(provider, kind)] == before


def enrol(provider: Provider, kind: str) -> None:
    made = Credential(new_id(), kind, kind, Assurance.MEDIUM, provider.clock.now(), "enrolled")
    with provider.services.db.write() as tx:
        tx.means.add_credential(anne(provider).account_id, made)
