"""Operators who suspend a method for every service."""

from datetime import datetime, timedelta

from idp.flows.operators import suspensions
from tests.fakes.provider import Provider

HOUR = timedelta(hours=1)


def suspend(provider: Provider, method_id: str, lasting: timedelta = HOUR) -> datetime:
    """From now on; when it ends."""
    until = provider.clock.now() + lasting
    suspensions.suspend(provider.desk, method_id, until=until, reason="faille en cours d'analyse")
    return until


def restore(provider: Provider, method_id: str) -> None:
    suspensions.restore(provider.desk, method_id)
