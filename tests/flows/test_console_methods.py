"""The console: a method is suspended for every service, after a fresh proof, and restored."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from werkzeug.test import TestResponse

from idp.domain.authn import Assurance
from idp.domain.suspension import MethodSuspension
from tests.fakes.console import Console, enter, send
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, path_of
from tests.fakes.suspending import restore, suspend

LIST, PAGE = "/console/policies", "/console/methods"
TOTP, OTP = f"{PAGE}/totp/suspend", f"{PAGE}/email_otp/suspend"
REASON = "faille en cours d'analyse"


@pytest.fixture
def console(start: Callable[..., Provider]) -> Console:
    made = Console.start(start, methods=("email_otp", "password", "totp"))
    made.provider.add_client("ror", methods=("totp", "email_otp"))
    made.provider.add_client("applications", methods=("totp",))
    made.provider.add_client("codes", methods=("email_otp",))
    made.provider.clock.advance(seconds=1)
    made.provider.set_policy("console", ("email_otp", "totp"), min_assurance=Assurance.MEDIUM)
    return made


@pytest.fixture
def rescued(start: Callable[..., Provider]) -> Console:
    """The console's policy lets an emergency code in, which the console then sends away."""
    made = Console.start(start, methods=("email_otp", "password", "emergency_code"))
    made.provider.clock.advance(seconds=1)
    made.provider.set_policy("console", ("email_otp", "emergency_code"), min_assurance=Assurance.MEDIUM)
    return made


@pytest.fixture
def owner(console: Console) -> RelyingParty:
    return console.of("root", ("policy_owner", "*"))


def recorded(console: Console) -> list[MethodSuspension]:
    with console.provider.services.db.read() as tx:
        return tx.method_suspensions.all()


def local(console: Console, **delta: float) -> str:
    """So long from now, as a person in France types it."""
    at = console.provider.clock.now() + timedelta(**delta)
    return at.astimezone(ZoneInfo("Europe/Paris")).strftime("%Y-%m-%dT%H:%M")


def typed(console: Console, **changes: str) -> dict[str, str]:
    return {"until": local(console, hours=2), "reason": REASON, **changes}


def confirm(console: Console, rp: RelyingParty, page: str = TOTP, **changes: str) -> TestResponse:
    """The form of the second page."""
    return send(rp, page, page, **typed(console, **changes), confirmed="yes")


# -- refusals ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "role", [("support", "*"), ("approver", "*"), ("auditor", "*"), ("policy_owner", "ror")], ids="-".join
)
def test_nobody_else_suspends_or_restores(console: Console, role: tuple[str, str]) -> None:
    other = console.of("karim", role)
    suspend(console.provider, "totp")
    for path in (TOTP, f"{PAGE}/totp/restore"):
        assert other.browser.get(path).status_code == 403
        csrf = csrf_of(other.browser.get("/console"))
        fields = {"csrf": csrf, **typed(console, until=local(console, days=3)), "confirmed": "yes"}
        assert other.browser.post(path, data=fields).status_code == 403
    (found,) = recorded(console)
    assert found.ended_at is None


def test_an_auditor_sees_which_are_suspended(console: Console) -> None:
    suspend(console.provider, "totp")
    text = unescape(console.auditor.browser.get(LIST).text)
    assert "Suspendu</span>" in text
    assert REASON in text
    assert PAGE not in text


def test_a_policy_shows_what_is_suspended_of_what_it_accepts(console: Console) -> None:
    auditor, now = console.auditor.browser, console.provider.clock.now()
    for hours in (0, 1, 3):  # in force instead of the fixture's, to come while it is suspended, and after
        console.provider.set_policy("ror", ("totp",), effective_from=now + timedelta(hours=hours))
    words = "Suspendu</span> <small>Jusqu'au"
    assert words not in unescape(auditor.get(f"{LIST}/ror").text)
    suspend(console.provider, "totp", timedelta(hours=2))
    assert unescape(auditor.get(f"{LIST}/ror").text).count(words) == 2
    assert unescape(auditor.get(LIST).text).count("Suspendu</span>") == 4, "the method, and three services"
    console.provider.clock.advance(hours=2)
    assert words not in unescape(auditor.get(f"{LIST}/ror").text)


