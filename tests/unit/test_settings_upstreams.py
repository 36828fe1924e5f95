"""The section `upstreams`: what is wrong is named, and what a preset says may be overridden."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from idp.flows.oidc.professional import ORIGINS
from idp.methods.federation import methods
from idp.methods.registry import MethodError
from idp.methods.registry import load as load_methods
from idp.settings import SettingsError, load
from idp.settings.origins import origin_of
from idp.settings.upstreams import PRESETS, RESERVED, Upstream

SANDBOX = "https://auth.bas.psc.esante.gouv.fr/auth/realms/esante-wallet"
PRODUCTION = "https://auth.esw.esante.gouv.fr/auth/realms/esante-wallet"
SOUND = "preset = 'pro_sante_connect'\nclient_id = 'a'\nclient_secret_file = 's'\n"
HOSPITAL = "label = 'CHU'\nissuer = 'https://idp.chu.example'\nclient_id = 'a'\nclient_secret_file = 's'\n"
STAFF = HOSPITAL + "identity_claim = 'matricule'\nidentity_prefix = '3330000001/'\n"
LOOPBACK = "http://localhost:8031/auth/realms/esante-wallet"


def written(folder: Path, text: str, name: str = "psc") -> Path:
    file = folder / "sesame.toml"
    file.write_text(f"issuer = 'https://idp.example'\n[upstreams.{name}]\n{text}", encoding="utf-8")
    return file


BAD: list[tuple[str, str]] = [
    ("preset = 'other'", "upstreams.psc.preset: "),
    ("preset = 'pro_sante_connect'", "upstreams.psc.client_id: "),
    ("preset = 'pro_sante_connect'\nclient_id = 'a'", "upstreams.psc: client_secret_file: needed"),
    (SOUND + "colour = 1", "upstreams.psc.colour: unknown setting"),
    (SOUND + "issuer = 'http://psc.example'", "upstreams.psc.issuer: https"),
    (SOUND + "issuer = 'ftp://psc.example'", "upstreams.psc.issuer: "),
    (SOUND + "token_endpoint = 'http://psc.example/token'", "upstreams.psc.token_endpoint: https"),
    (SOUND + "origins = ['https://a.example/path']", "upstreams.psc.origins.0: "),
    (SOUND + "origins = ['http://a.example']", "upstreams.psc.origins.0: https"),
    (SOUND + "scopes = ['scope_all']", "upstreams.psc: scopes: openid"),
    (SOUND + "scopes = ['openid scope_all']", "upstreams.psc.scopes.0: "),
    (SOUND + "client_key_file = 'k'", "upstreams.psc: client_certificate_file and client_key_file"),
    (SOUND + "token_auth = 'tls_client_auth'", "upstreams.psc: token_auth: tls_client_auth needs"),
    (SOUND + "token_auth = 'private_key_jwt'", "upstreams.psc.token_auth: "),
    (SOUND + "acr_if_missing = 'eidas9'", "upstreams.psc: acr_if_missing: not one of accepted_acr"),
    (SOUND + "[upstreams.psc.modes.CARD]\nassurance = 'TOP'\namr = ['sc']", "upstreams.psc.modes.CARD.assurance: "),
    (SOUND + "[upstreams.psc.otherwise]\nassurance = 'LOW'\namr = []", "upstreams.psc.otherwise.amr: "),
    (SOUND + "[upstreams.psc.otherwise]\nassurance = 'LOW'\namr = ['pwd', 'opt']", "upstreams.psc.otherwise.amr.1: "),
    (SOUND + "mode_claim = ''", "upstreams.psc: modes: mode_claim"),
    (SOUND + "identity_claim = ''", "upstreams.psc.identity_claim: "),
    (SOUND + "test_identities = true", "upstreams.psc: test_identities: for the issuer of pro_sante_connect_sandbox"),
    (
        SOUND.replace("connect'", "connect_sandbox'") + f"issuer = '{PRODUCTION}'\ntest_identities = true",
        "upstreams.psc: test_identities: for the issuer of pro_sante_connect_sandbox",
    ),
    (SOUND + "identity_prefix = '8'", "upstreams.psc: other_ids_claim: "),
    (HOSPITAL, "upstreams.psc.identity_claim: "),
    (HOSPITAL + "identity_claim = 'rpps'", "upstreams.psc.identity_prefix: "),
    (STAFF + "other_ids_claim = 'otherIds'", "upstreams.psc: other_ids_claim: "),
    (STAFF + "test_identities = true", "upstreams.psc: test_identities: for the issuer of pro_sante_connect_sandbox"),
    (STAFF + "[upstreams.psc.modes.a]\nassurance = 'LOW'\namr = ['pwd']", "upstreams.psc: modes: mode_claim"),
]


@pytest.mark.parametrize(("text", "named"), BAD)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        load(written(tmp_path, text))
    assert named in str(refusal.value)


@pytest.mark.parametrize("prefix", ["x", "3", "33300", "333000000/", "3330000001/4", "80", "9", "5330000001/", "4"])
def test_half_a_prefix_would_leave_the_rest_to_the_upstream(prefix: str) -> None:
    with pytest.raises(ValidationError, match="identity_prefix"):
        hospital(identity_prefix=prefix)


@pytest.mark.parametrize("prefix", ["", "0", "8", "3330000001/", "4123456789/", "512345678901234/", "6810000000001/"])
def test_a_whole_prefix(prefix: str) -> None:
    assert hospital(identity_prefix=prefix).identity_prefix == prefix


@pytest.mark.parametrize("name", ["Psc", "1psc", "p-s-c"])
def test_a_name_is_that_of_a_method(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="upstreams"):
        load(written(tmp_path, SOUND, name))


@pytest.mark.parametrize("name", ["support", "card", "carte"])
def test_what_an_upstream_says_passes_for_nobody_elses(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=f"upstreams.{name}.*has this name"):
        load(written(tmp_path, SOUND, name))


def test_each_origin_that_is_no_method_is_reserved() -> None:
    assert {*ORIGINS.values(), "support"} <= RESERVED


def upstream(**values: Any) -> Upstream:
    return Upstream(**{"preset": "pro_sante_connect", "client_id": "a", "client_secret_file": "s", **values})


def hospital(**values: Any) -> Upstream:
    known = {"label": "CHU", "issuer": "https://idp.chu.example/", "identity_claim": "rpps", "identity_prefix": "8"}
    return upstream(**{"preset": None, **known, **values})


def test_a_preset_says_all_but_who_we_are() -> None:
    found = upstream(preset="pro_sante_connect_sandbox")
    assert found.issuer == SANDBOX
    assert found.metadata_url == f"{SANDBOX}/.well-known/wallet-openid-configuration"
    assert found.all_origins == {"https://auth.bas.psc.esante.gouv.fr", "https://wallet.bas.psc.esante.gouv.fr"}
    assert (found.scopes, found.acr_values) == (("openid", "scope_all"), ("eidas1",))
    assert found.accepted_acr == ("eidas1", "eidas2", "eidas3")
    assert (found.modes["CARD"].assurance, found.otherwise.assurance) == ("HIGH", "SUBSTANTIAL")
    assert found.iss_required
    assert not found.test_identities


def test_what_is_given_stands_above_the_preset() -> None:
    found = upstream(accepted_acr=("eidas2",), acr_if_missing="eidas2", label="PSC")
    assert (found.accepted_acr, found.acr_if_missing, found.label) == (("eidas2",), "eidas2", "PSC")


def test_what_a_preset_says_may_be_taken_away(tmp_path: Path) -> None:
    """As an operator writes it: TOML has no null."""
    found = load(
        written(tmp_path, SOUND + "acr_if_missing = ''\nother_ids_claim = ''\nmode_claim = ''\nmodes = {}")
    ).upstreams["psc"]
    assert (found.acr_if_missing, found.other_ids_claim, found.mode_claim) == (None, None, None)
    assert found.accepted_acr


def test_another_issuer_has_not_the_hosts_of_the_preset() -> None:
    found = upstream(issuer=LOOPBACK)
    assert found.metadata_url == f"{found.issuer}/.well-known/wallet-openid-configuration"
    assert found.all_origins == {"http://localhost:8031"}


@pytest.mark.parametrize("preset", PRESETS)
def test_the_issuer_of_a_preset_may_be_written_out(preset: str) -> None:
    assert upstream(preset=preset, issuer=PRESETS[preset]["issuer"]) == upstream(preset=preset)


@pytest.mark.parametrize("given", [{"preset": "pro_sante_connect_sandbox"}, {"issuer": SANDBOX}, {"issuer": LOOPBACK}])
def test_test_identities_are_for_the_sandbox_and_a_simulator(given: dict[str, str]) -> None:
    assert upstream(**given, test_identities=True).test_identities


def test_without_a_preset_discovery_is_where_the_standard_has_it() -> None:
    assert hospital().metadata_url == "https://idp.chu.example/.well-known/openid-configuration"


def test_every_preset_is_sound() -> None:
    for name in PRESETS:
        assert upstream(preset=name).all_origins


def test_files_are_beside_the_settings(tmp_path: Path) -> None:
    found = load(written(tmp_path, SOUND + "ca_file = 'ca.pem'")).upstreams["psc"]
    assert (found.client_secret_file, found.ca_file) == (tmp_path / "s", tmp_path / "ca.pem")


def test_the_origin_of_an_address() -> None:
    assert origin_of("https://a.example:8443/x?y") == "https://a.example:8443"


def test_an_upstream_is_a_method_once_it_is_listed(tmp_path: Path) -> None:
    settings = load(written(tmp_path, SOUND))
    described = methods(settings, None)
    assert [method.id for method in described] == ["psc"]
    assert list(load_methods(["password", "psc"], described)) == ["password", "psc"]
    assert list(load_methods(["password"], described)) == ["password"]


def test_an_upstream_cannot_take_the_name_of_another_method(tmp_path: Path) -> None:
    described = methods(load(written(tmp_path, SOUND, "password")), None)
    with pytest.raises(MethodError, match=r"upstreams\.password: another method has this name"):
        load_methods(["password"], described)
