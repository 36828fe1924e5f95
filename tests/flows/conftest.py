"""What the journeys share."""

import pytest

from tests.fakes.upstream import FakeUpstream


@pytest.fixture
def psc() -> FakeUpstream:
    """Pro Santé Connect's sandbox on a good day, which no process runs."""
    return FakeUpstream()
