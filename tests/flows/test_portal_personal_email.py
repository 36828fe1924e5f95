"""Another e-mail address: proven by a code, told to the one before, and to nobody who asks."""

import re
from collections.abc import Callable

import pytest

from idp.errors import JourneyError
from idp.flows.operators import accounts
from idp.flows.portal.contact_change import change_email
from idp.flows.portal.door import Visitor
from idp.web.network import WINDOW
from tests.fakes.holder import Holder
from tests.fakes.new_address import CODE, EMAIL, NEW, OLD, address_of, asked, code_of, is_refused, other_than
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, path_of

SUPPORT = "support@region.example"


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start(brand={"support_email": SUPPORT})
    made.add_client("rp")
    made.add_account("anne.pierre")
    return made


@pytest.fixture
def anne(provider: Provider) -> Holder:
    """Signed in to the portal, with a fresh proof of the highest level that she has."""
    return Holder.proven(provider, EMAIL)


# -- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", [EMAIL, CODE])
def test_a_form_without_its_token_is_refused(provider: Provider, anne: Holder, path: str) -> None:
    code = asked(anne)
    assert anne.browser.post(path, data={"email": NEW, "code": code}).status_code == 403
    assert address_of(provider) == OLD


def test_a_proof_that_is_not_fresh_is_asked_for_and_leads_back(provider: Provider, anne: Holder) -> None:
    provider.clock.advance(minutes=5, seconds=1)
    for response in (anne.browser.get(EMAIL), anne.browser.post(EMAIL, data={"csrf": anne.csrf(), "email": NEW})):
        assert path_of(response).startswith("/login/")
    assert provider.mails()[-1].to == OLD  # the code of the sign-in, and no other
    assert path_of(anne.give_otp(path_of(anne.browser.get(EMAIL)))) == EMAIL
    assert anne.browser.get(EMAIL).status_code == 200


def test_a_password_alone_adds_no_address(provider: Provider) -> None:
    provider.add_account("lea.martin", email="")
    lea = Holder.signed_in(provider, "lea.martin")
    response = lea.browser.get(EMAIL)
    assert (response.status_code, "means_needed" in response.text) == (403, True)
    assert lea.browser.post(EMAIL, data={"csrf": lea.csrf(), "email": NEW}).status_code == 403
    assert provider.mails() == []


@pytest.mark.parametrize(
    "typed", ["", "anne", "anne@clinique", "a@b.example\nbcc:c@d.example", "a" * 5000, OLD, OLD.upper()]
)
def test_what_is_no_other_address_is_refused(provider: Provider, anne: Holder, typed: str) -> None:
    sent = len(provider.mails())
    response = anne.post(EMAIL, email=typed)
    assert is_refused(response, "adresse e-mail")
    assert 'aria-invalid="true"' in response.text
    assert len(provider.mails()) == sent


def test_no_answer_tells_that_an_address_is_known(provider: Provider, anne: Holder) -> None:
    provider.add_account("karim.benali", email=NEW)
    taken = anne.post(EMAIL, email=NEW)
    page = anne.browser.get(CODE)
    provider.clock.advance(minutes=1)
    free = anne.post(EMAIL, email="anne@other.example")
    assert path_of(taken) == path_of(free) == CODE
    other = anne.browser.get(CODE)
    assert re.sub(r"anne@\w+\.example|<code>\w*</code>", "", page.text) == re.sub(
        r"anne@\w+\.example|<code>\w*</code>", "", other.text
    )
    to_karim, to_anne = provider.mails()[-2:]
    assert (to_karim.to, to_anne.to) == (NEW, "anne@other.example")
    assert "déjà un compte" in to_karim.subject
    assert not re.search(r"\d{6}", to_karim.text + to_karim.html)


