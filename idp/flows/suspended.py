"""What people are told of methods that are suspended for every service."""

from datetime import datetime

from idp.domain.policy import Policy
from idp.domain.texts import N_, Text
from idp.flows.services import Services
from idp.web.dates import moment

SAID: Text = N_("La connexion par « %(means)s » est suspendue jusqu'au %(until)s.")


def said(services: Services, policy: Policy) -> list[str]:
    """A sentence about each way in that a policy has lost for a while."""
    return [sentence(services, entry.id, end) for entry, end in policy.suspended if entry.id in services.registry]


def sentence(services: Services, method_id: str, end: datetime) -> str:
    """About one method, which is enabled."""
    pages, label = services.pages, services.registry[method_id].offer.label
    return pages.say(SAID, means=pages.say(label), until=moment(end, pages.lang))
