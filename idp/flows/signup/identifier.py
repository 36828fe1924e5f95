"""Step 3/4 « Choix de votre identifiant », and the password (P-055 to P-059).

Whether an identifier is taken is not looked up: who makes the account gives it the next free digit.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import flask

from idp.domain.account import Account, AccountStatus
from idp.domain.registration import Registration
from idp.domain.registration_form import PROBLEMS, Unsound, login_name, proposed_login
from idp.domain.texts import N_, Text
from idp.domain.throttle import PASSWORDS
from idp.flows import answer, passwords
from idp.flows.services import Services
from idp.flows.signup import draft
from idp.flows.signup.draft import CHANGED, PAGES

MAX_SHOWN = 100
TOO_MANY: Text = N_("Trop de mots de passe ont été choisis pour cette inscription. Réessayez dans %(minutes)s min.")
LABELS: Mapping[str, Text] = {
    "login": N_("Identifiant"),
    "password": N_("Mot de passe"),
    "confirmation": N_("Confirmez votre mot de passe"),
}
ANCHORS = {"login": "signup-login", "password": "new-password", "confirmation": "new-password-confirmation"}


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The page, and its form."""

    @bp.get(PAGES[3])
    @draft.stepped(services, 3)
    def identifier_page(found: Registration) -> flask.Response:
        return _page(services, found, found.login_name or _proposed(found), {})

    @bp.post(PAGES[3])
    @draft.stepped(services, 3)
    def identifier_typed(found: Registration) -> flask.Response:
        typed = flask.request.form.get("login", "")[: MAX_SHOWN + 1]
        if "back" in flask.request.form:
            _keep_login(services, found, typed)
            return answer.see_other(PAGES[2])
        password = flask.request.form.get("password", "")
        again = flask.request.form.get("confirmation", "")
        wrong, login = {}, ""
        try:
            login = login_name(typed)
        except Unsound as unsound:
            wrong["login"] = services.pages.say(PROBLEMS[unsound.code])
        if password or again or not found.password_digest:
            wrong |= passwords.wrong(services, _account(found, login or _proposed(found)), password, again)
        if wrong:
            return _page(services, found, typed, wrong)
        if password and (wait := _hold(services, found)):
            minutes = -(-wait // timedelta(minutes=1))
            return _page(services, found, typed, {"password": services.pages.say(TOO_MANY, minutes=minutes)})
        if draft.is_stale(found) and not _is_known(services, found, login, password):
            return _page(services, found, typed, {}, is_changed=True)
        digest = services.hasher.hash(password) if password else found.password_digest
        with services.db.write() as tx:
            draft.save(services, tx, replace(found, login_name=login, password_digest=digest))
        return answer.see_other(PAGES[4])


def _hold(services: Services, found: Registration) -> timedelta:
    """A password is about to be hashed: how long this draft must wait; its network is slowed."""
    services.network.slow_down()
    with services.db.write() as tx:
        return tx.throttle.take(f"signup.password:{found.registration_id}", PASSWORDS, services.now())


def _keep_login(services: Services, found: Registration, typed: str) -> None:
    try:
        changed = replace(found, login_name=login_name(typed))
    except Unsound:
        return
    with services.db.write() as tx:
        draft.save(services, tx, changed)


def _is_known(services: Services, found: Registration, login: str, password: str) -> bool:
    """The same was kept before: a second press, not another tab."""
    is_same = not password or services.hasher.verify(found.password_digest, password)
    return found.login_name == login and bool(found.password_digest) and is_same


def _proposed(found: Registration) -> str:
    return proposed_login(found.form.get("given_name", ""), found.form.get("family_name", ""))


def _account(found: Registration, login: str) -> Account:
    """What the account would be, for the rules of passwords: none is made."""
    return Account(
        found.registration_id,
        login,
        AccountStatus.PENDING,
        given_name=found.form.get("given_name", ""),
        family_name=found.form.get("family_name", ""),
        email=found.email,
        email_verified=True,
        created_at=found.created_at,
        updated_at=found.updated_at,
    )


def _page(
    services: Services, found: Registration, typed: str, wrong: Mapping[str, str], *, is_changed: bool = False
) -> flask.Response:
    say, proposed = services.pages.say, _proposed(found)
    return draft.draw(
        services,
        "signup/identifier.html",
        step=3,
        registration=found,
        wrong=wrong,
        notice=CHANGED if is_changed else None,
        errors=[
            {"anchor": ANCHORS[name], "label": say(LABELS[name]), "text": wrong[name]}
            for name in LABELS
            if name in wrong
        ],
        proposed=proposed,
        login=typed[:MAX_SHOWN].replace("\x00", ""),
        has_password=bool(found.password_digest),
        meter=passwords.meter(services, _account(found, found.login_name or proposed)),
    )
