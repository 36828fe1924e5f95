"""The suites of what an SQL database stores, together. Needs pytest."""

from idp.store.conformance_accounts import AccountSuite, SessionSuite
from idp.store.conformance_emergency import EmergencySuite
from idp.store.conformance_operations import OperationsSuite
from idp.store.conformance_practices import PracticeSuite
from idp.store.conformance_purge import PurgeSuite
from idp.store.conformance_refresh import RefreshSuite
from idp.store.conformance_repositories import RepositorySuite
from idp.store.conformance_upstream_sessions import UpstreamSessionSuite


class StoredSuite(
    AccountSuite,
    SessionSuite,
    RefreshSuite,
    RepositorySuite,
    OperationsSuite,
    PurgeSuite,
    PracticeSuite,
    UpstreamSessionSuite,
    EmergencySuite,
):
    """Each uses the fixture `database` of DatabaseSuite."""
