"""Each implementation of a card passes the exported suite."""

import pytest

from card_reader.conformance import CardSuite
from tests.fakes.card_benches import SimulatedBench, SoftHsmBench, VirtualBench


class TestSimulatedCard(CardSuite):
    @pytest.fixture
    def bench(self, simulated_bench: SimulatedBench) -> SimulatedBench:
        return simulated_bench


class TestSoftHsm(CardSuite):
    counts_tries = False  # SoftHSM never locks a token
    can_be_torn_out = False

    @pytest.fixture
    def bench(self, softhsm_bench: SoftHsmBench) -> SoftHsmBench:
        return softhsm_bench


class TestVirtualCard(CardSuite):
    """Through OpenSC and pcscd, as a card that the agency's own middleware does not serve."""

    tells_low = False  # OpenSC does not know how many tries a card of this kind has at most

    @pytest.fixture
    def bench(self, virtual_bench: VirtualBench) -> VirtualBench:
        return virtual_bench
