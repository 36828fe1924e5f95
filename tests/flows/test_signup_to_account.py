"""From the wizard by the desk to the first login: what was typed and proven is what the account has."""

from collections.abc import Callable

import pytest

from idp.domain.authn import Assurance, IdentityRef
from idp.flows.operators import registrations as desk_of
from idp.flows.operators.desk import Desk
from tests.fakes import national_card
from tests.fakes.portal import METHODS
from tests.fakes.provider import Provider
from tests.fakes.registering import PROVEN, WISHED, link_in, submit
from tests.fakes.relying_party import RelyingParty, path_of
from tests.fakes.signup import ENTRY, PERSONAL, RPPS, STRONG, WAITING, Wizard, said, started


@pytest.fixture
def provider(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    national_card.install(monkeypatch)
    made = started(start, methods=METHODS)
    made.add_client("rp", methods=("password", "national_card"))
    return made


def confirmed(provider: Provider, wizard: Wizard) -> None:
    """Claimed, approved, and the link of the letter pressed."""
    desk = Desk(provider.services.db, provider.clock, provider.services.registry, "claire")
    found = wizard.registration()
    desk_of.claim(desk, found.registration_id, found.version)
    desk_of.approve(provider.services, desk, found.registration_id, found.version + 1)
    assert "est acceptée" in said(wizard.get(WAITING))
    link = link_in(provider)
    assert wizard.post(link).status_code == 303
    assert "compte est créé" in said(wizard.get(WAITING))


@pytest.mark.parametrize(
    ("said", "expected"), [("HIGH", Assurance.HIGH), ("MEDIUM", Assurance.MEDIUM), ("LOW", Assurance.LOW)]
)
def test_the_password_has_the_level_of_the_proof_before_it(provider: Provider, said: str, expected: Assurance) -> None:
    """And no more, whatever its method, which is HIGH, can prove."""
    made = submit(provider, proven={**PROVEN, "method": "national_card", "assurance": said})
    desk = Desk(provider.services.db, provider.clock, provider.services.registry, "claire")
    desk_of.claim(desk, made.registration_id, made.version)
    desk_of.approve(provider.services, desk, made.registration_id, made.version + 1)
    assert Wizard(provider).post(link_in(provider)).status_code == 303
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login(WISHED)
        assert account
        (password,) = tx.means.credentials(account.account_id)
    assert (password.kind, password.enrolled) == ("password", expected)


def test_without_a_card(provider: Provider) -> None:
    wizard = Wizard(provider)
    wizard.submitted()
    confirmed(provider, wizard)
    rp = RelyingParty(provider)
    path = rp.open_login()
    assert path_of(rp.give_password(path, "claire.nouvelle", STRONG))
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("claire.nouvelle")
    assert account
    assert (account.full_name, account.verified_email) == ("Claire Nouvelle", "claire.nouvelle@chu.example")
    assert provider.events("login.succeeded")[0].subject == account.account_id


def test_a_taken_identifier_gets_a_digit(provider: Provider) -> None:
    wizard = Wizard(provider)
    wizard.to_login()
    wizard.choose("anne.pierre")
    assert path_of(wizard.join()) == WAITING
    confirmed(provider, wizard)
    with provider.services.db.read() as tx:
        assert tx.accounts.find_by_login("anne.pierre2")


def test_with_a_card_which_signs_in_from_then_on(provider: Provider) -> None:
    card = {**national_card.ANNE, "rpps": RPPS}
    wizard = Wizard(provider)
    page = path_of(wizard.post(ENTRY, choice="national_card"))
    assert path_of(wizard.post(page, **card)) == PERSONAL
    wizard.type()
    wizard.give_code()
    wizard.choose("anne.p")
    assert path_of(wizard.join()) == WAITING
    confirmed(provider, wizard)
    with provider.services.db.read() as tx:
        account = tx.accounts.find(IdentityRef("rpps", RPPS))
    assert account
    assert account.login_name == "anne.p"
    rp = RelyingParty(provider)
    path = rp.open_login()
    rp.post(f"{path}/national_card", page=path)
    rp.post(f"{path}/national_card", page=f"{path}/national_card", **card)
    assert provider.events("login.succeeded")[0].subject == account.account_id
