"""Step 5: an operator changes what a service accepts, from the command line; no restart."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from demo.seed import STRONG
from tests.browser.demo_process import Demo, wait_for
from tests.browser.visitor import ROR_LOGIN, Visitor

NOTICE = "Depuis juillet 2026, la connexion via identifiant mot de passe seul n'est plus possible."
SetPolicy = Callable[..., str]


@pytest.fixture
def set_policy(demo: Demo) -> Iterator[SetPolicy]:
    """`sesame policy set ror …`, which gives the policy's id; the demo's own policy is in force again afterwards."""

    def run(*arguments: str) -> str:
        done = demo.sesame("policy", "set", "ror", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.split("\t")[0]

    yield run
    run(*STRONG, "--min-assurance", "MEDIUM", "--notice", NOTICE)


def accepts_password(visitor: Visitor) -> bool:
    visitor.opens("ror", "/login")
    visitor.sees(ROR_LOGIN)
    return visitor.page.locator("#login-password").is_visible()


def policy_line(demo: Demo, policy_id: str) -> str:
    listed = demo.sesame("policy", "list", "ror")
    assert listed.returncode == 0, listed.stderr
    return next(line for line in listed.stdout.splitlines() if policy_id in line)


def test_a_policy_set_now_is_obeyed_by_the_next_login(visitor: Visitor, set_policy: SetPolicy) -> None:
    assert not accepts_password(visitor)

    policy_id = set_policy("password", "email_otp", "--notice", "Essai de la règle.")

    assert accepts_password(visitor), "within a second, without a restart"
    expect(visitor.page.get_by_text("Essai de la règle.")).to_be_visible()
    assert policy_line(visitor.demo, policy_id).startswith("*")
    visitor.types_password("karim.benali")
    expect(visitor.page.locator("#who")).to_have_text("Karim Benali")
    visitor.check()
    assert visitor.claim("amr") == "pwd"


def test_a_policy_that_refuses_what_was_accepted_is_obeyed_within_the_session(
    visitor: Visitor, set_policy: SetPolicy
) -> None:
    set_policy("password")
    visitor.opens("ror", "/login")
    visitor.types_password("karim.benali")
    expect(visitor.page.locator("#who")).to_be_visible()

    set_policy("email_otp", "--min-assurance", "MEDIUM")

    assert not accepts_password(visitor), "the session's password is not enough any more"
    expect(visitor.page.get_by_text("Une étape de plus.")).to_be_visible()


def test_a_policy_of_the_future_is_listed_not_obeyed_and_can_be_cancelled(
    visitor: Visitor, set_policy: SetPolicy
) -> None:
    begins = datetime.now(UTC) + timedelta(hours=1)

    policy_id = set_policy("password", "--from", f"{begins:%Y-%m-%dT%H:%M:%S%z}")

    assert not accepts_password(visitor)
    listed = policy_line(visitor.demo, policy_id)
    assert listed.startswith(" "), "neither in force nor cancelled"
    assert f"{begins:%Y-%m-%dT%H:%M:%S}" in listed
    cancelled = visitor.demo.sesame("policy", "cancel", policy_id)
    assert cancelled.returncode == 0, cancelled.stderr
    assert policy_line(visitor.demo, policy_id).startswith("x")


def test_a_policy_of_the_future_is_obeyed_when_its_time_has_come(visitor: Visitor, set_policy: SetPolicy) -> None:
    begins = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=10)
    set_policy("password", "--from", f"{begins:%Y-%m-%dT%H:%M:%S%z}")

    wait_for(lambda: datetime.now(UTC) >= begins, 20, "the beginning of the policy")

    assert accepts_password(visitor)
