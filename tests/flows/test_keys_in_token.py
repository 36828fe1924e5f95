"""A provider whose signing keys are in a PKCS#11 token: it signs, rotates, and gets over the loss of its token."""

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from pkcs11 import ObjectClass

from idp.cli.doctor import files
from idp.cli.doctor.finding import Level
from idp.flows import worker
from idp.settings import Settings, load
from tests.fakes import softhsm
from tests.fakes.clock import START
from tests.fakes.command_line import CommandLine
from tests.fakes.hsm import LABEL, PIN, Hsm, forget
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty

pytestmark = pytest.mark.embedded  # asks nothing of a store

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Hsm:
    """A token with keys, of which tests take copies."""
    with Hsm.made(tmp_path_factory.mktemp("hsm")) as made:
        made.place.create(now=START - DAY)
    return made


@pytest.fixture
def hsm(filled: Hsm, tmp_path: Path) -> Iterator[Hsm]:
    copied = filled.copy(tmp_path / "hsm")
    with copied.used():
        yield copied


@pytest.fixture
def provider(hsm: Hsm, tmp_path: Path, template: Path) -> Provider:
    provider = Provider.start(tmp_path / "provider", template, **hsm.settings)
    provider.add_client("rp")
    provider.add_account("anne.pierre")
    return provider


@pytest.fixture
def cli(hsm: Hsm, tmp_path: Path, template: Path) -> CommandLine:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("keys.d"))
    token = f'[pkcs11]\nmodule = "{softhsm.MODULE}"\ntoken = "{LABEL}"\npin_file = "hsm/pin"\n'
    return CommandLine.in_folder(tmp_path, f'keys_backend = "pkcs11"\n{token}')


def lose(hsm: Hsm) -> None:
    """A token that is pulled: SoftHSM itself goes on until the module is started again."""
    hsm.take_away()
    forget()


def published(provider: Provider) -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = provider.browser().get("/jwks").json["keys"]
    return keys


def test_a_login_is_signed_by_the_token(provider: Provider) -> None:
    tokens = RelyingParty(provider).tokens()
    (key,) = (key for key in published(provider) if key["kid"] == jwt.get_unverified_header(tokens["id_token"])["kid"])
    options = {"verify_exp": False, "verify_iat": False}  # the provider has a clock of its own
    jwt.decode(tokens["id_token"], jwt.PyJWK(key), audience="rp", options=options)
    assert [set(each) & set("dpqk") for each in published(provider)] == [set()] * 3


def test_a_lost_token_is_a_503_and_the_same_code_is_good_when_it_is_back(hsm: Hsm, provider: Provider) -> None:
    rp, before = RelyingParty(provider), published(provider)
    code = rp.login()["code"]
    lose(hsm)
    refused = rp.token(code)
    assert (refused.status_code, refused.json) == (503, {"error": "temporarily_unavailable"})
    assert refused.headers["Retry-After"]
    assert provider.browser().get("/readyz").json["failed"] == ["keys"]
    assert provider.browser().get("/healthz").status_code == 200
    assert published(provider) == before  # what services verify with is not lost
    hsm.give_back()
    assert provider.browser().get("/readyz").status_code == 200
    assert rp.verify(rp.redeem(code)["id_token"])


def test_a_provider_that_starts_without_its_token_serves_when_it_is_back(
    hsm: Hsm, tmp_path: Path, template: Path
) -> None:
    lose(hsm)
    with hsm.used():
        started = Provider.start(tmp_path / "provider", template, **hsm.settings)
        assert started.browser().get("/jwks").status_code == 503
        assert started.browser().get("/readyz").status_code == 503
        hsm.give_back()
        assert started.browser().get("/readyz").status_code == 200
        assert len(published(started)) == 3


def test_the_worker_makes_the_next_keys_in_the_token(hsm: Hsm, provider: Provider) -> None:
    before = published(provider)
    provider.clock.advance(days=100)
    worker.rotate_keys(provider.services, provider.desk)
    after = published(provider)
    assert len(after) == 2 * len(before)
    assert len(provider.events("keys.rotated")) == 3
    provider.clock.advance(days=1)
    tokens = RelyingParty(provider).tokens()
    assert jwt.get_unverified_header(tokens["id_token"])["kid"] not in {key["kid"] for key in before}
    assert {label for label, _ in hsm.objects(ObjectClass.PRIVATE_KEY)} == {f"sesame {key['kid']}" for key in after}


