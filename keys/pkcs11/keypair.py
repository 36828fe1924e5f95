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
from pkcs11 import MGF, Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
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
PROOF: Final = b"signed at load to prove the key"
UNFINISHED: Final = "sesame unfinished"  # what a process that died between making a key and naming it leaves
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
    privates, publics = _objects(session, kid, ObjectClass.PRIVATE_KEY), _objects(session, kid, ObjectClass.PUBLIC_KEY)
    if len(privates) != 1 or len(publics) != 1:
        raise SignerUnavailable(f"{kid}: the token holds {len(privates)} private and {len(publics)} public keys of it")
    try:
        public = algorithms.check_fit(alg, _public_key(publics[0]))
    except (ValueError, UnsupportedAlgorithm) as error:  # UnfitKey is a ValueError
        raise SignerUnavailable(f"{kid}: {error}") from error
    if thumbprint(public) != kid:
        raise SignerUnavailable(f"{kid}: the token's key is not the one that the ring names")
    pair = KeyPair(alg, privates[0], public)
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
    signature: bytes = pair.private.sign(message, mechanism=mechanism, mechanism_param=parameters)
    if not algorithms.is_signed_by(pair.alg, pair.public, signing_input, signature):
        raise SignerUnavailable("the token made a signature that does not verify")
    return signature


def generate(session: pkcs11.Session, alg: str) -> str:
    """The kid of a new pair, made in the token. session: read and write. Raises PKCS11Error, SignerUnavailable."""
    clean(session)
    made: dict[str, Any] = {
        "id": os.urandom(16),
        "label": UNFINISHED,
        "store": True,
        "capabilities": MechanismFlag.SIGN | MechanismFlag.VERIFY,
        "private_template": {attribute: BOUND[attribute] for attribute in ASKED},
    }
    if alg == "ES256":
        curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
        parameters = session.create_domain_parameters(KeyType.EC, curve, local=True)
        public, private = parameters.generate_keypair(mechanism=Mechanism.EC_KEY_PAIR_GEN, **made)
    else:
        public, private = session.generate_keypair(KeyType.RSA, algorithms.MIN_RSA_BITS, **made)
    kid = thumbprint(algorithms.check_fit(alg, _public_key(public)))
    for each in (public, private):
        each[Attribute.ID], each[Attribute.LABEL] = _identity(kid), f"sesame {kid}"
    find(session, kid, alg)
    return kid


def destroy(session: pkcs11.Session, kid: str) -> None:
    """Nothing that there is no more is missed. session: read and write. Raises PKCS11Error."""
    for kind in (ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY):
        for found in _objects(session, kid, kind):
            found.destroy()


def clean(session: pkcs11.Session) -> None:
    """Destroy what a process that died left unfinished; the caller sees to it that none is at work."""
    for found in list(session.get_objects({Attribute.LABEL: UNFINISHED})):
        found.destroy()


def _objects(session: pkcs11.Session, kid: str, kind: ObjectClass) -> list[Any]:
    sought = {Attribute.CLASS: kind, Attribute.ID: _identity(kid), Attribute.TOKEN: True}
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
