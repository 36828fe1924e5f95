"""Emergency codes in a login: used once, and told to their holder, to the second operator and to support."""

import flask

from idp.domain.audit import AuditEvent
from idp.domain.authn import Proof
from idp.domain.emergency import EmergencyCode
from idp.flows import letters, not_me_link
from idp.flows.alerts import raise_alert
from idp.flows.services import Services
from idp.methods.base import Subject
from idp.methods.emergency import Spent
from idp.store import Tx

USED, ISSUED = "emergency_code.used", "emergency_code.issued"
METHOD = "emergency_code"


class IssuedCodes:
    """The port of a Context: compares with a digest as of a password, at the same cost where there is none."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def spend(self, subject: Subject, code: str) -> Spent | None:
        services, now = self._services, self._services.now()
        with services.db.read() as tx:
            found = tx.emergency_codes.live(subject.account_id or "", now)
        if not services.hasher.verify(found.digest if found else None, code) or found is None:
            return None
        with services.db.write() as tx:
            if not tx.accounts.hold(found.account_id) or not tx.emergency_codes.use(found.code_id, services.now()):
                return None
            detail = {"means": found.code_id, "issued_by": found.issued_by}
            services.record(tx, AuditEvent(USED, found.account_id, found.account_id, detail=detail))
            tell_second(services, tx, found, USED, login=subject.login)
            raise_alert(services, tx, USED, account_id=found.account_id, **detail)
        return Spent(found.code_id, found.expires_at)


def tell_second(services: Services, tx: Tx, code: EmergencyCode, event: str, *, login: str, reason: str = "") -> None:
    """The second operator, who can tell a code that nobody asked for."""
    values = {
        "to": code.told,
        "lang": "fr",
        "event": event,
        "method": METHOD,
        "login": login,
        "by": code.issued_by,
        "reason": reason,
        "at": services.now().isoformat(),
        "until": code.expires_at.isoformat(),
    }
    letters.put(services, tx, "emergency_told", values)


def tell_issued(services: Services, tx: Tx, code: EmergencyCode) -> None:
    """The holder, who may not have asked for it: the link ends it before it is used."""
    values = {
        "account_id": code.account_id,
        "lang": "fr",
        "event": ISSUED,
        "method": METHOD,
        "until": code.expires_at.isoformat(),
        "not_me_url": not_me_link.link(services, code.account_id, code.code_id, ISSUED),
    }
    letters.put(services, tx, METHOD, values)


def tell_opened(services: Services, tx: Tx, account_id: str, session_id: str, proof: Proof) -> None:
    """The holder, of every session that a code opened or joined, known browser or not."""
    values = {
        "account_id": account_id,
        "lang": services.pages.lang,
        "event": USED,
        "method": proof.method,
        "until": proof.until.isoformat() if proof.until else "",
        "at": services.now().isoformat(),
        "user_agent": flask.request.user_agent.string[:200],
        "network": services.network.prefix,
        "not_me_url": not_me_link.link(services, account_id, session_id, USED),
    }
    letters.put(services, tx, METHOD, values)
