"""What a card or a federation proved of whoever registers: kept in the draft, where it fills fields and locks them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from idp.domain.authn import IdentityRef
from idp.domain.ids import digest, new_token
from idp.domain.practice import Practice
from idp.domain.professions import PROFESSIONS, SPECIALITIES
from idp.domain.registration import Registration
from idp.domain.registration_form import FIELDS, Unsound, department_of
from idp.errors import JourneyError
from idp.flows import answer, relations, visits
from idp.flows.contexts import Pending
from idp.flows.outcomes import Outcome
from idp.flows.running import Runner
from idp.flows.services import Services
from idp.flows.signup import draft
from idp.flows.visits import Visit
from idp.methods.base import Done
from idp.store import Tx

OPENS_AN_ACCOUNT = f"{draft.ENTRY}/compte-existant"
CHECKS: Mapping[str, Callable[[str], str]] = {each.name: each.check for each in FIELDS}
VERIFIED = frozenset(
    {"family_name", "given_name", "rpps", "adeli", "profession", "rpps_speciality", "adeli_speciality", "civility"}
)
CONTACT = frozenset({"email", "phone", "mobile", "fax"})
CIVILITIES = {"M": "M", "M.": "M", "MME": "MME", "MLLE": "MME"}


def keep(services: Services, visit: Visit, running: Runner, done: Done, pending: Pending) -> Outcome:
    """The end of the Interaction: nobody is signed in by it. Who has an account already is told so: they proved it.

    The draft gets another cookie: whoever has the one before does not get at what was proven.
    """
    draft_id, method, token = visit.draft_id or "", running.method.id, new_token()
    with services.db.write() as tx:
        found = tx.registrations.get(draft_id)
        if found is None or not found.is_draft or services.now() >= found.expires_at:
            raise JourneyError("interaction_gone", status=410, detail="the registration is filled in no more")
        if digest(services.browser.read("signup") or "") != found.browser_digest:
            raise JourneyError("interaction_foreign", status=403, detail="the browser fills in another registration")
        holder = _holder(tx, done)
        if pending.bucket:
            tx.throttle.forgive(pending.bucket)
        if holder is not None:
            draft.note(services, tx, "signup.identity_refused", found, "refused", method=method, reason="has_account")
        else:
            draft.save(services, tx, replace(filled(found, done, method), browser_digest=digest(token)))
            draft.note(services, tx, "signup.identity_proven", found, method=method, kind=done.proof.identity.kind)
        visits.take(services, visit.interaction)  # last, so that of two answers at once one counts
    response = answer.see_other(OPENS_AN_ACCOUNT if holder else draft.PAGES[2])
    if holder is None:
        services.browser.set(response, "signup", token)
    return Outcome(response)


def _holder(tx: Tx, done: Done) -> str | None:
    for ref in _numbers(done):
        if account := tx.accounts.find(ref):
            return account.account_id
    return None


def _numbers(done: Done) -> tuple[IdentityRef, ...]:
    """What was proven, and the other number of its holder, as at a login."""
    return (done.proof.identity, *relations.related(done.proof.identity, done.related))


def filled(found: Registration, done: Done, method: str) -> Registration:
    """The draft with what was proven. What is verified replaces what was typed; the rest fills what is empty.

    How the person is reached and recognised, identifier and password are asked anew: whoever began the draft may be
    somebody else.
    """
    form = {name: value for name, value in found.form.items() if name not in CONTACT}
    said = dict(_sound(_statements(done)))
    locked = {name: value for name, value in said.items() if name in VERIFIED}
    further = {name: value for name, value in said.items() if name not in VERIFIED and not form.get(name)}
    proof, person = done.proof, done.person
    proven: dict[str, Any] = {
        "method": method,
        "kind": proof.identity.kind,
        "value": proof.identity.value,
        "family_name": person.family_name if person else "",
        "given_name": person.given_name if person else "",
        "related": [[ref.kind, ref.value] for ref in _numbers(done)[1:]],
        "practice": dict(done.practice.claims) if done.practice else {},
        "at": proof.at.isoformat(),
        "assurance": proof.assurance.name,
        "locked": sorted(locked),
    }
    return replace(
        found,
        form={**form, **further, **locked},
        proven=proven,
        birth=None,
        email=None,
        email_proven_at=None,
        login_name=None,
        password_digest=None,
    )


def _sound(said: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """What the form would accept: nobody is stuck with a field that is locked and wrong."""
    for name, value in said:
        try:
            yield name, CHECKS[name](value)
        except Unsound:
            continue


def _statements(done: Done) -> Iterator[tuple[str, str]]:
    if done.person and done.person.is_named:
        yield "family_name", done.person.family_name
        yield "given_name", done.person.given_name
    numbers: dict[str, str] = {}
    for ref in _numbers(done):
        numbers.setdefault(ref.kind, ref.value)
    yield from ((kind, numbers[kind]) for kind in ("rpps", "adeli") if kind in numbers)
    if done.practice:
        yield from _practice(done.practice, done.proof.identity)


def _practice(practice: Practice, identity: IdentityRef) -> Iterator[tuple[str, str]]:
    """What is one: of two professions, or two places, the person says which."""
    claims = practice.claims
    known = claims.get("SubjectRefPro", {})
    exercises = known.get("exercices", [])
    codes = {each.get("codeProfession", "") for each in exercises} & PROFESSIONS.keys()
    codes = codes or {role.partition("^")[0] for role in claims.get("SubjectRole", [])} & PROFESSIONS.keys()
    if len(codes) == 1:
        yield "profession", codes.pop()
    if civility := CIVILITIES.get(known.get("codeCivilite", "").upper()):
        yield "civility", civility
    specialities = {each.get("codeSavoirFaire", "") for each in exercises if each.get("codeTypeSavoirFaire") == "S"}
    if len(specialities) == 1 and specialities <= SPECIALITIES.keys() and identity.kind in {"rpps", "adeli"}:
        yield f"{identity.kind}_speciality", specialities.pop()
    places = [place for each in exercises for place in each.get("activities", [])]
    place = places[0] if len(places) == 1 else {}
    name = place.get("raisonSocialeSite") or place.get("enseigneCommercialeSite") or claims.get("SubjectOrganization")
    street = " ".join(filter(None, (place.get(part) for part in ("numeroVoie", "codeTypeDeVoie", "libelleVoie"))))
    post, town = place.get("codePostal", ""), place.get("bureauCedex", "")
    town = town.removeprefix(post).strip() if post else town
    given = {"practice_place": name, "address": street, "postal_code": post, "city": town}
    given |= {"department": department_of(post), "phone": place.get("telephone", "")}
    yield from ((field, value) for field, value in given.items() if value)
