"""The sections of the settings."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, field_validator, model_validator

Url = Annotated[str, Field(pattern=r"^(https?://|mailto:|/)[!-~]+$", max_length=2000)]
HttpUrl = Annotated[str, Field(pattern=r"^https?://[^/?#@]+(/[!-~]*)?$", max_length=2000)]
ADDRESS = r"^[^@\s]+@[^@\s]+$"
Oid = Annotated[str, Field(pattern=r"^[0-2](\.(0|[1-9][0-9]{0,38})){1,30}$")]
HttpsOrigin = Annotated[str, Field(pattern=r"^https://[a-z0-9-]+(\.[a-z0-9-]+)*(:[1-9][0-9]{0,4})?$", max_length=300)]
Port = Annotated[int, Field(ge=1024, le=65535)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Link(_Section):
    """A link that a region adds to pages."""

    label: str = Field(min_length=1, max_length=60, pattern=r"\S", description="Its words.")
    url: str = Field(
        pattern=r"^https://[a-z0-9.-]+(:[0-9]{1,5})?([/?#][!-~]*)?$", max_length=2000, description="https."
    )


class Brand(_Section):
    """What a region shows of itself on every page."""

    name: str = Field(default="esea", description="Name beside the logo and in e-mails.")
    logo_url: Url | None = Field(default=None, description="Logo; the product's own mark when empty.")
    color: str = Field(
        default="#00707c", pattern="^#[0-9a-f]{6}$", description="Brand colour; contrast of 4.5 on white."
    )
    home_url: Url | None = Field(default=None, description="Target of the return button at the top right.")
    home_label: str = Field(default="Retour sur le Portail GIP ESEA", description="Text of the return button.")
    portal_name: str = Field(default="Mon compte ESEA", description="Title of the account portal.")
    support_phone: str | None = Field(default=None, description="Telephone of the technical assistance.")
    support_email: str | None = Field(default=None, description="E-mail of the technical assistance.")
    video_url: Url | None = Field(default=None, description="Video tutorials on signing in safely.")
    tips_url: Url | None = Field(default=None, description="« Découvrez les bons réflexes ».")
    password_tips_url: Url = Field(
        default="https://www.cnil.fr/fr/les-conseils-de-la-cnil-pour-un-bon-mot-de-passe",
        description="« les conseils de la CNIL pour un bon mot de passe ».",
    )
    signup_url: Url | None = Field(
        default=None, description="« Créez votre compte dès maintenant »; hidden when empty."
    )
    accessibility_url: Url | None = Field(default=None, description="Accessibility statement (RGAA).")
    accessibility_label: str = Field(
        default="Accessibilité : non conforme", description="State of conformity that is declared."
    )
    privacy_url: Url | None = Field(default=None, description="Privacy policy.")
    legal_url: Url | None = Field(default=None, description="Legal notice.")
    header_links: tuple[Link, ...] = Field(
        default=(),
        max_length=6,
        description='Links at the top of the portal: `{label = "Actualités", url = "https://…"}`.',
    )
    dashboards: tuple[Link, ...] = Field(
        default=(), max_length=12, description="Links under « Décisionnel » on the portal, as `header_links`."
    )

    @field_validator("color")
    @classmethod
    def _readable(cls, value: str) -> str:
        if contrast_on_white(value) < 4.5:
            raise ValueError("contrast with white is under 4.5 (WCAG 1.4.3)")
        return value


class Mail(_Section):
    """Outgoing mail."""

    host: str = Field(default="localhost", description="SMTP server.")
    port: int = Field(default=25, ge=1, le=65535, description="Port of the SMTP server.")
    sender: str = Field(default="ne-pas-repondre@localhost", pattern=ADDRESS, description="Sender's address.")
    alerts_to: str | None = Field(
        default=None, pattern=ADDRESS, description="Who is mailed alerts; `brand.support_email` when empty."
    )
    sms_address: str | None = Field(
        default=None,
        pattern=r"^[^@\s{}]*\{number\}[^@\s{}]*@[A-Za-z0-9.-]+$",
        description="Address of a gateway that sends what it is mailed as an SMS, `{number}@sms.example`; `{number}` "
        "becomes the digits of the international number. Telephone numbers are not verified when empty.",
    )
    timeout_s: int = Field(default=10, ge=1, le=60, description="Time allowed to one delivery, seconds.")
    tls: Literal["none", "starttls", "implicit"] = Field(
        default="none",
        description="`starttls` (port 587), `implicit` (port 465), or `none`: for a relay of this machine or network.",
    )
    ca_file: Path | None = Field(
        default=None, description="Certificate authorities (PEM) that vouch for the server; the system's when empty."
    )
    username: str | None = Field(default=None, min_length=1, description="Name given to the SMTP server, if it asks.")
    password_file: Path | None = Field(default=None, description="File with the password of `username` (mode 0600).")
    templates_dir: Path | None = Field(
        default=None, description="Folder of templates of letters, in the place of the provider's own of the same name."
    )

    @model_validator(mode="after")
    def _consistent(self) -> "Mail":
        if (self.username is None) != (self.password_file is None):
            raise ValueError("username and password_file: both or neither")
        if self.username and self.tls == "none" and not _is_loopback(self.host):
            raise ValueError("username: needs tls, except on loopback (the password would be readable on the way)")
        return self


class Argon2(_Section):
    """Password hash. A change is applied to each password at its next use."""

    memory_kib: int = Field(default=19456, ge=7168, le=1048576, description="Memory of one hash, KiB (OWASP: 19 MiB).")
    time_cost: int = Field(default=2, ge=1, le=20, description="Passes.")
    parallelism: int = Field(default=1, ge=1, le=16, description="Lanes.")
    at_once: int = Field(default=1, ge=1, le=256, description="Hashes computed at once by a worker; others wait.")


class Outgoing(_Section):
    """Requests that the provider makes itself: clients' keys (`jwks_uri`), notices of logout."""

    allowed_networks: tuple[IPvAnyNetwork, ...] = Field(
        default=(),
        description="Networks that requests may go to although they are not public; http, on loopback, needs one too.",
    )
    ca_file: Path | None = Field(
        default=None, description="Certificate authorities (PEM) that are trusted beside the system's."
    )
    proxy: str | None = Field(
        default=None,
        pattern=r"^http://[^\s/?#]+:[0-9]{1,5}$",
        repr=False,  # may hold a password
        description="`http://host:port` of a proxy that tunnels (CONNECT); the environment's is never used.",
    )
    timeout_s: float = Field(default=5, ge=0.1, le=60, description="Time allowed to one request, all in all, seconds.")

    @field_validator("proxy")
    @classmethod
    def _reachable(cls, value: str | None) -> str | None:
        if value is not None and not urlsplit(value).port:
            raise ValueError("port 0 is none")
        return value


