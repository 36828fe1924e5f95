"""The region's colour as style variables."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.settings.sections import Brand, contrast_on_white
from idp.web.brand import stylesheet

VARIABLE = re.compile(r"--([a-z-]+): (#[0-9a-f]{6});")
channels = st.integers(0, 255)


def test_the_variables_of_the_default_colour() -> None:
    assert stylesheet(Brand()) == ":root { --brand: #00707c; --brand-dark: #00545d; --brand-tint: #e3eff1; }\n"


@given(channels, channels, channels)
def test_every_colour_that_the_settings_take_gives_a_readable_style(red: int, green: int, blue: int) -> None:
    color = f"#{red:02x}{green:02x}{blue:02x}"
    if contrast_on_white(color) < 4.5:
        with pytest.raises(ValueError, match="contrast"):
            Brand(color=color)
        return
    tones = dict(VARIABLE.findall(stylesheet(Brand(color=color))))
    assert set(tones) == {"brand", "brand-dark", "brand-tint"}
    assert contrast_on_white(tones["brand-dark"]) >= contrast_on_white(tones["brand"]) >= 4.5
    assert contrast_on_white(tones["brand-tint"]) < 1.35
