"""Everything that is stored about one person, to be handed to them (GDPR articles 15 and 20).

Every column of every table is either handed out or withheld for a reason; a test compares that with the schema.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, or_, select

from idp.store import schema
from idp.store.schema import audit_event, audit_personal, grant, refresh_token, session, session_proof, upstream_session

SECRET = "a secret, or what a secret is compared with"
OURS = "of the protocol: says nothing of the person"
STAFF = "the name of another person, who works for the provider"


@dataclass(frozen=True, slots=True)
class Part:
    """What is handed out of one table. withheld: the other columns, each with its reason."""

    table: Table
    columns: tuple[str, ...]
    withheld: Mapping[str, str]

    def whose(self, account_id: str) -> ColumnElement[bool]:
        """The rows about an account: those that name it, or that belong to a row which does."""
        if self.table is audit_event:
            return audit_event.c.subject == account_id
        if self.table is schema.desk_message:
            return or_(*(self.table.c.about.in_(_keys(each, account_id)) for each in ABOUT))
        owner = OWNERS.get(self.table)
        if owner is None:
            return self.table.c["account_id"] == account_id
        key = next(iter(owner.primary_key)).name
        theirs = PARTS_BY_TABLE[owner].whose(account_id)
        return self.table.c[key].in_(select(owner.c[key]).where(theirs))


def _keys(table: Table, account_id: str) -> Select[tuple[str]]:
    return select(next(iter(table.primary_key))).where(table.c["account_id"] == account_id)


ABOUT = (schema.access_request, schema.registration)  # what a message of the desk may be about
PARTS: Mapping[str, Part] = {
    "account": Part(
        schema.account,
        (
            "account_id",
            "login_name",
            "status",
            "civility",
            "given_name",
            "family_name",
            "email",
            "email_verified",
            "profile",
            "created_at",
            "updated_at",
            "signed_in_at",
            "identity_dropped_at",
        ),
        {"name_key": "the names once more, as lists are sorted by them"},
    ),
    "identities": Part(
        schema.identity, ("identity_id", "kind", "value", "origin", "verified_at"), {"account_id": OURS}
    ),
    "name_words": Part(schema.name_word, ("word",), {"account_id": OURS}),
    "credentials": Part(
        schema.credential,
        ("credential_id", "kind", "name", "anchor", "enrolled_assurance", "created_at", "last_used_at", "revoked_at"),
        {"account_id": OURS, "digest": SECRET},
    ),
    "authenticator_apps": Part(
        schema.totp_secret, ("credential_id", "tries", "blocked_at"), {"sealed": SECRET, "last_step": OURS}
    ),
    "passkeys": Part(
        schema.passkey,
        ("credential_id", "webauthn_id", "public_key", "sign_count", "is_backup_eligible", "transports"),
        {"rp_id": OURS},
    ),
    "phones": Part(schema.phone, ("credential_id", "public_key", "failures"), {"pin_digest": SECRET}),
    "phone_browsers": Part(schema.phone_cookie, ("credential_id", "created_at"), {"cookie_digest": SECRET}),
    "user_handles": Part(schema.user_handle, ("handle",), {"account_id": OURS}),
    "emergency_codes": Part(
        schema.emergency_code,
        ("code_id", "created_at", "expires_at", "used_at", "revoked_at"),
        {"account_id": OURS, "digest": SECRET, "issued_by": STAFF, "told": STAFF},
    ),
    "login_links": Part(
        schema.login_link,
        ("link_id", "method", "name", "created_at", "last_used_at", "revoked_at"),
        {"account_id": OURS},
    ),
    "practices": Part(schema.practice, ("origin", "claims", "asserted_at"), {"account_id": OURS}),
    "picture": Part(schema.picture, ("media_type", "image", "updated_at"), {"account_id": OURS}),
    "password_links": Part(schema.reset_link, ("expires_at", "used_at"), {"account_id": OURS, "token_digest": SECRET}),
    "known_browsers": Part(schema.known_browser, ("last_seen_at",), {"account_id": OURS, "browser_hash": SECRET}),
    "sessions": Part(
        session,
        ("session_id", "created_at", "last_seen_at", "expires_at", "ended_at", "user_agent", "ip_prefix"),
        {"account_id": OURS, "id_hash": SECRET, "previous_hash": SECRET, "rotated_at": OURS},
    ),
    "upstream_sessions": Part(
        upstream_session,
        ("session_id", "method", "signed_in_at"),
        {"sub_digest": SECRET, "sid_digest": SECRET, "sealed": SECRET},
    ),
    "proofs": Part(session_proof, ("session_id", "proof"), {"proof_id": OURS}),
    "entitlements": Part(
        schema.entitlement,
        ("client_id", "granted_at", "expires_at", "revoked_at", "roles", "expiry_told_at"),
        {"account_id": OURS, "granted_by": STAFF},
    ),
    "access_requests": Part(
        schema.access_request,
        (
            *("request_id", "client_id", "status", "step", "reason", "answers", "terms_version", "lang"),
            *("created_at", "decided_at", "note"),
        ),
        {
            "account_id": OURS,
            "version": OURS,
            "claimed_by": STAFF,
            "claimed_at": "when somebody of the desk began",
            "approvals": STAFF,
            "decided_by": STAFF,
        },
    ),
    "desk_messages": Part(
        schema.desk_message,
        ("message_id", "about", "at", "kind", "text", "expires_at", "answered_at"),
        {"author": STAFF, "token_digest": SECRET},
    ),
    "consents": Part(schema.consent, ("client_id", "scopes", "given_at"), {"account_id": OURS}),
    "grants": Part(
        grant,
        (
            "grant_id",
            "client_id",
            "session_id",
            "scope",
            "acr",
            "amr",
            "auth_time",
            "userinfo_claims",
            "id_token_claims",
            "created_at",
            "redeemed_at",
            "revoked_at",
            "offline_until",
        ),
        {
            "account_id": OURS,
            "redirect_uri": OURS,
            "nonce": OURS,
            "code_challenge": SECRET,
            "code_digest": SECRET,
            "proof": "one of the session's, which are handed out",
        },
    ),
    "refresh_tokens": Part(
        refresh_token, ("grant_id", "created_at", "used_at"), {"token_digest": SECRET, "parent_digest": SECRET}
    ),
    "registrations": Part(
        schema.registration,
        (
            *("registration_id", "status", "form", "proven", "email", "email_proven_at", "login_name", "client_id"),
            *("terms_version", "lang", "created_at", "updated_at", "submitted_at", "decided_at", "reason"),
            "token_expires_at",
        ),
        {
            **dict.fromkeys(("browser_digest", "token_digest", "password_digest"), SECRET),
            **dict.fromkeys(("claimed_by", "claimed_at", "decided_by"), STAFF),
            **dict.fromkeys(("account_id", "version"), OURS),
            "birth": "forgotten when the account is made",
        },
    ),
    "operator_roles": Part(
        schema.operator_role, ("role", "scope", "granted_at"), {"account_id": OURS, "granted_by": STAFF}
    ),
    "identity_changes": Part(
        schema.identity_change,
        (
            *("change_id", "kind", "value", "method", "reason", "proposed_at", "state", "approved_at", "due_at"),
            *("told", "ended_at"),
        ),
        {
            **dict.fromkeys(("proposed_by", "proposed_account", "approved_by", "approved_account", "ended_by"), STAFF),
            **dict.fromkeys(("account_id", "version"), OURS),
            "token_digest": SECRET,
            "note": "why it ended, in the words of an operator or as a code",
        },
    ),
    "alerts": Part(
        schema.alert,
        ("alert_id", "kind", "at", "detail", "closed_at"),
        {"account_id": OURS, "closed_by": STAFF},
    ),
    "imports": Part(schema.import_row, ("run_id", "line", "status", "person", "problem"), {"account_id": OURS}),
    "events": Part(
        audit_event,
        ("event_id", "at", "name", "actor", "client_id", "outcome", "detail", "request_id"),
        {"subject": OURS, "personal_digest": SECRET},
    ),
    "events_personal": Part(audit_personal, ("event_id", "values"), {"salt": SECRET}),
}
OWNERS = {
    schema.totp_secret: schema.credential,
    schema.passkey: schema.credential,
    schema.phone: schema.credential,
    schema.phone_cookie: schema.credential,
    session_proof: session,
    upstream_session: session,
    refresh_token: grant,
    audit_personal: audit_event,
}
PARTS_BY_TABLE = {part.table: part for part in PARTS.values()}

LEFT_OUT: Mapping[Table, str] = {
    schema.audit_seal: OURS,
    schema.client: OURS,
    schema.config_version: OURS,
    schema.import_run: OURS,
    schema.lease: OURS,
    schema.meta: OURS,
    schema.method_suspension: OURS,
    schema.policy: OURS,
    schema.rpps_extract: "a copy of the public register: of no account",
    schema.service_access: OURS,
    schema.outbox: "letters on their way to the person, sealed; deleted when they are sent",
    schema.throttle: "counts of attempts against guessing, deleted after a day; they would help whoever guesses",
}


class PersonalData:
    """Reads; changes nothing."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def of(self, account_id: str) -> dict[str, list[dict[str, Any]]]:
        """By the name of a part, its rows in the order in which they were made."""
        return {name: self._rows(part, account_id) for name, part in PARTS.items()}

    def _rows(self, part: Part, account_id: str) -> list[dict[str, Any]]:
        columns = [part.table.c[name] for name in part.columns]
        query = select(*columns).where(part.whose(account_id)).order_by(*part.table.primary_key)
        return [dict(row) for row in self._db.execute(query).mappings()]
