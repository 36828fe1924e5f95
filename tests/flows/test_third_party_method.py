"""Somebody else's login method, installed by its entry point: it does what docs/methods.md says, and no more."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from idp.domain.authn import Assurance, IdentityRef
from idp.methods import registry
from idp.methods.base import Context, Done, Refused, Show, Step
from idp.methods.conformance import FakeContext, MethodSuite, fake_context
from idp.methods.registry import GROUP, MethodError, Registry
from idp.web import language
from tests.fakes import hospital_badge
from tests.fakes.hospital_badge import BADGES, HospitalBadge
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of

pytestmark = pytest.mark.embedded  # asks nothing of a store that other methods do not

ROOT = Path(__file__).parents[2]
NUMBER = BADGES["anne.pierre"]
GENERIC = "Ce mode d&#39;authentification n&#39;a pas abouti."


class TestHospitalBadge(MethodSuite):
    method = HospitalBadge()
    nothing_is_single_use = True

    def context(self) -> FakeContext:
        return fake_context()

    def good_login(self, ctx: FakeContext) -> Step:
        return self.method.submit(ctx, {"login": "anne.pierre", "badge": NUMBER[-4:]})

    def bad_login(self, ctx: FakeContext) -> Step:
        return self.method.submit(ctx, {"login": "anne.pierre", "badge": "0000"})

    def unknown_login(self, ctx: FakeContext) -> Step:
        return self.method.submit(ctx, {"login": "nobody", "badge": "0000"})


@pytest.fixture
def provider(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    ours = registry.entry_points(group=GROUP)
    theirs = EntryPoint("hospital_badge", f"{hospital_badge.__name__}:HospitalBadge", GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [*ours, theirs])
    made = start(methods=("email_otp", "password", "hospital_badge"))
    made.add_client("rp", methods=("hospital_badge:alone,digits=6",))
    made.add_client("after", methods=("hospital_badge",))
    made.add_account("anne.pierre")
    return made


def with_method(provider: Provider, method: HospitalBadge) -> Provider:
    """The provider with another badge in place of the installed one."""
    methods = {**provider.services.registry, method.id: method}
    return provider.with_services(registry=Registry(list(methods.values())))


def give(rp: RelyingParty, path: str, **fields: str) -> Any:
    rp.post(f"{path}/hospital_badge", page=path)
    return rp.post(f"{path}/hospital_badge", page=f"{path}/hospital_badge", **fields)


def test_the_document_shows_this_very_method() -> None:
    document = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    folder = ROOT / "tests" / "fakes" / "hospital_badge"
    for file in ("__init__.py", "templates/methods/hospital_badge/page.html"):
        assert (folder / file).read_text(encoding="utf-8") in document, file


def test_its_page_its_option_and_its_proof(provider: Provider) -> None:
    rp = RelyingParty(provider)
    path = rp.open_login()
    assert "Badge de l&#39;hôpital" in rp.browser.get(path).text
    rp.post(f"{path}/hospital_badge", page=path)
    assert "Les 6 derniers chiffres" in rp.browser.get(f"{path}/hospital_badge").text
    answered = rp.post(f"{path}/hospital_badge", page=f"{path}/hospital_badge", login="anne.pierre", badge=NUMBER[-6:])
    assert rp.redeem(answer_of(answered)["code"])["claims"]["amr"] == ["hwk"]


def test_its_refusal_is_said_audited_and_counted(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[bool] = []
    monkeypatch.setattr(provider.services.network, "note_failure", lambda: counted.append(True))
    rp = RelyingParty(provider)
    refused = give(rp, rp.open_login(), login="anne.pierre", badge=NUMBER[-4:])  # four of six
    assert refused.status_code == 200
    assert "Ce badge n&#39;est pas reconnu." in refused.text
    assert provider.events("login.failed")[0].detail == {"method": "hospital_badge", "reason": "badge_wrong"}
    assert counted == [True]


def test_it_speaks_english_from_a_catalogue_of_its_own(provider: Provider) -> None:
    rp = RelyingParty(provider)
    path = rp.open_login(ui_locales="en")
    listed = rp.browser.get(path).text
    assert "Hospital badge" in listed
    assert "The number on the back of your badge" in listed
    rp.post(f"{path}/hospital_badge", page=path)
    page = rp.browser.get(f"{path}/hospital_badge").text
    assert "The last 6 digits" in page
    refused = rp.post(f"{path}/hospital_badge", page=f"{path}/hospital_badge", login="anne.pierre", badge="0").text
    assert "This badge is not known." in refused
    assert "Never said" not in page + refused
    french = rp.browser.get(f"{path}/hospital_badge?lang=fr").text
    assert "Les 6 derniers chiffres" in french


@pytest.mark.parametrize(
    "broken",
    [
        b'msgid "unfinished',
        b"rubbish",
        b'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "a"\nmsgstr "\xff"\n',
    ],
)
def test_a_catalogue_that_cannot_be_read_stops_the_start(
    broken: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "broken_badge" / "translations" / "en" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (tmp_path / "broken_badge" / "__init__.py").touch()
    (folder / "messages.po").write_bytes(broken)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MethodError, match="broken_badge"):
        language.catalogues(("broken_badge",))


def test_by_default_the_first_factor_that_it_declares_is_asked(provider: Provider) -> None:
    rp = RelyingParty(provider, "after")
    path = rp.open_login()
    rp.post(f"{path}/hospital_badge", page=path)
    rp.post(f"{path}/hospital_badge", page=f"{path}/hospital_badge", login="anne.pierre", password=PASSWORD)
    page = rp.browser.get(f"{path}/hospital_badge").text
    assert "Les 4 derniers chiffres" in page
    assert 'name="login"' not in page
    answered = rp.post(f"{path}/hospital_badge", page=f"{path}/hospital_badge", badge=NUMBER[-4:])
    assert rp.redeem(answer_of(answered)["code"])["claims"]["amr"] == ["pwd", "hwk", "mfa"]


class Talkative(HospitalBadge):
    """Its values have the names of the provider's own."""

    def show(self, ctx: Context) -> Step:
        names = ("action", "errors", "error", "service", "step", "csrf", "status", "images", "template", "lang")
        return Show("methods/hospital_badge/page.html", {**super().show(ctx).values, **dict.fromkeys(names, "evil")})


