"""The link of an approved registration: seven days, once, and the account is there with everything or not at all."""

from threading import Barrier, Thread
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from idp.domain.account import Account, AccountStatus
from idp.domain.authn import IdentityRef
from idp.domain.registration import RegistrationStatus
from idp.domain.service_access import ServiceAccess, ServiceRole
from idp.flows.operators import registrations as desk_of
from idp.flows.operators.desk import Desk
from idp.store.accounts import Accounts
from idp.store.registrations import Registrations
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.registering import EMAIL, PROVEN, WISHED, link_in, now_of, submit
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of, path_of


def approved(provider: Provider, **changes: Any) -> str:
    """Path of the link of one that was approved."""
    made = submit(provider, **changes)
    desk = Desk(provider.services.db, provider.clock, provider.services.registry, "claire")
    desk_of.claim(desk, made.registration_id, 1)
    desk_of.approve(provider.services, desk, made.registration_id, 2)
    return link_in(provider)


def press(provider: Provider, path: str, browser: FlaskClient | None = None) -> TestResponse:
    browser = browser or provider.browser()
    return browser.post(path, data={"csrf": csrf_of(browser.get("/password/forgot"))})


def account_of(provider: Provider, login: str = WISHED) -> Account | None:
    with provider.services.db.read() as tx:
        return tx.accounts.find_by_login(login)


def registration_id(provider: Provider) -> str:
    return str(provider.events("registration.approved")[0].subject)


# -- refusals --------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["unknown", "x" * 3000, "%00", "%E2%80%AE", "<script>", "../..", "merci"])
def test_a_link_that_is_none(provider: Provider, token: str) -> None:
    path = f"/inscription/confirmer/{token}"
    for answered in (provider.browser().get(path), press(provider, path)):
        assert answered.status_code in {303, 400, 404, 405, 410}
        assert "<script>alert" not in answered.text
    assert provider.events("registration.confirmed") == []


@pytest.mark.parametrize(("seconds", "status"), [(-1, 200), (0, 410), (1, 410)])
def test_a_link_is_good_for_seven_days_to_the_second(provider: Provider, seconds: int, status: int) -> None:
    path = approved(provider)
    provider.clock.advance(days=7, seconds=seconds)
    shown = provider.browser().get(path)
    assert shown.status_code == status
    press(provider, path)
    assert (account_of(provider) is not None) == (status == 200)
    if status == 410:
        assert "support" in shown.text
        assert now_of(provider, registration_id(provider)).status is RegistrationStatus.APPROVED


def test_the_page_of_an_expired_link_says_whom_to_contact(start: Any) -> None:
    provider = start(brand={"support_email": "support@esea-na.fr", "support_phone": "05 64 090 090"})
    path = approved(provider)
    provider.clock.advance(days=7)
    shown = provider.browser().get(path).text
    assert "rapprocher du support" in shown
    assert "mailto:support@esea-na.fr" in shown


def test_a_foreign_form_makes_nothing(provider: Provider) -> None:
    path = approved(provider)
    assert provider.browser().post(path).status_code == 403
    assert account_of(provider) is None


def test_gateways_follow_the_link_and_the_press_still_works(provider: Provider) -> None:
    path = approved(provider)
    for _ in range(5):
        assert provider.browser().get(path).status_code == 200
    assert account_of(provider) is None
    press(provider, path)
    assert account_of(provider) is not None


@pytest.mark.parametrize("taken", ["email", "rpps", "adeli"])
def test_who_has_an_account_by_now_is_sent_to_support(provider: Provider, taken: str) -> None:
    path = approved(provider, proven=PROVEN)
    values = {"email": EMAIL, "rpps": "10000000017", "adeli": "759900001"}
    other = provider.add_account("other", email="o@chu.example")
    with provider.services.db.write() as tx:
        if taken == "email":
            tx.profiles.set_email(other.account_id, EMAIL, "holder", provider.clock.now())
        else:
            tx.means.add_identity(other.account_id, IdentityRef(taken, values[taken]), "support", provider.clock.now())
    answered = press(provider, path)
    assert answered.status_code == 409
    assert account_of(provider) is None
    assert now_of(provider, registration_id(provider)).status is RegistrationStatus.APPROVED
    assert len(provider.events("registration.not_confirmed")) == 1
    assert provider.browser().get(path).status_code == 200  # support puts it right, and the link works


