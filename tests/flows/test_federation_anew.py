"""A shared workstation: who is to be somebody else is not signed in again by the upstream's session, without a page."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from demo.cards import KARIM
from demo.look_alike import ANNE as RPPS
from tests.fakes.federated import leave, shown, through, with_upstreams
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, path_of
from tests.fakes.upstream import WALLET, FakeUpstream

ANEW = {"prompt": ["login"], "max_age": ["0"]}


@pytest.fixture
def provider(start: Callable[..., Provider], psc: FakeUpstream) -> Provider:
    made = with_upstreams(start(), psc)
    made.add_account("anne.pierre", rpps=RPPS)
    made.add_account("karim.benali", rpps=KARIM)
    return made


@pytest.fixture
def rp(provider: Provider, psc: FakeUpstream) -> RelyingParty:
    """Anne is signed in, here and there."""
    made = RelyingParty(provider, "psc")
    answer_of(through(made, psc, made.open_login()))
    return made


def asked(rp: RelyingParty, path: str) -> dict[str, list[str]]:
    """What the upstream is asked of the login's age."""
    url = leave(rp, path)
    assert url.startswith(WALLET)
    query = parse_qs(urlsplit(url).query)
    return {name: query[name] for name in ANEW if name in query}


def test_nothing_is_asked_of_who_just_comes(provider: Provider) -> None:
    rp = RelyingParty(provider, "psc")
    assert asked(rp, rp.open_login()) == {}


@pytest.mark.parametrize(("choice", "expected"), [("other", ANEW), ("again", {})])
def test_another_account_is_chosen(provider: Provider, choice: str, expected: dict[str, list[str]]) -> None:
    rp = RelyingParty(provider, "psc")
    path = rp.open_login()
    rp.post(f"{path}/account", page=path, choice=choice)
    assert asked(rp, path) == expected


def test_and_is_signed_in(provider: Provider, rp: RelyingParty, psc: FakeUpstream) -> None:
    path = rp.open_login(prompt="select_account")
    rp.post(f"{path}/account", page=path, choice="other")
    claims = rp.redeem(answer_of(through(rp, psc, path, "karim"))["code"])["claims"]
    with provider.services.db.read() as tx:
        account = tx.accounts.get(claims["sub"])
    assert account
    assert account.login_name == "karim.benali"


def test_a_service_expects_another_account_than_the_one_that_is_signed_in(
    provider: Provider, psc: FakeUpstream, rp: RelyingParty
) -> None:
    other = RelyingParty(provider, "psc")
    psc.pages.delete_cookie("psc_session")
    hint = other.redeem(answer_of(through(other, psc, other.open_login(), "karim"))["code"])["id_token"]
    assert asked(rp, rp.open_login(id_token_hint=hint)) == ANEW


def test_somebody_else_came_than_the_service_expects(provider: Provider, psc: FakeUpstream) -> None:
    first = RelyingParty(provider, "psc")
    hint = first.redeem(answer_of(through(first, psc, first.open_login(), "karim"))["code"])["id_token"]
    psc.pages.delete_cookie("psc_session")
    rp = RelyingParty(provider, "psc")
    path = rp.open_login(id_token_hint=hint)
    assert asked(rp, path) == {}
    assert "Ce n'est pas le compte que ce service attend." in shown(through(rp, psc, path, "anne"))
    assert asked(rp, path) == ANEW


def test_who_came_was_refused(start: Callable[..., Provider], psc: FakeUpstream) -> None:
    provider = with_upstreams(start(), psc)
    provider.add_account("anne.pierre", rpps=RPPS, given_name="Lucie")
    rp = RelyingParty(provider, "psc")
    path = rp.open_login()
    assert "pas celui de votre compte" in shown(through(rp, psc, path))
    assert asked(rp, path) == ANEW


def test_the_other_of_two_is_given_up(provider: Provider, psc: FakeUpstream) -> None:
    anne = RelyingParty(provider, "ror")
    answer_of(anne.give_otp(anne.open_login()))
    rp = RelyingParty(provider, "psc", anne.browser)
    path = rp.open_login()
    assert path_of(through(rp, psc, path, "karim")) == path
    rp.post(f"{path}/account", page=path, choice="cancel")
    assert asked(rp, path) == ANEW
