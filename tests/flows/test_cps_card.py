"""A card on the login page: who comes in, what is refused and how, and what is single use."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from idp.methods.cps_card import GUESSES, CpsCard
from tests.fakes import card, igc
from tests.fakes.card import RPPS, anne, asked, begin, failures, present, said, send, signed
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, path_of


@pytest.fixture
def provider(start: Callable[..., Provider], tmp_path: Path) -> Provider:
    made = card.provider(start, tmp_path)
    made.add_account("anne.pierre", rpps=RPPS)
    return made


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return RelyingParty(provider, "ror")


# -- who comes in ------------------------------------------------------------------------------


def test_a_card_opens_the_ror(provider: Provider, rp: RelyingParty) -> None:
    path = rp.open_login()
    page = rp.browser.get(path).text
    assert "Carte CPS" in page
    assert "nécessite votre lecteur de carte" in page
    claims = rp.redeem(answer_of(present(rp, path))["code"])["claims"]
    assert (claims["amr"], claims["acr"]) == (["sc", "pin", "mfa", "hwk"], "eidas3")


def test_the_audit_says_which_certificate_beside_what_is_personal(provider: Provider, rp: RelyingParty) -> None:
    present(rp, rp.open_login())
    (event,) = provider.events("login.succeeded")
    assert event.personal["certificate"] == f"{anne().serial:x}"
    assert event.personal["issuer"] == "AC SANTE-DEMO ELEMENTAIRE PERSONNES"
    assert RPPS not in repr(event)
    assert event.personal["certificate"] not in str(event.detail)


def test_a_renewed_card_signs_in_with_no_ticket(provider: Provider) -> None:
    first, second = RelyingParty(provider, "card"), RelyingParty(provider, "card")
    one = first.redeem(answer_of(present(first, first.open_login()))["code"])["claims"]["sub"]
    other = second.redeem(answer_of(present(second, second.open_login(), card.renewed()))["code"])["claims"]["sub"]
    assert one == other
    assert len(provider.events("means.linked")) == 1


@pytest.mark.parametrize("level", ["standard", "fort"])
def test_each_authority_for_persons(provider: Provider, rp: RelyingParty, level: str) -> None:
    assert "code" in answer_of(present(rp, rp.open_login(), igc.issued(f"RPPS, {level}")))


def test_a_service_that_does_not_accept_it_never_gets_it(provider: Provider) -> None:
    rp = RelyingParty(provider, "rp")
    path = rp.open_login()
    assert "Carte CPS" not in rp.browser.get(path).text
    assert path_of(rp.browser.get(f"{path}/cps_card")) == path
    assert rp.post(f"{path}/cps_card", page=path).status_code == 403
    assert rp.post(f"{path}/cps_card", page=path, token="x").status_code == 403


def test_it_opens_the_others_by_single_sign_on_and_steps_a_password_up(provider: Provider) -> None:
    rp = RelyingParty(provider, "rp")
    rp.login()
    ror = RelyingParty(provider, "ror", rp.browser)
    path = ror.open_login()
    assert "Une étape de plus." in ror.browser.get(path).text
    assert "code" in answer_of(present(ror, path))
    assert "code" in RelyingParty(provider, "card", rp.browser).silent()


def test_a_first_factor_may_stand_before_it_and_must_be_the_same_person(provider: Provider) -> None:
    provider.add_account("karim.benali")
    provider.set_policy("card", ("cps_card:after=password",))
    rp = RelyingParty(provider, "card")
    for login, comes_in in (("karim.benali", False), ("anne.pierre", True)):
        path = rp.open_login()
        page = begin(rp, path)
        assert "connect-src" not in rp.browser.get(page).headers["Content-Security-Policy"]
        assert path_of(rp.post(page, page=page, login=login, password="correct cheval batterie agrafe")) == page
        answer = send(rp, page, signed(rp, page))
        assert ("code" in answer_of(answer)) if comes_in else ("n&#39;est pas celle du compte attendu" in answer.text)


def test_it_is_no_first_factor_of_another(provider: Provider) -> None:
    with pytest.raises(Exception, match="cps_card"):
        provider.set_policy("card", ("email_otp:after=cps_card",))


# -- what is refused, on the real page -----------------------------------------------------------


@pytest.mark.parametrize("name", igc.REFUSED)
def test_each_card_that_is_refused_says_why_and_lets_one_go_on(provider: Provider, rp: RelyingParty, name: str) -> None:
    path, cause = rp.open_login(), igc.CASES[name].cause
    answer = present(rp, path, igc.issued(name))
    assert answer.status_code == 200
    assert said(cause) in answer.text
    assert CpsCard.codes[cause] in answer.text
    assert f'action="{path}/email_otp"' in answer.text
    assert failures(provider) == ([cause] if cause in GUESSES else [])
    if cause == "revoked":  # support finds who holds it
        (event,) = provider.events("login.failed")
        assert event.personal["certificate"] == f"{igc.issued(name).certificate.serial_number:x}"
    assert "code" in answer_of(present(rp, path))


def test_no_list_of_revoked_cards_lets_nobody_in(start: Callable[..., Provider], tmp_path: Path) -> None:
    made = card.provider(start, tmp_path, card={"crl_files": ()})
    made.add_account("anne.pierre", rpps=RPPS)
    rp = RelyingParty(made, "card")
    assert said("revocation_unknown") in present(rp, rp.open_login()).text
    assert failures(made) == []


def test_a_policy_of_certificates_that_the_card_does_not_state(start: Callable[..., Provider], tmp_path: Path) -> None:
    made = card.provider(start, tmp_path, card={"policies": ("1.2.3",)})
    rp = RelyingParty(made, "card")
    assert said("policy_not_accepted") in present(rp, rp.open_login()).text


@pytest.mark.parametrize("changed", [{"origin": "https://idp.example.evil"}, {"nonce": igc.NONCE}])
def test_what_the_card_signed_for_others_is_refused_and_audited(
    provider: Provider, rp: RelyingParty, changed: dict[str, str]
) -> None:
    assert said("signature_wrong") in present(rp, rp.open_login(), **changed).text
    assert failures(provider) == ["signature_wrong"]


def test_a_signature_of_another_algorithm_than_it_says_is_refused(provider: Provider, rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    form = signed(rp, page)
    answer = send(rp, page, {**form, "token": form["token"].replace("RS256", "PS256")})
    assert said("signature_wrong") in answer.text


def test_a_token_with_the_certificate_of_another_is_refused(provider: Provider, rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    form = signed(rp, page, card.renewed())
    theirs = igc.token(card.renewed(), origin=ISSUER, nonce=form["nonce"])
    stolen = igc.token(anne(), origin=ISSUER, nonce=form["nonce"])
    mixed = theirs.replace(_certificate(theirs), _certificate(stolen))
    assert mixed not in {theirs, stolen}
    assert said("signature_wrong") in send(rp, page, {**form, "token": mixed}).text


def _certificate(token: str) -> str:
    found = re.search(r'"unverifiedCertificate": "([^"]+)"', token)
    assert found
    return found.group(1)


def test_no_token_is_a_slip(provider: Provider, rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    answer = send(rp, page, asked(rp, page))
    assert said("token_missing") in answer.text
    assert failures(provider) == []


def test_a_token_that_comes_after_five_minutes(provider: Provider, rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    form = signed(rp, page)
    provider.clock.advance(minutes=5)
    assert said("challenge_expired") in send(rp, page, form).text
    assert failures(provider) == []


def test_a_form_of_another_site_is_none(provider: Provider, rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    form = signed(rp, page)
    assert rp.browser.post(page, data={**form, "csrf": "made up"}).status_code == 403
