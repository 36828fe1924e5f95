"""Step 1 by Pro Santé Connect: what it says of profession, place and numbers, and how it is asked."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from idp.domain.authn import IdentityRef
from idp.methods.base import Done
from tests.fakes.federated import PSC, back, with_upstreams
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, path_of
from tests.fakes.signup import CODE, ENTRY, PERSONAL, Wizard, started
from tests.fakes.upstream import FakeUpstream


def test_pro_sante_connect_says_profession_and_place(start: Callable[..., Provider], psc: FakeUpstream) -> None:
    provider = with_upstreams(started(start), psc)
    rp = RelyingParty(provider, "psc")
    wizard = Wizard(provider)
    wizard.browser = rp.browser
    page = wizard.get(ENTRY)
    assert psc.wallet in page.headers["Content-Security-Policy"]
    away = path_of(wizard.post(ENTRY, choice=PSC))
    asked = parse_qs(urlsplit(away).query)  # a session of somebody else there is not used
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    assert path_of(back(rp, psc.sign_in(away, "camille"))) == PERSONAL
    found = wizard.registration()
    assert found.form["profession"] == "50"
    assert found.form["civility"] == "MME"
    assert found.form["practice_place"] == "MAISON"
    assert found.form["department"] == "87"
    assert found.locked >= {"family_name", "given_name", "rpps", "profession", "civility"}
    assert "practice_place" not in found.locked
    assert path_of(wizard.type(profession="10", practice_place="Ailleurs")) == CODE
    assert wizard.registration().form["profession"] == "50"
    assert wizard.registration().form["practice_place"] == "Ailleurs"


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ((IdentityRef("adeli", "759900001"),), [["adeli", "759900001"]]),
        ((IdentityRef("adeli", "759900001"), IdentityRef("adeli", "759900019")), []),
        ((IdentityRef("employee", "3330000001/4711"),), []),
        ((IdentityRef("rpps", "10000000017"),), []),
    ],
)
def test_other_numbers_count_as_at_a_login(
    start: Callable[..., Provider],
    psc: FakeUpstream,
    monkeypatch: pytest.MonkeyPatch,
    named: tuple[IdentityRef, ...],
    expected: list[list[str]],
) -> None:
    provider = with_upstreams(started(start), psc)
    callback = psc.method.callback

    def told(*args: Any) -> Any:
        done = callback(*args)
        assert isinstance(done, Done)
        return replace(done, related=named)

    monkeypatch.setattr(psc.method, "callback", told)
    rp = RelyingParty(provider, "psc")
    wizard = Wizard(provider)
    wizard.browser = rp.browser
    away = path_of(wizard.post(ENTRY, choice=PSC))
    assert path_of(back(rp, psc.sign_in(away, "camille"))) == PERSONAL
    found = wizard.registration()
    assert found.proven
    assert found.proven["related"] == expected
    assert ("adeli" in found.locked) == bool(expected)


def test_of_two_professions_the_person_says_which(start: Callable[..., Provider], psc: FakeUpstream) -> None:
    provider = with_upstreams(started(start), psc)
    rp = RelyingParty(provider, "psc")
    wizard = Wizard(provider)
    wizard.browser = rp.browser
    away = path_of(wizard.post(ENTRY, choice=PSC))
    assert path_of(back(rp, psc.sign_in(away, "lea"))) == PERSONAL
    found = wizard.registration()
    assert "profession" not in found.form
    assert "practice_place" not in found.form or found.form["practice_place"]


def test_an_upstream_that_is_down_says_so_on_the_first_step(start: Callable[..., Provider], psc: FakeUpstream) -> None:
    provider = with_upstreams(started(start), psc)
    psc.transport.is_slow = True
    wizard = Wizard(provider)
    response = wizard.post(ENTRY, choice=PSC)
    assert response.status_code == 200
    assert 'id="error-summary"' in response.text
    assert path_of(wizard.post(ENTRY, choice="none")) == PERSONAL
