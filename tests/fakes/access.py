"""A service whose access is asked for, and people who ask."""

from dataclasses import replace
from typing import Any

from idp.domain.access_request import AccessRequest
from idp.domain.service_access import OTHER, Field, ServiceAccess, ServiceRole
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, csrf_of

FUNCTIONS = ("Médecin", "Infirmier", OTHER)
# The form « Inscription » of Espace Pro (P-101).
FIELDS = (
    Field("given_name", "Prénom", source="given_name", is_locked=True),
    Field("family_name", "Nom", source="family_name", is_locked=True),
    Field("email", "Email", source="email", is_locked=True),
    Field("function", "Fonction", "select", is_required=True, choices=FUNCTIONS),
    Field("function_other", "Fonction autre", is_required=True, other_of="function"),
    Field("speciality", "Spécialité", "select", is_required=True, choices=("Médecine d'urgence", "Gériatrie")),
    Field("you_are", "Vous êtes:", "select", is_required=True, choices=("Un établissement", "Un libéral")),
    Field("more", "Complément information", "textarea", hint="Merci de préciser votre profession"),
    Field("phone", "Téléphone", "tel", is_required=True, source="phone_number"),
)
ROLES = (
    ServiceRole("PORTEUR_OFFRE", "Porteur d'offre", takes_perimeter=True),
    ServiceRole("PSL", "Professionnel de Santé Libéral"),
)
GOOD = {
    "function": "Médecin",
    "speciality": "Gériatrie",
    "you_are": "Un libéral",
    "phone": "05 56 00 00 00",
    "reason": "besoin de me connecter … capacitaire du 33",
    "terms": "accept",
}


def with_service(provider: Provider, client_id: str = "espace-pro", **changes: Any) -> ServiceAccess:
    """A service that is asked for, with the form of P-101; changes: of its definition."""
    provider.add_client(
        client_id,
        name="Espace Pro ORU NA",
        needs_entitlement=True,
        initiate_login_uri=f"https://rp.example/{client_id}/start",
    )
    form = ServiceAccess(client_id, fields=FIELDS, updated_at=provider.clock.now(), updated_by="test")
    form = replace(form, **changes)
    with provider.services.db.write() as tx:
        tx.service_access.set(form)
    return form


def ask(visitor: RelyingParty, client_id: str = "espace-pro", **changes: str) -> Any:
    """Send the form of the page, with changes; an empty value is sent as such."""
    page = f"/compte/access/{client_id}"
    token = csrf_of(visitor.browser.get("/compte"))
    return visitor.browser.post(page, data={"csrf": token, **GOOD, **changes})


def request_of(provider: Provider, login: str = "anne.pierre", client_id: str = "espace-pro") -> AccessRequest:
    """The newest."""
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login(login)
        assert account
        found = tx.access_requests.last_of(account.account_id, client_id)
    assert found
    return found


def asked(provider: Provider, login: str = "anne.pierre", client_id: str = "espace-pro") -> bool:
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login(login)
        assert account
        return tx.access_requests.last_of(account.account_id, client_id) is not None
