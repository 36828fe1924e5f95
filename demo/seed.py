"""What a first start of the demo puts into its database: services, their policies, people and operators."""

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from demo.access_forms import BY_SERVICE, FORMS
from demo.ports import Ports
from idp.domain.account import Account
from idp.domain.authn import Assurance
from idp.domain.client import Client
from idp.domain.rights import ALL_SERVICES, Role
from idp.domain.service_access import GivenRole
from idp.flows.operators import accounts, clients, policies, roles, service_access
from idp.flows.operators.desk import Desk
from idp.hashing import PasswordHasher
from idp.store import Tx

PORTAL, CONSOLE = "portail", "console"
STRONG = ("cps_card", "pro_sante_connect", "email_otp", "qr_code")
RESCUE = (*STRONG, "emergency_code")  # of one service, so that there is a place to try it
EVERY = (*STRONG, "passkey", "totp", "password")
SCOPES = ("openid", "profile", "email", "address", "phone", "identite_ps")

PEOPLE: tuple[dict[str, str], ...] = (
    {
        "login": "anne.pierre", "given_name": "Anne", "family_name": "Pierre", "civility": "Mme",
        "email": "anne.pierre@chu.example", "rpps": "10003456786", "services": "ror espace-pro",
    },
    {  # his card is to be linked: nobody entered his number
        "login": "karim.benali", "given_name": "Karim", "family_name": "Benali", "civility": "M.",
        "email": "karim.benali@chu.example", "rpps": "", "services": "ror",
    },
    {
        "login": "lea.martin", "given_name": "Léa", "family_name": "Martin", "civility": "Mme",
        "email": "lea.martin@clinique.example", "rpps": "10003456802", "services": "",
    },
    {  # imported without a password: her first login is « Mot de passe oublié ? »
        "login": "jeanne.duval", "given_name": "Jeanne", "family_name": "Duval", "civility": "Mme",
        "email": "jeanne.duval@ehpad.example", "rpps": "10003456810", "services": "ror",
    },
)  # fmt: skip
IMPORTED = "jeanne.duval"
# What Anne may do in the ROR, and for which establishments.
ANNE_IN_ROR = (
    GivenRole("PORTEUR_OFFRE", "330781196"),
    GivenRole("REF_DISPO_PLACE", "330781196"),
    GivenRole("REF_DISPO_PLACE", "330781204"),
)
# One for each role of the console, and what the role is for; two of support, since some changes take two operators.
OPERATORS: tuple[tuple[dict[str, str], Role, str], ...] = (
    ({"login": "nadia.lefevre", "given_name": "Nadia", "family_name": "Lefèvre"}, Role.SUPPORT, ALL_SERVICES),
    ({"login": "hugo.fabre", "given_name": "Hugo", "family_name": "Fabre"}, Role.SUPPORT, ALL_SERVICES),
    ({"login": "claire.roche", "given_name": "Claire", "family_name": "Roche"}, Role.APPROVER, "espace-pro"),
    ({"login": "marc.dubois", "given_name": "Marc", "family_name": "Dubois"}, Role.POLICY_OWNER, "ror"),
    ({"login": "paul.girard", "given_name": "Paul", "family_name": "Girard"}, Role.AUDITOR, ALL_SERVICES),
)

# Every standard claim, for people who try a client of their own against the demo.
PROFILE: dict[str, Any] = {
    "middle_name": "Marie",
    "nickname": "Anne",
    "profile": "https://annuaire.example/anne.pierre",
    "picture": "https://annuaire.example/anne.pierre.jpg",
    "website": "https://chu.example/urgences",
    "gender": "female",
    "birthdate": "0000-05-17",
    "zoneinfo": "Europe/Paris",
    "locale": "fr-FR",
    "phone_number": "+33 5 56 00 00 00",
    "phone_number_verified": False,
    "address": {
        "street_address": "1 place des Soins",
        "postal_code": "33000",
        "locality": "Bordeaux",
        "country": "France",
        "formatted": "1 place des Soins\n33000 Bordeaux",
    },
}


