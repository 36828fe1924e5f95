"""Authorization requests that clients pushed (RFC 9126): loaded again until they are answered, answered once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from idp.domain.ids import digest, new_token
from idp.domain.interaction import LIFETIME
from idp.errors import ProtocolError
from idp.flows.services import Services

KIND = "pushed"
URN = "urn:ietf:params:oauth:request_uri:"
LOAD_WITHIN = timedelta(seconds=90)


def new_reference() -> tuple[str, str]:
    """A request_uri, and the key that its request is kept under; what is stored never holds the request_uri."""
    reference = new_token()
    return URN + reference, digest(reference)


def key_of(request_uri: str) -> str:
    return digest(request_uri.removeprefix(URN))


def keep(services: Services, key: str, client_id: str, values: Mapping[str, str]) -> None:
    """Keep the parameters of a checked request for as long as a login that begins within 90 s may take."""
    load_before = services.now() + LOAD_WITHIN
    record = {"client_id": client_id, "values": dict(values), "load_before": load_before.isoformat(), "loaded": False}
    services.ephemeral.put(KIND, key, record, LOAD_WITHIN + LIFETIME)


def load(services: Services, key: str, client_id: str | None) -> dict[str, str]:
    """The parameters. A reload, or a second tab, finds them again until the request is answered.

    Raises ProtocolError("invalid_request_uri"), with no redirect: unknown, expired, answered, another client's.
    """
    found = services.ephemeral.get_versioned(KIND, key)
    if found is None or found[0]["client_id"] != client_id:
        raise unusable()
    record, version = found
    if not record["loaded"]:
        load_before = datetime.fromisoformat(record["load_before"])
        if services.now() >= load_before:
            raise unusable()
        # False if another request loaded it or answered it just now: the answer, which takes it, settles that.
        services.ephemeral.swap(KIND, key, version, {**record, "loaded": True}, load_before + LIFETIME)
    values: dict[str, Any] = record["values"]
    return values


def spend(services: Services, key: str | None) -> bool:
    """Take a request as it is answered; False if it was answered before. None: one that was not pushed."""
    return key is None or services.ephemeral.take(KIND, key) is not None


def unusable() -> ProtocolError:
    return ProtocolError("invalid_request_uri", "The request_uri is unknown, has expired or was used.")
