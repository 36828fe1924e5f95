"""What was said of a person, in the login where it was said: it counts for the identity that was proven with it."""

from dataclasses import replace

from idp.domain.authn import Assurance, IdentityRef, Proof
from idp.domain.interaction import Interaction
from idp.domain.practice import Practice
from tests.fakes import samples
from tests.fakes.clock import START

SAID = Practice({"SubjectRole": ["10^1.2"]})
PROOF = Proof("psc", IdentityRef("rpps", "10003456786"), Assurance.HIGH, ("mfa",), START, "psc")
LOGIN = Interaction("handle", samples.request(), "browser", START)


def test_it_is_not_anybody_elses() -> None:
    noted = LOGIN.with_practice(PROOF, SAID)
    assert noted.practice_of(PROOF) == SAID
    for other in (
        replace(PROOF, identity=IdentityRef("rpps", "10003456802")),
        replace(PROOF, identity=IdentityRef("employee", "10003456786")),
        replace(PROOF, method="cps_card"),
    ):
        assert noted.practice_of(other) is None


def test_a_means_that_proves_no_national_identity_has_no_say() -> None:
    typed = replace(PROOF, method="password", identity=IdentityRef("login_name", "anne.pierre"))
    assert LOGIN.with_practice(typed, SAID).practices == {}


def test_a_means_that_says_nothing_changes_nothing() -> None:
    assert LOGIN.with_practice(PROOF, None) is LOGIN
    assert LOGIN.practice_of(PROOF) is None


def test_it_lives_as_long_as_the_login() -> None:
    noted = LOGIN.with_practice(PROOF, SAID)
    assert Interaction.from_json("handle", 0, noted.to_json()) == noted
    data = {name: value for name, value in LOGIN.to_json().items() if name != "practices"}
    assert Interaction.from_json("handle", 0, data) == LOGIN  # of a process that did not know of it
