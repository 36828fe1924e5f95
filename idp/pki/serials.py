"""The serial numbers of a list, sorted, of one width: a look-up is a binary search, and nothing is parsed for it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

WIDTH = 20  # bytes, the longest that there are (RFC 5280 §4.1.2.2); a million take 20 MB
LIMIT = 1 << 8 * WIDTH


@dataclass(frozen=True, slots=True)
class Serials:
    """table: the serials, from `start` on."""

    table: bytes = field(repr=False)
    start: int = 0

    @classmethod
    def of(cls, numbers: Iterable[int]) -> "Serials":
        """Those that a certificate may have: a longer or negative one is of none that is accepted."""
        return cls(b"".join(sorted({each.to_bytes(WIDTH) for each in numbers if 0 <= each < LIMIT})))

    def __len__(self) -> int:
        return (len(self.table) - self.start) // WIDTH

    def __contains__(self, number: int) -> bool:
        """A number that no list could hold counts as revoked: nobody could ever revoke it."""
        if not 0 <= number < LIMIT:
            return True
        wanted, low, high = number.to_bytes(WIDTH), 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self._at(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low < len(self) and self._at(low) == wanted

    def _at(self, place: int) -> bytes:
        begin = self.start + place * WIDTH
        return self.table[begin : begin + WIDTH]
