"""Who may do what in the console: roles, each for one service or for all, and nothing by default."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

ALL_SERVICES = "*"


class Role(StrEnum):
    """What an operator works as. `policy_owner` looks after a service, its registration and its policies."""

    SUPPORT = "support"
    APPROVER = "approver"
    POLICY_OWNER = "policy_owner"
    AUDITOR = "auditor"


class Right(StrEnum):
    """One thing that the console lets an operator do."""

    REGISTRATIONS_SEE = "registrations_see"
    REGISTRATIONS_DECIDE = "registrations_decide"
    REQUESTS_SEE = "requests_see"
    REQUESTS_DECIDE_REGION = "requests_decide_region"
    REQUESTS_DECIDE_SERVICE = "requests_decide_service"
    PEOPLE_SEE = "people_see"
    PEOPLE_END_SESSIONS = "people_end_sessions"
    PEOPLE_SUSPEND = "people_suspend"
    PEOPLE_CHANGE_IDENTITY = "people_change_identity"
    SERVICES_SEE = "services_see"
    SERVICES_EDIT = "services_edit"
    SERVICES_REGISTER = "services_register"
    POLICIES_SEE = "policies_see"
    POLICIES_EDIT = "policies_edit"
    METHODS_SUSPEND = "methods_suspend"
    AUDIT_SEE = "audit_see"
    REPORTS_SEE = "reports_see"


# About no service: whoever holds a role for one service alone has none of these.
OF_NO_SERVICE = frozenset(
    {
        Right.REGISTRATIONS_SEE,
        Right.REGISTRATIONS_DECIDE,
        Right.PEOPLE_SEE,
        Right.PEOPLE_END_SESSIONS,
        Right.PEOPLE_SUSPEND,
        Right.PEOPLE_CHANGE_IDENTITY,
        Right.SERVICES_REGISTER,
        Right.METHODS_SUSPEND,
    }
)

GRANTS: Mapping[Role, frozenset[Right]] = {
    Role.SUPPORT: frozenset(
        {
            Right.REGISTRATIONS_SEE,
            Right.REGISTRATIONS_DECIDE,
            Right.REQUESTS_SEE,
            Right.REQUESTS_DECIDE_REGION,
            Right.PEOPLE_SEE,
            Right.PEOPLE_END_SESSIONS,
            Right.PEOPLE_SUSPEND,
            Right.PEOPLE_CHANGE_IDENTITY,
            Right.REPORTS_SEE,
        }
    ),
    Role.APPROVER: frozenset({Right.REQUESTS_SEE, Right.REQUESTS_DECIDE_SERVICE, Right.REPORTS_SEE}),
    Role.POLICY_OWNER: frozenset(
        {
            Right.SERVICES_SEE,
            Right.SERVICES_EDIT,
            Right.SERVICES_REGISTER,
            Right.POLICIES_SEE,
            Right.POLICIES_EDIT,
            Right.METHODS_SUSPEND,
        }
    ),
    Role.AUDITOR: frozenset({Right.AUDIT_SEE, Right.REPORTS_SEE, Right.SERVICES_SEE, Right.POLICIES_SEE}),
}


class Every:
    """The scope that holds every service, those to come too."""

    def __contains__(self, client_id: object) -> bool:
        return True

    def __repr__(self) -> str:
        return "EVERY"


EVERY = Every()
Scope = frozenset[str] | Every


@dataclass(frozen=True, slots=True)
class RoleGrant:
    """A role that an account was given. scope: a client_id, or ALL_SERVICES."""

    account_id: str
    role: Role
    scope: str
    granted_by: str
    granted_at: datetime


@dataclass(frozen=True, slots=True)
class Rights:
    """What the roles of one operator come to."""

    roles: frozenset[tuple[Role, str]]

    @classmethod
    def of(cls, grants: Iterable[RoleGrant]) -> "Rights":
        return cls(frozenset((grant.role, grant.scope) for grant in grants))

    def may(self, right: Right, client_id: str | None = None) -> bool:
        """Whether the operator may, for this service. Without client_id: for all of them, or what is about none."""
        return any(
            scope == ALL_SERVICES or (scope == client_id and right not in OF_NO_SERVICE)
            for role, scope in self.roles
            if right in GRANTS[role]
        )

    def scope_of(self, right: Right) -> Scope:
        """The services for which the operator may; empty if there is none, or if it is about none and they may not."""
        if self.may(right):
            return EVERY
        if right in OF_NO_SERVICE:
            return frozenset()
        return frozenset(scope for role, scope in self.roles if right in GRANTS[role])
