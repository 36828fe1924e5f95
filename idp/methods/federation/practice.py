"""What an upstream says of a professional's practice, where the settings have it listened to."""

from collections.abc import Mapping
from typing import Any

from idp.domain.practice import Practice
from idp.settings.upstreams import Upstream


def read(settings: Upstream, said: Mapping[str, Any]) -> Practice | None:
    """said: the claims of ID Token and userinfo, verified. None from whom nothing of this is believed."""
    return Practice(said) if settings.practice else None
