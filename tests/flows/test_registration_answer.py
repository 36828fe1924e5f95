"""The answer to what the desk asked: by a link, once, while the registration waits."""

import pytest
from werkzeug.test import TestResponse

from idp.domain.registration import Registration
from idp.flows.operators import registrations as desk_of
from idp.flows.operators.desk import Desk
from tests.fakes.provider import Provider
from tests.fakes.registering import link_in, now_of, submit
from tests.fakes.relying_party import csrf_of, path_of


def desk(provider: Provider) -> Desk:
    return Desk(provider.services.db, provider.clock, provider.services.registry, "claire")


def asked(provider: Provider, text: str = "Quel service ?") -> tuple[Registration, str]:
    """A registration, and the path of the link to answer."""
    made = submit(provider)
    desk_of.claim(desk(provider), made.registration_id, 1)
    desk_of.ask(provider.services, desk(provider), made.registration_id, 2, text)
    return now_of(provider, made.registration_id), link_in(provider, "question")


def answer(provider: Provider, path: str, text: str) -> TestResponse:
    browser = provider.browser()
    return browser.post(path, data={"csrf": csrf_of(browser.get("/password/forgot")), "answer": text})


def said(provider: Provider, about: Registration) -> list[str]:
    with provider.services.db.read() as tx:
        return [message.text for message in tx.desk_messages.of(about.registration_id)]


def test_the_answer_is_kept_and_makes_the_desk_look_again(provider: Provider) -> None:
    about, path = asked(provider, "Quel <b>service</b> ?")
    assert "Quel &lt;b&gt;service&lt;/b&gt; ?" in provider.browser().get(path).text
    done = answer(provider, path, "Urgences\r\nadultes")
    assert path_of(done) == "/inscription/question/merci"
    assert provider.browser().get("/inscription/question/merci").status_code == 200
    assert said(provider, about)[1] == "Urgences\nadultes"
    assert now_of(provider, about.registration_id).version == about.version + 1
    event = provider.events("registration.answered")[0]
    assert (event.actor, event.subject) == ("anonymous", about.registration_id)
    assert "Urgences" not in str(event)


def test_answered_once(provider: Provider) -> None:
    about, path = asked(provider)
    answer(provider, path, "Urgences")
    assert answer(provider, path, "Autre").status_code == 410
    assert provider.browser().get(path).status_code == 410
    assert said(provider, about)[1:] == ["Urgences"]


@pytest.mark.parametrize(("seconds", "status"), [(-1, 303), (0, 410)])
def test_answered_within_fourteen_days(provider: Provider, seconds: int, status: int) -> None:
    _, path = asked(provider)
    provider.clock.advance(days=14, seconds=seconds)
    assert answer(provider, path, "Urgences").status_code == status


def test_not_answered_once_it_is_decided(provider: Provider) -> None:
    about, path = asked(provider)
    desk_of.refuse(provider.services, desk(provider), about.registration_id, about.version, "Non")
    assert provider.browser().get(path).status_code == 410
    assert answer(provider, path, "Urgences").status_code == 410
    assert len(said(provider, about)) == 1


@pytest.mark.parametrize("text", ["", " \n ", "x" * 2001, "\u202e\u200b", "x" * 60_000])
def test_nothing_or_too_much_is_asked_for_again(provider: Provider, text: str) -> None:
    about, path = asked(provider)
    shown = answer(provider, path, text)
    assert shown.status_code == 200
    assert "2000 caractères" in shown.text
    assert now_of(provider, about.registration_id) == about
    assert len(said(provider, about)) == 1


@pytest.mark.parametrize("text", ["x" * 1_000_000, "\x00Urgences", "\ud800"])
def test_hostile_answers_break_nothing(provider: Provider, text: str) -> None:
    about, path = asked(provider)
    browser = provider.browser()
    data = {"csrf": csrf_of(browser.get("/password/forgot")), "answer": text.encode("utf-8", "surrogatepass")}
    assert browser.post(path, data=data).status_code in {303, 400, 413}
    assert all("\x00" not in each for each in said(provider, about))


@pytest.mark.parametrize("token", ["unknown", "x" * 3000, "%00"])
def test_a_link_that_is_none(provider: Provider, token: str) -> None:
    path = f"/inscription/question/{token}"
    assert provider.browser().get(path).status_code in {400, 404, 410}
    assert answer(provider, path, "Urgences").status_code in {400, 404, 410}


def test_a_foreign_form_says_nothing(provider: Provider) -> None:
    about, path = asked(provider)
    assert provider.browser().post(path, data={"answer": "Urgences"}).status_code == 403
    assert len(said(provider, about)) == 1
