"""Methods are found by their entry points; the settings say which."""

import inspect
import re
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from idp.domain.authn import Assurance
from idp.domain.policy import MethodEntry
from idp.errors import InvalidOperation
from idp.methods import registry
from idp.methods.base import CONTRACT_VERSION, Method
from idp.methods.email_otp import EmailOtp
from idp.methods.password import Password
from idp.methods.registry import GROUP, PAGES, MethodError, load


class Fingerprint(Password):
    id = "fingerprint"


class FromTomorrow(Fingerprint):
    contract_version = CONTRACT_VERSION + 1


def test_the_settings_order_is_kept() -> None:
    assert list(load(["email_otp", "password"])) == ["email_otp", "password"]
    assert list(load(["password"])) == ["password"]


def test_installed_is_not_enabled() -> None:
    assert "email_otp" not in load(["password"])
    assert len(load(["password"])) == 1


def test_a_missing_method_is_named() -> None:
    with pytest.raises(MethodError, match="no method is installed under the name card"):
        load(["password", "card"])


@pytest.mark.parametrize(("name", "target"), [("fingerprint", "FromTomorrow"), ("thumb", "Fingerprint")])
def test_another_contract_or_another_name_is_refused(name: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint(name, f"{__name__}:{target}", GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda _: globals()[target])
    monkeypatch.setattr(registry, "entry_points", lambda **_: [point])
    with pytest.raises(MethodError, match=f"{name} does not speak version"):
        load([name])


def test_a_third_partys_method_uses_the_same_door(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("fingerprint", f"{__name__}:Fingerprint", GROUP)

    def found(**asked: Any) -> list[EntryPoint]:
        assert asked == {"group": GROUP}
        return [point]

    monkeypatch.setattr(EntryPoint, "load", lambda _: Fingerprint)
    monkeypatch.setattr(registry, "entry_points", found)
    assert load(["fingerprint"])["fingerprint"].id == "fingerprint"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_method_has_not_the_address_of_a_page(name: str) -> None:
    page = Password()
    page.id = name
    with pytest.raises(MethodError, match=f"{name}: a page"):
        load(["password"], [page])


def test_templates_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bare(Fingerprint):
        templates = "tests.unit"

    monkeypatch.setattr(EntryPoint, "load", lambda _: Bare)
    monkeypatch.setattr(registry, "entry_points", lambda **_: [EntryPoint("fingerprint", "x:y", GROUP)])
    with pytest.raises(MethodError, match=r"no folder of templates in tests\.unit"):
        load(["fingerprint"])


@pytest.mark.parametrize("method", [EmailOtp(), Password()])
def test_our_methods_declare_what_they_refuse_and_nothing_else(method: Method) -> None:
    source = inspect.getsource(type(method))
    assert set(re.findall(r'Refused\("(\w+)"', source)) == method.refusals.keys()


def test_what_methods_reach_and_which_may_be_first() -> None:
    loaded = load(["email_otp", "password"])
    assert loaded.reach == {"email_otp": Assurance.LOW, "password": Assurance.LOW}
    assert loaded.first_factors == {"password"}
    assert EmailOtp.per_browser is False
    assert Password.per_browser is True


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("email_otp", MethodEntry("email_otp", "password")),
        ("email_otp:after=password", MethodEntry("email_otp", "password")),
        ("email_otp:alone", MethodEntry("email_otp")),
        ("email_otp:after=password,lifetime_minutes=5", MethodEntry("email_otp", "password", {"lifetime_minutes": 5})),
        ("email_otp:lifetime_minutes=5", MethodEntry("email_otp", "password", {"lifetime_minutes": 5})),
        ("email_otp:lifetime_minutes=5,alone", MethodEntry("email_otp", None, {"lifetime_minutes": 5})),
        ("email_otp:before=password", MethodEntry("email_otp", "password", {"before": "password"})),  # problems() says
        ("email_otp:after=7", MethodEntry("email_otp", "7")),
        ("password", MethodEntry("password")),
    ],
)
def test_how_an_operator_writes_an_entry(text: str, entry: MethodEntry) -> None:
    loaded = load(["email_otp", "password"])
    assert loaded.entry(text) == entry
    assert loaded.entry(loaded.text(entry)) == entry


@pytest.mark.parametrize(
    "rest",
    ["", "after=", "after", "alone=1", "alone,after=password", "alone,alone", "=5", "alone,", "lifetime", "a=1,a=2"],
)
def test_what_an_operator_mistyped_is_refused(rest: str) -> None:
    with pytest.raises(InvalidOperation, match="after=METHOD"):
        load(["email_otp", "password"]).entry(f"email_otp:{rest}")
