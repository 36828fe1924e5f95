"""What people type as an address or a telephone number."""

import pytest

from idp.domain.contact import mask_phone, shown_phone, sound_email, sound_phone


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("06 12 34 56 78", "+33612345678"),
        ("06.12.34.56.78", "+33612345678"),
        ("06-12-34-56-78", "+33612345678"),
        ("0612345678", "+33612345678"),
        ("+33 6 12 34 56 78", "+33612345678"),
        ("+33 (0)6 12 34 56 78", "+33612345678"),
        ("0033612345678", "+33612345678"),
        ("06\u202f12\u202f34\u202f56\u202f78", "+33612345678"),
        ("05 56 00 00 00", "+33556000000"),
        ("09 72 00 00 00", "+33972000000"),
        ("0692 12 34 56", "+262692123456"),
        ("0690 12 34 56", "+590690123456"),
        ("0694 12 34 56", "+594694123456"),
        ("0696 12 34 56", "+596696123456"),
        ("+262 692 12 34 56", "+262692123456"),
        ("+32 470 12 34 56", "+32470123456"),
        ("0034 612 345 678", "+34612345678"),
    ],
)
def test_a_number_becomes_international(typed: str, number: str) -> None:
    assert sound_phone(typed) == number


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "12",
        "612345678",
        "06 12 34 56 7",
        "06 12 34 56 78 9",
        "08 99 12 34 56",
        "+33 8 99 12 34 56",
        "+33 06 12 34 56 78",
        "+0612345678",
        "+1234567890123456",
        "06 12 34 56 78 poste 3",
        "06 12 34 56 7x",
        "tel:0612345678",
        "٠٦١٢٣٤٥٦٧٨",
        "+33612345678\nbcc: all@sms.example",
        "0" * 5000,
        "+33612345678@sms.example",
    ],
)
def test_what_is_no_number_is_refused(typed: str) -> None:
    assert sound_phone(typed) is None


def test_a_number_is_shown_as_people_read_it() -> None:
    assert (
        shown_phone("+33612345678") == shown_phone("+33 6.12.34.56.78") == "+33\u00a06\u00a012\u00a034\u00a056\u00a078"
    )
    assert shown_phone("+32470123456") == "+32470123456"
    assert shown_phone("what an import brought") == "what an import brought"
    assert mask_phone("+33612345678") == "•••78"


@pytest.mark.parametrize("typed", ["anne@clinique.example", "  Anne@Clinique.EXAMPLE "])
def test_an_address_is_trimmed_and_in_lower_case(typed: str) -> None:
    assert sound_email(typed) == "anne@clinique.example"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "anne",
        "anne@clinique",
        "@clinique.example",
        "anne@clinique.example, karim@clinique.example",
        "anne@clinique.example\nbcc: all@clinique.example",
        "Anne <anne@clinique.example>",
        "anne @clinique.example",
        "anne@cliniqué.example",
        f"anne@{'a' * 250}.example",
        "a" * 100_000 + "@clinique.example",
    ],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    assert sound_email(typed) is None
