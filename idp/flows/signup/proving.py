"""Which methods may prove a person who registers."""

from idp.flows.services import Services


def accepted(services: Services) -> tuple[str, ...]:
    """Ids of the enabled methods that prove a national identity, of those that the settings name if they name any."""
    named = services.settings.registration.card_methods
    found = [each.id for each in services.registry.values() if each.proves_national_identity and not each.is_temporary]
    return tuple(each for each in found if not named or each in named)