def test_its_values_never_pass_for_ours(provider: Provider) -> None:
    rp = RelyingParty(with_method(provider, Talkative()))
    path = rp.open_login()
    rp.post(f"{path}/hospital_badge", page=path)
    page = rp.browser.get(f"{path}/hospital_badge")
    assert page.status_code == 200
    assert "evil" not in page.text
    assert f'action="{path}/hospital_badge"' in page.text


class Undeclared(HospitalBadge):
    def submit(self, ctx: Context, form: Mapping[str, str]) -> Step:
        return Refused("never_heard_of")


def test_a_refusal_without_a_sentence_is_a_generic_one(provider: Provider) -> None:
    rp = RelyingParty(with_method(provider, Undeclared()))
    refused = give(rp, rp.open_login(), login="anne.pierre", badge=NUMBER[-6:])
    assert refused.status_code == 200
    assert GENERIC in refused.text
    assert not provider.events("login.failed")  # nobody guessed


class Boastful(HospitalBadge):
    """Gives a proof with something else in it than it declares."""

    def __init__(self, **changes: Any) -> None:
        self.changes = changes

    def submit(self, ctx: Context, form: Mapping[str, str]) -> Step:
        step = super().submit(ctx, form)
        return Done(replace(step.proof, **self.changes)) if isinstance(step, Done) else step


@pytest.mark.parametrize(
    "change",
    [
        {"method": "email_otp"},
        {"after": "password"},
        {"amr": ("hwk", "mfa")},
        {"amr": ()},
        {"assurance": Assurance.HIGH},
        {"identity": IdentityRef("account_id", "anne.pierre")},
        {"identity": IdentityRef("login_name", "")},
        {"at": "naive"},
        {"at": "tomorrow"},
        {"anchor": ""},
    ],
    ids=str,
)
def test_a_proof_beyond_what_it_declares_counts_for_nothing(provider: Provider, change: dict[str, Any]) -> None:
    now = provider.clock.now()
    instants = {"naive": now.replace(tzinfo=None), "tomorrow": now + timedelta(days=1)}
    if "at" in change:
        change = {"at": instants[change["at"]]}
    rp = RelyingParty(with_method(provider, Boastful(**change)))
    refused = give(rp, rp.open_login(), login="anne.pierre", badge=NUMBER[-6:])
    assert refused.status_code == 200
    assert GENERIC in refused.text
    assert provider.events("login.failed")[0].detail["reason"] == "internal"
    assert not provider.events("login.succeeded")
    assert rp.silent()["error"] == "login_required"


def test_a_proof_within_what_it_declares_counts(provider: Provider) -> None:
    rp = RelyingParty(with_method(provider, Boastful(assurance=Assurance.LOW)))
    assert "code" in answer_of(give(rp, rp.open_login(), login="anne.pierre", badge=NUMBER[-6:]))


def test_an_option_that_is_no_longer_accepted_counts_as_not_given(provider: Provider) -> None:
    class Longer(HospitalBadge):
        options = {"digits": replace(HospitalBadge.options["digits"], default=8, allowed=range(8, 11))}  # noqa: RUF012

    rp = RelyingParty(with_method(provider, Longer()))
    path = rp.open_login()
    rp.post(f"{path}/hospital_badge", page=path)
    page = rp.browser.get(f"{path}/hospital_badge")
    assert "Les 8 derniers chiffres" in page.text
    assert csrf_of(page)
