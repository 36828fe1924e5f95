"""The scope `identite_ps`: who is not told, what is not believed, and what ends with the account."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from demo.look_alike import ANNE as RPPS
from demo.pro_sante_connect.people import LEA, PEOPLE
from idp.domain.account import AccountStatus
from idp.flows.oidc.professional import PROFESSIONAL
from idp.flows.operators import accounts, contacts
from idp.store.practices import Practices
from tests.fakes.federated import PSC, leave, through
from tests.fakes.linking import answer
from tests.fakes.professional import OF_PRACTICE, SCOPE, info, lea, stored, told, with_both
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of
from tests.fakes.upstream import FakeUpstream


@pytest.fixture
def provider(start: Callable[..., Provider], tmp_path: Path, psc: FakeUpstream) -> Provider:
    return with_both(start, tmp_path, psc)


@pytest.mark.parametrize(("scope", "reads"), [("openid profile", 0), (SCOPE, 1)])
def test_without_the_scope_nothing_is_told_and_nothing_is_read(
    provider: Provider, psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch, scope: str, reads: int
) -> None:
    lea(provider)
    rp = RelyingParty(provider, "both")
    code = answer_of(through(rp, psc, rp.open_login(scope=scope), "lea"))["code"]
    with monkeypatch.context() as patched:
        read = {name: spy(patched, name) for name in ("of", "numbers")}
        token = rp.redeem(code)["access_token"]
        assert {name: len(calls) for name, calls in read.items()} == dict.fromkeys(read, reads)
        found = rp.userinfo(token).json or {}
        assert {name: len(calls) for name, calls in read.items()} == dict.fromkeys(read, reads)
    assert found.keys().isdisjoint(PROFESSIONAL) is not bool(reads)


def spy(patched: pytest.MonkeyPatch, name: str) -> list[str]:
    """Whom the repository is asked about."""
    calls: list[str] = []
    reads = getattr(Practices, name)

    def note(self: Practices, account_id: str) -> Any:
        calls.append(account_id)
        return reads(self, account_id)

    patched.setattr(Practices, name, note)
    return calls


@pytest.mark.parametrize("asked", [{}, {"claims": json.dumps({"userinfo": dict.fromkeys(PROFESSIONAL)})}])
def test_a_service_that_is_not_registered_with_it_is_told_nothing(
    provider: Provider, psc: FakeUpstream, asked: dict[str, str]
) -> None:
    lea(provider)
    found = told(provider, psc, client="name", scope="openid profile identite_ps", **asked)
    assert found["family_name"] == "Martin"
    assert found.keys().isdisjoint(PROFESSIONAL)


def test_an_account_without_a_national_identity_is_told_without_error(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    rp = RelyingParty(provider, "rp")
    assert info(rp, rp.login(scope=SCOPE)["code"]).keys() == {"sub"}


def test_what_a_profile_says_is_not_what_was_verified(provider: Provider) -> None:
    typed = dict.fromkeys(PROFESSIONAL, "typed") | {"adeli": "336012345"}
    provider.add_account("anne.pierre", profile=typed)
    rp = RelyingParty(provider, "rp")
    assert info(rp, rp.login(scope=SCOPE)["code"]).keys() == {"sub"}


def test_an_identity_that_support_takes_away_takes_all_of_it(provider: Provider, psc: FakeUpstream) -> None:
    account = lea(provider)
    rp = RelyingParty(provider, "both")
    token = rp.redeem(answer_of(through(rp, psc, rp.open_login(scope=SCOPE), "lea"))["code"])["access_token"]
    assert stored(provider, account)
    contacts.drop_identity(provider.desk, "lea.martin", "rpps", "another's")
    assert rp.userinfo(token).status_code == 401
    assert stored(provider, account) == {}
    by_password = RelyingParty(provider, "rp")
    code = answer_of(by_password.give_password(by_password.open_login(scope=SCOPE), "lea.martin"))["code"]
    assert info(by_password, code).keys() == {"sub"}


def test_a_closed_account_keeps_none(provider: Provider, psc: FakeUpstream) -> None:
    account = lea(provider)
    told(provider, psc)
    accounts.set_status(provider.desk, "lea.martin", AccountStatus.SUSPENDED, "asked")
    assert stored(provider, account)
    accounts.set_status(provider.desk, "lea.martin", AccountStatus.CLOSED, "asked")
    assert stored(provider, account) == {}


def test_what_did_not_count_is_not_kept(provider: Provider, psc: FakeUpstream) -> None:
    """It was shown beside a session of another account, until that is left."""
    anne, account = provider.add_account("anne.pierre", rpps=RPPS), lea(provider)
    rp = RelyingParty(provider, "both")
    rp.redeem(answer_of(through(rp, psc, rp.open_login(scope=SCOPE), "anne"))["code"])
    path = rp.open_login(scope=SCOPE, prompt="login")
    through(rp, psc, path, "lea")
    assert "continuer en tant que Léa Martin" in rp.browser.get(path).text
    assert stored(provider, account) == {}
    assert stored(provider, anne).keys() == {PSC}
    rp.post(f"{path}/account", page=path, choice="switch")
    assert stored(provider, account).keys() == {PSC}
    assert stored(provider, anne)[PSC]["SubjectRefPro"] == PEOPLE["anne"].claims["SubjectRefPro"]


def test_one_account_is_not_told_of_another(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre", rpps=RPPS)
    lea(provider)
    of_lea, of_anne = told(provider, psc), told(provider, psc, "anne")
    assert of_lea["SubjectRefPro"] == PEOPLE["lea"].claims["SubjectRefPro"]
    assert of_anne["SubjectRefPro"] == PEOPLE["anne"].claims["SubjectRefPro"]
    assert LEA not in json.dumps(of_anne)


HOSTILE: list[dict[str, Any]] = [
    {"SubjectRefPro": {"exercices": [{"activities": [[]] * 1000}]}},
    {"SubjectRefPro": {"exercices": [{}] * 1000}},
    {"SubjectRefPro": {"exercices": [{"codeProfession": "\x00"}, {"codeProfession": {"a": {"b": []}}}]}},
    {"SubjectRefPro": [[[[[[]]]]]], "SubjectRole": {"10": "x"}, "Secteur_Activite": 5},
    {"SubjectOrganization": "\ud800", "SubjectOrganizationID": "\x00", "Secteur_Activite": "x" * 1000},
]


@pytest.mark.parametrize("claims", HOSTILE)
def test_a_hostile_userinfo_signs_in_and_says_nothing(
    provider: Provider, psc: FakeUpstream, claims: dict[str, Any]
) -> None:
    provider.add_account("anne.pierre", rpps=RPPS)
    psc.behaviour.become(userinfo={**dict.fromkeys(OF_PRACTICE), **claims})
    found = told(provider, psc, "anne")
    assert found["SubjectNameID"] == f"8{RPPS}"
    practice = found.get("SubjectRefPro", {"exercices": []})
    assert all(each == {"activities": []} for each in practice["exercices"])
    assert found.keys().isdisjoint(set(OF_PRACTICE) - {"SubjectRefPro"})


def test_an_upstream_that_is_not_believed_about_it_says_nothing(start: Callable[..., Provider], tmp_path: Path) -> None:
    psc = FakeUpstream(practice=False)
    provider = with_both(start, tmp_path, psc)
    account = lea(provider)
    assert told(provider, psc).keys().isdisjoint(OF_PRACTICE)
    assert stored(provider, account) == {}


def test_a_login_that_is_not_finished_keeps_nothing(provider: Provider, psc: FakeUpstream) -> None:
    account = lea(provider)
    rp = RelyingParty(provider, "both")
    leave(rp, rp.open_login(scope=SCOPE))
    assert stored(provider, account) == {}


def test_who_declines_the_link_leaves_nothing(provider: Provider, psc: FakeUpstream) -> None:
    account = provider.add_account("anne.pierre")
    rp = RelyingParty(provider, "both")
    path = rp.open_login(scope=SCOPE)
    through(rp, psc, path, "anne")
    rp.give_otp(path)
    answer(rp, path, "no")
    found = info(rp, answer_of(rp.browser.get(path))["code"])
    assert found.keys() == {"sub"}
    assert stored(provider, account) == {}
