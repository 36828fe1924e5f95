"""A telephone number: stored as it is typed, or verified by a code where there is a gateway for SMS."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from idp.settings.sections import Mail as MailSettings
from tests.fakes.holder import Holder
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty, path_of

PHONE = "/compte/personal/phone"
CODE = f"{PHONE}/code"
GATEWAY = {"sms_address": "sms-{number}@gateway.example"}


@pytest.fixture
def provider(start: Callable[..., Provider], request: pytest.FixtureRequest) -> Provider:
    made = start(mail=getattr(request, "param", {}))
    made.add_client("rp")
    made.add_account("anne.pierre")
    return made


@pytest.fixture
def anne(provider: Provider) -> Holder:
    return Holder.proven(provider, PHONE)


with_gateway = pytest.mark.parametrize("provider", [GATEWAY], indirect=True)


def profile(provider: Provider) -> Any:
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        return account.profile


def sms_code(provider: Provider) -> str:
    sms = provider.mails()[-1]
    assert (sms.to, sms.html) == ("sms-33612345678@gateway.example", "")
    assert len(sms.text) <= 160
    found = re.search(r"\b\d{6}\b", sms.text)
    assert found
    return found.group()


# -- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["", "12", "06 12 34 56 7", "0899123456", "x" * 5000, "+33612345678@x.example"])
def test_what_is_no_number_is_refused(provider: Provider, anne: Holder, typed: str) -> None:
    response = anne.post(PHONE, phone=typed)
    assert response.status_code == 200
    assert "Ce numéro n&#39;est pas complet" in response.text
    assert 'aria-invalid="true"' in response.text
    assert profile(provider) == {}


def test_a_proof_that_is_not_fresh_is_asked_for(provider: Provider, anne: Holder) -> None:
    provider.clock.advance(minutes=5, seconds=1)
    response = anne.browser.post(PHONE, data={"csrf": anne.csrf(), "phone": "0612345678"})
    assert path_of(response).startswith("/login/")
    assert profile(provider) == {}


def test_without_a_gateway_there_is_no_code(anne: Holder) -> None:
    assert anne.browser.get(CODE).status_code == 404


@with_gateway
def test_a_number_is_nothing_before_its_code(provider: Provider, anne: Holder) -> None:
    assert path_of(anne.post(PHONE, phone="06 12 34 56 78")) == CODE
    code = sms_code(provider)
    assert profile(provider) == {}
    wrong = "111111" if code != "111111" else "222222"
    assert "n&#39;est pas le bon" in anne.post(CODE, page=CODE, code=wrong).text
    assert profile(provider) == {}


@with_gateway
def test_a_code_for_a_number_confirms_no_address(provider: Provider, anne: Holder) -> None:
    anne.post(PHONE, phone="06 12 34 56 78")
    code = sms_code(provider)
    anne.post("/compte/personal/email", email="anne@clinique.example")
    mailed = provider.last_code()
    if code != mailed:
        anne.post("/compte/personal/email/code", code=code)
    assert provider.events("account.email_changed") == []


@with_gateway
def test_a_new_address_ends_the_change_of_a_number(provider: Provider, anne: Holder) -> None:
    anne.post(PHONE, phone="06 12 34 56 78")
    code = sms_code(provider)
    anne.post("/compte/personal/email", email="anne@clinique.example")
    assert path_of(anne.post("/compte/personal/email/code", code=provider.last_code())) == "/compte/personal"
    assert "plus valable" in anne.post(CODE, page="/compte/personal", code=code).text
    assert profile(provider) == {}


@pytest.mark.parametrize("address", ["sms@gateway.example", "{number}", "{number}{x}@gateway.example", "{number}@a b"])
def test_a_gateway_that_cannot_be_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="sms_address"):
        MailSettings(sms_address=address)


@pytest.mark.parametrize("provider", [{}, GATEWAY], indirect=True, ids=["kept", "removed"])
def test_changing_it_again_and_again_is_no_flood(provider: Provider, anne: Holder) -> None:
    """Each change without a code is a letter."""
    removes = {"remove": "1"} if provider.services.settings.mail.sms_address else {}
    sent = len(provider.mails())
    for number in range(5):
        assert path_of(anne.post(PHONE, phone=f"06 12 34 56 0{number}", **removes)) == "/compte/personal"
    before = profile(provider)
    response = anne.post(PHONE, phone="06 12 34 56 78", **removes)
    assert "Trop de changements de numéro. Réessayez dans 60 min." in response.text
    assert profile(provider) == before
    assert len(provider.events("account.phone_changed")) == 5
    assert len(provider.mails()) == sent + 5
    provider.clock.advance(hours=1)
    anne = Holder.proven(provider, PHONE)
    assert path_of(anne.post(PHONE, phone="06 12 34 56 78", remove="1")) == "/compte/personal"


# -- the change --------------------------------------------------------------------------


def test_without_a_gateway_it_is_kept_and_not_verified(provider: Provider, anne: Holder) -> None:
    assert path_of(anne.post(PHONE, phone="06 12 34 56 78")) == "/compte/personal"
    assert profile(provider) == {"phone_number": "+33612345678", "phone_number_verified": False}
    html = anne.browser.get("/compte/personal").text
    assert "+33\u00a06\u00a012\u00a034\u00a056\u00a078" in html
    assert "non vérifié" in html
    (event,) = provider.events("account.phone_changed")
    assert event.detail["verified"] == "no"
    assert "former" not in event.personal


@with_gateway
def test_with_a_gateway_the_right_code_verifies_it(provider: Provider, anne: Holder) -> None:
    anne.post(PHONE, phone="+33 (0)6 12 34 56 78")
    assert path_of(anne.post(CODE, page=CODE, code=sms_code(provider))) == "/compte/personal"
    assert profile(provider) == {"phone_number": "+33612345678", "phone_number_verified": True}


def test_services_are_told(provider: Provider, anne: Holder) -> None:
    anne.post(PHONE, phone="06 12 34 56 78")
    rp = RelyingParty(provider)
    claims = rp.userinfo(rp.tokens(scope="openid phone")["access_token"]).json or {}
    assert (claims["phone_number"], claims["phone_number_verified"]) == ("+33612345678", False)


def test_it_is_removed(provider: Provider, anne: Holder) -> None:
    anne.post(PHONE, phone="06 12 34 56 78")
    anne.post(PHONE, remove="1", phone="")
    assert profile(provider) == {}
    assert provider.events("account.phone_changed")[0].personal["former"] == "+33612345678"
    assert "supprimé" in provider.mails()[-1].text


def test_the_holder_is_told_and_can_say_that_it_was_not_them(provider: Provider, anne: Holder) -> None:
    anne.post(PHONE, phone="06 12 34 56 78")
    mail = provider.mails()[-1]
    assert mail.to == "anne.pierre@chu.example"
    assert "se termine maintenant par 78" in mail.text
    assert "12 34" not in mail.text
    found = re.search(rf"{ISSUER}(/not-me/[\w-]+)", mail.text)
    assert found
    provider.browser().post(found.group(1))
    assert anne.browser.get("/compte").status_code == 303
    assert provider.events("account.not_me")[0].detail["event"] == "account.phone_changed"


def test_other_data_of_the_profile_stays(provider: Provider) -> None:
    provider.add_account("lea.martin", profile={"nickname": "Léa", "phone_number": "+33 5 56 00 00 00"})
    lea = Holder.proven(provider, PHONE, "lea.martin")
    lea.post(PHONE, phone="+32 470 12 34 56")
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("lea.martin")
    assert account
    assert account.profile == {"nickname": "Léa", "phone_number": "+32470123456", "phone_number_verified": False}
