"""One relying party of the demo: its registration with the provider, and its own look."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

SCOPE = "openid profile email identite_ps"
ROLES = "habilitations"  # a scope of the provider's, and the claim that it gives
MIN_CONTRAST = 4.5  # WCAG 2.1 §1.4.3, level AA, of white text on the accent


@dataclass(frozen=True, slots=True, repr=False)
class ServiceConfig:
    """What a relying party must know. `issuer` and `base_url` have no path after them and no slash at the end.

    roles: those of the service, code → label; with any, the provider is asked which of them the person was given.

    Raises ValueError if the accent is no colour or too light to be read on.
    """

    key: Literal["ror", "espace_pro"]
    name: str
    issuer: str
    client_id: str
    client_secret: str
    base_url: str
    login_label: str
    accent: str
    intro: str
    roles: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"#[0-9a-f]{6}", self.accent):
            raise ValueError(f"accent: {self.accent!r} is not a colour such as #1b3a6b")
        if contrast_with_white(self.accent) < MIN_CONTRAST:
            raise ValueError(f"accent: white text cannot be read on {self.accent}")

    def __repr__(self) -> str:
        return f"ServiceConfig({self.key!r}, client_id={self.client_id!r})"  # never the secret

    @property
    def scope(self) -> str:
        return f"{SCOPE} {ROLES}" if self.roles else SCOPE

    @property
    def redirect_uri(self) -> str:
        return f"{self.base_url}/callback"

    @property
    def post_logout_redirect_uri(self) -> str:
        return f"{self.base_url}/"

    @property
    def metadata_url(self) -> str:
        """OpenID Connect Discovery §4."""
        return f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"

    @property
    def issuer_origin(self) -> str:
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}"


def contrast_with_white(colour: str) -> float:
    """WCAG contrast ratio, 1 to 21, of white against `colour` (#rrggbb)."""
    red, green, blue = (_linear(int(colour[start : start + 2], 16) / 255) for start in (1, 3, 5))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return 1.05 / (luminance + 0.05)


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
