"""The scope `habilitations`: a service is told of the roles that came with the access to it, and of no others."""

import json
from datetime import timedelta
from typing import Any

import pytest

from idp.domain.service_access import GivenRole
from idp.store.held_accesses import HeldAccesses
from tests.fakes.consents import is_asked, party
from tests.fakes.provider import ALL_SCOPES, Provider
from tests.fakes.relying_party import RelyingParty, answer_of

SCOPES = ("openid", "profile", "habilitations")
ROLES = (GivenRole("PORTEUR_OFFRE", "330781196"), GivenRole("PORTEUR_OFFRE", "2A0000014"), GivenRole("PSL"))
TOLD = [
    {"code": "PORTEUR_OFFRE", "perimeter": "330781196"},
    {"code": "PORTEUR_OFFRE", "perimeter": "2A0000014"},
    {"code": "PSL"},
]
NAMED = json.dumps({"userinfo": {"habilitations": None}, "id_token": {"habilitations": None}})


@pytest.fixture
def ror(provider: Provider) -> RelyingParty:
    """Anne's roles in ROR, which is registered for the scope; the roles that she has in another service differ."""
    provider.add_client("ror", scopes=SCOPES, grant_types=("authorization_code", "refresh_token"))
    give(provider, "ror", ROLES)
    give(provider, "rp", (GivenRole("OTHER"),))
    return RelyingParty(provider, "ror")


def give(provider: Provider, client_id: str, roles: tuple[GivenRole, ...], **until: Any) -> None:
    now = provider.clock.now()
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        ends = now + timedelta(**until) if until else None
        tx.accounts.grant(account.account_id, client_id, "test", now, ends, roles=roles)


def told(rp: RelyingParty, token: str) -> dict[str, Any]:
    answer = rp.userinfo(token)
    assert answer.status_code == 200
    return dict(answer.json or {})


def test_the_roles_in_this_service_with_their_establishments(ror: RelyingParty) -> None:
    tokens = ror.tokens(scope="openid habilitations")
    info = told(ror, tokens["access_token"])
    assert info == {"sub": tokens["claims"]["sub"], "habilitations": TOLD}
    assert "habilitations" not in tokens["claims"]


def test_asked_by_name_they_are_in_the_id_token_too(ror: RelyingParty) -> None:
    tokens = ror.tokens(scope="openid", claims=NAMED)
    assert tokens["claims"]["habilitations"] == TOLD
    assert told(ror, tokens["access_token"])["habilitations"] == TOLD


def test_a_service_that_is_not_registered_for_the_scope_learns_nothing(ror: RelyingParty) -> None:
    other = RelyingParty(ror.provider)  # of every scope but this one
    scope = " ".join((*ALL_SCOPES, "habilitations"))
    tokens = other.tokens(scope=scope, claims=NAMED)
    assert "habilitations" not in tokens["claims"].keys() | told(other, tokens["access_token"]).keys()


def test_what_is_not_asked_for_is_neither_told_nor_read(ror: RelyingParty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(HeldAccesses, "roles")
    tokens = ror.tokens(scope="openid profile")
    assert "habilitations" not in told(ror, tokens["access_token"])


def test_without_roles_or_access_there_is_no_claim(ror: RelyingParty) -> None:
    provider = ror.provider
    give(provider, "ror", ())
    assert "habilitations" not in told(ror, ror.tokens(scope="openid habilitations")["access_token"])
    give(provider, "ror", ROLES, minutes=1)
    provider.clock.advance(minutes=1)
    again = ror.redeem(ror.silent(scope="openid habilitations")["code"])
    assert "habilitations" not in told(ror, again["access_token"])


def test_a_refresh_tells_what_is_so_now(ror: RelyingParty) -> None:
    tokens = ror.tokens(scope="openid habilitations")
    give(ror.provider, "ror", ROLES[2:])
    renewed = ror.refresh(tokens["refresh_token"]).json or {}
    assert told(ror, renewed["access_token"])["habilitations"] == TOLD[2:]


def test_a_profile_gives_nobody_a_role(ror: RelyingParty) -> None:
    ror.provider.add_account("sly", profile={"habilitations": [{"code": "ADMIN"}]})
    arrived = answer_of(ror.give_password(ror.open_login(scope="openid habilitations"), login="sly"))
    tokens = ror.redeem(arrived["code"])
    assert "habilitations" not in told(ror, tokens["access_token"])


@pytest.mark.parametrize(("lang", "title"), [("fr", "Vos habilitations dans ce"), ("en", "Your roles in this service")])
def test_the_person_is_asked_in_words(provider: Provider, lang: str, title: str) -> None:
    rp = party(provider, "first", scopes=SCOPES)
    path = is_asked(rp, scope="openid habilitations", ui_locales=lang)
    assert path
    assert title in rp.browser.get(path).text.replace("\N{NO-BREAK SPACE}", " ").replace("&nbsp;", " ")
