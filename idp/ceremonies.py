"""The door to the library `webauthn`: what a browser is asked to do with a passkey, and what it brings back.

Level 3 of the specification. No attestation is asked for: what an authenticator says of itself is all that is known.
The library is loaded where it is used: it is heavy, and most commands and many providers know no passkey.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from idp.domain.enrolled import CredentialRecord, NewPasskey, RelyingParty
from idp.plain_cbor import end_of, is_map

if TYPE_CHECKING:
    from webauthn.helpers.cose import COSEAlgorithmIdentifier
    from webauthn.helpers.structs import (
        AuthenticationCredential,
        AuthenticatorTransport,
        PublicKeyCredentialDescriptor,
        RegistrationCredential,
    )

MAX_ANSWER = 16 * 1024  # characters of JSON: with keys and signatures of ALGORITHMS it has under 4096
MAX_ID = 1023  # bytes (§4, credential id)
CHALLENGE_BYTES = HANDLE_BYTES = 32
ALGORITHMS = ("EDDSA", "ECDSA_SHA_256", "RSASSA_PKCS1_v1_5_SHA_256")  # as the library calls them, best first
RSA_BITS = range(2048, 4097)
# Members of the statement, by its format: a browser hands over none, or at most the key's word for itself (§8.2).
STATEMENTS: dict[object, set[str]] = {"none": set(), "packed": {"alg", "sig"}}
# Authenticator data (§6.1): where the flags are, and those of what may follow; the length in bytes without it; and of
# what stands before the id in attested credential data (the model's number, the length of the id).
FLAGS, AT, ED, BARE, BEFORE_ID = 32, 0x40, 0x80, 37, 18
T = TypeVar("T")


class PasskeyRefused(Exception):
    """What the browser brought back does not do; `str()` says why, for the log. Holds nothing of the person."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What `navigator.credentials.get` gave, before anything of it is believed."""

    webauthn_id: bytes
    user_handle: bytes | None
    credential: "AuthenticationCredential"