def test_it_takes_a_fresh_proof(console: Console, owner: RelyingParty) -> None:
    csrf = csrf_of(owner.browser.get("/console"))
    console.provider.clock.advance(minutes=6)
    assert path_of(owner.browser.get(TOTP)).startswith("/login/")
    sent = owner.browser.post(TOTP, data={"csrf": csrf, **typed(console), "confirmed": "yes"})
    assert path_of(sent).startswith("/login/")
    assert recorded(console) == []


@pytest.mark.parametrize("confirmed", [{}, {"confirmed": "yes"}], ids=["first page", "second page"])
@pytest.mark.parametrize(
    "fields",
    [
        {"until": ""},
        {"until": "jeudi"},
        {"until": "2000-01-01T00:00"},
        {"until": "2999-01-01T00:00"},
        {"until": "2026-02-30T00:00"},
        {"until": "x" * 50_000},
        {"until": "\x00"},
        {"reason": ""},
        {"reason": " \n "},
        {"reason": "x" * 501},
        {"reason": "a\x00"},
        {"reason": "\u202eabc"},
        {"reason": "a\u200bb"},
    ],
    ids=lambda fields: ascii(next(iter(fields.items())))[:30],
)
def test_what_is_not_sound_is_refused(
    console: Console, owner: RelyingParty, fields: dict[str, str], confirmed: dict[str, str]
) -> None:
    response = send(owner, TOTP, TOTP, **typed(console, **fields), **confirmed)
    assert response.status_code == 422
    assert 'id="error-summary"' in response.text
    assert recorded(console) == []


def test_what_was_typed_is_text(console: Console, owner: RelyingParty) -> None:
    reason = "<script>alert(1)</script>"
    assert reason not in send(owner, TOTP, TOTP, **typed(console, reason=reason)).text
    assert confirm(console, owner, reason=reason).status_code == 303
    shown = owner.browser.get(LIST).text
    assert reason not in shown
    assert reason in unescape(shown)


def test_an_emergency_code_is_no_way_into_the_console(rescued: Console) -> None:
    owner = rescued.of("root", ("policy_owner", "*"))
    for fields in (typed(rescued), {**typed(rescued), "confirmed": "yes"}):
        response = send(owner, OTP, OTP, **fields)
        assert response.status_code == 422
        assert "sesame method suspend" in response.text
    assert recorded(rescued) == []


@pytest.mark.parametrize("method", ["unknown", "cps_card", "%00", "a" * 500])
def test_an_unknown_method_is_not_found(console: Console, owner: RelyingParty, method: str) -> None:
    for act in ("suspend", "restore"):
        assert owner.browser.get(f"{PAGE}/{method}/{act}").status_code == 404


def test_the_console_keeps_a_way_in(console: Console, owner: RelyingParty) -> None:
    suspend(console.provider, "totp")
    for fields in (typed(console), {**typed(console), "confirmed": "yes"}):
        response = send(owner, OTP, OTP, **fields)
        assert response.status_code == 422
        assert "sesame method suspend" in response.text
    password = send(owner, f"{PAGE}/password/suspend", f"{PAGE}/password/suspend", **typed(console))
    assert password.status_code == 422, "the first factor of all that is left"
    assert [each.method for each in recorded(console)] == ["totp"]
    restore(console.provider, "totp")
    assert "confirmed" in send(owner, OTP, OTP, **typed(console)).text


# -- what it does ------------------------------------------------------------------


def test_the_second_page_says_what_it_does(console: Console, owner: RelyingParty) -> None:
    text = unescape(send(owner, TOTP, TOTP, **typed(console)).text)
    closed, lessened = text.index("Plus personne ne pourra se connecter à"), text.index("Perdent ce mode")
    assert closed < text.index("Service applications") < lessened < text.index("Service ror")
    assert "Service codes" not in text
    assert "<dd>0</dd>" in text, "no session rests on it"
    assert "Aucun de vos autres moyens" not in text
    assert recorded(console) == []


def test_an_operator_is_told_before_they_lock_themselves_out(console: Console, owner: RelyingParty) -> None:
    text = unescape(send(owner, OTP, OTP, **typed(console)).text)
    assert "Aucun de vos autres moyens n'ouvre la console" in text
    assert "<dd>1</dd>" in text, "their own session"


