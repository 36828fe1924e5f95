"""One unit of work, with the repositories of everything that SQL stores."""

from collections.abc import Callable

from sqlalchemy import Connection

from idp.store.access_requests import AccessRequests, ServiceAccesses
from idp.store.accounts import Accounts
from idp.store.alerts import Alerts
from idp.store.audit import Audit
from idp.store.browsers import Browsers
from idp.store.clients import Clients
from idp.store.consents import Consents
from idp.store.desk_messages import DeskMessages
from idp.store.desk_registrations import RegistrationDesk
from idp.store.emergency_codes import EmergencyCodes
from idp.store.grants import Grants
from idp.store.held_accesses import HeldAccesses
from idp.store.identity_changes import IdentityChanges
from idp.store.import_runs import ImportRuns
from idp.store.imports import Imports
from idp.store.lazy import lazy
from idp.store.leases import Leases
from idp.store.look_alikes import LookAlikes
from idp.store.means import Means
from idp.store.meta import Meta
from idp.store.method_suspensions import MethodSuspensions
from idp.store.operator_roles import OperatorRoles
from idp.store.outbox import Outbox
from idp.store.own_data import OwnData
from idp.store.passkeys import Passkeys
from idp.store.people import People
from idp.store.personal_data import PersonalData
from idp.store.phones import Phones
from idp.store.pictures import Pictures
from idp.store.policies import Policies
from idp.store.practices import Practices
from idp.store.profiles import Profiles
from idp.store.purge import Purge
from idp.store.refresh_tokens import RefreshTokens
from idp.store.registrations import Registrations
from idp.store.resets import ResetLinks
from idp.store.rpps_extract import RppsExtract
from idp.store.sessions import Sessions
from idp.store.throttle import Throttle
from idp.store.totp_secrets import TotpSecrets
from idp.store.upstream_sessions import UpstreamSessions


class Tx:
    """One unit of work: the repositories on one connection. Everything is committed together or not at all."""

    def __init__(self, begin: Callable[[], Connection]) -> None:
        """begin: called at the first use; a unit that asks nothing costs nothing."""
        self._begin = begin
        self.revoked: list[str] = []  # grants that this unit revoked, by their ids

    def end(self) -> None:
        """From now on it raises RuntimeError: its connection is another unit's."""
        self.__dict__ = {"_begin": _has_ended}

    @lazy
    def _connection(self) -> Connection:
        return self._begin()

    @lazy
    def access_requests(self) -> AccessRequests:
        return AccessRequests(self._connection)

    @lazy
    def accounts(self) -> Accounts:
        return Accounts(self._connection)

    @lazy
    def alerts(self) -> Alerts:
        return Alerts(self._connection)

    @lazy
    def audit(self) -> Audit:
        return Audit(self._connection)

    @lazy
    def browsers(self) -> Browsers:
        return Browsers(self._connection)

    @lazy
    def clients(self) -> Clients:
        return Clients(self._connection)

    @lazy
    def consents(self) -> Consents:
        return Consents(self._connection)

    @lazy
    def desk_messages(self) -> DeskMessages:
        return DeskMessages(self._connection)

    @lazy
    def emergency_codes(self) -> EmergencyCodes:
        return EmergencyCodes(self._connection)

    @lazy
    def grants(self) -> Grants:
        return Grants(self._connection, self.revoked)

    @lazy
    def import_runs(self) -> ImportRuns:
        return ImportRuns(self._connection)

    @lazy
    def held_accesses(self) -> HeldAccesses:
        return HeldAccesses(self._connection)

    @lazy
    def identity_changes(self) -> IdentityChanges:
        return IdentityChanges(self._connection)

    @lazy
    def imports(self) -> Imports:
        return Imports(self._connection)

    @lazy
    def leases(self) -> Leases:
        return Leases(self._connection)

    @lazy
    def look_alikes(self) -> LookAlikes:
        return LookAlikes(self._connection)

    @lazy
    def means(self) -> Means:
        return Means(self._connection)

    @lazy
    def meta(self) -> Meta:
        return Meta(self._connection)

    @lazy
    def method_suspensions(self) -> MethodSuspensions:
        return MethodSuspensions(self._connection)

    @lazy
    def operator_roles(self) -> OperatorRoles:
        return OperatorRoles(self._connection)

    @lazy
    def outbox(self) -> Outbox:
        return Outbox(self._connection)

    @lazy
    def phones(self) -> Phones:
        return Phones(self._connection)

    @lazy
    def pictures(self) -> Pictures:
        return Pictures(self._connection)

    @lazy
    def own_data(self) -> OwnData:
        return OwnData(self._connection)

    @lazy
    def passkeys(self) -> Passkeys:
        return Passkeys(self._connection)

    @lazy
    def people(self) -> People:
        return People(self._connection)

    @lazy
    def personal_data(self) -> PersonalData:
        return PersonalData(self._connection)

    @lazy
    def policies(self) -> Policies:
        return Policies(self._connection)

    @lazy
    def practices(self) -> Practices:
        return Practices(self._connection)

    @lazy
    def profiles(self) -> Profiles:
        return Profiles(self._connection)

    @lazy
    def purge(self) -> Purge:
        return Purge(self._connection)

    @lazy
    def refresh_tokens(self) -> RefreshTokens:
        return RefreshTokens(self._connection)

    @lazy
    def registrations(self) -> Registrations:
        return Registrations(self._connection)

    @lazy
    def registration_desk(self) -> RegistrationDesk:
        return RegistrationDesk(self._connection)

    @lazy
    def resets(self) -> ResetLinks:
        return ResetLinks(self._connection)

    @lazy
    def rpps_extract(self) -> RppsExtract:
        return RppsExtract(self._connection)

    @lazy
    def sessions(self) -> Sessions:
        return Sessions(self._connection, self.revoked)

    @lazy
    def service_access(self) -> ServiceAccesses:
        return ServiceAccesses(self._connection)

    @lazy
    def throttle(self) -> Throttle:
        return Throttle(self._connection)

    @lazy
    def totp_secrets(self) -> TotpSecrets:
        return TotpSecrets(self._connection)

    @lazy
    def upstream_sessions(self) -> UpstreamSessions:
        return UpstreamSessions(self._connection)


def _has_ended() -> Connection:
    raise RuntimeError("the unit of work has ended")
