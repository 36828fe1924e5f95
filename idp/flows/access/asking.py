"""Asking for access to a service (« adhésion »), and what the person may do until it is decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.access_request import AccessRequest, Level, Message, RequestStatus
from idp.domain.account import Account
from idp.domain.audit import AuditEvent
from idp.domain.client import Client
from idp.domain.ids import new_id
from idp.domain.service_access import ServiceAccess
from idp.domain.throttle import ACCESS_REQUESTS
from idp.flows import letters
from idp.flows.services import Services
from idp.store import Tx

PAGE = "/compte/access"
TOLD_BEFORE = timedelta(days=30)  # the end of an access; from then on it may be asked for again


@dataclass(frozen=True, slots=True)
class Terms:
    """What one agrees to with a request; version None where there is nothing to agree to."""

    version: str | None
    uri: str | None


def page_of(client_id: str) -> str:
    """Where access to a service is asked for, and looked after."""
    return f"{PAGE}/{client_id}"


def form_of(tx: Tx, client_id: str) -> ServiceAccess:
    """What the service asks; of one that never said, a reason, and support decides."""
    return tx.service_access.get(client_id) or ServiceAccess(client_id)


def is_for(client: Client | None) -> bool:
    """Whether access to this service can be asked for."""
    return client is not None and client.needs_entitlement and client.signs_people_in


def lasts(tx: Tx, account_id: str, client_id: str, now: datetime) -> bool:
    """There is nothing to ask for: access is there, and does not end soon."""
    return tx.accounts.is_entitled(account_id, client_id, now + TOLD_BEFORE)


def submit(
    services: Services, account: Account, client: Client, *, level: Level, terms: str | None, typed: Mapping[str, str]
) -> timedelta:
    """Store a request, tell its author that it came in; zero, or how long to wait where too many were made.

    level: the first that decides. terms: the version that was agreed to. typed: the sound answers, and
    `reason`. A second click finds the first one's request, and that is all right.
    """
    now, account_id, client_id = services.now(), account.account_id, client.client_id
    made = AccessRequest(
        request_id=new_id(),
        account_id=account_id,
        client_id=client_id,
        step=level,
        reason=typed["reason"],
        answers={name: value for name, value in typed.items() if name != "reason"},
        terms_version=terms,
        lang=services.pages.lang,
        created_at=now,
    )
    with services.db.write() as tx:
        if tx.access_requests.open_of(account_id, client_id) or lasts(tx, account_id, client_id, now):
            return timedelta(0)
        if wait := tx.throttle.take(f"access_request:{account_id}", ACCESS_REQUESTS, now):
            return wait
        if not tx.access_requests.submit(made):
            return timedelta(0)
        _record(services, tx, "access_request.submitted", made, terms=terms or "")
        letters.tell(services, tx, account, "access_received", made.lang, service=client.name)
    return timedelta(0)


def withdraw(services: Services, account: Account, client_id: str) -> bool:
    """The author takes the request back; False if there is none that waits, or it was decided meanwhile."""
    now = services.now()
    with services.db.write() as tx:
        found = tx.access_requests.open_of(account.account_id, client_id)
        if found is None or not tx.access_requests.change(
            found, status=RequestStatus.WITHDRAWN.value, decided_at=now, claimed_by=None, claimed_at=None
        ):
            return False
        tx.access_requests.answered(found.request_id, now)
        _record(services, tx, "access_request.withdrawn", found)
    return True


def answer(services: Services, account: Account, client_id: str, text: str) -> bool:
    """Answer what the desk asked; False if no question waits, as after a second click, or it was decided."""
    now = services.now()
    with services.db.write() as tx:
        found = tx.access_requests.open_of(account.account_id, client_id)
        if found is None:
            return False
        if not tx.access_requests.answer(Message(new_id(), found.request_id, now, "", "answer", text)):
            return False
        _record(services, tx, "access_request.answered", found)
    return True


def _record(services: Services, tx: Tx, name: str, request: AccessRequest, **facts: str) -> None:
    detail = {"request": request.request_id, **{fact: value for fact, value in facts.items() if value}}
    services.record(tx, AuditEvent(name, request.account_id, request.account_id, request.client_id, detail=detail))
