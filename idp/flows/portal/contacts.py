"""Changing one's address and one's telephone number: typed with a fresh proof, then confirmed by a code sent there."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import flask

from idp.domain.contact import shown_phone, sound_email, sound_phone
from idp.domain.texts import N_, Text
from idp.flows import answer
from idp.flows.portal.contact_change import change_email, change_phone
from idp.flows.portal.contact_code import LIFETIME, ContactCode, Wrong
from idp.flows.portal.door import HOME, Visitor, opened
from idp.flows.portal.frame import done, draw
from idp.flows.portal.fresh import sensitive
from idp.flows.services import Services

PERSONAL = f"{HOME}/personal"
MAX_TYPED = 320
PROBLEMS: dict[str, Text] = {
    "email_unsound": N_(
        "Cette adresse e-mail n'est pas complète ou contient une erreur. Exemple : prenom.nom@hopital.fr"
    ),
    "email_own": N_("C'est déjà l'adresse e-mail de votre compte."),
    "email_taken": N_("Cette adresse e-mail appartient déjà à un autre compte. Rien n'a été changé."),
    "phone_unsound": N_(
        "Ce numéro n'est pas complet ou contient une erreur. Exemples : 06 12 34 56 78, +32 470 12 34 56"
    ),
    "too_many_codes": N_("Trop de codes ont été demandés. Réessayez dans %(minutes)s min."),
    "too_many_changes": N_("Trop de changements de numéro. Réessayez dans %(minutes)s min."),
    "code_just_sent": N_("Un code vient d'être envoyé. Attendez une minute avant d'en demander un autre."),
    "code_expired": N_("Ce code n'est plus valable. Demandez un nouveau code."),
    "code_malformed": N_("Le code compte six chiffres."),
    "code_wrong": N_("Ce code n'est pas le bon. Vérifiez qu'il s'agit du dernier code reçu."),
    "code_worn_out": N_("Trop d'essais avec ce code. Demandez un nouveau code."),
    "too_many_attempts": N_("Trop d'essais infructueux. Réessayez dans %(minutes)s min."),
}


@dataclass(frozen=True, slots=True)
class Contact:
    """One of the two. sound: the stored form of what was typed, None if it is none; to: where its code is sent."""

    kind: str
    sound: Callable[[str], str | None]
    shown: Callable[[str], str]
    to: Callable[[str], str]
    code: ContactCode

    @property
    def page(self) -> str:
        return f"{PERSONAL}/{self.kind}"


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """A page for each, and one for its code."""
    gateway = services.settings.mail.sms_address or ""
    email = Contact("email", sound_email, str, str, ContactCode(services, "email"))
    phone = Contact(
        "phone",
        sound_phone,
        shown_phone,
        lambda number: gateway.replace("{number}", number.removeprefix("+")),
        ContactCode(services, "phone"),
    )
    _add_email(bp, services, email)
    _add_phone(bp, services, phone, verifies=bool(gateway))
    _add_code(bp, services, email, lambda visitor, value: change_email(services, visitor, value))
    if gateway:
        _add_code(bp, services, phone, lambda visitor, value: _keep_phone(services, visitor, value))


def _keep_phone(services: Services, visitor: Visitor, number: str) -> bool:
    change_phone(services, visitor, number, is_verified=True)
    return True


def _add_email(bp: flask.Blueprint, services: Services, email: Contact) -> None:
    """An address is a means of authentication too: codes and links are sent there."""

    @bp.get(email.page)
    @sensitive(services, email.page, adds_means=True)
    def email_page(visitor: Visitor) -> flask.Response:
        return _show(services, visitor, email)

    @bp.post(email.page)
    @sensitive(services, email.page, adds_means=True)
    def email_typed(visitor: Visitor) -> flask.Response:
        """The same answer whether or not another account has the address: the worker looks, not this request."""
        typed = flask.request.form.get("email", "")[:MAX_TYPED]
        address = email.sound(typed)
        if address is None:
            return _show(services, visitor, email, Wrong("email_unsound"), typed)
        if address == visitor.account.verified_email:
            return _show(services, visitor, email, Wrong("email_own"), typed)
        wrong = email.code.send(visitor, address, email.to(address))
        return _show(services, visitor, email, wrong, typed) if wrong else answer.see_other(f"{email.page}/code")


def _add_phone(bp: flask.Blueprint, services: Services, phone: Contact, *, verifies: bool) -> None:
    """verifies: there is a gateway for SMS."""

    @bp.get(phone.page)
    @sensitive(services, phone.page)
    def phone_page(visitor: Visitor) -> flask.Response:
        return _show(services, visitor, phone, verifies=verifies)

    @bp.post(phone.page)
    @sensitive(services, phone.page)
    def phone_typed(visitor: Visitor) -> flask.Response:
        typed = flask.request.form.get("phone", "")[:MAX_TYPED]
        number, is_removed = phone.sound(typed), "remove" in flask.request.form
        if number is None and not is_removed:
            return _show(services, visitor, phone, Wrong("phone_unsound"), typed, verifies=verifies)
        if verifies and number and not is_removed:
            wrong = phone.code.send(visitor, number, phone.to(number))
            if wrong:
                return _show(services, visitor, phone, wrong, typed, verifies=verifies)
            return answer.see_other(f"{phone.page}/code")
        wait = change_phone(services, visitor, None if is_removed else number, is_verified=False)
        if wait:
            return _show(services, visitor, phone, Wrong("too_many_changes", wait), typed, verifies=verifies)
        said = N_("Votre numéro de téléphone est supprimé.") if is_removed else PHONE_KEPT
        return done(services, visitor, said, PERSONAL)


def _add_code(bp: flask.Blueprint, services: Services, contact: Contact, keep: Callable[[Visitor, str], bool]) -> None:
    """The page that asks for the code. keep: False if the value became another account's meanwhile.

    Who asked for the code has just proven it; the mail may take longer than that counts.
    """
    page = f"{contact.page}/code"

    @bp.get(page, endpoint=f"{contact.kind}_code")
    @opened(services, contact.page)
    def code_page(visitor: Visitor) -> flask.Response:
        if contact.code.value(visitor) is None:
            return answer.see_other(contact.page)
        return _show_code(services, visitor, contact)

    @bp.post(page, endpoint=f"{contact.kind}_code_typed")
    @opened(services, contact.page)
    def code_typed(visitor: Visitor) -> flask.Response:
        if "resend" in flask.request.form:
            return _resend(services, visitor, contact)
        found = contact.code.check(visitor, flask.request.form.get("code", ""))
        if isinstance(found, Wrong):
            return _show_code(services, visitor, contact, found)
        if not keep(visitor, found):
            return _show(services, visitor, contact, Wrong("email_taken"), contact.shown(found))
        return done(services, visitor, CHANGED[contact.kind], PERSONAL)


PHONE_KEPT = N_("Votre numéro de téléphone est enregistré.")
CHANGED = {"email": N_("Votre adresse e-mail est changée."), "phone": PHONE_KEPT}


def _resend(services: Services, visitor: Visitor, contact: Contact) -> flask.Response:
    value = contact.code.value(visitor)
    if value is None:
        return answer.see_other(contact.page)
    if contact.code.wait(visitor):
        return _show_code(services, visitor, contact, Wrong("code_just_sent"))
    wrong = contact.code.send(visitor, value, contact.to(value))
    return _show_code(services, visitor, contact, wrong) if wrong else answer.see_other(f"{contact.page}/code")


def _show(
    services: Services,
    visitor: Visitor,
    contact: Contact,
    wrong: Wrong | None = None,
    typed: str = "",
    *,
    verifies: bool = True,
) -> flask.Response:
    now = visitor.account.verified_email if contact.kind == "email" else visitor.account.profile.get("phone_number")
    return draw(
        services,
        visitor,
        f"portal/contact_{contact.kind}.html",
        here="personal",
        errors=_errors(services, wrong),
        error_field=f"contact-{contact.kind}",
        action=contact.page,
        back_url=PERSONAL,
        current=contact.shown(now) if now else None,
        typed=typed,
        verifies=verifies,
    )


def _show_code(services: Services, visitor: Visitor, contact: Contact, wrong: Wrong | None = None) -> flask.Response:
    value = contact.code.value(visitor)
    if value is None:
        return _show(services, visitor, contact, wrong or Wrong("code_expired"))
    return draw(
        services,
        visitor,
        "portal/contact_code.html",
        here="personal",
        errors=_errors(services, wrong),
        error_field="contact-code",
        action=f"{contact.page}/code",
        back_url=contact.page,
        kind=contact.kind,
        value=contact.shown(value),
        minutes=LIFETIME // timedelta(minutes=1),
        resend_wait_s=-(-contact.code.wait(visitor) // timedelta(seconds=1)),
    )


def _errors(services: Services, wrong: Wrong | None) -> list[str]:
    if wrong is None:
        return []
    return [services.pages.say(PROBLEMS[wrong.code], minutes=-(-wrong.wait // timedelta(minutes=1)))]
