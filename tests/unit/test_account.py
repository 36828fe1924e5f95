"""Accounts: what identifiers look like, and who may sign in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.account import (
    EMAIL,
    LOGIN_NAME,
    RPPS,
    AccountStatus,
    PasswordCredential,
    mask_email,
    normalise_login,
)
from tests.fakes import samples
from tests.fakes.clock import START


@pytest.mark.parametrize("login", ["", ".", "-a", "a-", "a.", "Anne", "anne pierre", "anne@chu", "é", "a" * 65, "a\n"])
def test_a_login_name_that_is_refused(login: str) -> None:
    assert not LOGIN_NAME.fullmatch(login)


@pytest.mark.parametrize("login", ["a", "0", "anne.pierre", "a-b_c.d", "a" * 64, "10003456789"])
def test_a_login_name_that_is_taken(login: str) -> None:
    assert LOGIN_NAME.fullmatch(login)


@pytest.mark.parametrize(
    "email",
    ["", "anne", "@chu.example", "anne@", "anne@chu", "a b@chu.example", "a@b@chu.example", "a@chu.example\n",
     "a@-.", "a@chu..example", "x" * 65 + "@chu.example", "Anne <anne@chu.example>", "a@chu.example,b@chu.example",
     "a,b@chu.example", "a;b@chu.example", "<a@chu.example", "a>b@chu.example", '"a"@chu.example', "a(b)@chu.example",
     "a\\b@chu.example", "a:b@chu.example", "a\x7f@chu.example", "a\x85@chu.example", "a\u200b@chu.example",
     "a\u202e@chu.example", "a\ufeff@chu.example", "a\u00ad@chu.example", "a\u2028@chu.example",
     "=?utf-8?q?a?=@chu.example"],
)  # fmt: skip
def test_an_address_that_is_refused(email: str) -> None:
    assert not EMAIL.fullmatch(email)


@pytest.mark.parametrize(
    "email",
    [
        "a@b.example",
        "anne.pierre+idp@chu-bordeaux.example",
        "o'neil@chu.example",
        "zoé@chu.example",
        "!#$%&'*+/?=^_`{|}~-@chu.example",
    ],
)
def test_an_address_that_is_taken(email: str) -> None:
    assert EMAIL.fullmatch(email)


def test_an_rpps_number_has_eleven_digits() -> None:
    assert RPPS.fullmatch("10003456789")
    assert not any(RPPS.fullmatch(text) for text in ("1000345678", "100034567890", "1000345678a", "١٠٠٠٣٤٥٦٧٨٩"))


@pytest.mark.parametrize("status", AccountStatus)
def test_only_an_active_account_is_active(status: AccountStatus) -> None:
    assert samples.account(status=status).is_active is (status is AccountStatus.ACTIVE)


def test_names_and_addresses() -> None:
    assert samples.account().full_name == "Anne Pierre"
    assert samples.account(given_name="").full_name == "Pierre"
    assert samples.account().verified_email == "anne.pierre@chu.example"
    assert samples.account(email_verified=False).verified_email is None


@given(st.text())
def test_a_login_is_compared_in_one_form(typed: str) -> None:
    once = normalise_login(typed)
    assert once == once.strip()
    assert normalise_login(f"  {typed}\t") == once


@pytest.mark.parametrize(
    ("address", "masked"), [("anne.pierre@chu.example", "a•••@chu.example"), ("a@b.example", "a•••@b.example")]
)
def test_a_masked_address_tells_its_first_letter_and_its_domain(address: str, masked: str) -> None:
    assert mask_email(address) == masked


def test_a_credential_does_not_show_its_digest() -> None:
    assert "$argon2" not in repr(PasswordCredential("id", "anne", "$argon2id$…", "knowledge", START))
