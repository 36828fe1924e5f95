"""Pairwise subjects: one sub in a sector, another elsewhere, and each that comes in is the client's own."""

import json

import pytest

from tests.fakes.provider import RP, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, error_of, path_of

pytestmark = pytest.mark.spec("OIDC Core §8, §8.1")


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    for client_id, sector in (("one", "a.example"), ("two", "a.example"), ("three", "b.example")):
        provider.add_client(client_id, subject_type="pairwise", sector=sector)
    return RelyingParty(provider, "one")


def account_id(provider: Provider, login: str = "anne.pierre") -> str:
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login(login)
    assert account
    return account.account_id


def other(rp: RelyingParty, client_id: str) -> RelyingParty:
    """Another client, in the same browser."""
    return RelyingParty(rp.provider, client_id, rp.browser)


def sub_of(rp: RelyingParty) -> str:
    return str(rp.redeem(rp.silent()["code"])["claims"]["sub"])


def test_the_clients_of_a_sector_are_told_one_sub_and_others_another(rp: RelyingParty) -> None:
    first = rp.tokens()["claims"]["sub"]
    assert sub_of(other(rp, "two")) == first
    elsewhere = sub_of(other(rp, "three"))
    anne = account_id(rp.provider)
    assert len({first, elsewhere, anne}) == 3
    assert sub_of(other(rp, "rp")) == anne
    assert len(first) == len(elsewhere) <= 255
    assert first.isascii()
    assert sub_of(rp) == first


def test_two_people_have_two(rp: RelyingParty) -> None:
    rp.provider.add_account("paul.durand")
    paul = RelyingParty(rp.provider, "one")
    answer = answer_of(paul.give_password(paul.open_login(), login="paul.durand"))
    assert paul.redeem(answer["code"])["claims"]["sub"] != rp.tokens()["claims"]["sub"]


def test_nothing_that_the_client_gets_says_the_account(rp: RelyingParty) -> None:
    tokens = rp.tokens()
    info = rp.userinfo(tokens["access_token"])
    assert (info.json or {})["sub"] == tokens["claims"]["sub"]
    assert account_id(rp.provider) not in json.dumps([tokens, info.json])


# what comes in


def test_a_hint_makes_the_round(rp: RelyingParty) -> None:
    tokens = rp.tokens()
    assert rp.silent(id_token_hint=tokens["id_token"])["code"]
    assert rp.silent(claims=json.dumps({"id_token": {"sub": {"value": tokens["claims"]["sub"]}}}))["code"]


def test_the_account_id_is_no_ones_sub(rp: RelyingParty) -> None:
    rp.tokens()
    by_account = json.dumps({"id_token": {"sub": {"value": account_id(rp.provider)}}})
    assert error_of(rp.authorize(prompt="none", claims=by_account)) == "login_required"


def test_the_sub_of_another_sector_is_no_ones_either(rp: RelyingParty) -> None:
    told = rp.tokens()["claims"]["sub"]
    asked = json.dumps({"id_token": {"sub": {"value": told}}})
    assert other(rp, "two").silent(claims=asked)["code"]
    assert error_of(other(rp, "three").authorize(prompt="none", claims=asked)) == "login_required"


def test_a_hint_of_another_person_is_login_required(rp: RelyingParty) -> None:
    hint = rp.tokens()["id_token"]
    rp.provider.add_account("paul.durand")
    paul = RelyingParty(rp.provider, "one")
    answer_of(paul.give_password(paul.open_login(), login="paul.durand"))
    assert error_of(paul.authorize(prompt="none", id_token_hint=hint)) == "login_required"


def test_a_hint_lets_only_its_person_sign_in(rp: RelyingParty) -> None:
    hint = rp.tokens()["id_token"]
    rp.provider.add_account("paul.durand")
    browser = RelyingParty(rp.provider, "one")
    path = browser.open_login(id_token_hint=hint)
    assert browser.give_password(path, login="paul.durand").status_code == 200
    assert answer_of(browser.give_password(path))["code"]


def test_a_hint_lets_the_first_factor_of_the_session_be_used_again(rp: RelyingParty) -> None:
    rp.provider.add_client("strong", methods=("email_otp",), subject_type="pairwise", sector="a.example")
    rp.login()
    strong = other(rp, "strong")
    sub = rp.provider.services.data_keys.subject("a.example", account_id(rp.provider))
    path = strong.open_login(claims=json.dumps({"id_token": {"sub": {"value": sub}}}))
    assert strong.redeem(answer_of(strong.give_otp(path, password=None))["code"])["claims"]["sub"] == sub


def test_a_hint_of_a_pairwise_client_logs_out(rp: RelyingParty) -> None:
    hint = rp.tokens()["id_token"]
    asked = rp.browser.get("/logout", query_string={"id_token_hint": hint, "post_logout_redirect_uri": f"{RP}/one/"})
    left = rp.post(path_of(asked), page=path_of(asked), decision="confirm")
    assert left.headers["Location"] == f"{RP}/one/"
    assert error_of(rp.authorize(prompt="none")) == "login_required"


def test_sid_does_not_join_what_the_sectors_keep_apart(rp: RelyingParty) -> None:
    first = rp.tokens()["claims"]["sid"]
    same, elsewhere = (
        party.redeem(party.silent()["code"])["claims"]["sid"] for party in (other(rp, "two"), other(rp, "three"))
    )
    assert same == first != elsewhere
    with rp.provider.services.db.read() as tx:
        session = tx.sessions.find(
            rp.browser.get_cookie("__Host-sesame-session").value,  # type: ignore[union-attr]
            rp.provider.clock.now(),
            rp.provider.services.settings.session_idle,
        )
    assert session
    assert session.session_id not in (first, elsewhere)
    public = other(rp, "rp")
    assert public.redeem(public.silent()["code"])["claims"]["sid"] == session.session_id
