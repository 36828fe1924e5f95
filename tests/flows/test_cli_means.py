"""`sesame account remove-means` and `unblock-means`: a lost phone, a copied key, an application that was guessed at."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from idp.domain.authn import Assurance
from idp.domain.enrolled import TotpSecret
from idp.domain.ids import new_id
from idp.domain.means import Credential
from idp.errors import InvalidOperation
from idp.flows.operators import means as operators
from idp.store import Tx
from idp.store.conformance import START
from tests.fakes.command_line import CommandLine
from tests.fakes.enrolling import (
    current,
    give_passkey,
    give_totp,
    given_passkey,
    given_totp,
    means,
    with_authenticators,
)
from tests.fakes.notices import has_password, linked, mailbox_is_closed
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, path_of

WHY = ("--reason", "called back, ticket 4711")
ANNE = ("account", "create", "anne.pierre", "--given-name", "Anne", "--family-name", "Pierre")
KARIM = ("account", "create", "karim", "--given-name", "Karim", "--family-name", "Benali")


@pytest.fixture
def cli(tmp_path: Path, template: Path) -> CommandLine:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    made = CommandLine.in_folder(tmp_path)
    made.run(*ANNE, "--email", "anne.pierre@chu.example")
    made.run(*KARIM)
    return made


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return with_authenticators(start)


def enrolled(cli: CommandLine, login: str = "anne.pierre", kind: str = "totp") -> str:
    """The id of a means that was enrolled."""
    made = Credential(new_id(), kind, kind, Assurance.MEDIUM, START, "Mon téléphone")

    def add(tx: Tx) -> None:
        account = tx.accounts.find_by_login(login)
        assert account
        tx.means.add_credential(account.account_id, made)
        if kind == "totp":
            tx.totp_secrets.add(TotpSecret(made.credential_id, b"sealed", 0))

    cli.write(add)
    return made.credential_id


def password(cli: CommandLine) -> str:
    def add(tx: Tx) -> str:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        return tx.accounts.set_password(account.account_id, "digest", "knowledge", START)

    cli.write(add)
    (found,) = re.findall(r"means: (\S+) password,", cli.run("account", "show", "anne.pierre"))
    return str(found)


# -- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["remove-means", "unblock-means"])
def test_what_is_not_this_accounts_is_refused(cli: CommandLine, command: str) -> None:
    his, mine = enrolled(cli, "karim"), enrolled(cli)
    for login, means_id, said in (
        ("anne.pierre", his, "anne.pierre has no means"),
        ("anne.pierre", "nonsense", "anne.pierre has no means nonsense"),
        ("nobody", mine, "nobody: no such account"),
    ):
        assert said in cli.refused("account", command, login, means_id, *WHY)
    assert cli.invoke("account", command, "anne.pierre", mine).exit_code == 2  # without a reason
    assert mine in cli.run("account", "show", "anne.pierre")
    assert his in cli.run("account", "show", "karim")


def test_a_password_is_not_taken_away_so(cli: CommandLine) -> None:
    own = password(cli)
    assert "changed by its holder" in cli.refused("account", "remove-means", "anne.pierre", own, *WHY)
    assert own in cli.run("account", "show", "anne.pierre")


def test_what_was_taken_away_before_is_refused(cli: CommandLine) -> None:
    mine = enrolled(cli)
    cli.run("account", "remove-means", "anne.pierre", mine, *WHY)
    assert "has no means" in cli.refused("account", "remove-means", "anne.pierre", mine, *WHY)


@pytest.mark.parametrize("kind", ["passkey", "phone"])
def test_only_an_application_is_unblocked(cli: CommandLine, kind: str) -> None:
    own = enrolled(cli, kind=kind)
    assert "not an authenticator application" in cli.refused("account", "unblock-means", "anne.pierre", own, *WHY)


def test_a_refusal_changes_nothing(provider: Provider) -> None:
    provider.add_account("karim.benali")
    given_totp(provider, "karim.benali")
    (his,) = means(provider, "totp", "karim.benali")
    rp = RelyingParty(provider)
    answer_of(rp.give_password(rp.open_login()))
    with pytest.raises(InvalidOperation, match="has no means"):
        operators.remove(provider.services, provider.desk, "anne.pierre", his.credential_id, "x")
    assert "code" in rp.silent()
    assert len(means(provider, "totp", "karim.benali")) == 1
    assert not provider.events("means.removed")


# -- taken away --------------------------------------------------------------------------


def test_show_names_each_means_with_its_id(cli: CommandLine) -> None:
    mine, key = enrolled(cli), enrolled(cli, kind="passkey")
    shown = cli.run("account", "show", "anne.pierre")
    assert f"means: {mine} totp, Mon téléphone, added: {START.isoformat()}, used: never" in shown
    assert f"means: {key} passkey, " in shown


def test_whoever_has_no_address_is_to_be_told_otherwise(cli: CommandLine) -> None:
    his = enrolled(cli, "karim")
    result = cli.invoke("account", "remove-means", "karim", his, *WHY)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "tell the holder yourself" in result.stderr


def test_a_lost_phone_opens_nothing_any_more_and_the_holder_is_told(provider: Provider) -> None:
    secret, key = given_totp(provider), given_passkey(provider)
    thief = RelyingParty(provider)
    answer_of(give_passkey(thief, thief.open_login(), key))
    tokens = thief.redeem(thief.silent()["code"])
    (made,) = means(provider, "passkey")
    assert operators.remove(provider.services, provider.desk, "anne.pierre", made.credential_id, "ticket 4711")
    assert means(provider, "passkey") == []
    assert thief.silent()["error"] == "login_required"
    assert thief.userinfo(tokens["access_token"]).status_code == 401
    assert give_passkey(thief, thief.open_login(), key).status_code != 303
    (event,) = provider.events("means.removed")
    assert event.actor.startswith("operator:")
    assert event.detail == {"method": "passkey", "means": made.credential_id, "reason": "ticket 4711"}
    letter = provider.mails()[-1]
    assert letter.to == "anne.pierre@chu.example"
    assert "L'assistance a retiré" in letter.text
    assert signs_in(provider, secret)  # what was not lost goes on


def test_who_did_not_ask_support_presses_and_keeps_what_was_there_before(provider: Provider) -> None:
    given_totp(provider)
    given_passkey(provider)
    provider.clock.advance(minutes=1)
    (made,) = means(provider, "totp")
    operators.remove(provider.services, provider.desk, "anne.pierre", made.credential_id, "a convincing caller")
    found = re.search(r"(/not-me/[\w-]+)", provider.mails()[-1].text)
    assert found
    provider.browser().post(found[1])
    assert mailbox_is_closed(provider)
    assert len(means(provider, "passkey")) == 1
    assert has_password(provider)


def test_a_link_is_taken_away_too(provider: Provider) -> None:
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        link_id = tx.means.add_link(account.account_id, "national_card", provider.clock.now())
    operators.remove(provider.services, provider.desk, "anne.pierre", link_id, "card lost")
    assert linked(provider) == []


def signs_in(provider: Provider, secret: str) -> bool:
    rp = RelyingParty(provider, "strong")
    path = rp.open_login()
    assert path_of(rp.post(f"{path}/totp", page=path)) == f"{path}/totp"
    rp.post(f"{path}/totp", page=f"{path}/totp", login="anne.pierre", password=PASSWORD)
    return "code" in answer_of(give_totp(rp, path, current(secret, provider)))