def test_a_rotation_without_the_token_is_an_alert_and_is_made_up_for(hsm: Hsm, provider: Provider) -> None:
    provider.clock.advance(days=100)
    lose(hsm)
    worker.rotate_keys(provider.services, provider.desk)
    assert provider.events("keys.rotated") == []
    with provider.services.db.read() as tx:
        (alert,) = tx.alerts.latest(10)
    assert (alert.kind, alert.detail) == ("keys.rotation_failed", {"reason": "SignerUnavailable"})
    hsm.give_back()
    worker.rotate_keys(provider.services, provider.desk)
    assert len(provider.events("keys.rotated")) == 3


def test_keys_are_made_listed_rotated_and_withdrawn_at_the_terminal(hsm: Hsm, cli: CommandLine) -> None:
    assert "signing keys" in cli.run("init")
    listed = cli.run("keys", "list").splitlines()
    assert [line.split("\t")[1:3] for line in listed] == [[alg, "ACTIVE"] for alg in ("RS256", "PS256", "ES256")]
    (first, _), (second, state) = (
        line.split("\t")[::2][:2] for line in cli.run("keys", "rotate", "ES256").splitlines()
    )
    assert (listed[2].split("\t")[0], state) == (first, "PENDING")
    told = cli.run("keys", "rotate", "ES256", "--compromised", first)
    assert f"{second}\tES256\tACTIVE" in told
    assert not list((cli.folder / "keys.d").glob("*.pem"))
    assert len(hsm.objects(ObjectClass.PRIVATE_KEY)) == 3 + 4  # the copied ones are of another ring


def test_init_after_a_wrong_pin_is_done_once_it_is_right(hsm: Hsm, cli: CommandLine) -> None:
    hsm.pin_file.write_text("0000-wrong")
    assert "refused the PIN" in cli.refused("init")
    assert "not tried again" in cli.refused("init")
    hsm.mend_pin(cli.folder / "keys.d")
    cli.run("init")
    assert len(cli.run("keys", "list").splitlines()) == 3


def test_a_lost_token_is_told_at_the_terminal(hsm: Hsm, cli: CommandLine) -> None:
    cli.run("init")
    lose(hsm)
    assert "does not answer" in cli.refused("keys", "rotate", "ES256")
    assert len(cli.run("keys", "list").splitlines()) == 3
    hsm.give_back()
    cli.run("keys", "rotate", "ES256")


def test_doctor_asks_the_token(hsm: Hsm, cli: CommandLine) -> None:
    cli.run("init")
    settings = load(cli.folder / "sesame.toml")
    found = list(files.signing_keys(settings))
    assert {each.level for each in found} == {Level.OK}
    assert any(f"the token {LABEL} signs" in each.text for each in found)
    lose(hsm)
    assert Level.FAIL in {each.level for each in files.signing_keys(settings)}


def test_an_incomplete_section_stops_the_start(tmp_path: Path) -> None:
    for missing in ("module", "token", "pin_file"):
        given = {"module": "/x.so", "token": "t", "pin_file": "/pin"}
        del given[missing]
        with pytest.raises(ValueError, match="needs module, token and pin_file"):
            Settings(issuer="https://idp.example", keys_backend="pkcs11", pkcs11=given)  # type: ignore[arg-type]


def test_no_log_and_no_page_shows_the_pin(
    hsm: Hsm, provider: Provider, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    code = RelyingParty(provider).login()["code"]
    lose(hsm)
    hsm.pin_file.write_text("0000-wrong")
    hsm.give_back()
    refused = RelyingParty(provider).token(code)
    assert refused.status_code == 503
    settings = provider.services.settings
    shown = [
        refused.text,
        caplog.text,
        *capfd.readouterr(),
        repr(settings),
        json.dumps(settings.model_dump(mode="json")),
    ]
    assert all(pin not in each for each in shown for pin in (PIN, "0000-wrong"))