def test_a_code_of_another_session_is_refused(provider: Provider, anne: Holder) -> None:
    """Two browsers of the same person, or of a person and a thief."""
    code = asked(anne)
    other = Holder.proven(provider, EMAIL)
    assert path_of(other.browser.get(CODE)) == EMAIL
    assert is_refused(other.post(CODE, page=EMAIL, code=code), "plus valable")
    assert address_of(provider) == OLD
    assert path_of(anne.post(CODE, page=CODE, code=code)) == "/compte/personal"


def test_a_code_of_another_account_is_refused(provider: Provider, anne: Holder) -> None:
    provider.add_account("karim.benali")
    code = asked(anne)
    karim = Holder.proven(provider, EMAIL, "karim.benali")
    assert is_refused(karim.post(CODE, page=EMAIL, code=code), "plus valable")
    assert address_of(provider, "karim.benali") == "karim.benali@chu.example"


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦"])
def test_what_is_no_code_costs_no_try(provider: Provider, anne: Holder, typed: str) -> None:
    code = asked(anne)
    for _ in range(6):
        assert is_refused(anne.post(CODE, page=CODE, code=typed), "six chiffres")
    assert path_of(anne.post(CODE, page=CODE, code=f" {code[:3]} {code[3:]} ")) == "/compte/personal"


def test_the_sixth_try_is_refused_even_with_the_right_code(provider: Provider, anne: Holder) -> None:
    code = asked(anne)
    for _ in range(5):
        assert is_refused(anne.post(CODE, page=CODE, code=other_than(code)), "n&#39;est pas le bon")
    provider.clock.advance(minutes=2)  # what delays the person has passed
    assert is_refused(anne.post(CODE, page=CODE, code=code), "Trop d&#39;essais avec ce code")
    assert address_of(provider) == OLD
    assert len(provider.events("account.code_refused")) == 5


def test_wrong_codes_count_across_codes_and_against_the_network(provider: Provider, anne: Holder) -> None:
    code = asked(anne)
    for _ in range(5):
        anne.post(CODE, page=CODE, code=other_than(code))
    assert provider.services.ephemeral.counted("network", "127.0.0.1/32", WINDOW) == 5
    provider.clock.advance(seconds=60)
    anne.post(CODE, page=CODE, resend="1")
    code = code_of(provider.mails()[-1])
    assert is_refused(anne.post(CODE, page=CODE, code=code), "Réessayez dans 1 min")
    provider.clock.advance(seconds=5)
    assert path_of(anne.post(CODE, page=CODE, code=code)) == "/compte/personal"


def test_the_right_code_starts_the_count_anew(provider: Provider, anne: Holder) -> None:
    for address in (NEW, "anne@third.example"):
        code = asked(anne, address)
        for _ in range(4):
            anne.post(CODE, page=CODE, code=other_than(code))
        assert path_of(anne.post(CODE, page=CODE, code=code)) == "/compte/personal"


def test_a_code_dies_after_ten_minutes(provider: Provider, anne: Holder) -> None:
    code = asked(anne)
    provider.clock.advance(minutes=10)
    assert is_refused(anne.post(CODE, page="/compte/personal", code=code), "plus valable")
    assert address_of(provider) == OLD


def test_a_code_lives_longer_than_the_proof(provider: Provider, anne: Holder) -> None:
    code = asked(anne)
    provider.clock.advance(minutes=9, seconds=59)
    assert path_of(anne.post(CODE, page=CODE, code=code)) == "/compte/personal"


def test_a_newer_code_ends_the_one_before(provider: Provider, anne: Holder) -> None:
    first = asked(anne)
    assert is_refused(anne.post(CODE, page=CODE, resend="1"), "Attendez une minute")
    provider.clock.advance(seconds=60)
    assert path_of(anne.post(CODE, page=CODE, resend="1")) == CODE
    second = code_of(provider.mails()[-1])
    if first != second:
        assert is_refused(anne.post(CODE, page=CODE, code=first), "n&#39;est pas le bon")
    assert path_of(anne.post(CODE, page=CODE, code=second)) == "/compte/personal"


