"""What an operator does about a registration: claims it, asks, approves or refuses; nobody decides twice."""

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest

from idp.domain.audit import EVENTS
from idp.domain.registration import Registration, RegistrationStatus
from idp.flows.operators import registrations as desk_of
from idp.flows.operators.desk import Desk
from idp.store.rpps_extract import Registered
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.registering import FORM, PROVEN, link_in, now_of, submit

Act = Callable[[Provider, Desk, Registration], None]
APPROVE: Act = lambda p, desk, r: desk_of.approve(p.services, desk, r.registration_id, r.version)  # noqa: E731
REFUSE: Act = lambda p, desk, r: desk_of.refuse(p.services, desk, r.registration_id, r.version, "Non")  # noqa: E731
ASK: Act = lambda p, desk, r: desk_of.ask(p.services, desk, r.registration_id, r.version, "Quoi ?")  # noqa: E731
RELEASE: Act = lambda p, desk, r: desk_of.release(desk, r.registration_id, r.version)  # noqa: E731
ACTS = pytest.mark.parametrize("act", [APPROVE, REFUSE, ASK, RELEASE], ids=["approve", "refuse", "ask", "release"])


def desk(provider: Provider, name: str = "claire") -> Desk:
    return Desk(provider.services.db, provider.clock, provider.services.registry, name)


def claimed(provider: Provider, name: str = "claire", **changes: Any) -> Registration:
    made = submit(provider, **changes)
    desk_of.claim(desk(provider, name), made.registration_id, made.version)
    return now_of(provider, made.registration_id)


@ACTS
def test_nobody_decides_what_they_did_not_claim(provider: Provider, act: Act) -> None:
    made = submit(provider)
    with pytest.raises(desk_of.NotClaimed):
        act(provider, desk(provider), made)
    with pytest.raises(desk_of.NotClaimed):
        act(provider, desk(provider, "nadia"), claimed(provider))
    assert provider.mails() == []


@ACTS
def test_what_changed_since_it_was_looked_at_is_not_decided(provider: Provider, act: Act) -> None:
    seen = claimed(provider)
    desk_of.ask(provider.services, desk(provider), seen.registration_id, seen.version, "Quel service ?")
    with pytest.raises(desk_of.Changed):
        act(provider, desk(provider), seen)
    assert len(provider.mails()) == 1


@ACTS
def test_nothing_is_done_about_what_was_decided(provider: Provider, act: Act) -> None:
    seen = claimed(provider)
    REFUSE(provider, desk(provider), seen)
    with pytest.raises(desk_of.Changed):
        act(provider, desk(provider), now_of(provider, seen.registration_id))


def test_an_unknown_one_is_not_there(provider: Provider) -> None:
    with pytest.raises(desk_of.Changed):
        desk_of.claim(desk(provider), "nothing", 1)


@pytest.mark.parametrize(
    "own",
    [
        {"email": "claire@chu.example"},
        {"form": {**FORM, "rpps": "10000000025"}},
        {"proven": {**PROVEN, "value": "10000000025"}},
        {"proven": {**PROVEN, "related": [["rpps", "10000000025"]]}},
        {"form": {**FORM, "family_name": "DUPONT", "given_name": "Claire Marie"}},
    ],
    ids=["address", "typed", "proven", "related", "names"],
)
def test_operators_have_no_say_in_their_own(provider: Provider, own: dict[str, Any]) -> None:
    provider.add_account("claire", rpps="10000000025")
    made = submit(provider, **own)
    with pytest.raises(desk_of.NotYours):
        desk_of.claim(desk(provider), made.registration_id, made.version)
    desk_of.claim(desk(provider, "nadia"), made.registration_id, made.version)


def test_taken_over_from_a_colleague(provider: Provider) -> None:
    seen = claimed(provider)
    desk_of.claim(desk(provider, "nadia"), seen.registration_id, seen.version)
    with pytest.raises(desk_of.NotClaimed):
        APPROVE(provider, desk(provider), seen)
    event = provider.events("registration.claimed")[0]
    assert (event.actor, event.subject, event.detail) == (
        "operator:nadia",
        seen.registration_id,
        {"taken_from": "claire"},
    )


def test_a_refusal_tells_the_reason_and_makes_nothing(provider: Provider) -> None:
    seen = claimed(provider)
    desk_of.refuse(provider.services, desk(provider), seen.registration_id, seen.version, " Structure\r\ninconnue ")
    letter = provider.mails()[-1]
    assert letter.to == seen.email
    assert "Structure\ninconnue" in letter.text
    assert "/inscription/" not in letter.text
    found = now_of(provider, seen.registration_id)
    assert (found.status, found.reason) == (RegistrationStatus.REFUSED, "Structure\ninconnue")
    event = provider.events("registration.refused")[0]
    assert "inconnue" not in str(event)


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 2001, "\u202e\u200b\x00"])
def test_a_reason_and_a_question_say_something(provider: Provider, text: str) -> None:
    seen = claimed(provider)
    for act in (desk_of.refuse, desk_of.ask):
        with pytest.raises(desk_of.BadText):
            act(provider.services, desk(provider), seen.registration_id, seen.version, text)
    assert now_of(provider, seen.registration_id) == seen
    assert provider.mails() == []


