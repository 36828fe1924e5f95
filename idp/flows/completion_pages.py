"""The pages of `idp.flows.completion`: the form, the code, and what comes of them."""

from datetime import timedelta
from typing import Any

import flask

from idp.domain.account import Account
from idp.domain.authn import Assurance
from idp.domain.completion import Completion
from idp.domain.contact import sound_email
from idp.domain.decide import Login
from idp.domain.texts import N_, Text
from idp.flows import answer, completion, login_pages, own_means, visits
from idp.flows.completion import Wrong
from idp.flows.services import Services
from idp.flows.visits import Visit
from idp.methods.email_otp import EmailOtp
from idp.web.texts import REFUSALS

MAX_TYPED = 320
MAX_NAME = 100
PROBLEMS: dict[str, Text] = {
    **EmailOtp.refusals,
    "too_many_attempts": REFUSALS["too_many_attempts"],
    "email_unsound": N_(
        "Cette adresse e-mail n'est pas complète ou contient une erreur. Exemple : prenom.nom@hopital.fr"
    ),
    "names_missing": N_("Renseignez votre prénom et votre nom."),
}
PROVE_ONCE: Text = N_("Prouvez d'abord que ce compte est le vôtre. Cela ne se fait qu'une fois.")
NAME_MISSING: Text = N_(
    "%(means)s n'a pas transmis votre nom : seule l'assistance pourra relier votre compte. Vérifiez d'abord votre "
    "adresse e-mail : elle en aura besoin."
)
# Where the form leads to support: title and sentence.
ENDS: dict[str, tuple[Text, Text]] = {
    "nobody": (
        N_("Aucun compte n'a cette adresse"),
        N_(
            "Votre adresse %(email)s est vérifiée, mais aucun compte ne la porte. Votre compte a peut-être une autre "
            "adresse. Sans compte, contactez l'assistance."
        ),
    ),
    "inactive": (
        N_("Votre compte n'est pas actif"),
        N_(
            "Votre adresse %(email)s est vérifiée, mais le compte qui la porte n'est pas actif. Contactez l'assistance."
        ),
    ),
    "no_password": (
        N_("Il manque une seconde preuve"),
        N_(
            "Votre adresse %(email)s est vérifiée. Il faut une autre preuve de votre compte, qui n'a pas encore de mot "
            "de passe. Contactez l'assistance."
        ),
    ),
    "one_mailbox": (
        N_("Il manque une seconde preuve"),
        N_(
            "Votre adresse %(email)s est vérifiée. Le mot de passe de votre compte a été défini depuis cette boîte "
            "mail : avec le code, cela ne ferait qu'une seule preuve. Contactez l'assistance pour confirmer votre "
            "identité."
        ),
    ),
    "nameless": (
        N_("L'assistance doit relier votre compte"),
        N_(
            "Votre adresse %(email)s est vérifiée. %(means)s n'a pas transmis votre nom, et celui que vous avez saisi "
            "ne suffit pas pour relier un compte. Contactez l'assistance : ce que vous avez saisi est noté."
        ),
    ),
}


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The form is the login page itself; its code has an address of its own."""

    @bp.get("/login/<handle>/complete")
    def code_page(handle: str) -> flask.Response:
        visit = visits.load(services, handle)
        return _show(services, visit) if _is_open(services, visit) else _back(visit)

    @bp.post("/login/<handle>/complete")
    def complete(handle: str) -> flask.Response:
        services.browser.check_form()
        visit = visits.load(services, handle)
        if not _is_open(services, visit):
            return _back(visit)
        typed, found = flask.request.form, completion.state(visit)
        if "email" in typed:
            return _typed(services, visit)
        if found is None:
            return _back(visit)
        if "resend" in typed:
            wrong = completion.send(services, visit, found.email, found.given_name, found.family_name)
        else:
            wrong = completion.check(services, visit, typed.get("code", ""))
        return _show(services, visits.load(services, handle), wrong) if wrong else _on(visit)


def form(services: Services, visit: Visit, login: Login, wrong: Wrong | None = None) -> flask.Response:
    """What the means said of the person, and the address that it did not say; beside, for who knows their login, the
    accepted methods.
    """
    unlinked, found = visit.interaction.unlinked, completion.state(visit)
    person, typed = unlinked.person if unlinked else None, flask.request.form
    is_named = person is not None and person.is_named
    methods = login.methods if is_named else ()
    names = {
        name: {
            "stated": getattr(person, name, ""),
            "typed": typed.get(name, getattr(found, name, ""))[:MAX_NAME],
        }
        for name in ("given_name", "family_name")
    }
    hint = visit.request.login_hint or ""
    return login_pages.draw(
        services,
        visit,
        "completion/form.html",
        methods=methods,
        band=_band(services, visit, is_named=is_named),
        again_url=f"{_login(visit)}/account",
        means=_means(services, visit),
        is_named=is_named,
        stated=person.full_name if person else "",
        identifier=unlinked.proof.identity.value if unlinked else "",
        names=names,
        email=typed.get("email", found.email if found else hint if "@" in hint else "")[:MAX_TYPED],
        wrong_names=bool(wrong and wrong.code == "names_missing"),
        offers=[_offer(services, each) for each in login_pages.offered(services, visit, methods)],
        action=_address(visit),
        errors=_said(services, wrong),
    )


def _band(services: Services, visit: Visit, *, is_named: bool) -> dict[str, Any] | None:
    """Why the page is shown; support's contact stands below the form."""
    unlinked = visit.interaction.unlinked
    if unlinked is None:
        return None
    text = (
        services.pages.say(PROVE_ONCE) if is_named else services.pages.say(NAME_MISSING, means=_means(services, visit))
    )
    return {**login_pages.not_linked(services, unlinked), "text": text, "support": False}


