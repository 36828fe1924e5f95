"""Section `upstreams`: other OpenID providers that people sign in with, one method each."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from idp.settings.origins import origin_of
from idp.settings.sections import Url

Level = Literal["LOW", "MEDIUM", "SUBSTANTIAL", "HIGH"]
Amr = Literal[
    "face", "fpt", "geo", "hwk", "iris", "kba", "mca", "mfa", "otp", "pin", "pop", "pwd", "rba", "retina", "sc", "sms",
    "swk", "tel", "user", "vbm", "wia",
]  # fmt: skip
REGISTERED_AMR: frozenset[str] = frozenset(get_args(Amr))  # RFC 8176 §2
# What an identity, or a claim of `identite_ps`, is said to come from where that is no login method of this name.
RESERVED = frozenset({"support", "card", "carte"})
LOOPBACK = frozenset({"localhost", "127.0.0.1"})


def _protected(url: str) -> str:
    if not url.startswith("https:") and urlsplit(url).hostname not in LOOPBACK:
        raise ValueError("https:// (http only on loopback)")
    return url


Secure = AfterValidator(_protected)
Endpoint = Annotated[str, Field(pattern=r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?$", max_length=2000), Secure]
Origin = Annotated[str, Field(pattern=r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?$", max_length=300), Secure]
Word = Annotated[str, Field(pattern=r"^[!-~]{1,200}$")]  # of a list that spaces separate (RFC 6749 §3.3)
ClaimName = Annotated[str, Field(pattern=r"^[!-~]{1,100}$")]
Unset = BeforeValidator(lambda value: None if value == "" else value)  # TOML has no null, and a preset may say more


def _not_reserved(name: str) -> str:
    if name in RESERVED:
        raise ValueError(f"{name}: what others say of people has this name; take another")
    return name


MethodId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$"), AfterValidator(_not_reserved)]
FILES = ("client_secret_file", "client_certificate_file", "client_key_file", "ca_file")

_PRO_SANTE_CONNECT: dict[str, Any] = {
    "label": "Pro Santé Connect",
    "scopes": ("openid", "scope_all"),
    "acr_values": ("eidas1",),
    "accepted_acr": ("eidas1", "eidas2", "eidas3"),
    "acr_if_missing": "eidas1",
    "identity_claim": "SubjectNameID",
    "identity_prefix": "",
    "other_ids_claim": "otherIds",
    "mode_claim": "authMode",
    "modes": {"CARD": {"assurance": "HIGH", "amr": ("sc", "mfa")}},
    "otherwise": {"assurance": "SUBSTANTIAL", "amr": ("mfa",)},
    "practice": True,
}


PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "pro_sante_connect": {
            **_PRO_SANTE_CONNECT,
            "issuer": "https://auth.esw.esante.gouv.fr/auth/realms/esante-wallet",
            "origins": ("https://wallet.esw.esante.gouv.fr",),
        },
        "pro_sante_connect_sandbox": {
            **_PRO_SANTE_CONNECT,
            "issuer": "https://auth.bas.psc.esante.gouv.fr/auth/realms/esante-wallet",
            "origins": ("https://wallet.bas.psc.esante.gouv.fr",),
        },
    }
)
DISCOVERY_PATH = "/.well-known/wallet-openid-configuration"  # of the presets; the standard has another


class Mode(BaseModel):
    """What a login there is worth here. amr: where the upstream itself says nothing that is registered."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    assurance: Level
    amr: tuple[Amr, ...] = Field(min_length=1)


