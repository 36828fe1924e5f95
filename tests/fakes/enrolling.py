"""A provider with authenticator applications and passkeys, and a person who adds them."""

import html
import re
from collections.abc import Callable
from typing import Any

import pyotp
from werkzeug.test import TestResponse

from idp.domain.authn import Assurance
from idp.domain.enrolled import CredentialRecord, NewPasskey, TotpSecret
from idp.domain.ids import new_id
from idp.domain.means import Credential
from idp.flows import enrolled_codes
from idp.store import Tx
from idp.totp import new_secret
from tests.fakes.authenticator import Authenticator
from tests.fakes.portal import MEANS, by_code, enter
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, path_of

METHODS = ("email_otp", "password", "totp", "passkey")
TOTP, PASSKEY = f"{MEANS}/totp", f"{MEANS}/passkey"


def with_authenticators(start: Callable[..., Provider], **settings: Any) -> Provider:
    made = start(methods=METHODS, brand={"support_email": "support@region.example"}, **settings)
    made.clock.advance(seconds=1)
    made.set_policy("portail", METHODS)
    made.add_client("rp", methods=("password", "totp", "passkey"))
    made.add_client("strong", methods=("totp", "passkey:after=password"))
    made.add_account("anne.pierre")
    return made


def proven(provider: Provider, page: str = MEANS, login: str = "anne.pierre") -> RelyingParty:
    """At a page of the portal, by password and code, now."""
    if login == "anne.pierre":
        return enter(provider, by_code, page=page)
    return enter(provider, lambda rp, path: rp.give_otp(path, login), page=page)


def current(secret: str, provider: Provider, steps: int = 0) -> str:
    """The code that an application with this secret shows, or did some steps ago."""
    return str(pyotp.HOTP(secret).at(int(provider.clock.now().timestamp()) // 30 + steps))


def secret_of(response: TestResponse) -> str:
    """What the page of an enrolment has one type."""
    found = re.search(r'id="totp-secret" class="secret">([A-Z2-7 ]+)<', response.text)
    assert found, response.text
    return found[1].replace(" ", "")


def options_of(response: TestResponse) -> str:
    """What a page has the browser ask of an authenticator."""
    found = re.search(r'data-options="([^"]+)"', response.text)
    assert found, response.text
    return html.unescape(found[1])


def add_totp(rp: RelyingParty, name: str = "Mon téléphone") -> str:
    """Add an application; its secret."""
    secret = secret_of(rp.browser.get(TOTP))
    added = rp.post(TOTP, page=TOTP, code=current(secret, rp.provider), name=name)
    assert path_of(added) == MEANS
    return secret


def _credential(tx: Tx, provider: Provider, kind: str, login: str, level: Assurance) -> tuple[str, str]:
    """Ids of the account and of the credential."""
    account = tx.accounts.find_by_login(login)
    assert account
    made = Credential(new_id(), kind, kind, level, provider.clock.now(), "enrolled")
    tx.means.add_credential(account.account_id, made)
    return account.account_id, made.credential_id


def given_totp(provider: Provider, login: str = "anne.pierre", level: Assurance = Assurance.MEDIUM) -> str:
    """An application that was added earlier; its secret."""
    secret = new_secret()
    with provider.services.db.write() as tx:
        _, credential_id = _credential(tx, provider, "totp", login, level)
        tx.totp_secrets.add(TotpSecret(credential_id, enrolled_codes.seal(provider.services, credential_id, secret), 0))
    return secret


def given_passkey(
    provider: Provider, login: str = "anne.pierre", level: Assurance = Assurance.MEDIUM, **says: Any
) -> Authenticator:
    """A passkey that was registered earlier."""
    with provider.services.db.write() as tx:
        account_id, credential_id = _credential(tx, provider, "passkey", login, level)
        handle = tx.passkeys.handle(account_id)
        if handle is None:
            tx.passkeys.set_handle(account_id, handle := account_id.encode())
        key = Authenticator(user_handle=handle, **says)
        made = NewPasskey(
            key.webauthn_id, key.public_key, key.counter, key.is_backup_eligible, key.rp_id, ("internal",)
        )
        tx.passkeys.add(credential_id, made)
    return key


def register(rp: RelyingParty, key: Authenticator, name: str = "Mon ordinateur", **changes: Any) -> TestResponse:
    """Open the page of a registration, and answer it."""
    shown = rp.browser.get(PASSKEY)
    form = {"csrf": csrf_of(shown), "name": name, "credential": key.create(options_of(shown), **changes)}
    return rp.browser.post(PASSKEY, data=form)


def add_passkey(rp: RelyingParty, **says: Any) -> Authenticator:
    key = Authenticator(**says)
    assert path_of(register(rp, key)) == MEANS
    return key


def answer_with(rp: RelyingParty, page: str, key: Authenticator) -> TestResponse:
    """Use a passkey on a login page that asks for one."""
    shown = rp.browser.get(page)
    found = re.search(r'name="challenge" value="([^"]+)"', shown.text)
    assert found, shown.text
    form = {"csrf": csrf_of(shown), "challenge": html.unescape(found[1]), "credential": key.get(options_of(shown))}
    return rp.browser.post(page, data=form)


def give_passkey(rp: RelyingParty, path: str, key: Authenticator) -> TestResponse:
    """Choose the method, and use the key."""
    assert path_of(rp.post(f"{path}/passkey", page=path)) == f"{path}/passkey"
    return answer_with(rp, f"{path}/passkey", key)


def give_totp(rp: RelyingParty, path: str, code: str) -> TestResponse:
    """The code, on the page that asks for it."""
    return rp.post(f"{path}/totp", page=f"{path}/totp", code=code)


def means(provider: Provider, kind: str, login: str = "anne.pierre") -> list[Credential]:
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login(login)
        assert account
        return [each for each in tx.means.credentials(account.account_id) if each.kind == kind]


def records(provider: Provider, login: str = "anne.pierre") -> list[CredentialRecord]:
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login(login)
        assert account
        return tx.passkeys.of(account.account_id)
