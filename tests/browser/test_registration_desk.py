"""What the desk writes to somebody who registered, and what comes back: a question, its answer, a refusal."""

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.registering import OF, REGISTRATIONS, Newcomer, Operator, hand_in

QUESTION = "Dans quel service exercez-vous, et depuis quand ?"
ANSWER = "Aux urgences, depuis mai 2026."
REFUSAL = "Cet établissement n'est pas de la région : adressez-vous à votre portail régional."


def test_a_question_its_answer_and_a_refusal(visit: Visit) -> None:
    newcomer = Newcomer(visit(), "odile.grandjean")
    hand_in(newcomer.visitor.demo, newcomer.login)
    support = Operator(visit(), "nadia.lefevre")
    support.takes(REGISTRATIONS, newcomer.name, OF, "registration")

    writes(support, "ask", "Poser une question", QUESTION, "La question est envoyée.")
    answers(newcomer)
    support.lists(REGISTRATIONS)
    expect(support.page.get_by_role("row").filter(has_text=newcomer.name)).to_contain_text("Réponse reçue")
    support.opens(REGISTRATIONS, newcomer.name, f"{OF} {newcomer.name}")
    said = support.page.get_by_role("region", name="Échanges")
    expect(said).to_contain_text(QUESTION)
    expect(said).to_contain_text(ANSWER)

    writes(support, "refuse", "Refuser l'inscription", REFUSAL, "L'inscription est refusée, et la personne prévenue.")
    expect(support.page.locator("#registration-approve")).to_have_count(0)
    assert REFUSAL in newcomer.letter("Votre inscription n'est pas acceptée").text


def writes(support: Operator, action: str, label: str, text: str, told: str) -> None:
    """Without a text first: it is asked for."""
    page, field = support.page, f"#registration-{action}-text"
    page.locator("summary", has_text=label).click()
    page.click(f"#registration-{action}")
    expect(page.locator("#error-summary")).to_be_focused()
    expect(page.locator(field)).to_have_attribute("aria-invalid", "true")
    support.visitor.check()
    page.fill(field, text)
    page.click(f"#registration-{action}")
    expect(page.get_by_role("status")).to_have_text(told)
    support.visitor.check()


def answers(newcomer: Newcomer) -> None:
    """By the link of the letter, which is good once."""
    visitor, page = newcomer.visitor, newcomer.page
    letter = newcomer.letter("Une question sur votre inscription")
    assert QUESTION in letter.text
    page.goto(letter.link)
    visitor.sees("Une question sur votre inscription")
    expect(page.locator("main")).to_contain_text(QUESTION)
    page.click("#answer-submit")
    expect(page.locator("#error-summary")).to_be_focused()
    visitor.check()
    page.fill("#answer", ANSWER)
    page.click("#answer-submit")
    visitor.sees("Votre réponse est envoyée")
    with visitor.watch.expecting(410):
        page.goto(letter.link)
        visitor.sees("Ce lien n'est plus valable")
