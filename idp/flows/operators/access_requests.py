"""Requests for access, as the desk decides them: each level by another person, and nobody about themselves."""

from collections.abc import Collection
from datetime import datetime

from idp.domain.access_request import MAX_NOTE, AccessRequest, Approval, Level, Message, RequestStatus, clean
from idp.domain.account import Account, normalise_login
from idp.domain.ids import new_id
from idp.domain.rights import Right, Rights
from idp.domain.service_access import GivenRole
from idp.errors import InvalidOperation
from idp.flows import letters
from idp.flows.access.asking import form_of, page_of
from idp.flows.operators.desk import Desk
from idp.flows.services import Services
from idp.store import Tx

DECIDES = {Level.REGION: Right.REQUESTS_DECIDE_REGION, Level.SERVICE: Right.REQUESTS_DECIDE_SERVICE}


class NotDecided(InvalidOperation):
    """The text is a code: gone, changed, not_yours, own, same_person, claimed, inactive, text_missing, until_past."""


class AccessDesk:
    """One operator, with their rights. Whatever is refused changes nothing."""

    def __init__(self, services: Services, desk: Desk, rights: Rights) -> None:
        self._services, self._desk, self._rights = services, desk, rights

    def claim(self, request_id: str, version: int) -> None:
        """« Je m'en occupe »; also takes over what another has claimed."""
        with self._desk.db.write() as tx:
            found = self._open(tx, request_id, version, may_be_claimed=True)
            self._change(tx, found, claimed_by=self._desk.operator, claimed_at=self._desk.now())
            self._record(tx, "access_request.claimed", found, taken_from=found.claimed_by)

    def release(self, request_id: str, version: int) -> None:
        with self._desk.db.write() as tx:
            found = self._open(tx, request_id, version)
            self._change(tx, found, claimed_by=None, claimed_at=None)
            self._record(tx, "access_request.released", found)

    def ask(self, request_id: str, version: int, typed: str) -> None:
        """Ask its author something, by mail; the answer comes back to the request."""
        text, now = self._text(typed), self._desk.now()
        with self._desk.db.write() as tx:
            found = self._open(tx, request_id, version)
            self._change(tx, found, claimed_by=self._desk.operator, claimed_at=now)
            tx.access_requests.say(Message(new_id(), request_id, now, self._desk.operator, "question", text))
            self._record(tx, "access_request.asked", found)
            self._tell(
                tx, found, "access_question", text=text, url=self._services.settings.issuer + page_of(found.client_id)
            )

    def refuse(self, request_id: str, version: int, typed: str) -> None:
        """typed: the reason, which its author reads."""
        note = self._text(typed)
        with self._desk.db.write() as tx:
            found = self._open(tx, request_id, version)
            self._change(tx, found, status=RequestStatus.REFUSED.value, note=note, **self._decided())
            tx.access_requests.answered(request_id, self._desk.now())
            self._record(tx, "access_request.refused", found, level=found.step.value)
            self._tell(
                tx, found, "access_refused", text=note, url=self._services.settings.issuer + page_of(found.client_id)
            )

    def approve(
        self, request_id: str, version: int, *, roles: Collection[GivenRole] = (), until: datetime | None = None
    ) -> Level | None:
        """Agree; the level that decides next, or None: access was given, in the same unit.

        roles, until: of the access; they count at the last level only.
        """
        now = self._desk.now()
        if until is not None and until <= now:
            raise NotDecided("until_past")
        with self._desk.db.write() as tx:
            found = self._open(tx, request_id, version)
            if self._desk.operator in {approval.by for approval in found.approvals}:
                raise NotDecided("same_person")
            approvals = (*found.approvals, Approval(found.step, self._desk.operator, now))
            said = [approval.to_json() for approval in approvals]
            following = form_of(tx, found.client_id).after(found.step)
            if following:
                self._change(tx, found, step=following.value, approvals=said, claimed_by=None, claimed_at=None)
                self._record(tx, "access_request.approved", found, level=found.step.value)
                return following
            self._change(tx, found, status=RequestStatus.GRANTED.value, approvals=said, **self._decided())
            self._record(tx, "access_request.approved", found, level=found.step.value)
            self._grant(tx, found, roles, until)
            return None

    def _grant(self, tx: Tx, found: AccessRequest, roles: Collection[GivenRole], until: datetime | None) -> None:
        desk, now = self._desk, self._desk.now()
        tx.accounts.lock(found.account_id)
        account = tx.accounts.get(found.account_id)
        if account is None or not account.is_active:
            raise NotDecided("inactive")
        tx.accounts.grant(found.account_id, found.client_id, desk.actor, now, until, roles=roles)
        tx.access_requests.answered(found.request_id, now)
        given = " ".join(f"{role.code}@{role.perimeter}" if role.perimeter else role.code for role in roles)
        ends = until.isoformat() if until else ""
        self._record(tx, "entitlement.granted", found, roles=given, until=ends)
        url = f"{self._services.settings.issuer}/compte"
        self._tell(tx, found, "access_granted", url=url, **({"until": ends} if ends else {}))

    # --------------------------------------------------------------------------

    def _open(self, tx: Tx, request_id: str, version: int, *, may_be_claimed: bool = False) -> AccessRequest:
        """The request as it was read, which this operator may decide now. Raises NotDecided."""
        found = tx.access_requests.get(request_id)
        if found is None or not self._rights.may(Right.REQUESTS_SEE, found.client_id):
            raise NotDecided("gone")
        if not found.is_open or found.version != version:
            raise NotDecided("changed")
        if not self._rights.may(DECIDES[found.step], found.client_id):
            raise NotDecided("not_yours")
        account = tx.accounts.get(found.account_id)
        if account is None or is_own(self._desk, account):
            raise NotDecided("own")
        if not may_be_claimed and found.claimed_by not in {None, self._desk.operator}:
            raise NotDecided("claimed")
        return found

    @staticmethod
    def _change(tx: Tx, found: AccessRequest, **values: object) -> None:
        if not tx.access_requests.change(found, **values):
            raise NotDecided("changed")

    def _decided(self) -> dict[str, object]:
        return {"decided_by": self._desk.operator, "decided_at": self._desk.now()}

    def _record(self, tx: Tx, name: str, found: AccessRequest, **facts: object) -> None:
        about = {"subject": found.account_id, "client_id": found.client_id, "request": found.request_id}
        self._desk.record(tx, name, **about, **facts)

    def _tell(self, tx: Tx, found: AccessRequest, kind: str, **values: str) -> None:
        client = tx.clients.get(found.client_id)
        account = tx.accounts.get(found.account_id)
        if client and account:
            letters.tell(self._services, tx, account, kind, found.lang, service=client.name, **values)

    @staticmethod
    def _text(typed: str) -> str:
        text = clean(typed, MAX_NOTE)
        if not text:
            raise NotDecided("text_missing")
        return text


def is_own(desk: Desk, account: Account) -> bool:
    """Nobody decides about themselves; the operator's name is a login name or, of old, an address."""
    return normalise_login(desk.operator) in {account.login_name, account.email}
