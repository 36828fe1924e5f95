"""« Créez votre compte dès maintenant » (P-017), on the login page."""

from idp.flows.services import Services
from idp.flows.visits import Visit


def url(services: Services, visit: Visit) -> str | None:
    """Where people register, the service that they came from kept; None where they do not, or are known here."""
    settings, client_id = services.settings, visit.client.client_id
    if settings.brand.signup_url or not settings.registration.enabled or visit.interaction.purpose:
        return settings.brand.signup_url
    return "/inscription" if client_id == settings.portal_client_id else f"/inscription?service={client_id}"