def test_a_code_for_one_address_does_not_confirm_another(provider: Provider, anne: Holder) -> None:
    first, second = asked(anne, "someone@else.example"), asked(anne)
    if first != second:
        assert is_refused(anne.post(CODE, page=CODE, code=first), "n&#39;est pas le bon")
    assert path_of(anne.post(CODE, page=CODE, code=second)) == "/compte/personal"
    assert address_of(provider) == NEW


def test_five_codes_an_hour(provider: Provider, anne: Holder) -> None:
    for number in range(5):
        asked(anne, f"anne{number}@clinique.example")
    sent = len(provider.mails())
    assert is_refused(anne.post(EMAIL, email=NEW), "Trop de codes")
    assert len(provider.mails()) == sent


def test_a_code_is_good_once(provider: Provider, anne: Holder) -> None:
    code = asked(anne)
    assert path_of(anne.post(CODE, page=CODE, code=code)) == "/compte/personal"
    assert is_refused(anne.post(CODE, page="/compte/personal", code=code), "plus valable")
    assert len(provider.events("account.email_changed")) == 1


def test_two_requests_with_the_code_at_once(provider: Provider, anne: Holder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is in between the first's look at the code and its answer."""
    code, statuses = asked(anne), []
    form = {"csrf": anne.csrf(), "code": code}
    swap = type(provider.services.ephemeral).swap

    def overtaken(self: object, *args: object) -> bool:
        monkeypatch.setattr(type(provider.services.ephemeral), "swap", swap)
        statuses.append(anne.browser.post(CODE, data=form).status_code)
        return swap(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(type(provider.services.ephemeral), "swap", overtaken)
    statuses.append(anne.browser.post(CODE, data=form).status_code)
    assert statuses == [303, 409]
    assert len(provider.events("account.email_changed")) == 1


def test_a_code_is_over_when_another_is_sent_meanwhile(
    provider: Provider, anne: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, store = asked(anne), type(provider.services.ephemeral)
    provider.clock.advance(seconds=60)
    swap = store.swap

    def overtaken(self: object, *args: object) -> bool:
        monkeypatch.setattr(store, "swap", swap)
        assert path_of(anne.post(CODE, page=CODE, resend="1")) == CODE
        return swap(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "swap", overtaken)
    assert anne.post(CODE, page=CODE, code=first).status_code == 409
    assert path_of(anne.post(CODE, page=CODE, code=code_of(provider.mails()[-1]))) == "/compte/personal"


def test_an_address_that_was_taken_meanwhile_changes_nothing(provider: Provider, anne: Holder) -> None:
    code = asked(anne)
    provider.add_account("karim.benali", email=NEW)
    other = RelyingParty(provider)
    other.login()
    assert is_refused(anne.post(CODE, page=CODE, code=code), "appartient déjà à un autre compte")
    assert address_of(provider) == OLD
    assert address_of(provider, "karim.benali") == NEW
    assert "code" in other.silent()
    assert is_refused(anne.post(CODE, page=EMAIL, code=code), "plus valable")
    assert provider.events("account.email_changed") == []


def test_a_session_that_ended_meanwhile_changes_nothing(provider: Provider, anne: Holder) -> None:
    """« Ce n'était pas moi » is pressed while the code is looked at."""
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        found = tx.sessions.find(anne.cookie, provider.clock.now(), provider.services.settings.session_idle)
    assert account
    assert found
    accounts.end_sessions(provider.desk, "anne.pierre", "stolen")
    with provider.app.test_request_context(), pytest.raises(JourneyError, match="ended meanwhile"):
        change_email(provider.services, Visitor(account, found), NEW)
    assert address_of(provider) == OLD


def test_looking_changes_nothing(provider: Provider, anne: Holder) -> None:
    code = asked(anne)
    assert anne.browser.get(f"{CODE}?code={code}").status_code == 200
    assert anne.browser.head(CODE).status_code == 405
    assert address_of(provider) == OLD