def creation_options(
    party: RelyingParty,
    challenge: bytes,
    *,
    name: str,
    user_handle: bytes,
    login: str,
    full_name: str,
    known: Sequence[CredentialRecord],
    timeout_ms: int,
) -> str:
    """JSON for `navigator.credentials.create`: a discoverable key that verifies its user (§5.4.4). name: ours."""
    import webauthn
    from webauthn.helpers import structs

    selection = structs.AuthenticatorSelectionCriteria(
        resident_key=structs.ResidentKeyRequirement.REQUIRED,
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(
        webauthn.generate_registration_options(
            rp_id=party.id,
            rp_name=name or party.id,  # the library wants a word
            user_id=user_handle,
            user_name=login,
            user_display_name=full_name,
            challenge=challenge,
            timeout=timeout_ms,
            authenticator_selection=selection,
            exclude_credentials=_descriptors(known),
            supported_pub_key_algs=_algorithms(),
        )
    )


def request_options(
    party: RelyingParty,
    challenge: bytes,
    *,
    allowed: Sequence[CredentialRecord],
    hints: Sequence[str] = (),
    timeout_ms: int,
) -> str:
    """JSON for `navigator.credentials.get`; without `allowed`, for any key that is kept for us.

    hints: which authenticators the browser should offer first (§5.8.7): `hybrid` for a phone beside it.
    """
    import webauthn
    from webauthn.helpers import options_to_json_dict
    from webauthn.helpers.structs import UserVerificationRequirement

    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=timeout_ms,
        allow_credentials=_descriptors(allowed),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return json.dumps({**options_to_json_dict(options), "hints": list(hints)})  # the library has them at creation only


def verify_creation(party: RelyingParty, challenge: bytes, typed: str) -> NewPasskey:
    """What an authenticator made for this challenge, its user verified (§7.1). Raises PasskeyRefused."""
    import webauthn
    from webauthn.helpers import parse_registration_credential_json
    from webauthn.helpers.structs import CredentialDeviceType

    found: RegistrationCredential = _read(parse_registration_credential_json, typed)
    _refuse_frames(found.response.client_data_json)
    _tried(lambda: _look_over(found.response.attestation_object))
    made = _tried(
        lambda: webauthn.verify_registration_response(
            credential=found,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
            supported_pub_key_algs=_algorithms(),
        )
    )
    if len(made.credential_id) > MAX_ID:
        raise PasskeyRefused("the id is too long")
    if not _tried(lambda: _can_verify(made.credential_public_key)):
        raise PasskeyRefused("a key that verifies nothing")  # the library looks at it when it is used, and not before
    return NewPasskey(
        webauthn_id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        is_backup_eligible=made.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        rp_id=party.id,
        transports=tuple(dict.fromkeys(each.value for each in found.response.transports or ())),
    )


def read_answer(typed: str) -> Answer:
    """Raises PasskeyRefused for what no browser sends."""
    from webauthn.helpers import parse_authentication_credential_json

    found: AuthenticationCredential = _read(parse_authentication_credential_json, typed)
    return Answer(found.raw_id, found.response.user_handle, found)


def verify_assertion(
    party: RelyingParty, challenge: bytes, answer: Answer, record: CredentialRecord, *, is_named: bool
) -> int:
    """That this very passkey signed the challenge, for our origin, its user present and verified (§7.2): its counter.

    is_named: the person was known before; otherwise the key must name them. The counter is not judged here: where it
    is kept, of two uses at once one is seen to be late. Raises PasskeyRefused.
    """
    import webauthn
    from webauthn.helpers.structs import CredentialDeviceType

    if answer.webauthn_id != record.webauthn_id or answer.user_handle not in (None, record.user_handle):
        raise PasskeyRefused("another passkey, or another user handle")
    if not is_named and answer.user_handle is None:
        raise PasskeyRefused("no user handle")
    _refuse_frames(answer.credential.response.client_data_json)
    data = answer.credential.response.authenticator_data
    if len(data) != BARE or data[FLAGS] & (AT | ED):
        raise PasskeyRefused("authenticator data with what was not asked for")
    found = _tried(
        lambda: webauthn.verify_authentication_response(
            credential=answer.credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=record.public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    )
    if (found.credential_device_type is CredentialDeviceType.MULTI_DEVICE) != record.is_backup_eligible:
        raise PasskeyRefused("the backup eligibility has changed")  # it never does (§6.1.3)
    return found.new_sign_count


def _read(parse: Callable[[Any], T], typed: str) -> T:
    if not typed or len(typed) > MAX_ANSWER:
        raise PasskeyRefused("empty, or too long")
    return _tried(lambda: parse(json.loads(typed)))


def _tried(act: Callable[[], T]) -> T:
    """The library says of most malformed input what it is, and of some only what it is made of does, by any name."""
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        return act()
    except PasskeyRefused:
        raise
    except WebAuthnException as error:
        raise PasskeyRefused(type(error).__name__) from error
    except Exception as error:
        raise PasskeyRefused(f"malformed: {type(error).__name__}") from error


def _look_over(attestation: bytes) -> None:
    """That there is nothing in it but what was asked for, before anything is made of it. Raises PasskeyRefused.

    The library decodes tags, encodes again what it decoded, and reads certificates of strangers; here are none.
    """
    from webauthn.helpers import parse_cbor

    if end_of(attestation) != len(attestation):
        raise PasskeyRefused("more than an attestation")
    found = parse_cbor(attestation)
    if set(found["attStmt"]) != STATEMENTS.get(found["fmt"]):
        raise PasskeyRefused("an attestation that was not asked for")
    data = found["authData"]
    start = BARE + BEFORE_ID + int.from_bytes(data[BARE + BEFORE_ID - 2 : BARE + BEFORE_ID], "big")
    if not data[FLAGS] & AT or not is_map(data[start:]):
        raise PasskeyRefused("no key")
    end = end_of(data, start)
    if data[FLAGS] & ED:  # what authenticators say unasked, as of `credProtect`
        end = end_of(data, end)
    if end != len(data):
        raise PasskeyRefused("more than authenticator data")


def _can_verify(public_key: bytes) -> bool:
    """True for a key of the type and the size that its algorithm is for (§5.8.5), on its curve."""
    from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography
    from webauthn.helpers.cose import COSEAlgorithmIdentifier

    decoded = decode_credential_public_key(public_key)
    key = decoded_public_key_to_cryptography(decoded)
    match decoded.alg:
        case COSEAlgorithmIdentifier.EDDSA:
            return isinstance(key, Ed25519PublicKey)
        case COSEAlgorithmIdentifier.ECDSA_SHA_256:
            return isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
        case _:
            return isinstance(key, RSAPublicKey) and key.key_size in RSA_BITS


def _refuse_frames(client_data: bytes) -> None:
    """Our pages stand in no frame, least of all another site's (§5.8.1, crossOrigin)."""
    from webauthn.helpers import parse_client_data_json

    if _tried(lambda: parse_client_data_json(client_data)).cross_origin:
        raise PasskeyRefused("asked from a frame of another site")


def _algorithms() -> "list[COSEAlgorithmIdentifier]":
    from webauthn.helpers.cose import COSEAlgorithmIdentifier

    return [COSEAlgorithmIdentifier[name] for name in ALGORITHMS]


def _descriptors(records: Sequence[CredentialRecord]) -> "list[PublicKeyCredentialDescriptor]":
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    return [PublicKeyCredentialDescriptor(id=each.webauthn_id, transports=_transports(each)) for each in records]


def _transports(record: CredentialRecord) -> "list[AuthenticatorTransport] | None":
    """Those that the library knows: what it learned of one version another may not know."""
    from webauthn.helpers.structs import AuthenticatorTransport

    known = {each.value: each for each in AuthenticatorTransport}
    return [known[name] for name in record.transports if name in known] or None
