"""The account that comes of an approved registration: made with everything that belongs to it, or not at all."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from idp.domain.access_request import Level
from idp.domain.account import Account, AccountStatus
from idp.domain.audit import AuditEvent
from idp.domain.authn import Assurance, IdentityRef
from idp.domain.ids import new_id
from idp.domain.practice import Asserted, Practice
from idp.domain.professions import OTHER, PROFESSIONS
from idp.domain.registration import Registration
from idp.errors import InvalidOperation
from idp.flows import letters
from idp.flows.access import asking
from idp.flows.services import Services
from idp.flows.signup import proving
from idp.store import Tx

TRIES = 20  # each time somebody else of the same name was first, at the same moment
MAX_LOGIN, MAX_NUMBER = 64, 9999
CIVILITIES = {"MME": "Mme", "M": "M."}


class Taken(InvalidOperation):
    """An account has the address or a number by now: support decides what becomes of the registration."""


def make(services: Services, token: str) -> Account | None:
    """Use the link up. None if it is unknown, used or expired. Raises Taken; then the link is as good as before."""
    for _ in range(TRIES):
        try:
            return _make(services, token)
        except Taken:
            raise
        except InvalidOperation:  # a unit that was written meanwhile has the login name
            continue
    raise Taken("others were first each time")


def _make(services: Services, token: str) -> Account | None:
    with services.db.write() as tx:
        about = tx.registration_desk.take(token, services.now())
        if about is None:
            return None
        about = proving.standing(services, about)
        identities = _identities(about)
        if tx.imports.taken([ref for ref, _ in identities]):
            raise Taken("an account has the address or a number by now")
        account = _account(about, _free_login(tx, about.login_name or ""), services.now())
        tx.accounts.add(account, identities)
        _add_means(services, tx, account, about)
        granted = _entitle(services, tx, account, about)
        tx.registration_desk.settle(about.registration_id, account.account_id)
        _note(services, tx, account, about)
        letters.tell(
            services,
            tx,
            account,
            "account_ready",
            about.lang,
            login=account.login_name,
            wished=about.login_name or "",
            url=f"{services.settings.issuer}/compte",
            service=granted,
        )
    return account


def _account(about: Registration, login_name: str, now: datetime) -> Account:
    form, proven = about.form, about.proven or {}
    return Account(
        account_id=new_id(),
        login_name=login_name,
        status=AccountStatus.ACTIVE,
        given_name=str(proven.get("given_name") or form.get("given_name", "")),
        family_name=str(proven.get("family_name") or form.get("family_name", "")),
        email=about.email,
        email_verified=about.email_proven_at is not None,
        created_at=now,
        updated_at=now,
        civility=CIVILITIES.get(form.get("civility", "")),
        profile=_profile(form),
    )


def _profile(form: Mapping[str, str]) -> dict[str, Any]:
    """What was declared, by the names of OIDC Core §5.1; a telephone number is not verified."""
    place = f"{form.get('postal_code', '')} {form.get('city', '')}".strip()
    profession = form.get("profession", "")
    typed = form.get("profession_other", "") if profession == OTHER else PROFESSIONS.get(profession, "")
    address = {
        "street_address": form.get("address", ""),
        "postal_code": form.get("postal_code", ""),
        "locality": form.get("city", ""),
        "formatted": "\n".join(line for line in (form.get("address", ""), place) if line),
    }
    phone = form.get("mobile") or form.get("phone") or ""
    found: dict[str, Any] = {"function": typed, "structure": form.get("practice_place", "")}
    found["address"] = {name: value for name, value in address.items() if value}
    found |= {"phone_number": phone, "phone_number_verified": False} if phone else {}
    return {name: value for name, value in found.items() if value or value is False}


def _identities(about: Registration) -> list[tuple[IdentityRef, str]]:
    """What was proven, with who proved it; what is only declared is none."""
    proven = about.proven or {}
    found = [(IdentityRef("email", about.email), "holder")] if about.email and about.email_proven_at else []
    if proven:
        pairs = {proven["kind"]: proven["value"]}
        for kind, value in proven.get("related", ()):
            pairs.setdefault(kind, value)
        found += [(IdentityRef(kind, value), proven["method"]) for kind, value in pairs.items()]
    return found


def _add_means(services: Services, tx: Tx, account: Account, about: Registration) -> None:
    """The password that was chosen in the wizard, by whoever proved the mailbox there: the mailbox alone did not set
    it, so that it is a factor of its own. A card or a federation that was proven opens the account; the password has
    at most the level of that proof, after which it was chosen: a proof empties the draft of the one before.
    """
    now, proven = services.now(), about.proven
    method = services.registry.get(proven["method"]) if proven else None
    level = Assurance.LOW
    if proven and method:
        level = min(method.floor or method.assurance, Assurance[proven.get("assurance", Assurance.LOW.name)])
    if about.password_digest:
        tx.accounts.set_password(account.account_id, about.password_digest, "knowledge", now, level)
    if proven is None:
        return
    link_id = tx.means.add_link(account.account_id, proven["method"], now)
    detail = {"method": proven["method"], "means": link_id, "registration": about.registration_id}
    services.record(tx, AuditEvent("means.linked", account.account_id, account.account_id, detail=detail))
    if proven.get("practice"):
        said = Asserted(proven["method"], Practice(proven["practice"]), datetime.fromisoformat(proven["at"]))
        tx.practices.put(account.account_id, said)


def _entitle(services: Services, tx: Tx, account: Account, about: Registration) -> str:
    """Access to the service where the registration began (P-073), if support alone decides about it; its name.

    Not where there are roles: nobody chose one, and access to such a service is never without.
    """
    client = tx.clients.get(about.client_id) if about.client_id else None
    if client is None or not asking.is_for(client):
        return ""
    form = asking.form_of(tx, client.client_id)
    if Level.SERVICE in form.levels or form.roles:  # its own team, or a request for a role, is next
        return ""
    by = f"operator:{about.decided_by}"
    tx.accounts.grant(account.account_id, client.client_id, by, services.now(), None)
    detail = {"registration": about.registration_id}
    services.record(tx, AuditEvent("entitlement.granted", by, account.account_id, client.client_id, detail=detail))
    return client.name


def _free_login(tx: Tx, wished: str) -> str:
    """The login name, or with the next number that nobody has."""
    if tx.accounts.find(IdentityRef("login_name", wished)) is None:
        return wished
    for number in range(2, MAX_NUMBER):
        name = f"{wished[: MAX_LOGIN - len(str(number))]}{number}"
        if tx.accounts.find(IdentityRef("login_name", name)) is None:
            return name
    raise Taken("every number behind this login name is taken")


def _note(services: Services, tx: Tx, account: Account, about: Registration) -> None:
    who, detail = account.account_id, {"registration": about.registration_id}
    services.record(tx, AuditEvent("account.created", who, who, detail=detail))
    event = AuditEvent("registration.confirmed", who, about.registration_id, about.client_id, detail={"account": who})
    services.record(tx, event)
