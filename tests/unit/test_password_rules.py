"""Which passwords may be chosen."""

import pytest

from idp.domain.account import Account, AccountStatus
from idp.domain.password_rules import MAX_LENGTH, problem
from tests.fakes.clock import START

ANNE = Account(
    account_id="1",
    login_name="anne.pierre",
    status=AccountStatus.ACTIVE,
    given_name="Anne",
    family_name="Pierre",
    email="docteur.pierre@chu.example",
    email_verified=True,
    created_at=START,
    updated_at=START,
)


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("correct cheval batterie agrafe", None),
        ("correctcheval", None),  # no rule of composition
        ("éléphant à roulettes", None),
        ("😀😃😄😁😆😅🤣😂🙂🙃🫠😉", None),
        ("x" * 11, "too_short"),
        ("", "too_short"),
        ("abcdefghijk" * 11 + "1234567", None),
        ("abcdefghijk" * 11 + "12345678", "too_long"),
        ("aaaaaaaaaaaaaaaa", "guessable"),
        ("abcabcabcabcabc", "guessable"),
        ("anne.pierre123", "guessable"),
        ("ANNE.PIERRE-2026", "guessable"),
        ("docteur.pierre1", "guessable"),
        ("motdepasse123456789", "guessable"),
        ("MotDePasse-esea-1", "guessable"),
        ("azertyqwerty12", "guessable"),
        ("anne.pierre aime les chevaux", None),
    ],
)
def test_problem(password: str, expected: str | None) -> None:
    assert MAX_LENGTH == 128
    assert problem(password, ANNE) == expected
