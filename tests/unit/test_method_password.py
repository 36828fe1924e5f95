"""The password method: the shared suite, and what is special to it."""

import pytest

from idp.domain.authn import Assurance
from idp.methods.base import Done, Refused, Show, Step
from idp.methods.conformance import ANNE, SECRET_OF_ANNE, FakeContext, MethodSuite, fake_context
from idp.methods.password import MAX_LENGTH, Password

METHOD = Password()


def submit(ctx: FakeContext, login: str = "anne.pierre", password: str = SECRET_OF_ANNE) -> Step:
    return METHOD.submit(ctx, {"login": login, "password": password})


class TestPassword(MethodSuite):
    method = Password()
    nothing_is_single_use = True

    def context(self) -> FakeContext:
        return fake_context()

    def good_login(self, ctx: FakeContext) -> Step:
        return submit(ctx)

    def bad_login(self, ctx: FakeContext) -> Step:
        return submit(ctx, password="wrong")

    def unknown_login(self, ctx: FakeContext) -> Step:
        return submit(ctx, login="nobody")


@pytest.mark.parametrize("login", ["anne.pierre", " ANNE.Pierre ", "anne@chu.example", "ANNE@CHU.example"])
def test_the_login_name_or_the_verified_address_in_any_case(login: str) -> None:
    step = submit(fake_context(), login=login)
    assert isinstance(step, Done)
    assert step.proof.identity.value == "anne.pierre"
    assert step.proof.amr == ("pwd",)
    assert step.proof.assurance is Assurance.LOW


@pytest.mark.parametrize("form", [{}, {"login": "anne.pierre"}, {"password": "x"}, {"login": " ", "password": "x"}])
def test_what_is_incomplete_is_not_counted(form: dict[str, str]) -> None:
    ctx = fake_context()
    assert METHOD.submit(ctx, form) == Refused("login_incomplete")
    assert ctx.attempts == 0


def test_a_huge_password_is_refused_before_any_hash() -> None:
    ctx = fake_context()
    ctx.passwords = None  # type: ignore[assignment]
    assert submit(ctx, password="x" * (MAX_LENGTH + 1)) == Refused("login_wrong", guess=True)
    assert submit(ctx, login="x" * (MAX_LENGTH + 1)) == Refused("login_wrong", guess=True)


def test_the_password_is_taken_as_it_was_typed() -> None:
    assert submit(fake_context(), password=f" {SECRET_OF_ANNE}") == Refused("login_wrong", guess=True)
    assert submit(fake_context(), password=SECRET_OF_ANNE.upper()) == Refused("login_wrong", guess=True)


def test_the_proof_says_what_the_password_is_worth() -> None:
    step = submit(fake_context(anchor="mailbox"))
    assert isinstance(step, Done)
    assert step.proof.anchor == "mailbox"


def test_a_named_subject_cannot_be_replaced_by_a_typed_one() -> None:
    ctx = fake_context(subject=ANNE)
    step = submit(ctx, login="somebody.else")
    assert isinstance(step, Done)
    assert step.proof.identity == ANNE.identity
    shown = METHOD.show(ctx)
    assert isinstance(shown, Show)
    assert shown.values == {"login": "anne.pierre", "login_readonly": True}


def test_the_page_keeps_the_login_that_was_typed() -> None:
    ctx = fake_context()
    ctx.login_hint = "hint"
    assert METHOD.show(ctx) == Show("methods/password/page.html", {"login": "hint", "login_readonly": False})
    submit(ctx, login="anne.pierre", password="wrong")
    ctx.next_request()
    shown = METHOD.begin(ctx)
    assert isinstance(shown, Show)
    assert shown.values["login"] == "anne.pierre"
