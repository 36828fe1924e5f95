"""What CBOR (RFC 8949) is made of, before anything decodes it: an authenticator sends numbers, strings, lists and maps.

CTAP2's canonical form has no tags and no indefinite lengths, and nests four deep at most. A decoder that knows tags
makes of a hundred bytes what no memory holds (values that are shared), and objects that nobody asked for.
"""

MOST_DEEP = 4
BYTES, TEXT, ARRAY, MAP = 2, 3, 4, 5  # major types (§3.1); below them numbers, above them tags and what is simple
SIMPLE = 7
SIMPLE_VALUES = (20, 21, 22)  # false, true, null
LENGTHS = {24: 1, 25: 2, 26: 4, 27: 8}  # bytes of an argument that does not stand in the first one; others are reserved


class NotPlain(ValueError):
    """A tag, an indefinite length, a float, too deep a nesting, or cut short."""


def is_map(data: bytes) -> bool:
    """True if it begins as a map."""
    return bool(data) and data[0] >> 5 == MAP


def end_of(data: bytes, start: int = 0, depth: int = MOST_DEEP) -> int:
    """Where the item that begins at `start` ends. Raises NotPlain."""
    major, argument, at = _head(data, start)
    if major in (BYTES, TEXT):
        at += argument
    if at > len(data):
        raise NotPlain("cut short")
    if major in (ARRAY, MAP):
        if depth == 0:
            raise NotPlain("too deep")
        for _ in range(argument * (2 if major == MAP else 1)):
            at = end_of(data, at, depth - 1)  # raises where the data end, however many are announced
    return at


def _head(data: bytes, start: int) -> tuple[int, int, int]:
    """Major type, argument, and where what follows them begins."""
    if start >= len(data):
        raise NotPlain("cut short")
    major, argument = data[start] >> 5, data[start] & 0x1F
    is_simple = major == SIMPLE and argument in SIMPLE_VALUES
    if major > MAP and not is_simple:
        raise NotPlain("a tag, a float, or a value that no authenticator sends")
    if argument < min(LENGTHS):
        return major, argument, start + 1
    if argument not in LENGTHS:
        raise NotPlain("an indefinite length")
    at = start + 1 + LENGTHS[argument]
    return major, int.from_bytes(data[start + 1 : at], "big"), at
