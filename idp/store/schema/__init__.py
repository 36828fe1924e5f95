"""Tables. Invariants are also constraints, with names."""

from idp.store.schema.audit import audit_event, audit_personal, audit_seal
from idp.store.schema.authenticators import passkey, totp_secret, user_handle
from idp.store.schema.base import Instant, metadata
from idp.store.schema.desk import (
    access_request,
    desk_message,
    identity_change,
    operator_role,
    registration,
    rpps_extract,
    service_access,
)
from idp.store.schema.emergency import emergency_code
from idp.store.schema.imports import import_row, import_run
from idp.store.schema.operations import alert, config_version, lease, meta, outbox, throttle
from idp.store.schema.people import (
    account,
    credential,
    identity,
    known_browser,
    login_link,
    name_word,
    picture,
    practice,
    reset_link,
)
from idp.store.schema.phones import phone, phone_cookie
from idp.store.schema.services import client, consent, entitlement, method_suspension, policy
from idp.store.schema.sessions import grant, refresh_token, session, session_proof, upstream_session

__all__ = [
    "Instant",
    "access_request",
    "account",
    "alert",
    "audit_event",
    "audit_personal",
    "audit_seal",
    "client",
    "config_version",
    "consent",
    "credential",
    "desk_message",
    "emergency_code",
    "entitlement",
    "grant",
    "identity",
    "identity_change",
    "import_row",
    "import_run",
    "known_browser",
    "lease",
    "login_link",
    "meta",
    "metadata",
    "method_suspension",
    "name_word",
    "operator_role",
    "outbox",
    "passkey",
    "phone",
    "phone_cookie",
    "picture",
    "policy",
    "practice",
    "refresh_token",
    "registration",
    "reset_link",
    "rpps_extract",
    "service_access",
    "session",
    "session_proof",
    "throttle",
    "totp_secret",
    "upstream_session",
    "user_handle",
]