def _offer(services: Services, offer: dict[str, Any]) -> dict[str, Any]:
    """A code by mail comes after the password: here, beside the form, that is what tells it from the form's own."""
    if offer["id"] != EmailOtp.id:
        return offer
    label, hint = N_("Identifiant - Mot de passe"), N_("puis un code envoyé sur votre boîte mail")
    return {**offer, "icon": "lock", "label": services.pages.say(label), "hint": services.pages.say(hint)}


def _is_open(services: Services, visit: Visit) -> bool:
    decision = visit.decision(services)
    return isinstance(decision, Login) and completion.is_asked(visit, decision)


def _typed(services: Services, visit: Visit) -> flask.Response:
    """The form was sent. What the means itself said is not taken from it."""
    typed, decision, unlinked = flask.request.form, visit.decision(services), visit.interaction.unlinked
    if not isinstance(decision, Login) or unlinked is None:
        return _back(visit)
    email = sound_email(typed["email"][:MAX_TYPED])
    names = dict.fromkeys(("given_name", "family_name"), "")
    if not unlinked.person.is_named:
        names = {name: getattr(unlinked.person, name) or _name(typed.get(name, "")) for name in names}
    if not unlinked.person.is_named and not all(names.values()):
        return form(services, visit, decision, Wrong("names_missing"))
    if email is None:
        return form(services, visit, decision, Wrong("email_unsound"))
    found = completion.state(visit)
    if found and found.email == email and found.mac and completion.wait(services, found):
        return _on(visit)  # the form was sent again: the code is on its way
    wrong = completion.send(services, visit, email, **names)
    return form(services, visits.load(services, visit.interaction.id), decision, wrong) if wrong else _on(visit)


def _name(typed: str) -> str:
    """Without what a page could not show."""
    return " ".join("".join(c if c.isprintable() else " " for c in typed).split())[:MAX_NAME]


def _show(services: Services, visit: Visit, wrong: Wrong | None = None) -> flask.Response:
    """The code, or what is next once it was given."""
    found = completion.state(visit)
    if found is None:
        return _back(visit)
    if found.proven_at is None:
        return _code(services, visit, found, wrong)
    account = completion.holder(services, visit)
    end = _end(services, visit, account)
    return _ended(services, visit, found, end) if end else answer.see_other(f"{_login(visit)}/{EmailOtp.id}")


def _code(services: Services, visit: Visit, found: Completion, wrong: Wrong | None) -> flask.Response:
    """As the method asks for its own."""
    wait = completion.wait(services, found)
    shown = {
        "sent": True,
        "masked": found.email,
        "minutes": completion.GOOD_FOR // timedelta(minutes=1),
        "resend_wait_s": -(-wait // timedelta(seconds=1)),
    }
    return login_pages.draw(
        services,
        visit,
        "methods/email_otp/code.html",
        form=shown,
        band=None,
        notice=None,
        code=None,
        step={"number": 1, "total": 2},
        action=_address(visit),
        back_url=_login(visit),
        back_label=services.pages.say(N_("Modifier l'adresse")),
        errors=_said(services, wrong),
    )


def _end(services: Services, visit: Visit, account: Account | None) -> str | None:
    """Why the person can do no more without support; None if their password is what is left to prove."""
    unlinked = visit.interaction.unlinked
    if unlinked and not unlinked.person.is_named:
        return "nameless"
    if account is None:
        return "nobody"
    if not account.is_active:
        return "inactive"
    with services.db.read() as tx:
        held = own_means.holdings(tx, account)
    level = own_means.reach_of(services, held, own_means.entry_of(services.registry[EmailOtp.id]))
    if level is None:
        return "no_password"
    return "one_mailbox" if level < Assurance.MEDIUM else None


def _ended(services: Services, visit: Visit, found: Completion, end: str) -> flask.Response:
    title, text = ENDS[end]
    return login_pages.draw(
        services,
        visit,
        "completion/support.html",
        title=services.pages.say(title),
        text=services.pages.say(
            text, email=found.email, **({"means": _means(services, visit)} if end == "nameless" else {})
        ),
        is_unknown=end == "nobody",
        back_url=_login(visit),
        action=f"{_login(visit)}/account",
    )


def _means(services: Services, visit: Visit) -> str:
    return services.pages.say(services.registry[visit.linked_method].offer.label)


def _said(services: Services, wrong: Wrong | None) -> list[str]:
    if wrong is None:
        return []
    minutes = {"minutes": -(-wrong.wait // timedelta(minutes=1))} if wrong.wait else {}
    return [services.pages.say(PROBLEMS[wrong.code], **minutes)]


def _login(visit: Visit) -> str:
    return f"/login/{visit.interaction.id}"


def _address(visit: Visit) -> str:
    return f"{_login(visit)}/complete"


def _on(visit: Visit) -> flask.Response:
    return answer.see_other(_address(visit))


def _back(visit: Visit) -> flask.Response:
    return answer.see_other(_login(visit))
