"""Policies in the console: seen and made by whoever looks after the service, and by nobody else."""

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from idp.domain.authn import Assurance
from idp.domain.policy import Policy, in_force
from tests.fakes.console import Console, send
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, path_of

PAGE = "/console/policies"
SOUND = {"place-email_otp": "1", "after-email_otp": "password", "level": "MEDIUM", "reason": "décision du comité"}


@pytest.fixture
def console(start: Callable[..., Provider]) -> Console:
    made = Console.start(start)
    for client_id in ("ror", "espace-pro"):
        made.provider.add_client(client_id)
    made.provider.clock.advance(seconds=1)
    return made


def policies_of(console: Console, client_id: str = "ror") -> list[Policy]:
    with console.provider.services.db.read() as tx:
        return tx.policies.of(client_id)


def make(console: Console, browser: RelyingParty, client_id: str = "ror", **fields: str) -> str:
    """Record a policy; where it leads."""
    page = f"{PAGE}/{client_id}/new"
    response = send(browser, page, page, **{**SOUND, **fields})
    assert response.status_code == 303, re.findall(r"<li>.*?</li>", response.text)
    return path_of(response)


def coming(console: Console) -> Policy:
    at = console.provider.clock.now() + timedelta(days=30)
    console.provider.set_policy("ror", ("email_otp",), effective_from=at)
    return policies_of(console)[-1]


@pytest.mark.parametrize("role", ["support", "approver"])
def test_other_roles_see_no_policy(console: Console, role: str) -> None:
    other = console.of("karim", (role, "*"))
    for path in (PAGE, f"{PAGE}/ror", f"{PAGE}/ror/new"):
        assert other.browser.get(path).status_code == 403


@pytest.mark.parametrize("client_id", ["ror", "espace-pro", "console", "portail", "unknown", "%00", "*", "a" * 500])
def test_whoever_looks_after_a_service_sees_that_one_alone(console: Console, client_id: str) -> None:
    owner, to_come = console.policy_owner("ror"), coming(console)
    wanted = 200 if client_id == "ror" else 404
    assert owner.browser.get(f"{PAGE}/{client_id}").status_code == wanted
    assert owner.browser.get(f"{PAGE}/{client_id}/new").status_code == wanted
    assert owner.browser.get(f"{PAGE}/{client_id}/{to_come.policy_id}/cancel").status_code == wanted
    csrf = csrf_of(owner.browser.get("/console"))
    if wanted == 404:
        for path in (f"{PAGE}/{client_id}/new", f"{PAGE}/{client_id}/{to_come.policy_id}/cancel"):
            assert owner.browser.post(path, data={"csrf": csrf, **SOUND}).status_code == 404
    listed = owner.browser.get(PAGE).text
    assert "Service ror" in listed
    assert "espace-pro" not in listed


def test_an_auditor_sees_all_and_changes_nothing(console: Console) -> None:
    to_come = coming(console)
    auditor = console.auditor
    text = auditor.browser.get(f"{PAGE}/ror").text
    assert "En vigueur" in text
    assert "À venir" in text
    assert f"{PAGE}/ror/new" not in text
    for path in (f"{PAGE}/ror/new", f"{PAGE}/ror/{to_come.policy_id}/cancel"):
        assert auditor.browser.get(path).status_code == 403
        csrf = csrf_of(auditor.browser.get("/console"))
        assert auditor.browser.post(path, data={"csrf": csrf, **SOUND}).status_code == 403
    assert policies_of(console)[-1].cancelled_at is None


def test_a_policy_from_now_on(console: Console) -> None:
    owner = console.policy_owner("ror")
    assert make(console, owner, **{"option-email_otp-lifetime_minutes": "5", "max_age": "60"}) == f"{PAGE}/ror"
    found = in_force(policies_of(console), console.provider.clock.now())
    assert found
    (entry,) = found.methods
    assert (entry.id, entry.after, dict(entry.options)) == ("email_otp", "password", {"lifetime_minutes": 5})
    assert (found.min_assurance, found.max_age) == (Assurance.MEDIUM, timedelta(hours=1))
    assert (found.created_by, found.reason) == ("owner.ror", "décision du comité")
    (event,) = [each for each in console.provider.events("policy.created") if each.actor == "operator:owner.ror"]
    assert event.client_id == "ror"


def test_methods_stand_in_the_order_that_was_chosen(console: Console) -> None:
    owner = console.policy_owner("ror")
    make(console, owner, **{"place-password": "1", "place-email_otp": "2", "level": "LOW"})
    assert [entry.id for entry in policies_of(console)[-1].methods] == ["password", "email_otp"]
    console.provider.clock.advance(seconds=1)
    shown = owner.browser.get(f"{PAGE}/ror/new").text
    assert re.search(r'name="place-password".*?<option selected>1</option>', shown)


def test_a_policy_of_a_date_to_come_is_cancelled(console: Console) -> None:
    owner, before = console.policy_owner("ror"), policies_of(console)
    make(console, owner, **{"from": "2999-07-01T00:00"})
    made = policies_of(console)[-1]
    assert made.effective_from.isoformat() == "2999-06-30T22:00:00+00:00"
    assert in_force(policies_of(console), console.provider.clock.now()) == before[-1]
    path = f"{PAGE}/ror/{made.policy_id}/cancel"
    assert path_of(send(owner, path, path)) == f"{PAGE}/ror"
    assert policies_of(console)[-1].cancelled_at
    csrf = csrf_of(owner.browser.get("/console"))
    assert path_of(owner.browser.post(path, data={"csrf": csrf})) == f"{PAGE}/ror"  # a double click
    assert "rien n&#39;a été annulé" in owner.browser.get(f"{PAGE}/ror").text
    assert len(console.provider.events("policy.cancelled")) == 1


