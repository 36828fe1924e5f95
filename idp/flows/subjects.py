"""Who a person is to a client: the `sub` that it is told, and that it may name (OIDC Core §8)."""

from idp.domain.client import Client
from idp.flows.services import Services


def session_identifier(services: Services, client: Client, session_id: str) -> str:
    """The `sid` that this client is told: clients of different sectors must not find out that theirs is one session."""
    if client.subject_type == "public":
        return session_id
    return services.data_keys.mac("sid", client.sector or "", session_id)[:32]


def subject(services: Services, client: Client, account_id: str) -> str:
    """The account's `sub` for this client: the account_id, or a pairwise one that the clients of a sector share."""
    if client.subject_type == "public":
        return account_id
    if client.sector is None:  # no registered client is so: fail closed rather than tell the account_id
        raise ValueError(f"{client.client_id}: pairwise subjects without a sector")
    return services.data_keys.subject(client.sector, account_id)