def seed(desk: Desk, hasher: PasswordHasher, ports: Ports) -> dict[str, Any]:
    """Fill an empty database, marked as a demo's; returns clients and accounts for demo.json."""
    with desk.db.write() as tx:
        tx.meta.mark_as_demo()
        registered = [_register(desk, tx, client) for client in _clients(ports)]
        policies.add(desk, tx, PORTAL, EVERY, reason="demo")
        inside = ("email_otp", "passkey", "qr_code", "totp", "cps_card", "pro_sante_connect")
        policies.add(desk, tx, CONSOLE, inside, min_assurance=Assurance.MEDIUM, reason="demo: two factors")
        for client_id, methods in (("ror", STRONG), ("espace-pro", RESCUE)):
            policies.add(
                desk,
                tx,
                client_id,
                methods,
                min_assurance=Assurance.MEDIUM,
                notice="Depuis juillet 2026, la connexion via identifiant mot de passe seul n'est plus possible.",
                reason="demo: strong methods only since July 2026",
            )
        for form in FORMS:
            service_access.put(desk, tx, form)
        people = [_person(desk, tx, hasher, data) for data in PEOPLE]
        people += [_operator(desk, tx, hasher, each) for each in OPERATORS]
    return {"clients": registered, "accounts": people}


def _clients(ports: Ports) -> Iterator[Client]:
    yield Client(
        client_id=PORTAL,
        name="Portail ESEA Nouvelle-Aquitaine",
        redirect_uris=(f"{ports.issuer}/compte/callback",),
        post_logout_redirect_uris=(f"{ports.issuer}/logged-out",),
        auth_method="none",
        needs_entitlement=False,
    )
    yield Client(
        client_id=CONSOLE,
        name="Console ESEA",
        redirect_uris=(f"{ports.issuer}{roles.CALLBACK}",),
        scopes=("openid",),
        auth_method="none",
        needs_entitlement=False,
    )
    for client_id, name, base, logo, text in (
        ("ror", "ROR Nouvelle-Aquitaine", ports.ror, "ror.svg", "Offre de soins, capacités et disponibilités"),
        (
            "espace-pro",
            "Espace Pro ORU NA",
            ports.espace_pro,
            "espace_pro.svg",
            "Tableaux de bord et activité des urgences",
        ),
    ):
        yield Client(
            client_id=client_id,
            name=name,
            redirect_uris=(f"{base}/callback",),
            post_logout_redirect_uris=(f"{base}/",),
            scopes=(*SCOPES, "habilitations") if BY_SERVICE[client_id].roles else SCOPES,
            token_lifetime=timedelta(minutes=5),
            initiate_login_uri=f"{base}/login",
            logo_uri=f"{base}/static/{logo}",
            description=text,
        )


def _register(desk: Desk, tx: Tx, client: Client) -> dict[str, Any]:
    secret = clients.register(desk, tx, client)
    return {
        "client_id": client.client_id,
        "client_secret": secret,
        "redirect_uris": list(client.redirect_uris),
        "name": client.name,
    }


def _operator(desk: Desk, tx: Tx, hasher: PasswordHasher, who: tuple[dict[str, str], Role, str]) -> dict[str, Any]:
    data, role, scope = who
    known = {"civility": "", "email": f"{data['login']}@esea.example", "rpps": "", "services": ""}
    made = _person(desk, tx, hasher, {**known, **data})
    roles.grant(desk, tx, data["login"], role, scope)
    return {**made, "role": role.value, "scope": scope}


def _person(desk: Desk, tx: Tx, hasher: PasswordHasher, data: dict[str, str]) -> dict[str, Any]:
    is_anne = data["login"] == "anne.pierre"
    account: Account = accounts.create(desk, tx, data, PROFILE if is_anne else {})
    if is_anne:
        tx.accounts.grant(account.account_id, "ror", desk.actor, desk.now(), None, roles=ANNE_IN_ROR)
    password = None
    if data["login"] != IMPORTED:
        password = "demo-" + secrets.token_urlsafe(9)
        # As if it had been handed over face to face: a password chosen through the mailbox would be worth less.
        tx.accounts.set_password(account.account_id, hasher.hash(password), "knowledge", desk.now())
    return {"login": data["login"], "password": password, "email": data["email"], "rpps": data["rpps"]}
