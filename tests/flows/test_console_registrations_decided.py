"""What support decides about registrations in the console: once, by one, and about what they looked at."""

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest

from idp.domain.registration import RegistrationStatus
from tests.fakes.console import Console, send
from tests.fakes.desk_pages import LIST, act, page_of, shown
from tests.fakes.provider import Provider
from tests.fakes.registering import EMAIL, PROVEN, link_in, now_of, submit
from tests.fakes.relying_party import csrf_of, path_of


@pytest.fixture
def console(start: Callable[..., Provider]) -> Console:
    return Console.start(start)


def test_from_the_queue_to_the_account(console: Console) -> None:
    provider, support = console.provider, console.support
    about = submit(provider)
    act(support, provider, about, "claim")
    assert "nadia.support" in shown(support, LIST)
    act(support, provider, about, "ask", text="Quel service ?")
    path = link_in(provider, "question")
    browser = provider.browser()
    browser.post(path, data={"csrf": csrf_of(browser.get(path)), "answer": "Urgences"})
    text = shown(support, page_of(about))
    assert "Quel service ?" in text
    assert "Urgences" in text
    assert "Réponse reçue" in shown(support, LIST)
    act(support, provider, about, "approve")
    path = link_in(provider)
    browser.post(path, data={"csrf": csrf_of(browser.get(path))})
    text = shown(support, page_of(about))
    assert "Compte créé" in text
    for said in (
        "Prise en charge",
        "Question posée",
        "Réponse de la personne",
        "Acceptée",
        "Compte créé par la personne",
    ):
        assert said in text.split('id="history-title"')[1]
    assert 'id="registration-approve"' not in text


def test_an_expired_link_is_sent_again_by_one_press(console: Console) -> None:
    provider, support = console.provider, console.support
    about = submit(provider)
    act(support, provider, about, "claim")
    act(support, provider, about, "approve")
    first = link_in(provider)
    provider.clock.advance(days=8)
    support = console.of("other.support", ("support", "*"))
    assert "a expiré" in shown(support, page_of(about))
    act(support, provider, about, "resend")
    assert link_in(provider) != first
    assert provider.browser().get(link_in(provider)).status_code == 200
    assert now_of(provider, about.registration_id).token_expires_at == provider.clock.now() + timedelta(days=7)


@pytest.mark.parametrize("action", ["ask", "refuse"])
@pytest.mark.parametrize("text", ["", "x" * 2001, "\u202e"])
def test_a_text_that_says_nothing_is_asked_for_again(console: Console, action: str, text: str) -> None:
    provider, support = console.provider, console.support
    about = submit(provider)
    act(support, provider, about, "claim")
    answered = act(support, provider, about, action, text=text)
    assert answered.status_code == 200
    assert f'href="#registration-{action}-text"' in answered.text
    assert provider.mails()[-1].to != EMAIL


@pytest.mark.parametrize("version", ["1", "0", "-1", "x", "", "9" * 30, "1 OR 1=1"])
def test_what_changed_meanwhile_is_shown_instead_of_decided(console: Console, version: str) -> None:
    provider, support = console.provider, console.support
    about = submit(provider)
    act(support, provider, about, "claim")
    data: dict[str, Any] = {"version": version, "text": "x"}
    answered = send(support, f"{page_of(about)}/approve", page_of(about), **data)
    assert path_of(answered) == page_of(about)
    assert "a changé depuis" in shown(support, page_of(about))
    assert now_of(provider, about.registration_id).status is RegistrationStatus.SUBMITTED


def test_two_operators_cannot_both_decide(console: Console) -> None:
    provider, nadia, paul = console.provider, console.support, console.of("paul.support", ("support", "*"))
    about = submit(provider)
    act(nadia, provider, about, "claim")
    act(paul, provider, about, "approve")
    assert "Je m&#39;en occupe" in shown(paul, page_of(about))
    act(paul, provider, about, "claim", version=1)  # he has the page from before
    assert now_of(provider, about.registration_id).claimed_by == "nadia.support"
    act(nadia, provider, about, "refuse", text="Non")
    assert "a déjà décidé" not in shown(paul, page_of(about))
    act(paul, provider, about, "claim")
    assert "nadia.support a déjà décidé de cette inscription" in shown(paul, page_of(about))
    assert now_of(provider, about.registration_id).status is RegistrationStatus.REFUSED


def test_a_double_click_decides_once(console: Console) -> None:
    provider, support = console.provider, console.support
    about = submit(provider)
    act(support, provider, about, "claim")
    sent = len(provider.mails())
    data = {"csrf": csrf_of(support.browser.get(page_of(about))), "version": "2"}
    cookies = {cookie.key: cookie.value for cookie in support.browser._cookies.values()}
    barrier, got = Barrier(3), list[int]()

    def click() -> None:
        browser = provider.browser()
        for name, value in cookies.items():
            browser.set_cookie(name, value)
        barrier.wait(10)
        got.append(browser.post(f"{page_of(about)}/approve", data=data).status_code)

    threads = [Thread(target=click) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert got == [303] * 3
    assert len(provider.mails()) == sent + 1
    assert len(provider.events("registration.approved")) == 1


def test_operators_do_not_decide_about_themselves(console: Console) -> None:
    provider, support = console.provider, console.support
    about = submit(provider, email="nadia.support@chu.example")
    act(support, provider, about, "claim")
    assert "est la vôtre" in shown(support, page_of(about))
    assert now_of(provider, about.registration_id).claimed_by is None


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_both_languages(console: Console, lang: str) -> None:
    about = submit(console.provider, proven=PROVEN)
    heading = {"fr": "Inscription : Anne Pierre", "en": "Registration: Anne Pierre"}[lang]
    assert heading in shown(console.support, f"{page_of(about)}?lang={lang}")
