"""The suites of what an SQL database stores, together. Needs pytest."""

from idp.store.conformance_access import AccessSuite
from idp.store.conformance_accounts import AccountSuite, SessionSuite
from idp.store.conformance_emergency import EmergencySuite
from idp.store.conformance_identity_changes import IdentityChangeSuite
from idp.store.conformance_imports import ImportsSuite
from idp.store.conformance_look_alikes import LookAlikeSuite
from idp.store.conformance_operations import OperationsSuite
from idp.store.conformance_operator_roles import OperatorRoleSuite
from idp.store.conformance_people import PeopleSuite
from idp.store.conformance_practices import PracticeSuite
from idp.store.conformance_purge import PurgeSuite
from idp.store.conformance_refresh import RefreshSuite
from idp.store.conformance_registration_desk import RegistrationDeskSuite
from idp.store.conformance_registrations import RegistrationSuite
from idp.store.conformance_repositories import RepositorySuite
from idp.store.conformance_suspensions import SuspensionSuite
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
    ImportsSuite,
    PeopleSuite,
    OperatorRoleSuite,
    RegistrationSuite,
    RegistrationDeskSuite,
    LookAlikeSuite,
    AccessSuite,
    IdentityChangeSuite,
    SuspensionSuite,
):
    """Each uses the fixture `database` of DatabaseSuite."""
