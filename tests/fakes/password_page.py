"""The page « Modifier mon mot de passe », as its holder fills it."""

from werkzeug.test import TestResponse

from tests.fakes.holder import Holder
from tests.fakes.provider import PASSWORD

PAGE = "/compte/password"
NEW = "quatre nouveaux mots ensemble"


def change(holder: Holder, current: str = PASSWORD, password: str = NEW, again: str | None = None) -> TestResponse:
    confirmation = password if again is None else again
    form = {"current": current, "password": password, "confirmation": confirmation}
    return holder.browser.post(PAGE, data={"csrf": holder.csrf(), **form})
