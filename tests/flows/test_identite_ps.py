"""The scope `identite_ps`: what a service is told of a professional, and who said so."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from demo.look_alike import ANNE as RPPS
from demo.pro_sante_connect.people import LEA, PEOPLE
from idp.domain.authn import IdentityRef
from idp.domain.practice import Asserted, Practice
from idp.flows.oidc.professional import PROFESSIONAL
from tests.fakes.federated import PSC, through
from tests.fakes.holder import Holder
from tests.fakes.linking import answer
from tests.fakes.portal import enter
from tests.fakes.professional import OF_PRACTICE, SCOPE, TODAY, info, lea, stored, told, told_by_card, with_both
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of
from tests.fakes.upstream import FakeUpstream


@pytest.fixture
def provider(start: Callable[..., Provider], tmp_path: Path, psc: FakeUpstream) -> Provider:
    return with_both(start, tmp_path, psc)


# -- told --------------------------------------------------------------------------------------------


def test_a_doctor_with_several_activities(provider: Provider, psc: FakeUpstream) -> None:
    lea(provider)
    said, found = PEOPLE["lea"].claims, told(provider, psc)
    assert [len(each["activities"]) for each in found["SubjectRefPro"]["exercices"]] == [2, 1]
    assert {name: found[name] for name in ("SubjectNameID", "otherIds", *OF_PRACTICE)} == {
        name: said[name] for name in ("SubjectNameID", "otherIds", *OF_PRACTICE)
    }
    by_psc, by_support = {"origine": PSC, "date": TODAY}, {"origine": "support", "date": TODAY}
    assert found["identite_ps_origine"] == {
        "SubjectNameID": by_support,
        "rpps": by_support,
        "otherIds": {f"8{LEA}": by_support},
        **dict.fromkeys(OF_PRACTICE, by_psc),
    }


def test_a_card_says_the_profession_and_no_more(provider: Provider) -> None:
    provider.add_account("anne.pierre", rpps=RPPS)
    found = told_by_card(provider)
    assert found["SubjectRole"] == ["10^1.2.250.1.71.1.2.7"]
    assert found["identite_ps_origine"]["SubjectRole"] == {"origine": "carte", "date": TODAY}
    assert found.keys().isdisjoint(set(OF_PRACTICE) - {"SubjectRole"})


def test_of_card_and_upstream_the_newer_says_what_both_say(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre", rpps=RPPS)
    first = told(provider, psc, "anne")
    provider.clock.advance(days=1)
    second = told_by_card(provider)
    assert second["SubjectRole"] == ["10^1.2.250.1.71.1.2.7"]
    assert second["SubjectRefPro"] == first["SubjectRefPro"]
    assert second["identite_ps_origine"]["SubjectRole"] == {"origine": "carte", "date": "2026-11-03"}
    assert second["identite_ps_origine"]["SubjectRefPro"] == {"origine": PSC, "date": TODAY}
    provider.clock.advance(days=1)
    third = told(provider, psc, "anne")
    assert third["SubjectRole"] == first["SubjectRole"]
    assert third["identite_ps_origine"]["SubjectRole"] == {"origine": PSC, "date": "2026-11-04"}


def test_an_upstream_replaces_what_it_said_before(provider: Provider, psc: FakeUpstream) -> None:
    account = provider.add_account("anne.pierre", rpps=RPPS)
    told(provider, psc, "anne")
    psc.behaviour.become(userinfo=dict.fromkeys(OF_PRACTICE))
    assert told(provider, psc, "anne").keys().isdisjoint(OF_PRACTICE)
    assert stored(provider, account) == {PSC: {}}


def test_the_first_login_of_who_is_linked_by_two_factors(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre")
    rp = RelyingParty(provider, "both")
    path = rp.open_login(scope=SCOPE)
    through(rp, psc, path, "anne")
    rp.give_otp(path)
    answer(rp, path)
    found = info(rp, answer_of(rp.browser.get(path))["code"])
    assert found["SubjectRefPro"] == PEOPLE["anne"].claims["SubjectRefPro"]
    assert found["identite_ps_origine"]["SubjectNameID"] == {"origine": PSC, "date": TODAY}


def test_an_adeli_number_and_the_identifier_of_an_employee(provider: Provider) -> None:
    now = provider.clock.now()
    for login, refs, told_id, others in (
        ("old.one", [IdentityRef("adeli", "336012345")], "0336012345", ["ADELI"]),
        ("both.one", [IdentityRef("adeli", "336012346"), IdentityRef("rpps", RPPS)], f"8{RPPS}", ["RPPS", "ADELI"]),
        ("staff.one", [IdentityRef("employee", "3330000001/4711")], "3330000001/4711", []),
    ):
        account = provider.add_account(login)
        with provider.services.db.write() as tx:
            for ref in refs:
                tx.means.add_identity(account.account_id, ref, "cps_card", now)
        rp = RelyingParty(provider, "rp")
        found = info(rp, answer_of(rp.give_password(rp.open_login(scope=SCOPE), login, PASSWORD))["code"])
        assert found["SubjectNameID"] == told_id
        assert found["identite_ps_origine"]["SubjectNameID"]["origine"] == "carte"
        assert [each["origine"] for each in found.get("otherIds", [])] == others
        assert all(each["qualite"] == 1 for each in found.get("otherIds", []))


def test_claims_by_name_and_what_is_too_long_for_an_id_token(provider: Provider, psc: FakeUpstream) -> None:
    lea(provider)
    asked = {"SubjectRole": None, "SubjectRefPro": {"essential": True}, "identite_ps_origine": None}
    rp = RelyingParty(provider, "both")
    path = rp.open_login(scope="openid", claims=json.dumps({"id_token": asked, "userinfo": asked}))
    tokens = rp.redeem(answer_of(through(rp, psc, path, "lea"))["code"])
    found = rp.userinfo(tokens["access_token"]).json or {}
    assert found.keys() == {"sub", *asked}
    assert found["identite_ps_origine"].keys() == {"SubjectRole", "SubjectRefPro"}
    assert tokens["claims"]["SubjectRole"] == found["SubjectRole"]
    assert tokens["claims"]["identite_ps_origine"].keys() == {"SubjectRole"}
    assert "SubjectRefPro" not in tokens["claims"]
    rp = RelyingParty(provider, "both")
    tokens = rp.redeem(answer_of(through(rp, psc, rp.open_login(scope=SCOPE), "lea"))["code"])
    assert tokens["claims"].keys().isdisjoint(PROFESSIONAL)


def test_discovery_names_the_scope_and_every_claim(provider: Provider) -> None:
    document = provider.browser().get("/.well-known/openid-configuration").json or {}
    assert "identite_ps" in document["scopes_supported"]
    assert set(PROFESSIONAL) <= set(document["claims_supported"])


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("fr", "structures, activités et coordonnées professionnelles"),
        ("en", "activities and professional contact details"),
    ],
)
def test_the_consent_says_it(provider: Provider, lang: str, words: str) -> None:
    provider.add_account("anne.pierre")
    provider.add_client("asking", consent="always")
    rp = RelyingParty(provider, "asking")
    path = rp.open_login(scope=SCOPE, ui_locales=lang)
    rp.give_password(path)
    assert words in rp.browser.get(path).text


# -- to the person -----------------------------------------------------------------------------------


def test_the_portal_says_the_profession_and_who_said_it(provider: Provider, psc: FakeUpstream) -> None:
    lea(provider)
    holder = Holder.signed_in(provider, "lea.martin")
    assert "Profession" not in holder.browser.get("/compte/personal").text
    told(provider, psc)
    page = holder.browser.get("/compte/personal").text
    assert "Médecin, Pharmacien" in page
    assert "Selon Pro Santé Connect, le 2 novembre 2026" in page


def test_the_file_of_the_person_has_all_of_it(provider: Provider, psc: FakeUpstream) -> None:
    lea(provider)
    told(provider, psc)
    export = "/compte/account/export"
    provider.clock.advance(seconds=1)
    provider.set_policy("portail", (PSC,))
    rp = enter(provider, lambda rp, path: through(rp, psc, path, "lea"), page=export)
    (row,) = json.loads(rp.post(export, page=export).text)["practices"]
    assert (row["origin"], row["claims"]["SubjectRefPro"]) == (PSC, PEOPLE["lea"].claims["SubjectRefPro"])
    assert row["asserted_at"].startswith(TODAY)


def test_what_a_support_desk_or_another_method_says_is_named_by_its_origin(provider: Provider) -> None:
    account = provider.add_account("anne.pierre", rpps=RPPS)
    with provider.services.db.write() as tx:
        said = Practice({"SubjectRole": ["10^1"], "SubjectOrganization": "CH"})
        tx.practices.put(account.account_id, Asserted("support", said, provider.clock.now()))
    rp = RelyingParty(provider, "rp")
    found = info(rp, rp.login(scope=SCOPE)["code"])
    assert found["identite_ps_origine"]["SubjectOrganization"] == {"origine": "support", "date": TODAY}
