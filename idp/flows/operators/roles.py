"""Who may do what in the console, as whoever runs the provider decides, and the console's own client."""

from idp.domain.account import Account
from idp.domain.authn import Assurance
from idp.domain.client import Client
from idp.domain.policy import entry_reach
from idp.domain.rights import ALL_SERVICES, Right, Rights, Role, RoleGrant
from idp.errors import InvalidOperation
from idp.flows import open_changes
from idp.flows.operators import clients, policies
from idp.flows.operators.desk import Desk
from idp.settings import Settings
from idp.store import Tx

CALLBACK = "/console/callback"


def grant(desk: Desk, tx: Tx, login: str, role: Role, scope: str) -> None:
    """Give an account a role for a service, or for ALL_SERVICES. Raises InvalidOperation.

    With the first one, changes of its address or of its cards that are open are cancelled: the console, where they may
    have been agreed on, makes none of an operator.
    """
    tx.accounts.lock(desk.account(tx, login).account_id)  # what is done to operators alone waits, or came before
    account = desk.account(tx, login)
    if not account.is_active:
        raise InvalidOperation(f"{login}: the account is not active")
    if scope != ALL_SERVICES and tx.clients.get(scope) is None:
        raise InvalidOperation(f"{scope}: no such client")
    if not tx.operator_roles.of(account.account_id):
        open_changes.cancel(tx, account.account_id, desk.actor, desk.now(), "operator")
    if not tx.operator_roles.grant(RoleGrant(account.account_id, role, scope, desk.actor, desk.now())):
        raise InvalidOperation(f"{login} is {role} for {scope} already")
    desk.record(tx, "operator.role_granted", subject=account.account_id, role=role, scope=scope)


def revoke(desk: Desk, tx: Tx, login: str, role: Role, scope: str) -> None:
    """Take a role away, at once: the console asks at each request. Raises InvalidOperation.

    With the one by which they changed what identifies accounts, the changes that they had a part in and that are not
    done yet are cancelled.
    """
    account = desk.account(tx, login)
    might = _may_change_identities(tx, account)
    if not tx.operator_roles.revoke(account.account_id, role, scope):
        raise InvalidOperation(f"{login} is not {role} for {scope}")
    if might and not _may_change_identities(tx, account):
        open_changes.cancel_of_operator(tx, account.account_id, desk.actor, desk.now())
    desk.record(tx, "operator.role_revoked", subject=account.account_id, role=role, scope=scope)


def _may_change_identities(tx: Tx, account: Account) -> bool:
    return Rights.of(tx.operator_roles.of(account.account_id)).may(Right.PEOPLE_CHANGE_IDENTITY)


def open_console(desk: Desk, tx: Tx, settings: Settings) -> bool:
    """Register the console, if nobody did, with a policy of every method that two factors are behind.

    False if it is registered. Raises InvalidOperation where no method of the settings is strong enough.
    """
    if tx.clients.get(settings.console_client_id) is not None:
        return False
    strong = strong_methods(desk)
    if not strong:
        raise InvalidOperation("no method of the settings has two factors behind it: the console stays closed")
    client = Client(
        client_id=settings.console_client_id,
        name="Console",
        redirect_uris=(settings.issuer + CALLBACK,),
        scopes=("openid",),
        auth_method="none",
        needs_entitlement=False,
    )
    clients.register(desk, tx, client)
    reason = "the console asks for two factors"
    policies.add(desk, tx, client.client_id, strong, min_assurance=Assurance.MEDIUM, reason=reason)
    return True


def strong_methods(desk: Desk) -> tuple[str, ...]:
    """The enabled methods that reach MEDIUM and are no emergency's, the strongest first."""
    registry = desk.registry
    reach = {each: entry_reach(registry.entry(each), registry.reach) for each in registry}
    strong = [each for each in registry if reach[each] >= Assurance.MEDIUM and not registry[each].is_temporary]
    return tuple(sorted(strong, key=lambda each: -reach[each]))