class Addresses(_Section):
    """Where an authority of cards says what it revoked; `http://` is right: what comes is signed."""

    authority: str = Field(min_length=1, max_length=200, description="The authority's name (CN).")
    crl: tuple[HttpUrl, ...] = Field(
        default=(), max_length=16, description="Addresses of its revocation lists: the full one, or each part."
    )
    ocsp: HttpUrl | None = Field(default=None, description="Address of its OCSP responder.")


class Card(_Section):
    """Cards of health professionals (method `cps_card`)."""

    authorities: Path | None = Field(
        default=None,
        description="Certificates of the authorities that issue cards to persons, not of their roots: a file (PEM, DER "
        "or .p7b) or a folder of them. The method needs them.",
    )
    crl_files: tuple[Path, ...] = Field(
        default=(),
        description="Revocation lists of these authorities (PEM or DER), or folders of them, beside those of "
        "`addresses`. A card is refused while its authority has no list that is signed and in force.",
    )
    addresses: tuple[Addresses, ...] = Field(
        default=(),
        description='Where the worker fetches lists, and logins ask: `{authority = "…", crl = ["http://…"], '
        'ocsp = "http://…"}`, one for each authority.',
    )
    revocation: tuple[Literal["crl", "ocsp"], ...] = Field(
        default=("crl",),
        min_length=1,
        description="Who is asked whether a card was revoked, in this order, until one knows: lists (`crl`), the "
        "responder (`ocsp`), or both.",
    )
    revocation_dir: Path = Field(
        default=Path("revocation"), description="Folder in which the worker keeps the lists that it read (mode 0700)."
    )
    revocation_max_age_h: int = Field(
        default=0,
        ge=0,
        le=168,
        description="Degraded mode: hours for which a list still counts after it ran out, if nothing newer is known; "
        "each login by it is audited, and support alerted. 0: never.",
    )
    crl_every_min: int = Field(
        default=60, ge=5, le=1440, description="Minutes between two fetches of a list; one that failed is tried sooner."
    )
    ocsp_nonce_required: bool = Field(
        default=False,
        description="Refuse an answer of OCSP without the nonce of the question, such as responders prepare.",
    )
    test_cards: bool = Field(
        default=False, description="Accept test cards and the authorities that issue them; never where people work."
    )
    non_nominative: bool = Field(
        default=False,
        description="Accept cards without a person's name, which a service shares; an operator links each of them.",
    )
    policies: tuple[Oid, ...] = Field(
        default=(), description="Certificate policies (OID), one of which a card must state; any when empty."
    )
    reader_ports: tuple[Port, Port] = Field(
        default=(35810, 35849),
        description="Where the helper on a person's workstation listens, on loopback: the first and the last port.",
    )
    help_url: Url | None = Field(default=None, description="Page that says how to get the helper.")
    dialog_url: HttpsOrigin | None = Field(
        default=None,
        description="Address of the card host, where the browser's own dialog asks for the card's certificate: another "
        "host name or port than the issuer's. There is no dialog when empty.",
    )
    dialog_secret_file: Path | None = Field(
        default=None,
        description="File with the secret by which the proxy of the card host is known, 32 characters or more (mode "
        "0600).",
    )

    @field_validator("dialog_url")
    @classmethod
    def _as_browsers_write_it(cls, value: str | None) -> str | None:
        """RFC 6454 §6.2: without the port that https has anyway. A name: in TLS, browsers name no IP address."""
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.netloc.partition(":")[0].replace(".", "").isdigit():
            raise ValueError("a host name, not an address")
        return value if parts.port != 443 else value.removesuffix(":443")  # .port raises ValueError beyond 65535

    @field_validator("revocation")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            raise ValueError("each source once")
        return value

    @model_validator(mode="after")
    def _answerable(self) -> "Card":
        names = [each.authority for each in self.addresses]
        if len(set(names)) != len(names):
            raise ValueError("addresses: one for each authority")
        if "ocsp" in self.revocation and not any(each.ocsp for each in self.addresses):
            raise ValueError("revocation: ocsp needs an address (card.addresses)")
        if self.revocation_max_age_h and "crl" not in self.revocation:
            raise ValueError("revocation_max_age_h: only a list has an age (card.revocation)")
        if (self.dialog_url is None) != (self.dialog_secret_file is None):
            raise ValueError("dialog_url and dialog_secret_file: both or neither")
        return self

    @field_validator("reader_ports")
    @classmethod
    def _ascending(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not 0 <= value[1] - value[0] < 64:  # a page tries them all
            raise ValueError("the first port, then the last, 64 at most")
        return value


class Pkcs11(_Section):
    """The token that holds the signing keys, for `keys_backend = "pkcs11"` (`pip install 'sesame-idp[hsm]'`)."""

    module: Path | None = Field(default=None, description="Library of the token (PKCS#11), an absolute path.")
    token: str | None = Field(default=None, min_length=1, max_length=32, description="Label of the token.")
    pin_file: Path | None = Field(default=None, description="File with the PIN of the token's user (mode 0600).")
    proxy: bool = Field(
        default=False,
        description="The module is p11-kit-proxy, or as safe for threads: a process signs several times at once.",
    )

    @property
    def is_complete(self) -> bool:
        return None not in {self.module, self.token, self.pin_file}


class Egress(_Section):
    """An operator's network behind which many people share one address."""

    label: str = Field(description="Name, for the audit (« CHU de … »).")
    networks: tuple[IPvAnyNetwork, ...] = Field(description="Address ranges.")
    failures_per_10_min: int = Field(default=300, ge=1, description="Failed attempts before the network is slowed.")


def contrast_on_white(color: str) -> float:
    """Contrast ratio of `#rrggbb` with white (WCAG 2.1, 1.4.3)."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
