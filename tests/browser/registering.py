"""Who registers, and the operators who decide: what each of them does before a browser."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

from playwright.sync_api import expect

from demo.look_alike import rpps
from idp.domain.contact import shown_phone
from idp.domain.ids import new_id
from idp.domain.registration import Registration, RegistrationStatus
from idp.domain.rights import ALL_SERVICES, Role, RoleGrant
from tests.browser.card_holder import CardHolder
from tests.browser.demo_process import Demo, Mail
from tests.browser.people import database_of, settle
from tests.browser.visitor import PORTAL, Visitor
from tests.fakes.registering import FORM as KEPT

ESPACE_PRO = "Espace Pro ORU NA"
REASON = "Besoin de me connecter pour renseigner le capacitaire."
REGISTRATIONS, REQUESTS = "Inscriptions", "Demandes d'accès"  # of the menu
OF, ASKED_BY = "Inscription :", "Demande d'accès de"
ACCEPTED = "L'inscription est acceptée. La personne reçoit un lien valable 7 jours."
GIVEN = "L'accès est donné, et la personne prévenue."
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

    def reads_english(self) -> None:
        """A page where nothing is typed yet, and back."""
        self.page.get_by_role("link", name="English").click()
        expect(self.page.locator("html")).to_have_attribute("lang", "en")
        self.visitor.check()
        self.page.get_by_role("link", name="Français").click()
        expect(self.page.locator("html")).to_have_attribute("lang", "fr")

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

    def reads_card(self, holder: CardHolder, card: str) -> None:
        """Step 1, « Oui »."""
        self.page.click("#signup-card")
        holder.goes_on()
        holder.signs(card)

    def fills_in(self) -> None:
        """Step 2: what is not locked."""
        chosen = {"civility": "MME", "profession": "50"}
        typed = {"family_name": self.family_name, "given_name": self.given_name, **FORM}
        for name, value in {**chosen, **typed, "email": self.address, "email_again": self.address}.items():
            field = self.page.locator(f"#signup-{name}")
            if field.is_editable():
                field.select_option(value) if name in chosen else field.fill(value)

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

    def confirms(self, login: str) -> None:
        """The link of the letter shows one button; that makes the account."""
        page = self.page
        link = self.letter("Votre inscription est acceptée").link
        page.goto(link)
        self.visitor.sees("Confirmez la création de votre compte")
        expect(page.locator("main button")).to_have_text(["Créer mon compte"])
        page.click("#registration-confirm")
        self.visitor.sees("Votre compte est créé")
        expect(page.locator(".who")).to_contain_text(login)
        self.becomes_an_account(login)
        self.letter("Votre compte")
        page.goto(link)
        self.visitor.sees("Votre compte est créé")

    def begins_to_ask(self) -> None:
        """The first login ends at « Accès refusé », where the form is."""
        self.visitor.sees("Accès refusé")
        self.page.get_by_role("link", name="Demander votre accès maintenant").click()
        self.visitor.sees("Adhésion")
        expect(self.page.locator("dl.facts")).to_contain_text(self.name)

    def opens_the_service(self, service: str) -> None:
        """By the tile that has come to « Mon compte »."""
        self.letter(f"Votre accès à {service} est accordé")
        self.visitor.opens("portail")
        self.visitor.sees(PORTAL)
        self.page.get_by_role("list", name="Vos services").get_by_role("link", name=service).click()
        expect(self.page.locator("#who")).to_have_text(self.name)
        self.visitor.check()

    def becomes_an_account(self, login: str) -> None:
        """From now on the visitor can sign in by this login name."""
        self.login, self.visitor.demo = login, replace(self.visitor.demo)
        made = {"login": login, "email": self.address, "password": PASSWORD}
        self.visitor.demo.description["accounts"].append(made)


def hand_in(demo: Demo, login: str) -> None:
    """A registration that waits for the desk, as the steps leave it."""
    now, (given_name, family_name) = datetime.now(UTC), (part.title() for part in login.split("."))
    made = Registration(
        new_id(),
        RegistrationStatus.SUBMITTED,
        version=1,
        lang="fr",
        created_at=now,
        updated_at=now,
        submitted_at=now,
        browser_digest=new_id(),
        form={**KEPT, "given_name": given_name, "family_name": family_name},
        email=f"{login}@cabinet.example",
        email_proven_at=now,
        login_name=login,
        terms_version="2026-06",
    )
    with closing(database_of(demo)) as database, database.write() as tx:
        tx.registrations.start(made)


def appoint(visitor: Visitor, login: str, *roles: Role) -> "Operator":
    """An operator of the test's own, at work; for all services."""
    settle(visitor, login)
    with closing(database_of(visitor.demo)) as database, database.write() as tx:
        account = tx.accounts.find_by_login(login)
        assert account
        for role in roles:
            tx.operator_roles.grant(RoleGrant(account.account_id, role, ALL_SERVICES, "test", datetime.now(UTC)))
    return Operator(visitor, login)


class Operator:
    """Somebody who decides, in the console by password and code."""

    def __init__(self, visitor: Visitor, login: str) -> None:
        self.visitor, self.page = visitor, visitor.page
        self.page.goto(self.visitor.demo.description["console"])
        self.visitor.gives_both_factors(login, CONSOLE_LOGIN)
        self.visitor.sees("Console")

    def lists(self, menu: str) -> None:
        """A queue, by its word in the menu."""
        if (folded := self.page.locator("summary", has_text="Menu de la console")).is_visible():
            folded.click()
        self.page.get_by_role("navigation", name="Menu de la console").get_by_role("link", name=menu).click()
        self.visitor.sees(menu)

    def opens(self, menu: str, person: str, heading: str) -> None:
        """The newest of this person, from the queue."""
        self.lists(menu)
        self.page.get_by_role("row").filter(has_text=person).get_by_role("link", name=person).last.click()
        self.visitor.sees(heading)

    def takes(self, menu: str, person: str, heading: str, kind: str) -> None:
        """« Je m'en occupe », from the queue; kind: of the buttons' ids."""
        self.opens(menu, person, f"{heading} {person}")
        self.page.get_by_role("button", name="Je m'en occupe", exact=True).click()
        expect(self.page.locator(f"#{kind}-release")).to_be_visible()
        self.visitor.sees(f"{heading} {person}")

    def approves(self, kind: str, said: str) -> None:
        self.page.click(f"#{kind}-approve")
        expect(self.page.get_by_role("status")).to_have_text(said)
        self.visitor.check()
