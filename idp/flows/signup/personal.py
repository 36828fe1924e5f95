"""Step 2/4 « Données personnelles »: the form (P-040 to P-054)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import flask

from idp.domain.contact import shown_phone
from idp.domain.registration import Registration
from idp.domain.registration_form import (
    EMAIL,
    EMAIL_AGAIN,
    FIELDS,
    PROBLEMS,
    Unsound,
    department_of,
    line,
    read,
)
from idp.flows import answer, births
from idp.flows.services import Services
from idp.flows.signup import address, draft
from idp.flows.signup.draft import CHANGED, CODE, PAGES

MAX_SHOWN = 320
PHONES = ("phone", "mobile", "fax")
LABELS = {each.name: each.label for each in (*FIELDS, EMAIL, EMAIL_AGAIN)}


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The page, and its form."""

    @bp.get(PAGES[2])
    @draft.stepped(services, 2)
    def personal_page(found: Registration) -> flask.Response:
        values = draft.answers(services, found)
        return _page(services, found, {**values, "email_again": values["email"]}, {})

    @bp.post(PAGES[2])
    @draft.stepped(services, 2)
    def personal_typed(found: Registration) -> flask.Response:
        typed = _typed(services, found)
        if "back" in flask.request.form:
            _keep(services, found, typed, {})
            return answer.see_other(PAGES[1])
        kept, wrong = read(typed)
        if not wrong and draft.is_stale(found) and not _is_known(services, found, kept):
            return _page(services, found, typed, {}, is_changed=True)
        if wrong:
            found = _keep(services, found, typed, kept)
            return _page(services, found, typed, wrong)
        found = _keep(services, found, kept, kept)
        if found.email_proven_at:
            return answer.see_other(PAGES[3])
        refused = address.send_if_due(services, found)
        return _page(services, found, typed, {"email": refused}) if refused else answer.see_other(CODE)


def _typed(services: Services, found: Registration) -> dict[str, str]:
    """What was typed; of a field that is verified, what was verified."""
    known = draft.answers(services, found)
    names = [each.name for each in (*FIELDS, EMAIL, EMAIL_AGAIN)]
    return {name: known.get(name, "") if name in found.locked else flask.request.form.get(name, "") for name in names}


def _is_known(services: Services, found: Registration, kept: Mapping[str, str]) -> bool:
    """The same was kept before: a second press, not another tab."""
    before = draft.answers(services, found)
    return all(before.get(name, "") == kept.get(name, "") for name in (*(f.name for f in FIELDS), "email"))


def _keep(services: Services, found: Registration, typed: Mapping[str, str], kept: Mapping[str, str]) -> Registration:
    """Keep the draft: what is sound as it is stored, the rest as it was typed if a page can show it again."""
    form = {name: value for name, value in found.form.items() if name not in LABELS}
    for each in (*FIELDS, EMAIL):
        value = kept.get(each.name) or _shown_again(typed.get(each.name, ""))
        if value and each.name not in {"birth", "email"}:
            form[each.name] = value
    email = kept.get("email") or (found.email if not typed.get("email", "").strip() else None)
    if email is None and (shown := _shown_again(typed.get("email", ""))):
        try:
            email = EMAIL.check(shown)
        except Unsound:
            form["email"] = shown
    birth = kept.get("birth") or _shown_again(typed.get("birth", ""))
    purpose = births.purpose(found.registration_id)
    sealed = services.data_keys.seal(birth.encode(), purpose=purpose) if birth else None
    is_same = email is not None and email == found.email
    changed = replace(
        found,
        form=form,
        birth=sealed,
        email=email,
        email_proven_at=found.email_proven_at if is_same else None,
        password_digest=found.password_digest if is_same else None,  # whoever proves the address chooses it
    )
    with services.db.write() as tx:
        return draft.save(services, tx, changed)


def _shown_again(typed: str) -> str:
    try:
        return line(typed[:MAX_SHOWN])
    except Unsound:
        return ""


def _page(
    services: Services,
    found: Registration,
    values: Mapping[str, str],
    wrong: Mapping[str, str],
    *,
    is_changed: bool = False,
) -> flask.Response:
    """wrong: codes, or the sentence itself, by field."""
    say = services.pages.say
    said = {name: say(PROBLEMS[code]) if code in PROBLEMS else code for name, code in wrong.items()}
    shown = {name: _shown(name, value) for name, value in values.items()}
    if not shown.get("department"):
        shown["department"] = department_of(shown.get("postal_code", ""))
    return draft.draw(
        services,
        "signup/personal.html",
        step=2,
        registration=found,
        wrong=said,
        notice=CHANGED if is_changed else None,
        errors=[{"anchor": f"signup-{name}", "label": say(LABELS[name]), "text": text} for name, text in said.items()],
        fields={each.name: _field(services, each, shown, found) for each in (*FIELDS, EMAIL, EMAIL_AGAIN)},
        proven_by=_proven_by(services, found),
    )


def _field(services: Services, field: Any, shown: Mapping[str, str], found: Registration) -> dict[str, Any]:
    """What the template is told of a field."""
    say = services.pages.say
    choices = [(value, say(label)) for value, label in field.choices.items()] if field.choices else None
    return {
        "name": field.name,
        "label": say(field.label),
        "required": field.is_required,
        "choices": choices,
        "value": shown.get(field.name, ""),
        "locked": field.name in found.locked,
        "shown": dict(choices or ()).get(shown.get(field.name, ""), shown.get(field.name, "")),
    }


def _shown(name: str, value: str) -> str:
    found = value[:MAX_SHOWN].replace("\x00", "")
    return shown_phone(found) if name in PHONES and found else found


def _proven_by(services: Services, found: Registration) -> str:
    method = services.registry.get(found.proven["method"]) if found.proven else None
    return services.pages.say(method.offer.label) if method else ""
