"""What the claims of an upstream are taken for: level, `amr`, names, identities, and when somebody signed in there."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from demo.look_alike import ANNE as RPPS
from demo.pro_sante_connect.behaviour import Switch
from demo.pro_sante_connect.people import KARIMS_ADELI
from idp.domain.authn import Assurance, IdentityRef
from idp.domain.means import Person
from tests.fakes.clock import START
from tests.fakes.federated_method import code_of, come_back, context, done, leave, login
from tests.fakes.upstream import FakeUpstream, sandbox

pytestmark = pytest.mark.embedded  # asks nothing of a store

NOW = int(START.timestamp())
LOW = {"assurance": "LOW", "amr": ("pwd",)}


# -- level ---------------------------------------------------------------------------------------


def test_an_unknown_mode_is_worth_the_least(psc: FakeUpstream) -> None:
    psc.behaviour.become(Switch.MODE_UNKNOWN)
    assert done(login(psc)).proof.assurance is Assurance.SUBSTANTIAL


def test_a_missing_acr_is_accepted_and_recorded_as_missing(psc: FakeUpstream) -> None:
    psc.behaviour.become(Switch.ACR_MISSING)
    assert done(login(psc)).proof.evidence["upstream_acr"] == ""


def test_an_acr_that_is_missing_is_refused_where_a_setting_says_so() -> None:
    strict = FakeUpstream(acr_if_missing="")
    strict.behaviour.become(Switch.ACR_MISSING)
    assert code_of(login(strict)) == "acr_missing"


@pytest.mark.parametrize("said", [["hwk", "invented", 5, "pin", "hwk"], ["hwk", "pin"]])
def test_registered_amr_are_passed_on_and_others_are_not(psc: FakeUpstream, said: Any) -> None:
    psc.behaviour.become(id_token={"amr": said})
    assert done(login(psc)).proof.amr == ("hwk", "pin")


@pytest.mark.parametrize("said", [["invented"], "pin", None, [], {"pin": 1}, [["pin"], {}]])
def test_an_amr_that_says_nothing_leaves_it_to_the_settings(psc: FakeUpstream, said: Any) -> None:
    psc.behaviour.become(id_token={"amr": said})
    assert done(login(psc)).proof.amr == ("sc", "mfa")


@pytest.mark.parametrize(
    ("said", "mode", "amr"),
    [
        (["pwd"], "CARD", ("sc", "mfa")),
        (["okta_verify", "pwd"], "MOBILE", ("mfa",)),
        (["pwd", "pwd"], "MOBILE", ("mfa",)),
        (["pwd", "otp"], "MOBILE", ("pwd", "otp")),
        (["mfa"], "CARD", ("mfa",)),
    ],
)
def test_one_factor_does_not_bear_out_a_level_of_two(
    psc: FakeUpstream, said: list[str], mode: str, amr: tuple[str, ...]
) -> None:
    psc.behaviour.become(id_token={"amr": said})
    assert done(login(psc, mode=mode)).proof.amr == amr


def test_one_factor_is_passed_on_where_the_level_is_low() -> None:
    low = FakeUpstream(otherwise=LOW)
    low.behaviour.become(id_token={"amr": ["otp"]})
    assert done(login(low, mode="MOBILE")).proof.amr == ("otp",)


# -- what is signed, and what need not be --------------------------------------------------------


def test_the_id_token_goes_before_userinfo(psc: FakeUpstream) -> None:
    psc.behaviour.become(id_token={"authMode": "MOBILE", "given_name": "Anna"}, userinfo={"family_name": "AUTRE"})
    step = done(login(psc, mode="CARD"))
    assert (step.proof.assurance, step.proof.evidence["upstream_mode"]) == (Assurance.SUBSTANTIAL, "MOBILE")
    assert step.person == Person("Anna", "PIERRE")


def test_what_the_id_token_leaves_out_or_empty_userinfo_says(psc: FakeUpstream) -> None:
    psc.behaviour.become(id_token={"authMode": "", "given_name": "", "family_name": None, "SubjectNameID": ""})
    step = done(login(psc, mode="CARD"))
    assert (step.proof.assurance, step.person) == (Assurance.HIGH, Person("Anne", "PIERRE"))


def test_two_people_in_one_answer_are_refused(psc: FakeUpstream) -> None:
    psc.behaviour.become(id_token={"SubjectNameID": f"0{KARIMS_ADELI}"})
    assert code_of(login(psc)) == "other_subject"
    psc.behaviour.become(id_token={"SubjectNameID": f"8{RPPS}"})
    psc.pages.delete_cookie("psc_session")
    done(login(psc))


# -- identities ----------------------------------------------------------------------------------


def test_whoever_they_are_there_the_national_identifier_counts(psc: FakeUpstream) -> None:
    psc.behaviour.become(Switch.UUID_SUBJECT)
    assert done(login(psc)).proof.identity == IdentityRef("rpps", RPPS)


def test_an_adeli_number_and_missing_names_are_read(psc: FakeUpstream) -> None:
    assert done(login(psc, "adeli")).proof.identity == IdentityRef("adeli", KARIMS_ADELI)
    psc.pages.delete_cookie("psc_session")
    assert done(login(psc, "sparse")).person == Person("", "")


@pytest.mark.parametrize(
    ("identifier", "origin", "related"),
    [
        (KARIMS_ADELI, "ADELI", (IdentityRef("adeli", KARIMS_ADELI),)),
        (f"0{KARIMS_ADELI}", "ADELI", (IdentityRef("adeli", KARIMS_ADELI),)),
        (f"0{KARIMS_ADELI}", "RPPS", ()),
        (f"8{RPPS}", "ADELI", ()),
        ("3330000001/4711", "RPPS", ()),
        ("3330000001/4711", "ADELI", ()),
        ("ANS20210107161422", "EDIT", ()),
        (f"8{RPPS}", "RPPS", ()),  # themselves
    ],
)
def test_another_identifier_is_what_its_origin_says(
    psc: FakeUpstream, identifier: str, origin: str, related: tuple[IdentityRef, ...]
) -> None:
    psc.behaviour.become(userinfo={"otherIds": [{"identifiant": identifier, "origine": origin, "qualite": 1}]})
    assert done(login(psc)).related == related


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("ANS20210107161422", True),
        ("AB12345678", True),
        ("ABCDEF12345678", False),
        ("A12345678", False),
        ("ANS1234567", False),
        ("ans20210107161422", False),
        ("810000000000", False),  # an RPPS number whose key is wrong
        ("910000000000", False),  # a student
        ("anybody", False),
    ],
)
def test_a_test_identity_has_a_form_of_its_own(value: str, is_one: bool) -> None:
    psc = sandbox()
    psc.behaviour.become(userinfo={"SubjectNameID": value})
    if is_one:
        assert done(login(psc)).proof.identity == IdentityRef("employee", value)
    else:
        assert code_of(login(psc)) == "identity_malformed"


# -- when ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auth_time", "at"),
    [
        (NOW - 7200, START - timedelta(hours=2)),
        (NOW - 86_400, START - timedelta(days=1)),  # however old
        (NOW + 3600, START),
        (10**30, START),
        (-(10**30), datetime(1970, 1, 1, tzinfo=UTC)),
        (None, START - timedelta(hours=4)),
    ],
)
def test_a_proof_is_as_old_as_the_login_there(psc: FakeUpstream, auth_time: int | None, at: datetime) -> None:
    ctx = context(psc)
    ctx.now = START
    psc.behaviour.become(id_token={"auth_time": auth_time})
    assert done(come_back(psc, ctx, psc.sign_in(leave(psc, ctx)))).proof.at == at


def test_how_long_a_session_there_may_last_is_a_setting() -> None:
    short = FakeUpstream(session_at_most_h=0.5)
    ctx = context(short)
    short.behaviour.become(id_token={"auth_time": None})
    step = done(come_back(short, ctx, short.sign_in(leave(short, ctx))))
    assert step.proof.at == ctx.now - timedelta(minutes=30)


@pytest.mark.parametrize("said", ["yesterday", 1.5, True, [NOW], str(NOW)])
def test_a_time_that_is_none_is_refused_although_no_age_was_asked(psc: FakeUpstream, said: Any) -> None:
    psc.behaviour.become(id_token={"auth_time": said})
    assert code_of(login(psc)) == "token_malformed"