@pytest.mark.parametrize("broken", ["set_password", "grant", "add"])
def test_all_of_it_or_nothing(provider: Provider, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    provider.add_client("ror", needs_entitlement=True)
    path = approved(provider, client_id="ror")

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(Accounts, broken, fail)
        assert press(provider, path).status_code == 500
    assert account_of(provider) is None
    assert now_of(provider, registration_id(provider)).status is RegistrationStatus.APPROVED
    assert path_of(press(provider, path)) == path
    assert account_of(provider) is not None


# -- what comes of it --------------------------------------------------------------------


def test_the_account_signs_in_with_the_password_of_the_wizard(provider: Provider) -> None:
    path = approved(provider)
    assert path_of(press(provider, path)) == path
    account = account_of(provider)
    assert account is not None
    assert (account.status, account.full_name, account.civility) == (AccountStatus.ACTIVE, "Anne Pierre", "Mme")
    assert account.verified_email == EMAIL
    assert account.profile["phone_number"] == "+33612345678"
    assert account.profile["phone_number_verified"] is False
    assert (account.profile["function"], account.profile["structure"]) == ("Infirmier", "CHU de Bordeaux")
    rp = RelyingParty(provider)
    assert "code" in answer_of(rp.give_password(rp.open_login(), login=WISHED, password=PASSWORD))
    letter = provider.mails()[-1]
    assert WISHED in letter.text
    assert PASSWORD not in letter.text + letter.html
    created = provider.events("account.created")[0]
    assert (created.actor, created.detail) == (account.account_id, {"registration": registration_id(provider)})


def test_what_is_only_declared_identifies_nobody(provider: Provider) -> None:
    press(provider, approved(provider))
    account = account_of(provider)
    assert account is not None
    assert dict(account.identities) == {"login_name": WISHED, "email": EMAIL}
    with provider.services.db.read() as tx:
        assert tx.accounts.find(IdentityRef("rpps", "10000000017")) is None
        assert tx.means.links(account.account_id) == []


def test_what_a_card_proved_identifies_with_its_origin(provider: Provider) -> None:
    press(provider, approved(provider, proven=PROVEN))
    account = account_of(provider)
    assert account is not None
    assert account.identities["rpps"] == "10000000017"
    with provider.services.db.read() as tx:
        numbers = {each.ref.kind: each.origin for each in tx.practices.numbers(account.account_id)}
        assert numbers == {"rpps": "cps_card", "adeli": "cps_card"}
        assert [link.method for link in tx.means.links(account.account_id)] == ["cps_card"]
        assert tx.practices.of(account.account_id)[0].origin == "cps_card"
        assert tx.means.origin(IdentityRef("email", EMAIL)) == "holder"


def test_the_password_is_a_factor_of_its_own(provider: Provider) -> None:
    """The mailbox did not set it: with a code by mail it makes two."""
    press(provider, approved(provider))
    account = account_of(provider)
    assert account is not None
    with provider.services.db.read() as tx:
        password = tx.accounts.password(account.account_id)
    assert password is not None
    assert password.anchor == "knowledge"


def test_an_identifier_that_was_taken_gets_the_next_number(provider: Provider) -> None:
    first, second = approved(provider), approved(provider, email="b.pierre@chu.example")
    third = approved(provider, email="c.pierre@chu.example")
    press(provider, first)
    press(provider, second)
    press(provider, third)
    assert account_of(provider, "a.pierre2") is not None
    shown = provider.browser().get(third).text
    assert "a.pierre3" in shown
    assert "était déjà pris" in shown
    letter = provider.mails()[-1]
    assert "a.pierre3" in letter.text
    assert "était déjà pris" in letter.text
    assert "était déjà pris" not in provider.browser().get(first).text


def test_a_long_identifier_stays_one(provider: Provider) -> None:
    long = "a" * 64
    provider.add_account(long, email="o@chu.example", family_name="Long")
    press(provider, approved(provider, login_name=long))
    assert account_of(provider, f"{'a' * 63}2") is not None


def test_the_first_access_is_open_where_support_alone_decides(provider: Provider) -> None:
    provider.add_client("ror", needs_entitlement=True, name="ROR", initiate_login_uri="https://rp.example/start")
    path = approved(provider, client_id="ror")
    press(provider, path)
    account = account_of(provider)
    assert account is not None
    with provider.services.db.read() as tx:
        assert tx.accounts.is_entitled(account.account_id, "ror", provider.clock.now())
    granted = provider.events("entitlement.granted")[0]
    assert (granted.actor, granted.client_id) == ("operator:claire", "ror")
    assert "https://rp.example/start" in provider.browser().get(path).text
    assert "ROR" in provider.mails()[-1].text


@pytest.mark.parametrize(
    "more", [{"service_approves": True}, {"roles": (ServiceRole("PSL", "Libéral"),)}], ids=["team", "roles"]
)
def test_a_service_whose_team_decides_too_or_that_has_roles_is_asked_for(
    provider: Provider, more: dict[str, Any]
) -> None:
    provider.add_client("pro", needs_entitlement=True, name="Espace Pro")
    with provider.services.db.write() as tx:
        tx.service_access.set(ServiceAccess("pro", updated_at=provider.clock.now(), updated_by="x", **more))
    path = approved(provider, client_id="pro")
    press(provider, path)
    account = account_of(provider)
    assert account is not None
    with provider.services.db.read() as tx:
        assert not tx.accounts.is_entitled(account.account_id, "pro", provider.clock.now())
    assert "/compte/access/pro" in provider.browser().get(path).text


def test_a_service_that_is_for_everybody_gets_no_entitlement(provider: Provider) -> None:
    press(provider, approved(provider, client_id="rp"))
    assert provider.events("entitlement.granted") == []


# -- once ----------------------------------------------------------------------------------


def test_pressed_twice_there_is_one_account(provider: Provider) -> None:
    path = approved(provider)
    for _ in range(2):
        assert path_of(press(provider, path)) == path
    assert account_of(provider, "a.pierre2") is None
    assert len(provider.events("account.created")) == 2  # with the fixture's
    shown = provider.browser().get(path)
    assert shown.status_code == 200
    assert "<form" not in shown.text
    assert WISHED in shown.text


def test_two_presses_at_once_make_one_account(provider: Provider) -> None:
    path, barrier, got = approved(provider), Barrier(4), list[int]()

    def pressed() -> None:
        barrier.wait(10)
        got.append(press(provider, path).status_code)

    threads = [Thread(target=pressed) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert got == [303] * 4
    assert len(provider.events("registration.confirmed")) == 1
    assert account_of(provider, "a.pierre2") is None


def test_two_of_one_name_at_once_are_two_accounts(provider: Provider) -> None:
    paths = [approved(provider, email=f"p{n}@chu.example") for n in range(4)]
    barrier = Barrier(4)

    def pressed(path: str) -> None:
        barrier.wait(10)
        press(provider, path)

    threads = [Thread(target=pressed, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert all(account_of(provider, name) for name in (WISHED, "a.pierre2", "a.pierre3", "a.pierre4"))


def test_what_only_its_making_needed_is_forgotten(provider: Provider) -> None:
    press(provider, approved(provider))
    with provider.services.db.read() as tx:
        found = Registrations(tx._connection).get(registration_id(provider))
    assert found is not None
    assert (found.password_digest, found.birth) == (None, None)
    assert found.account_id
