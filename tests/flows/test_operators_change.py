"""What an operator takes away from a service, or from a person, is away at once."""

from datetime import timedelta
from threading import Event, Thread
from typing import Any

import pytest

from idp.errors import InvalidOperation
from idp.flows.operators import accounts, clients
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, error_of

HOUR = timedelta(hours=1)
OTHER = "https://rp.example/other"


def outbox(provider: Provider) -> int:
    with provider.services.db.read() as tx:
        return tx.outbox.waiting()


def test_an_account_whose_sessions_end_is_signed_out_and_may_sign_in_again(provider: Provider) -> None:
    clients.change(provider.desk, "rp", {"backchannel_logout_uri": "https://rp.example/out"})
    phone, desktop = RelyingParty(provider), RelyingParty(provider)
    tokens = [each.tokens()["access_token"] for each in (phone, desktop)]
    provider.add_account("karim.benali")
    other = RelyingParty(provider)
    answer = answer_of(other.give_password(other.open_login(), "karim.benali"))
    kept = other.redeem(answer["code"])["access_token"]
    provider.mails()  # the letter about the second browser is no notice of a logout
    assert accounts.end_sessions(provider.desk, "anne.pierre", "poste volé") == 2
    for rp, token in zip((phone, desktop), tokens, strict=True):
        assert rp.userinfo(token).status_code == 401
        assert rp.silent()["error"] == "login_required"
    assert outbox(provider) == 2, "services are told"
    assert other.userinfo(kept).status_code == 200, "nobody else's have ended"
    (event,) = provider.events("session.ended")
    assert (event.actor, event.detail) == ("operator:test", {"sessions": "2", "reason": "poste volé"})
    assert phone.login()["code"]


def test_a_login_that_is_under_way_does_not_escape_the_end_of_sessions(provider: Provider) -> None:
    db, now = provider.services.db, provider.clock.now()
    with db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
    assert account
    held, done = Event(), Event()

    def sign_in() -> None:
        with db.write() as tx:
            assert tx.accounts.hold(account.account_id)
            held.set()
            done.wait(0.3)  # an end that does not wait for us comes here
            tx.sessions.open("cookie", account.account_id, now, lifetime=HOUR, user_agent="", ip_prefix="")

    login = Thread(target=sign_in)
    login.start()
    held.wait(5)
    accounts.end_sessions(provider.desk, "anne.pierre", "poste volé")
    done.set()
    login.join()
    with db.read() as tx:
        assert tx.sessions.find("cookie", now, HOUR) is None


def test_a_changed_client_is_served_as_it_is_now(provider: Provider) -> None:
    rp = RelyingParty(provider)
    token = rp.tokens()["access_token"]
    clients.change(provider.desk, "rp", {"redirect_uris": (OTHER,)})
    assert rp.authorize().status_code == 400
    assert error_of(rp.authorize(redirect_uri=OTHER, scope="openid", prompt="consent none")) == "invalid_request"
    assert rp.userinfo(token).status_code == 200, "what it was given before stays"


def test_without_a_scope_what_was_given_is_dead(provider: Provider) -> None:
    rp = RelyingParty(provider)
    token = rp.tokens()["access_token"]
    clients.change(provider.desk, "rp", {"scopes": ("openid",)})
    assert rp.userinfo(token).status_code == 401


@pytest.mark.parametrize("fields", [{"scopes": ("profile",)}, {"sector": "rp.example", "subject_type": "pairwise"}])
def test_a_refused_change_takes_nothing_away(provider: Provider, fields: dict[str, Any]) -> None:
    rp = RelyingParty(provider)
    token = rp.tokens()["access_token"]
    with pytest.raises(InvalidOperation):
        clients.change(provider.desk, "rp", fields)
    assert rp.userinfo(token).status_code == 200
