"""The operations, what each must not cost more than, and which of them a provider can do."""

from collections.abc import Mapping
from typing import Any

LOGIN = "login"
# Operation → the most CPU that it may cost, in times the floor's; login is net of the password hash.
TARGETS = {
    LOGIN: 2.0,
    "sso": 2.0,
    "refresh": 2.0,
    "userinfo": 1.6,
    "introspect": 1.6,
    "client_credentials": 1.6,
    "discovery": 1.35,
    "jwks": 1.35,
}
NEEDS_PEOPLE = frozenset({"sso", "refresh", "userinfo", "introspect"})


def is_offered(operation: str, metadata: Mapping[str, Any]) -> bool:
    """Whether the provider's metadata says that it can do this (RFC 8414 §2)."""
    match operation:
        case "refresh":
            return "refresh_token" in metadata.get("grant_types_supported", ())
        case "client_credentials":
            return "client_credentials" in metadata.get("grant_types_supported", ())
        case "introspect":
            return "introspection_endpoint" in metadata
        case _:
            return True