def test_what_is_written_cannot_hide_or_be_markup(provider: Provider) -> None:
    seen = claimed(provider)
    text = "<script>alert(1)</script>\u202e {{ 7*7 }}"
    desk_of.refuse(provider.services, desk(provider), seen.registration_id, seen.version, text)
    letter = provider.mails()[-1]
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 7*7 }}" in letter.html
    assert "\u202e" not in letter.html + letter.text


def test_approved_in_the_language_of_the_person(provider: Provider) -> None:
    seen = claimed(provider, lang="en")
    APPROVE(provider, desk(provider), seen)
    letter = provider.mails()[-1]
    assert "accepted" in letter.subject
    assert link_in(provider) in letter.html
    found = now_of(provider, seen.registration_id)
    assert found.token_digest not in (None, link_in(provider).rpartition("/")[2])
    assert (found.decided_by, found.decided_at) == ("claire", provider.clock.now())


def test_a_new_link_by_one_press(provider: Provider) -> None:
    seen = claimed(provider)
    APPROVE(provider, desk(provider), seen)
    first = link_in(provider)
    provider.clock.advance(days=30)
    version = now_of(provider, seen.registration_id).version
    desk_of.resend(provider.services, desk(provider, "nadia"), seen.registration_id, version)
    assert link_in(provider) != first
    assert provider.browser().get(first).status_code == 410
    assert provider.browser().get(link_in(provider)).status_code == 200
    with pytest.raises(desk_of.Changed):  # pressed twice
        desk_of.resend(provider.services, desk(provider, "nadia"), seen.registration_id, version)
    made = submit(provider)
    with pytest.raises(desk_of.Changed):  # nothing was approved
        desk_of.resend(provider.services, desk(provider), made.registration_id, made.version)


def test_the_birthday_is_shown_to_whoever_claimed_it_and_that_is_noted(provider: Provider) -> None:
    seen = claimed(provider)
    with pytest.raises(desk_of.NotClaimed):
        desk_of.birth(provider.services, desk(provider, "nadia"), seen.registration_id)
    assert provider.events("registration.birth_seen") == []
    assert desk_of.birth(provider.services, desk(provider), seen.registration_id) == "17/05"
    event = provider.events("registration.birth_seen")[0]
    assert (event.actor, event.subject) == ("operator:claire", seen.registration_id)
    assert desk_of.birth(provider.services, desk(provider), claimed(provider, birth=None).registration_id) == ""


@pytest.mark.parametrize(
    ("names", "changes", "outcome"),
    [
        (("PIERRE", "ANNE"), {}, "found"),
        (("PIERRE", "ANNE MARIE"), {}, "found"),
        (("PIERRE", "MARIE"), {}, "differs"),
        (("DURAND", "ANNE"), {}, "differs"),
        (None, {}, "absent"),
        (("PIERRE", "ANNE"), {"form": {**FORM, "rpps": ""}}, "no_number"),
        (("PIERRE", "ANNE"), {"form": {**FORM, "rpps": "10000000025"}, "proven": PROVEN}, "found"),
    ],
)
def test_what_the_register_says(
    provider: Provider, names: tuple[str, str] | None, changes: dict[str, Any], outcome: str
) -> None:
    made = submit(provider, **changes)
    with provider.services.db.write() as tx:
        assert desk_of.register(tx, made).outcome == ("no_number" if outcome == "no_number" else "no_extract")
        lines = [Registered("10000000033", "ROUX", "PAUL"), *([Registered("10000000017", *names)] if names else [])]
        tx.rpps_extract.put(lines, provider.clock.now())
        assert desk_of.register(tx, made).outcome == outcome


def test_of_two_operators_at_once_one_decides(provider: Provider) -> None:
    """One approves in a window, and refuses in another; the letters tell what was decided."""
    seen, got = claimed(provider), list[str]()
    barrier = Barrier(4)

    def decide(act: Act) -> None:
        barrier.wait(10)
        try:
            act(provider, desk(provider), seen)
            got.append("done")
        except desk_of.Changed:
            got.append("late")

    threads = [Thread(target=decide, args=(act,)) for act in (APPROVE, REFUSE, APPROVE, REFUSE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(got) == ["done", "late", "late", "late"]
    assert len(provider.mails()) == 1


def test_no_event_and_no_letter_tells_what_it_should_not(provider: Provider) -> None:
    seen = claimed(provider)
    ASK(provider, desk(provider), seen)
    APPROVE(provider, desk(provider), now_of(provider, seen.registration_id))
    token = link_in(provider).rpartition("/")[2]
    said = str([event for event in provider.events() if event.name in EVENTS])
    for secret in (token, "17/05", FORM["rpps"], seen.email or "", PASSWORD, "Pierre"):
        assert secret not in said
    assert PASSWORD not in "".join(mail.text + mail.html for mail in provider.mails())
