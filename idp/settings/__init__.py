"""Settings: typed, closed, frozen. An unknown key or a bad value stops the start and names the key."""

import os
import re
import tomllib
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, IPvAnyNetwork, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableVariable

from idp.settings.paths import relative_to
from idp.settings.registration import Registration
from idp.settings.sections import Argon2, Brand, Card, Egress, Mail, Outgoing, Pkcs11
from idp.settings.upstreams import MethodId, Upstream

PREFIX = "SESAME_"
ISSUER = re.compile(r"https?://([a-z0-9.-]+)(:[0-9]{1,5})?")
AcrValue = Annotated[str, Field(pattern=r"^[!-~]{1,200}$")]  # acr_values are separated by spaces
LEVELS = ("LOW", "MEDIUM", "SUBSTANTIAL", "HIGH")


class SettingsError(Exception):
    """The settings cannot be used; each line of the text names a key."""


class Settings(BaseSettings):
    """Every setting of the provider."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix=PREFIX, env_nested_delimiter="__")

    issuer: str = Field(description="Issuer identifier: the public address, without a trailing slash.")
    database_url: str = Field(
        default="sqlite:///sesame.db",
        pattern=r"^(sqlite|postgresql(\+[a-z0-9]+)?)://.+$",
        repr=False,  # may hold a password, as the next one
        description="SQLAlchemy address of the database.",
    )
    redis_url: str = Field(
        default="embedded",
        pattern=r"^(embedded|valkey|(rediss?|unix)://.+)$",
        repr=False,
        description="Ephemeral store: `embedded` (one worker), `valkey` (a server that `sesame serve` runs for itself; "
        "one machine) or a redis:// address.",
    )
    valkey_dir: Path = Field(
        default=Path("valkey"),
        description='Folder of the socket, for `redis_url = "valkey"`: beside the settings, made with mode 0700.',
    )
    keys_backend: Literal["file", "pkcs11"] = Field(
        default="file", description="Where signing keys are: in `keys_dir`, or in a PKCS#11 token (`pkcs11`)."
    )
    keys_dir: Path = Field(
        default=Path("keys.d"), description="Directory of the signing keys and of their dates (mode 0700)."
    )
    keys_max_age_days: int = Field(
        default=90, ge=0, le=3650, description="Age at which the worker has a signing key replaced, days; 0: never."
    )
    keys_publish_before_h: int = Field(
        default=24, ge=1, le=720, description="Hours between the publication of a signing key and its first use."
    )
    secret_file: Path = Field(
        default=Path("secret"), description="File with the server's secret, 32 bytes or more (mode 0600)."
    )
    host: str = Field(
        default="127.0.0.1", pattern=r"^[A-Za-z0-9.:-]+$", description="Address that `sesame serve` listens on."
    )
    port: int = Field(default=8000, ge=1, le=65535, description="Port that `sesame serve` listens on.")
    workers: int = Field(default=1, ge=1, le=64, description="Processes that serve.")
    threads: int = Field(default=16, ge=1, le=256, description="Requests that one worker serves at once.")
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(
        default=(), description="Proxies whose X-Forwarded-For is believed."
    )
    methods: tuple[str, ...] = Field(
        default=("email_otp", "password"), min_length=1, description="Login methods to load, in this order."
    )
    acr: dict[Literal["LOW", "MEDIUM", "SUBSTANTIAL", "HIGH"], AcrValue] = Field(
        default={"LOW": "urn:sesame:acr:low", "MEDIUM": "eidas1", "SUBSTANTIAL": "eidas2", "HIGH": "eidas3"},
        description="How each assurance level shows as `acr`.",
    )
    session_lifetime_s: int = Field(
        default=4 * 3600, ge=60, le=12 * 3600, description="Absolute life of a session, seconds."
    )
    session_idle_s: int = Field(default=1800, ge=60, le=4 * 3600, description="Idle life of a session, seconds.")
    remember_browser_days: int = Field(default=180, ge=1, le=400, description="How long a browser is recognised, days.")
    audit_personal_days: int = Field(
        default=365, ge=1, le=3650, description="How long networks and browsers are kept beside audit events, days."
    )
    retention_days: int = Field(
        default=30, ge=1, le=400, description="How long ended sessions, their grants and tokens are kept, days."
    )
    failures_per_10_min: int = Field(
        default=30, ge=1, description="Failed attempts from one network before it is slowed."
    )
    password_min_bits: int = Field(
        default=50,
        ge=50,
        le=80,
        description="Least strength of a new password, bits; 50 where tries are delayed, as they are (CNIL 2022-100).",
    )
    password_blocklist: Path | None = Field(
        default=None,
        description="Sorted file of passwords that nobody may choose, beside the list that comes with the provider: "
        "one a line, or their SHA-1 as Have I Been Pwned gives it.",
    )
    portal_client_id: str = Field(
        default="portail", description="client_id of the account portal; its redirect URI is /compte/callback."
    )
    console_client_id: str = Field(
        default="console", description="client_id of the operators' console; its redirect URI is /console/callback."
    )
    two_operators: bool = Field(
        default=True,
        description="Support changes an address, or links a card or a national identifier, only if a second operator "
        "agrees. The holder is asked either way.",
    )
    metrics: bool = Field(default=True, description="Answer at /metrics, in the format of Prometheus.")
    metrics_allowed: tuple[IPvAnyNetwork, ...] = Field(
        default=(IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")),
        description="Networks that are given /metrics; nobody else finds it.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least level that is logged."
    )
    brand: Brand = Field(default=Brand(), description="See below.")
    mail: Mail = Field(default=Mail(), description="See below.")
    outgoing: Outgoing = Field(default=Outgoing(), description="See below.")
    argon2: Argon2 = Field(default=Argon2(), description="See below.")
    card: Card = Field(default=Card(), description="See below.")
    pkcs11: Pkcs11 = Field(default=Pkcs11(), description="See below.")
    registration: Registration = Field(default=Registration(), description="See below.")
    upstreams: dict[MethodId, Upstream] = Field(default={}, description="See below.")
    egress: tuple[Egress, ...] = Field(default=(), description="Networks with limits of their own, see below.")

    @field_validator("issuer")
    @classmethod
    def _sound_issuer(cls, value: str) -> str:
        """A path is not supported: the provider has a host name of its own, and its cookies the whole of it."""
        found = ISSUER.fullmatch(value)
        if not found or not (value.startswith("https:") or found[1] in {"localhost", "127.0.0.1"}):
            raise ValueError("https:// (http only on loopback) and a host in lower case; no path, no trailing slash")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "Settings":
        if self.session_idle_s > self.session_lifetime_s:
            raise ValueError("session_idle_s: longer than session_lifetime_s")
        if self.workers > 1 and self.redis_url == "embedded":
            raise ValueError(
                'workers: several cannot share redis_url = "embedded", which lives in one process; '
                'redis_url: give a redis:// address, or "valkey" (sesame-idp[valkey]), or workers = 1'
            )
        if self.keys_backend == "pkcs11" and not self.pkcs11.is_complete:
            raise ValueError('pkcs11: keys_backend = "pkcs11" needs module, token and pin_file')
        if 0 < self.keys_max_age_days * 24 <= self.keys_publish_before_h:
            raise ValueError("keys_publish_before_h: not shorter than keys_max_age_days")
        if set(self.acr) != set(LEVELS) or len(set(self.acr.values())) != len(LEVELS):
            raise ValueError("acr: a distinct name for each of LOW, MEDIUM, SUBSTANTIAL, HIGH")
        if "passkey" in self.methods and _is_address(self.issuer):
            raise ValueError("issuer: passkeys are for a host name, and this is an address (methods: passkey)")
        if self.card.dialog_url and _place(self.card.dialog_url) == _place(self.issuer):
            raise ValueError("card.dialog_url: another host or port than the issuer's")
        return self

    @property
    def is_secure(self) -> bool:
        """Served over https: cookies are Secure and carry the __Host- prefix."""
        return self.issuer.startswith("https://")

    @property
    def origin(self) -> str:
        """The issuer as browsers write an origin (RFC 6454 §6.2): without the port that its scheme has anyway."""
        return self.issuer.removesuffix(":443" if self.is_secure else ":80")

    @property
    def ephemeral_url(self) -> str:
        """Where the ephemeral store is: `embedded`, or an address of redis-py."""
        return f"unix://{self.valkey_socket}" if self.redis_url == "valkey" else self.redis_url

    @property
    def valkey_socket(self) -> Path:
        return self.valkey_dir.resolve() / "valkey.sock"

    @property
    def session_lifetime(self) -> timedelta:
        return timedelta(seconds=self.session_lifetime_s)

    @property
    def session_idle(self) -> timedelta:
        return timedelta(seconds=self.session_idle_s)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, which arrives as keyword arguments; no .env is read."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings


def load(path: Path | None, **overrides: Any) -> Settings:
    """Read a TOML file and the environment (SESAME_…, nested with __). Raises SettingsError, which names the key."""
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SettingsError(f"{path}: {error}") from error
        values = relative_to(path.parent, values)
    unknown = sorted(name for name in os.environ if _unknown_variable(name))
    if unknown:
        raise SettingsError("\n".join(f"{name}: unknown setting" for name in unknown))
    try:
        return Settings(**{**values, **overrides})
    except UnreadableVariable as error:  # a list or a table that is not JSON
        raise SettingsError(f"{PREFIX}…: {error}") from error
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(item) for item in error.errors())) from error


def read_secret(path: Path) -> bytes:
    """The server's secret. Raises SettingsError if it is absent, short or readable by others."""
    secret = read_private("secret_file", path, " (`sesame init` creates it)")
    if len(secret) < 32:
        raise SettingsError("secret_file: at least 32 bytes are needed")
    return secret


def read_private(key: str, path: Path, advice: str = "") -> bytes:
    """What a file holds that only its owner may read, trimmed. Raises SettingsError, which names the setting `key`."""
    try:
        mode, content = path.stat().st_mode, path.read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"{key}: {error.strerror}: {path}{advice}") from error
    if mode & 0o077:
        raise SettingsError(f"{key}: {path} is accessible to others (chmod 600)")
    return content


def _place(origin: str) -> tuple[str, int]:
    """Host and port, however an address of https writes them."""
    parts = urlsplit(origin)
    return (parts.hostname or "").removesuffix("."), parts.port or 443


def _is_address(origin: str) -> bool:
    try:
        ip_address(urlsplit(origin).hostname or "")
    except ValueError:
        return False
    return True


def _unknown_variable(name: str) -> bool:
    if not name.startswith(PREFIX):
        return False
    first = name[len(PREFIX) :].split("__", 1)[0].lower()
    return name != PREFIX + "SETTINGS" and first not in Settings.model_fields


def _explain(item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"])
    text = "unknown setting" if item["type"] == "extra_forbidden" else item["msg"].removeprefix("Value error, ")
    return f"{key}: {text}" if key else text
