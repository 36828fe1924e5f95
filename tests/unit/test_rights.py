"""Every right of every role, for its service, for another and for all."""

import pytest

from idp.domain.rights import EVERY, GRANTS, OF_NO_SERVICE, Right, Rights, Role

SUPPORT, APPROVER, OWNER, AUDITOR = Role.SUPPORT, Role.APPROVER, Role.POLICY_OWNER, Role.AUDITOR
TABLE: dict[Right, set[Role]] = {
    Right.REGISTRATIONS_SEE: {SUPPORT},
    Right.REGISTRATIONS_DECIDE: {SUPPORT},
    Right.REQUESTS_SEE: {SUPPORT, APPROVER},
    Right.REQUESTS_DECIDE_REGION: {SUPPORT},
    Right.REQUESTS_DECIDE_SERVICE: {APPROVER},
    Right.PEOPLE_SEE: {SUPPORT},
    Right.PEOPLE_END_SESSIONS: {SUPPORT},
    Right.PEOPLE_SUSPEND: {SUPPORT},
    Right.PEOPLE_CHANGE_IDENTITY: {SUPPORT},
    Right.SERVICES_SEE: {OWNER, AUDITOR},
    Right.SERVICES_EDIT: {OWNER},
    Right.SERVICES_REGISTER: {OWNER},
    Right.POLICIES_SEE: {OWNER, AUDITOR},
    Right.POLICIES_EDIT: {OWNER},
    Right.METHODS_SUSPEND: {OWNER},
    Right.AUDIT_SEE: {AUDITOR},
    Right.REPORTS_SEE: {SUPPORT, APPROVER, AUDITOR},
}


def held(role: Role, scope: str) -> Rights:
    return Rights(frozenset({(role, scope)}))


def test_the_table_is_complete() -> None:
    assert set(TABLE) == set(Right)
    assert set(GRANTS) == set(Role)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("right", Right)
def test_every_right_of_every_role(right: Right, role: Role) -> None:
    has = role in TABLE[right]
    everywhere = held(role, "*")
    assert everywhere.may(right) is has
    assert everywhere.may(right, "ror") is has
    assert everywhere.scope_of(right) == (EVERY if has else frozenset())
    scoped, of_service = held(role, "ror"), has and right not in OF_NO_SERVICE
    assert scoped.may(right, "ror") is of_service
    assert scoped.scope_of(right) == (frozenset({"ror"}) if of_service else frozenset())
    assert not scoped.may(right)
    assert not scoped.may(right, "espace-pro")
    assert not scoped.may(right, "*")
    assert not Rights(frozenset()).may(right, "ror")
    assert not Rights(frozenset()).scope_of(right)


def test_an_empty_service_is_no_service() -> None:
    assert not held(AUDITOR, "").may(Right.AUDIT_SEE)


def test_roles_add_up() -> None:
    rights = Rights(frozenset({(APPROVER, "ror"), (APPROVER, "espace-pro"), (OWNER, "ror")}))
    assert rights.scope_of(Right.REQUESTS_SEE) == frozenset({"ror", "espace-pro"})
    assert rights.may(Right.SERVICES_EDIT, "ror")
    assert not rights.may(Right.SERVICES_EDIT, "espace-pro")
    both = Rights(rights.roles | {(APPROVER, "*")})
    assert both.scope_of(Right.REQUESTS_SEE) is EVERY
    assert "another" in both.scope_of(Right.REQUESTS_SEE)
