"""A PIV card (NIST SP 800-73-4), as much of it as OpenSC's driver `card-piv` asks for.

SELECT, GET DATA, VERIFY with its counter of tries, GENERAL AUTHENTICATE (RSA 2048, P-256, P-384).
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

ANSWER_TO_RESET = bytes.fromhex("3B800181")  # T=1, nothing else; OpenSC then looks for the application
APPLICATION = bytes.fromhex("A000000308000010000100")
CONTAINERS = {0x9A: "5FC105", 0x9C: "5FC10A", 0x9D: "5FC10B", 0x9E: "5FC101"}
AUTHENTICATION, SIGNATURE, CARD_AUTHENTICATION = 0x9A, 0x9C, 0x9E  # references of keys
PIN = 0x80
MOST_TRIES = 3
OK = b"\x90\x00"


def tlv(tag: str, value: bytes) -> bytes:
    length = len(value)
    if length < 0x80:
        return bytes.fromhex(tag) + bytes([length]) + value
    if length < 0x100:
        return bytes.fromhex(tag) + bytes([0x81, length]) + value
    return bytes.fromhex(tag) + b"\x82" + struct.pack(">H", length) + value


def tlvs(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The pairs of one-byte tags and values."""
    while data:
        tag, length, data = data[0], data[1], data[2:]
        if length == 0x81:
            length, data = data[0], data[1:]
        elif length == 0x82:
            length, data = struct.unpack(">H", data[:2])[0], data[2:]
        yield tag, data[:length]
        data = data[length:]


@dataclass(repr=False)
class PivCard:
    """keys: by reference. `tries_left` outlasts the card's removal; being verified does not."""

    keys: Mapping[int, tuple[Key, x509.Certificate]]
    pin: str
    guid: bytes
    is_piv: bool = True
    tries_left: int = MOST_TRIES
    pins_tried: int = 0
    signatures: int = 0
    _objects: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unique = tlv("30", bytes(25)) + tlv("34", self.guid) + tlv("35", b"20401231") + bytes.fromhex("3E00FE00")
        capability = "F10121F20121F300F40100F50110F600F700FA00FB00FC00FD00FE00"
        self._objects["5FC102"] = tlv("53", unique)
        self._objects["5FC107"] = tlv("53", tlv("F0", bytes(21)) + bytes.fromhex(capability))
        self._objects["7E"] = tlv("7E", tlv("4F", APPLICATION) + bytes.fromhex("5F2F024000"))
        for reference, (_, certificate) in self.keys.items():
            held = tlv("70", certificate.public_bytes(Encoding.DER)) + bytes.fromhex("710100FE00")
            self._objects[CONTAINERS[reference]] = tlv("53", held)
        self.reset()

    def reset(self) -> None:
        self._is_verified, self._chained, self._pending = False, b"", b""

    def answer(self, command: bytes) -> bytes:
        """To an APDU (ISO 7816-4), short or extended, chained or not."""
        kind, instruction, p1, p2 = command[:4]
        data, expected = _body(command[4:])
        if instruction == 0xC0:  # GET RESPONSE
            return self._portion(self._pending, expected)
        data, self._chained = self._chained + data, b""
        if kind & 0x10:
            self._chained = data
            return OK
        if not self.is_piv:
            answer: bytes | int = 0x6D00
        elif instruction == 0xA4:
            answer = self._select(p1, data)
        elif instruction == 0xCB:
            answer = self._get_data(data)
        elif instruction == 0x20:
            answer = self._verify(p1, p2, data)
        elif instruction == 0x87:
            answer = self._sign(p2, data)
        else:
            answer = 0x6D00
        return struct.pack(">H", answer) if isinstance(answer, int) else self._portion(answer, expected)

    def _portion(self, data: bytes, expected: int) -> bytes:
        now, self._pending = data[:expected], data[expected:]
        return now + (bytes([0x61, min(len(self._pending), 0xFF)]) if self._pending else OK)

    def _select(self, p1: int, data: bytes) -> bytes | int:
        if p1 != 4 or not data or not APPLICATION.startswith(data[: len(APPLICATION)]):
            return 0x6A82
        self._is_verified = False
        return tlv("61", tlv("4F", APPLICATION[5:]) + tlv("79", tlv("4F", APPLICATION[:5])))

    def _get_data(self, data: bytes) -> bytes | int:
        wanted = dict(tlvs(data)).get(0x5C, b"").hex().upper()
        return self._objects.get(wanted, 0x6A82)

    def _verify(self, p1: int, p2: int, data: bytes) -> int:
        if p2 != PIN:
            return 0x6A88
        if p1 == 0xFF:  # log out
            self._is_verified = False
            return 0x9000
        if data and self.tries_left:
            self.pins_tried += 1
            self._is_verified = data == self.pin.encode().ljust(8, b"\xff")
            self.tries_left = MOST_TRIES if self._is_verified else self.tries_left - 1
        if self._is_verified:
            return 0x9000
        return 0x63C0 | self.tries_left if self.tries_left else 0x6983

    def _sign(self, reference: int, data: bytes) -> bytes | int:
        if reference not in self.keys:
            return 0x6A88
        if reference != CARD_AUTHENTICATION and not self._is_verified:
            return 0x6982
        challenge = dict(tlvs(next(tlvs(data), (0, b""))[1])).get(0x81)
        if challenge is None:
            return 0x6A80
        self.signatures += 1
        return tlv("7C", tlv("82", _raw_signature(self.keys[reference][0], challenge)))


def _raw_signature(key: Key, challenge: bytes) -> bytes:
    """challenge: for RSA the padded block, for ECDSA the digest."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.private_numbers()
        return pow(int.from_bytes(challenge), numbers.d, numbers.public_numbers.n).to_bytes(key.key_size // 8)
    hashed = hashes.SHA256() if key.curve.key_size == 256 else hashes.SHA384()
    return key.sign(challenge.rjust(hashed.digest_size, b"\0"), ec.ECDSA(utils.Prehashed(hashed)))


def _body(body: bytes) -> tuple[bytes, int]:
    """The data of a command, and how many bytes of an answer are expected."""
    if not body:
        return b"", 256
    if body[0] == 0 and len(body) > 2:  # extended
        length = struct.unpack(">H", body[1:3])[0]
        return (body[3 : 3 + length] if len(body) > 3 else b""), 65536
    if len(body) == 1:
        return b"", body[0] or 256
    return body[1 : 1 + body[0]], 256
