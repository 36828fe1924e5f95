"""Which national identifiers are read, and as whose."""

import pytest

from demo.look_alike import ANNE
from idp.domain.national_id import has_luhn_key, identity_of


@pytest.mark.parametrize(
    ("national_id", "kind", "value"),
    [
        ("810003456786", "rpps", "10003456786"),
        ("00B7010446", "adeli", "0B7010446"),
        ("1331000019/7", "employee", "1331000019/7"),
        ("3330000019/0042", "employee", "3330000019/0042"),
        ("4552100554/CPAT0001", "employee", "4552100554/CPAT0001"),
        ("555210055400013/CPAT0001", "employee", "555210055400013/CPAT0001"),
        ("610003456786/3", "employee", "610003456786/3"),
    ],
)
def test_identifiers(national_id: str, kind: str, value: str) -> None:
    found = identity_of(national_id)
    assert (found.kind, found.value) == (kind, value)


@pytest.mark.parametrize(
    "national_id",
    [
        "", "8", "10003456786", "8100034567860", "81000345678", "810003456786/1", "8 10003456786", "810003456786\n",
        "810003456786\u00a0", "3330000019/\u212a",
        "8１0003456786", "0", "00b7010446", "0123456789A", "012345678", "3330000019", "333000001/1", "3330000019/",
        "3330000019/1/2", "3330000019/1@x", "5552100554/1", "210003456786", "910003456786", "3010003456786", "x",
    ],
)  # fmt: skip
def test_what_is_no_identifier(national_id: str) -> None:
    with pytest.raises(ValueError, match=r"type|form|key"):
        identity_of(national_id)


def test_the_key_of_an_rpps_number_is_of_its_eleven_digits() -> None:
    """Over all twelve, a wrong one would pass and a right one fail."""
    assert has_luhn_key(ANNE)
    assert not has_luhn_key(f"8{ANNE}")
    assert has_luhn_key("79927398713")  # the number of the usual example
    assert not has_luhn_key("79927398710")


def test_what_is_refused_is_not_quoted() -> None:
    """The text goes into logs."""
    with pytest.raises(ValueError, match="key") as refused:
        identity_of("810003456787")
    assert "10003456787" not in str(refused.value)
