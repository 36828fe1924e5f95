"""Which methods may prove a person who registers, and whether what one proved still counts."""

from dataclasses import replace
from datetime import datetime

from idp.domain.registration import Registration
from idp.flows.services import Services


def accepted(services: Services) -> tuple[str, ...]:
    """Ids of the enabled methods that prove a national identity, of those that the settings name if they name any."""
    named = services.settings.registration.card_methods
    found = [each.id for each in services.registry.values() if each.proves_national_identity and not each.is_temporary]
    return tuple(each for each in found if not named or each in named)


def suspended(services: Services) -> dict[str, datetime]:
    """Those of them that are suspended now, each with the end of that."""
    suspensions, now = services.configuration.suspensions(), services.now()
    return {each: end for each in accepted(services) if (end := suspensions.end(now, each))}


def standing(services: Services, found: Registration) -> Registration:
    """With what was proven only declared, if a suspension of its method made that void."""
    proven = found.proven
    if not proven:
        return found
    at = datetime.fromisoformat(proven["at"])
    is_void = services.configuration.suspensions().covers(proven["method"], at)
    return replace(found, proven=None) if is_void else found