def test_it_is_suspended_and_said(console: Console, owner: RelyingParty) -> None:
    response = confirm(console, owner)
    assert path_of(response) == LIST
    text = unescape(owner.browser.get(LIST).text)
    assert "est suspendu pour tous les services" in text
    assert f"{PAGE}/totp/restore" in text
    assert "Prolonger" in text
    (found,) = recorded(console)
    assert (found.method, found.reason, found.created_by) == ("totp", REASON, "root")
    assert timedelta(hours=1, minutes=58) < found.until - console.provider.clock.now() <= timedelta(hours=2)
    (event,) = console.provider.events("method.suspended")
    assert event.actor == "operator:root"
    assert (event.detail["method"], event.detail["reason"]) == ("totp", REASON)
    assert event.detail["until"] == found.until.isoformat()


def test_a_double_click_suspends_once(console: Console, owner: RelyingParty) -> None:
    csrf = csrf_of(owner.browser.get(TOTP))
    for _ in range(2):
        fields = {"csrf": csrf, **typed(console), "confirmed": "yes"}
        assert path_of(owner.browser.post(TOTP, data=fields)) == LIST
    assert "rien n'a été changé" in unescape(owner.browser.get(LIST).text)
    assert len(recorded(console)) == len(console.provider.events("method.suspended")) == 1


def test_it_is_extended_and_not_shortened(console: Console, owner: RelyingParty) -> None:
    confirm(console, owner)
    confirm(console, owner, until=local(console, hours=1))
    assert len(recorded(console)) == 1
    assert "prolonge sa suspension" in unescape(owner.browser.get(TOTP).text)
    confirm(console, owner, until=local(console, days=2))
    assert len(recorded(console)) == 2
    console.provider.clock.advance(minutes=1)
    page = f"{PAGE}/totp/restore"
    assert path_of(send(owner, page, page)) == LIST
    assert all(each.ended_by == "root" for each in recorded(console))


def test_it_is_restored_once(console: Console, owner: RelyingParty) -> None:
    suspend(console.provider, "totp")
    page = f"{PAGE}/totp/restore"
    console.provider.clock.advance(seconds=1)
    csrf = csrf_of(owner.browser.get(page))
    for _ in range(2):
        assert path_of(owner.browser.post(page, data={"csrf": csrf})) == LIST
    text = unescape(owner.browser.get(LIST).text)
    assert "Ce mode n'est plus suspendu" in text
    assert "Suspensions passées" in text
    assert REASON in text
    (event,) = console.provider.events("method.restored")
    assert (event.actor, event.detail["method"]) == ("operator:root", "totp")
    assert path_of(owner.browser.get(page)) == LIST, "nothing is left to be restored"


def test_whoever_came_in_by_it_is_asked_again(console: Console, owner: RelyingParty) -> None:
    assert path_of(confirm(console, owner, OTP)) == LIST
    away = path_of(owner.browser.get(LIST))
    assert away.startswith("/authorize"), "their session rests on it"
    path = path_of(owner.browser.get(away))
    assert "est suspendue jusqu'au" in unescape(owner.browser.get(path).text)
    restore(console.provider, "email_otp")
    console.provider.clock.advance(seconds=1)
    assert enter(console.provider, "root", LIST)


def test_a_policy_of_the_console_that_is_suspended_anyway_is_refused(console: Console, owner: RelyingParty) -> None:
    """Whoever records it must get in by it now, and not by what they proved before."""
    provider, page = console.provider, f"{LIST}/console/new"
    cookie = owner.browser.get_cookie("__Host-sesame-session")
    assert cookie
    with provider.services.db.write() as tx:
        session = tx.sessions.find(cookie.value, provider.clock.now(), timedelta(minutes=30))
        assert session
        tx.sessions.add_proof(session.session_id, replace(session.proofs[0], method="totp"))
    csrf = csrf_of(owner.browser.get(page))
    suspend(provider, "totp")
    fields = {"place-totp": "1", "after-totp": "password", "level": "MEDIUM", "reason": "x"}
    response = owner.browser.post(page, data={"csrf": csrf, **fields})
    assert response.status_code == 422
    assert "venez d'entrer" in unescape(response.text)