def test_a_policy_in_force_is_not_cancelled(console: Console) -> None:
    owner, (current,) = console.policy_owner("ror"), policies_of(console)
    csrf = csrf_of(owner.browser.get("/console"))
    response = owner.browser.post(f"{PAGE}/ror/{current.policy_id}/cancel", data={"csrf": csrf})
    assert response.status_code == 303
    assert policies_of(console)[0].cancelled_at is None


def test_a_policy_of_another_service_is_not_cancelled_by_this_ones_address(console: Console) -> None:
    at = console.provider.clock.now() + timedelta(days=30)
    console.provider.set_policy("espace-pro", ("email_otp",), effective_from=at)
    other, owner = policies_of(console, "espace-pro")[-1], console.policy_owner("ror")
    csrf = csrf_of(owner.browser.get("/console"))
    for policy_id in (other.policy_id, uuid4()):
        path = f"{PAGE}/ror/{policy_id}/cancel"
        assert owner.browser.get(path).status_code == 404
        assert owner.browser.post(path, data={"csrf": csrf}).status_code == 404
    assert policies_of(console, "espace-pro")[-1].cancelled_at is None


HOSTILE = ("<script>alert(1)</script>", "x\x00", "\u202eabc", "-1", "9" * 400, "x" * 50_000)


@pytest.mark.embedded  # refused before anything is written
@pytest.mark.parametrize(
    "fields",
    [
        {"place-email_otp": ""},
        {"place-email_otp": "0"},
        {"place-email_otp": "x"},
        {"level": "NONE"},
        {"level": "HIGH"},
        {"reason": ""},
        {"from": "2000-01-01T00:00"},
        {"max_age": "0"},
        {"max_age": "1.5"},
        {"after-email_otp": "email_otp"},
        {"after-email_otp": "unknown"},
        {"option-email_otp-lifetime_minutes": "100000"},
        *({name: text} for text in HOSTILE for name in ("level", "from", "max_age", "after-email_otp")),
        *({"option-email_otp-lifetime_minutes": text} for text in HOSTILE),
        *({"reason": text} for text in HOSTILE[1:3] + HOSTILE[5:]),
        *({"notice": text} for text in HOSTILE[1:3] + HOSTILE[4:]),
    ],
)
def test_what_is_not_sound_is_refused_whole(console: Console, fields: dict[str, str]) -> None:
    owner, before = console.policy_owner("ror"), policies_of(console)
    page = f"{PAGE}/ror/new"
    response = send(owner, page, page, **{**SOUND, **fields})
    assert response.status_code == 422
    assert 'id="error-summary"' in response.text
    assert "<script>alert" not in response.text
    assert policies_of(console) == before


def test_a_form_that_says_nothing_is_refused(console: Console) -> None:
    owner, before = console.policy_owner("ror"), policies_of(console)
    page = f"{PAGE}/ror/new"
    assert send(owner, page, page).status_code == 422
    assert policies_of(console) == before


def test_the_console_is_not_opened_to_a_password(console: Console) -> None:
    owner, before = console.of("root", ("policy_owner", "*")), policies_of(console, "console")
    page = f"{PAGE}/console/new"
    response = send(owner, page, page, **{**SOUND, "level": "LOW", "place-password": "1"})
    assert response.status_code == 422
    assert policies_of(console, "console") == before


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"place-email_otp": "", "place-totp": "1", "after-totp": "password"}, "venez d&#39;entrer"),
        ({"option-email_otp-lifetime_minutes": "100000"}, "lifetime_minutes"),
        ({"after-email_otp": "email_otp"}, "ne peut pas être précédé"),
        ({"level": "HIGH"}, "atteint ce niveau"),
    ],
)
def test_the_console_is_not_closed_by_whoever_is_in_it(
    start: Callable[..., Provider], fields: dict[str, str], said: str
) -> None:
    console = Console.start(start, methods=["password", "email_otp", "totp"])
    console.provider.clock.advance(seconds=1)
    root, before = console.of("root", ("policy_owner", "*")), policies_of(console, "console")
    page = f"{PAGE}/console/new"
    response = send(root, page, page, **{**SOUND, **fields})
    assert response.status_code == 422
    assert said in response.text
    assert "ne peut pas être enregistrée" not in response.text
    assert policies_of(console, "console") == before
    assert make(console, root, "console", **{"place-totp": "2", "after-totp": "password"}) == f"{PAGE}/console"


def test_it_needs_a_fresh_proof_and_its_token(console: Console) -> None:
    owner, before = console.policy_owner("ror"), policies_of(console)
    assert owner.browser.post(f"{PAGE}/ror/new", data=SOUND).status_code == 403
    csrf = csrf_of(owner.browser.get(f"{PAGE}/ror/new"))
    console.provider.clock.advance(minutes=6)
    response = owner.browser.post(f"{PAGE}/ror/new", data={"csrf": csrf, **SOUND})
    assert path_of(response).startswith("/login/")
    assert policies_of(console) == before
