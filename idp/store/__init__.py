"""Durable state in SQL, short-lived state in Redis, and the suites that a store must pass."""

from idp.store.access_tokens import AccessTokens
from idp.store.configuration import Configuration
from idp.store.database import Database, Tx
from idp.store.ephemeral import Ephemeral

__all__ = ["AccessTokens", "Configuration", "Database", "Ephemeral", "Tx"]
