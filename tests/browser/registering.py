"""Who registers, and the operators who decide: what each of them does before a browser."""

from collections.abc import Mapping
from dataclasses import replace

from playwright.sync_api import expect

from demo.look_alike import rpps
from idp.domain.contact import shown_phone
from tests.browser.conftest import Visit
from tests.browser.demo_process import Mail
from tests.browser.visitor import Visitor

ESPACE_PRO = "Espace Pro ORU NA"
STEPS = {1: "Carte CPS", 2: "Données personnelles", 3: "Choix de votre identifiant", 4: "Adhésion"}
PASSWORD = "Violette, boussole & trompette 87"
CONSOLE_LOGIN = "Accès sécurisé au service : Console ESEA"
# What a new person types in step 2; the names and the address are added.
FORM: Mapping[str, str] = {
    "birth": "14/07",
    "practice_place": "Centre hospitalier intercommunal de Saint-Barthélemy-de-Bellegarde",
    "rpps": rpps("1000999999"),
    "address": "12 rue des Lilas",
    "postal_code": "33000",
    "city": "Bordeaux",
    "mobile": shown_phone("+33612345678"),
}
MAILS_READ = 5  # of one person, until the letter that is meant


class Newcomer:
    """Somebody without an account, named as the login that is proposed."""

    def __init__(self, visitor: Visitor, login: str) -> None:
        self.visitor, self.page, self.login = visitor, visitor.page, login
        self.given_name, self.family_name = (part.title() for part in login.split("."))
        self.address = f"{login}@cabinet.example"

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}"

    def letter(self, subject: str) -> Mail:
        """The next e-mail to this person with these words in its subject."""
        read = []
        for _ in range(MAILS_READ):
            mail = self.visitor.demo.mail_to(self.address)
            if subject in mail.subject:
                return mail
            read.append(mail.subject)
        raise AssertionError(f"{subject} is not among {read}")

    # --- the four steps ---

    def is_at(self, step: int, heading: str = "") -> None:
        """The page of this step, and nothing wrong with it. heading: the second one, where a step has several pages."""
        expect(self.page.locator("[aria-current=step]")).to_have_text(f"Étape {step}/4 : {STEPS[step]}")
        if heading:
            expect(self.page.locator("h2").first).to_have_text(heading)
        self.visitor.sees("Inscription")

    def goes_on(self) -> None:
        self.page.click("#signup-next")

    def goes_back(self) -> None:
        self.page.click("#signup-back")

    def has(self, **values: str) -> None:
        """Fields hold what was typed."""
        for name, value in values.items():
            expect(self.page.locator(f"#signup-{name}")).to_have_value(value)

    def begins_at(self, service: str) -> None:
        """From a service's login page, by its link."""
        self.visitor.opens(service, "/login")
        self.page.get_by_role("link", name="Créez votre compte dès maintenant").click()
        self.is_at(1)

    def fills_in(self) -> None:
        """Step 2."""
        self.page.select_option("#signup-civility", "MME")
        self.page.select_option("#signup-profession", "50")
        typed = {"family_name": self.family_name, "given_name": self.given_name, **FORM}
        for name, value in {**typed, "email": self.address, "email_again": self.address}.items():
            self.page.fill(f"#signup-{name}", value)

    def types_code(self) -> None:
        """Within step 2."""
        self.is_at(2, "Vérifiez votre adresse e-mail")
        self.page.fill("#signup-code", self.letter("Votre code pour vous inscrire").code)
        self.page.click("#signup-code-submit")

    def chooses(self, login: str = "") -> None:
        """Step 3: an identifier, if not the one that is proposed, and a password."""
        if login:
            self.page.fill("#signup-login", login)
        self.page.fill("#new-password", PASSWORD)
        self.page.fill("#new-password-confirmation", PASSWORD)
        self.goes_on()

    def joins(self, reason: str) -> None:
        """Step 4, and the page after it."""
        self.page.fill("#signup-reason", reason)
        self.page.check("#signup-terms-accept")
        self.goes_on()
        self.visitor.sees("Votre demande d'inscription est enregistrée")

    def becomes_an_account(self, login: str) -> None:
        """From now on the visitor can sign in by this login name."""
        self.login, self.visitor.demo = login, replace(self.visitor.demo)
        made = {"login": login, "email": self.address, "password": PASSWORD}
        self.visitor.demo.description["accounts"].append(made)


class Operator:
    """One of the demo's operators, in the console by password and code."""

    def __init__(self, visit: Visit, login: str, **look: object) -> None:
        self.visitor = visit(**look)
        self.page = self.visitor.page
        self.page.goto(self.visitor.demo.description["console"])
        self.visitor.gives_both_factors(login, CONSOLE_LOGIN)
        self.visitor.sees("Console")

    def lists(self, menu: str) -> None:
        """A queue, by its word in the menu."""
        if (folded := self.page.locator("summary", has_text="Menu de la console")).is_visible():
            folded.click()
        self.page.get_by_role("navigation", name="Menu de la console").get_by_role("link", name=menu).click()
        self.visitor.sees(menu)

    def takes(self, menu: str, person: str, heading: str, kind: str) -> None:
        """« Je m'en occupe », from the queue; kind: of the buttons' ids."""
        self.lists(menu)
        self.page.get_by_role("row").filter(has_text=person).get_by_role("link", name=person).click()
        self.visitor.sees(f"{heading} {person}")
        self.page.get_by_role("button", name="Je m'en occupe", exact=True).click()
        expect(self.page.locator(f"#{kind}-release")).to_be_visible()
        self.visitor.sees(f"{heading} {person}")

    def approves(self, kind: str, said: str) -> None:
        self.page.click(f"#{kind}-approve")
        expect(self.page.get_by_role("status")).to_have_text(said)
        self.visitor.check()
