"""Registrations as the wizard leaves them, and the letters that the desk sends about them."""

import re
from typing import Any

from idp.domain.ids import new_id
from idp.domain.registration import Registration, RegistrationStatus
from tests.fakes.provider import ISSUER, PASSWORD, Provider

FORM = {
    "civility": "MME",
    "family_name": "Pierre",
    "given_name": "Anne",
    "practice_place": "CHU de Bordeaux",
    "profession": "60",
    "rpps": "10000000017",
    "address": "1 place des Soins",
    "postal_code": "33000",
    "city": "Bordeaux",
    "department": "33",
    "mobile": "+33612345678",
    "reason": "Mise à jour de l'offre",
}
PROVEN = {
    "method": "cps_card",
    "kind": "rpps",
    "value": "10000000017",
    "family_name": "PIERRE",
    "given_name": "ANNE",
    "related": [["adeli", "759900001"]],
    "practice": {"SubjectRole": ["60^1.2.250.1.71.1.2.7"]},
    "at": "2026-11-02T08:00:00+00:00",
    "assurance": "HIGH",
    "locked": ["family_name", "given_name", "rpps"],
}
WISHED = "a.pierre"
EMAIL = "a.pierre@chu.example"


def submit(provider: Provider, **changes: Any) -> Registration:
    """One that waits for the desk, without a card unless `proven` says so."""
    now, registration_id = provider.clock.now(), new_id()
    sealed = provider.services.data_keys.seal(b"17/05", purpose=f"registration:{registration_id}")
    values: dict[str, Any] = {
        "form": FORM,
        "email": EMAIL,
        "email_proven_at": now,
        "login_name": WISHED,
        "password_digest": provider.services.hasher.hash(PASSWORD),
        "birth": sealed,
        "submitted_at": now,
        "terms_version": "2026-01",
        "browser_digest": new_id(),
        **changes,
    }
    made = Registration(registration_id, RegistrationStatus.SUBMITTED, 1, values.pop("lang", "fr"), now, now, **values)
    with provider.services.db.write() as tx:
        tx.registrations.start(made)
    return made


def now_of(provider: Provider, registration_id: str) -> Registration:
    """As it is stored now."""
    with provider.services.db.read() as tx:
        found = tx.registration_desk.get(registration_id)
    assert found is not None
    return found


def link_in(provider: Provider, folder: str = "confirmer") -> str:
    """Path of the link in the last letter."""
    found = re.search(rf"{ISSUER}(/inscription/{folder}/[\w-]+)", provider.mails()[-1].text)
    assert found, provider.mailer.sent[-1].text
    return found.group(1)
