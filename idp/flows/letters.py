"""Letters: put into the outbox by a journey; the worker writes and sends them (`idp.flows.delivery`)."""

import json
from collections.abc import Mapping

from idp.domain.account import Account
from idp.domain.ids import new_id
from idp.flows.services import Services
from idp.store import Tx


def put(services: Services, tx: Tx, kind: str, values: Mapping[str, str]) -> None:
    """Put a letter into the outbox, sealed: it may hold a code until it is sent.

    values: `account_id`, to whose verified address it goes, or `to`, an address of its own; `lang`.
    """
    outbox_id = new_id()
    sealed = services.data_keys.seal(json.dumps(dict(values)).encode(), purpose=f"outbox:{outbox_id}")
    tx.outbox.put(outbox_id, kind, sealed, services.now())


def tell(services: Services, tx: Tx, account: Account, kind: str, lang: str, **values: str) -> None:
    """A notice to the holder of an account."""
    put(services, tx, kind, {"account_id": account.account_id, "lang": lang, **values})


def language(tx: Tx, account: Account) -> str:
    """Of a letter that nothing they do now occasions: theirs as far as it is known, or French."""
    return tx.own_data.language(account.account_id) or "fr"
