"""A provider whose pauses are noted."""

from flask.testing import FlaskClient

from idp.web.network import Network
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, csrf_of

TOO_MANY = "Trop d&#39;essais infructueux. Réessayez dans %s min"


WRONG = "Identifiant ou mot de passe incorrect."


def fail(provider: Provider, login: str = "anne.pierre", times: int = 1, browser: FlaskClient | None = None) -> str:
    """Wrong passwords, each from a new browser unless one is given; the text of the last page."""
    text = ""
    for _ in range(times):
        rp = RelyingParty(provider, browser=browser or provider.browser())
        text = rp.give_password(rp.open_login(), login, "wrong").text
    return text


def counted(provider: Provider) -> int:
    with provider.services.db.read() as tx:
        return len(tx._connection.exec_driver_sql("SELECT bucket FROM throttle").all())


class Slowed:
    """A provider whose pauses are written down instead of waited for."""

    def __init__(self, provider: Provider) -> None:
        self.pauses: list[float] = []
        services = provider.services
        network = Network(services.settings, services.ephemeral, self.pauses.append)
        self.provider = provider.with_services(network=network)

    def fail(self, address: str, times: int = 1, forwarded: str | None = None) -> int:
        """Wrong passwords for names that nobody has; the last status."""
        status = 0
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}
        for turn in range(times):
            browser = self.provider.browser()
            browser.environ_base["REMOTE_ADDR"] = address
            path = RelyingParty(self.provider, browser=browser).open_login()
            data = {"csrf": csrf_of(browser.get(path)), "login": f"nobody{turn}", "password": "x"}
            status = browser.post(f"{path}/password", data=data, headers=headers).status_code
        return status
