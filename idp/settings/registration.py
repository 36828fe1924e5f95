"""The section `registration` of the settings."""

from pydantic import Field

from idp.settings.sections import Url, _Section
from idp.settings.upstreams import MethodId


class Registration(_Section):
    """People ask for an account of their own at `/inscription`; the desk decides."""

    enabled: bool = Field(default=False, description="Let people register.")
    terms_version: str = Field(
        default="1", pattern=r"^[!-~]{1,64}$", description="Version of the terms that people accept; kept with each."
    )
    terms_uri: Url | None = Field(default=None, description="« Conditions Générales d'Utilisation (CGU) ».")
    privacy_uri: Url | None = Field(
        default=None, description="« politique de confidentialité »; `brand.privacy_url` when empty."
    )
    dpo_uri: Url | None = Field(default=None, description="« délégué à la protection des données »; `mailto:` will do.")
    card_methods: tuple[MethodId, ...] = Field(
        default=(), description="Methods that the first step offers; each that proves a national identity when empty."
    )
