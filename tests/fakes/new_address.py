"""A holder who wants another e-mail address."""

import re

from werkzeug.test import TestResponse

from tests.fakes.holder import Holder
from tests.fakes.mailer import Mail
from tests.fakes.provider import Provider
from tests.fakes.relying_party import path_of

OLD, NEW = "anne.pierre@chu.example", "anne@clinique.example"
EMAIL = "/compte/personal/email"
CODE = f"{EMAIL}/code"


def asked(anne: Holder, address: str = NEW) -> str:
    """She asked for a code; the code."""
    assert path_of(anne.post(EMAIL, email=address)) == CODE
    mail = anne.provider.mails()[-1]
    assert mail.to == address
    return code_of(mail)


def code_of(mail: Mail) -> str:
    found = re.search(r"\b\d{6}\b", mail.text)
    assert found, mail.text
    return found.group()


def other_than(code: str) -> str:
    return "111111" if code != "111111" else "222222"


def changed(anne: Holder) -> TestResponse:
    return anne.post(CODE, page=CODE, code=asked(anne))


def address_of(provider: Provider, login: str = "anne.pierre") -> str | None:
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login(login)
        assert account
        assert account.identities.get("email") == account.verified_email
        return account.email


def is_refused(response: TestResponse, sentence: str) -> bool:
    return response.status_code == 200 and 'id="error-summary"' in response.text and sentence in response.text
