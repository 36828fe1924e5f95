"""Key pairs on an open session of a token. Its caller holds the lock round every call.

A pair has as CKA_ID the 32 bytes of its thumbprint, which is its kid, and the kid in its CKA_LABEL for people.
"""

import base64
import hashlib
import os
from dataclasses import dataclass
from typing import Any, Final

import pkcs11
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11 import MGF, Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass, exceptions
from pkcs11.exceptions import AttributeSensitive, AttributeTypeInvalid
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters

from keys import algorithms
from keys.jwks import thumbprint
from keys.signer import PublicKey, SignerUnavailable

MECHANISMS: Final[dict[str, tuple[Mechanism, Any]]] = {
    "RS256": (Mechanism.SHA256_RSA_PKCS, None),
    "PS256": (Mechanism.SHA256_RSA_PKCS_PSS, (Mechanism.SHA256, MGF.SHA256, hashlib.sha256().digest_size)),
    "ES256": (Mechanism.ECDSA, None),  # of a digest: not every token hashes by itself, SoftHSM does not
}
# To use this key so: the login is as good as before, and so are the other keys.
UNABLE: Final = (exceptions.MechanismInvalid, exceptions.MechanismParamInvalid, exceptions.KeySizeRange)
PROOF: Final = b"signed at load to prove the key"
BOTH: Final = (ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY)
BOUND: Final = {  # to the token: what a private key must be, from its birth on
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.LOCAL: True,
    Attribute.ALWAYS_SENSITIVE: True,
    Attribute.NEVER_EXTRACTABLE: True,
}
ASKED: Final = (Attribute.PRIVATE, Attribute.SENSITIVE, Attribute.EXTRACTABLE)  # the token sets the others


@dataclass(frozen=True, slots=True, repr=False)
class KeyPair:
    """private: a handle, good while its session is; the types of python-pkcs11 do not say that it signs."""

    alg: str
    private: Any
    public: PublicKey


def find(session: pkcs11.Session, kid: str, alg: str) -> KeyPair:
    """The pair, proved: it fits its name and its algorithm, cannot leave the token, and its signature verifies.

    Raises SignerUnavailable, PKCS11Error.
    """
    private, _, public = _pair(session, _identity(kid), alg, kid)
    if thumbprint(public) != kid:
        raise SignerUnavailable(f"{kid}: the token's key is not the one that the ring names")
    pair = KeyPair(alg, private, public)
    for attribute, wanted in BOUND.items():
        if _told(pair.private, attribute) is not wanted:
            raise SignerUnavailable(f"{kid}: CKA_{attribute.name} is not {wanted}: the key may leave the token")
    sign(pair, PROOF)
    return pair


def sign(pair: KeyPair, signing_input: bytes) -> bytes:
    """Signature as JWS wants it, verified: a token at fault must not send a wrong one out, which could tell the key.

    Raises SignerUnavailable, PKCS11Error.
    """
    mechanism, parameters = MECHANISMS[pair.alg]
    message = hashlib.sha256(signing_input).digest() if mechanism is Mechanism.ECDSA else signing_input
    try:
        signature: bytes = pair.private.sign(message, mechanism=mechanism, mechanism_param=parameters)
    except UNABLE as error:
        raise SignerUnavailable(f"the token does not sign {pair.alg} ({type(error).__name__})") from None
    if not algorithms.is_signed_by(pair.alg, pair.public, signing_input, signature):
        raise SignerUnavailable("the token made a signature that does not verify")
    return signature


def make(session: pkcs11.Session, alg: str, maker: str) -> bytes:
    """The provisional CKA_ID of a new pair, made in the token. session: read and write. Raises PKCS11Error.

    maker: who makes keys one at a time.
    """
    identity = os.urandom(16)
    made: dict[str, Any] = {
        "id": identity,
        "label": unfinished(maker),
        "store": True,
        "capabilities": MechanismFlag.SIGN | MechanismFlag.VERIFY,
        "private_template": {attribute: BOUND[attribute] for attribute in ASKED},
    }
    if alg == "ES256":
        curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
        parameters = session.create_domain_parameters(KeyType.EC, curve, local=True)
        parameters.generate_keypair(mechanism=Mechanism.EC_KEY_PAIR_GEN, **made)
    else:
        session.generate_keypair(KeyType.RSA, algorithms.MIN_RSA_BITS, **made)
    return identity


def name(session: pkcs11.Session, alg: str, identity: bytes) -> str:
    """The kid that a pair of `make` now has. session: read and write. Raises PKCS11Error, SignerUnavailable."""
    *halves, public = _pair(session, identity, alg, "a new key")
    kid = thumbprint(public)
    for attribute, value in ((Attribute.ID, _identity(kid)), (Attribute.LABEL, f"sesame {kid}")):
        for half in reversed(halves):  # the private one at last: what dies meanwhile leaves it unfinished
            half[attribute] = value
    find(session, kid, alg)
    return kid


def destroy(session: pkcs11.Session, kid: str) -> None:
    """Nothing that there is no more is missed. session: read and write. Raises PKCS11Error."""
    for kind in BOTH:
        for found in _objects(session, _identity(kid), kind):
            found.destroy()


def clean(session: pkcs11.Session, maker: str) -> None:
    """Destroy what this maker left unfinished, and nothing of other providers. session: read and write."""
    for found in list(session.get_objects({Attribute.LABEL: unfinished(maker)})):
        found.destroy()


def unfinished(maker: str) -> str:
    """CKA_LABEL of what a process that died between making a pair and naming it leaves."""
    return f"sesame unfinished {maker}"


def _pair(session: pkcs11.Session, identity: bytes, alg: str, told: str) -> tuple[Any, Any, PublicKey]:
    """Handles of the private and the public half, and the public key. Raises SignerUnavailable, PKCS11Error."""
    privates, publics = (_objects(session, identity, kind) for kind in BOTH)
    if len(privates) != 1 or len(publics) != 1:
        raise SignerUnavailable(f"{told}: the token holds {len(privates)} private and {len(publics)} public keys of it")
    try:
        return privates[0], publics[0], algorithms.check_fit(alg, _public_key(publics[0]))
    except (ValueError, UnsupportedAlgorithm) as error:  # UnfitKey is a ValueError
        raise SignerUnavailable(f"{told}: {error}") from error


def _objects(session: pkcs11.Session, identity: bytes, kind: ObjectClass) -> list[Any]:
    sought = {Attribute.CLASS: kind, Attribute.ID: identity, Attribute.TOKEN: True}
    return list(session.get_objects(sought))  # a list: the search stays open until its end


def _told(private: Any, attribute: Attribute) -> bool | None:
    """None where the token does not say."""
    try:
        value: bool = private[attribute]
    except (AttributeTypeInvalid, AttributeSensitive):
        return None
    return value


def _identity(kid: str) -> bytes:
    return base64.urlsafe_b64decode(kid + "=")


def _public_key(found: Any) -> object:
    """Raises ValueError for what is no key that we know."""
    if found.key_type == KeyType.RSA:
        modulus, exponent = (
            int.from_bytes(found[each], "big") for each in (Attribute.MODULUS, Attribute.PUBLIC_EXPONENT)
        )
        return RSAPublicNumbers(exponent, modulus).public_key()
    if found.key_type == KeyType.EC:
        return load_der_public_key(encode_ec_public_key(found))
    raise ValueError(f"a key of the kind {found.key_type.name}")
