"""The unit layer stays quick: fewer examples, the same ones each time."""

from hypothesis import settings

settings.register_profile("unit", max_examples=40, deadline=None, derandomize=True)
settings.load_profile("unit")