class Upstream(BaseModel):
    """An OpenID provider that people sign in with. NAME is that of the login method, to be listed in `methods`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: Literal["pro_sante_connect", "pro_sante_connect_sandbox"] | None = Field(
        default=None,
        description="Values of a known provider, of required keys too, under those that are given here.",
    )
    label: str = Field(min_length=1, max_length=60, pattern=r"\S", description="Its name, on the button and in pages.")
    hint: str = Field(default="", max_length=200, description="A line under the button.")
    logo_url: Url | None = Field(default=None, description="Image on the button, beside the name.")
    issuer: Endpoint = Field(description="Its issuer identifier, exactly.")
    discovery_url: Endpoint | None = Field(
        default=None, description="Its metadata; `/.well-known/openid-configuration` under the issuer when empty."
    )
    authorization_endpoint: Endpoint | None = Field(default=None, description="In place of the metadata's.")
    token_endpoint: Endpoint | None = Field(default=None, description="In place of the metadata's.")
    userinfo_endpoint: Endpoint | None = Field(default=None, description="In place of the metadata's.")
    jwks_uri: Endpoint | None = Field(default=None, description="In place of the metadata's.")
    end_session_endpoint: Endpoint | None = Field(
        default=None, description="In place of the metadata's: where people are sent who leave the upstream too."
    )
    backchannel_logout: bool = Field(
        default=False,
        description="Hear of sessions that end there (OpenID Connect Back-Channel Logout), at "
        "`<issuer>/upstream/NAME/backchannel-logout`: those here that rest on them end too.",
    )
    origins: tuple[Origin, ...] = Field(
        default=(),
        max_length=8,
        description="Hosts that the metadata may name, for people and for calls, beside the issuer's and that of "
        "`authorization_endpoint`.",
    )
    client_id: str = Field(min_length=1, max_length=200, description="Of this provider there.")
    client_secret_file: Path | None = Field(default=None, description="File with the client secret (mode 0600).")
    client_certificate_file: Path | None = Field(
        default=None, description="Certificate (PEM, with its chain) that is shown at every call to the upstream."
    )
    client_key_file: Path | None = Field(default=None, description="Key of the certificate (PEM, mode 0600).")
    token_auth: Literal["client_secret_basic", "client_secret_post", "tls_client_auth"] = Field(
        default="client_secret_basic", description="How this provider proves itself at the token endpoint."
    )
    ca_file: Path | None = Field(
        default=None,
        description="Certificate authorities (PEM) that vouch for the upstream, beside the system's; those of "
        "`outgoing` when empty.",
    )
    scopes: tuple[Word, ...] = Field(default=("openid",), min_length=1, description="What is asked for.")
    acr_values: tuple[Word, ...] = Field(default=(), description="`acr_values` of the request.")
    accepted_acr: tuple[Word, ...] = Field(
        default=(), description="Values of `acr` that are accepted; any, or none, when empty."
    )
    acr_if_missing: Annotated[Word | None, Unset] = Field(
        default=None,
        description="What an ID Token without `acr` is taken to say; when empty, `accepted_acr` refuses it.",
    )
    iss_required: bool = Field(
        default=True, description="Refuse an answer without `iss` (RFC 9207); a wrong one is always refused."
    )
    userinfo: bool = Field(default=True, description="Ask for userinfo; else the ID Token says it all.")
    identity_claim: ClaimName = Field(description="The claim that has the national identifier.")
    identity_prefix: str = Field(
        pattern=r"^([08]|([16][0-9A-Z]{1,20}|3[0-9A-Z]{9}|4[0-9]{9}|5[0-9]{14})/)?$",
        description="What stands before it to make it a PS_IdNat: `8` for an RPPS number, `3330000000/` for the "
        "employees of that FINESS; when empty, the claim names any professional.",
    )
    test_identities: bool = Field(
        default=False,
        description="Accept test identifiers (`ANS2021…`): of the sandbox, or of a simulator on loopback.",
    )
    other_ids_claim: Annotated[ClaimName | None, Unset] = Field(
        default=None,
        description="The claim that lists further identifiers (`identifiant`, `origine`); not with `identity_prefix`.",
    )
    given_name_claim: ClaimName = Field(default="given_name", description="The claim that has the first name.")
    family_name_claim: ClaimName = Field(default="family_name", description="The claim that has the last name.")
    mode_claim: Annotated[ClaimName | None, Unset] = Field(
        default=None, description="The claim that says how people signed in there."
    )
    modes: dict[str, Mode] = Field(
        default={},
        description='What a login is worth by that claim: `CARD = {assurance = "HIGH", amr = ["sc", "mfa"]}`.',
    )
    otherwise: Mode = Field(
        default=Mode(assurance="LOW", amr=("pwd",)), description="What any other login there is worth."
    )
    session_at_most_h: float = Field(
        default=4,
        gt=0,
        le=720,
        description="How long a session there may last, hours: the age of a login that does not say when it was.",
    )
    practice: bool = Field(
        default=False,
        description="Keep what it says of profession, structures and activities under Pro Santé Connect's claim names, "
        "for services that are given the scope `identite_ps`.",
    )
    timeout_s: float = Field(default=5, ge=0.1, le=30, description="Time allowed to all calls of one login, seconds.")

    @model_validator(mode="before")
    @classmethod
    def _with_preset(cls, given: Any) -> Any:
        """Where another issuer is given (a simulator), the preset's hosts are not for it."""
        preset = PRESETS.get(str(given.get("preset"))) if isinstance(given, dict) else None
        if preset is None:
            return given
        values = {**preset, **given}
        if values["issuer"] != preset["issuer"]:
            values["origins"] = given.get("origins", ())
        return {"discovery_url": f"{values['issuer']}{DISCOVERY_PATH}", **values}

    @model_validator(mode="after")
    def _consistent(self) -> "Upstream":
        if "openid" not in self.scopes:
            raise ValueError("scopes: openid is what makes an ID Token")
        if (self.client_certificate_file is None) != (self.client_key_file is None):
            raise ValueError("client_certificate_file and client_key_file: both or neither")
        if self.token_auth == "tls_client_auth" and self.client_certificate_file is None:
            raise ValueError("token_auth: tls_client_auth needs client_certificate_file")
        if self.token_auth != "tls_client_auth" and self.client_secret_file is None:
            raise ValueError("client_secret_file: needed, except with token_auth = tls_client_auth")
        if self.modes and self.mode_claim is None:
            raise ValueError("modes: mode_claim names the claim")
        if self.acr_if_missing and self.accepted_acr and self.acr_if_missing not in self.accepted_acr:
            raise ValueError("acr_if_missing: not one of accepted_acr")
        if self.other_ids_claim and self.identity_prefix:
            raise ValueError("other_ids_claim: it would name others than those whom identity_prefix names")
        is_sandbox = self.issuer == PRESETS["pro_sante_connect_sandbox"]["issuer"]
        if self.test_identities and not is_sandbox and urlsplit(self.issuer).hostname not in LOOPBACK:
            raise ValueError("test_identities: for the issuer of pro_sante_connect_sandbox, or one on loopback")
        return self

    @property
    def all_origins(self) -> frozenset[str]:
        """Where people may be sent, and calls that are led by the metadata."""
        ours = (self.issuer, self.authorization_endpoint, self.end_session_endpoint)
        return frozenset(self.origins) | {origin_of(url) for url in ours if url}

    @property
    def metadata_url(self) -> str:
        """OpenID Connect Discovery §4, unless it is elsewhere."""
        return self.discovery_url or f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
