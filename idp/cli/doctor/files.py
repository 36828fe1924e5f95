"""The secret, the signing keys, and what an operator put beside the settings."""

from collections.abc import Iterator
from datetime import UTC, datetime

from idp import signing
from idp.blocklist import BadBlocklist, Blocklist
from idp.cli.doctor.finding import Finding, fail, ok, warn
from idp.errors import Unavailable
from idp.flows.letter_trial import try_all
from idp.settings import Settings, SettingsError, read_secret
from idp.store import Database
from idp.web.browser import Browser
from idp.web.pages import Pages
from keys import ring
from keys.signer import KeyUnavailable, Signer, SignerUnavailable, UnsafeKeyFile

AGE_WITHOUT_LIMIT_DAYS = 365


def secret(settings: Settings) -> Iterator[Finding]:
    try:
        read_secret(settings.secret_file)
    except SettingsError as error:
        yield fail("secret", str(error))
    else:
        yield ok("secret", f"{settings.secret_file}, for its owner alone")


def signing_keys(settings: Settings) -> Iterator[Finding]:
    try:
        signer = signing.place(settings).open()
    except (UnsafeKeyFile, OSError) as error:
        yield fail("keys", f"keys_dir: {error} (`sesame init` makes it, mode 0700)")
        return
    keys = signer.keys()
    yield from _token(settings, signer)
    now = datetime.now(UTC)
    limit_days = settings.keys_max_age_days or AGE_WITHOUT_LIMIT_DAYS
    for alg, users in _algorithms(settings).items():
        try:
            key = ring.active(keys, alg, now)
        except KeyUnavailable:
            yield fail("keys", f"no active {alg} key, for {users}: `sesame keys rotate {alg}`")
            continue
        age_days = (now - key.not_before).days
        if age_days > limit_days + 1:
            yield warn("keys", f"the {alg} key has signed for {age_days} days: does `sesame worker` run?")
        else:
            yield ok("keys", f"{alg}: {key.kid}, for {age_days} days")


def _token(settings: Settings, signer: Signer) -> Iterator[Finding]:
    """Asked for each key that is published: one that the token lost shows before it is needed."""
    if settings.keys_backend != "pkcs11":
        return
    for key in ring.published(signer.keys(), datetime.now(UTC)):
        try:
            signer.sign(key.kid, b"signed by `sesame doctor`")
        except SignerUnavailable as error:
            yield fail("keys", f"pkcs11: {error}")
            return
    yield ok("keys", f"the token {settings.pkcs11.token} signs, and lets no key out")


def password_blocklist(settings: Settings) -> Iterator[Finding]:
    if settings.password_blocklist is None:
        return
    try:
        yield ok("passwords", Blocklist(settings.password_blocklist).check())
    except BadBlocklist as error:
        yield fail("passwords", f"password_blocklist: {error}")


def letters(settings: Settings) -> Iterator[Finding]:
    if settings.mail.templates_dir is None:
        return
    try:
        count = try_all(Pages(settings, Browser(settings, lambda *_: "")).letters)
    except SettingsError as error:
        yield fail("letters", str(error))
    else:
        yield ok("letters", f"{settings.mail.templates_dir}: {count} in the place of the provider's")


def _algorithms(settings: Settings) -> dict[str, str]:
    """The algorithms that clients are registered with, each with some of their names; RS256 is everybody's (OIDC)."""
    users: dict[str, list[str]] = {"RS256": ["discovery"]}
    database = Database(settings.database_url)
    try:
        with database.read() as tx:
            for client in tx.clients.all():
                users.setdefault(client.id_token_alg, []).append(client.client_id)
    except Unavailable:  # told by the check of the database
        pass
    finally:
        database.close()
    return {alg: ", ".join(names[:3]) for alg, names in users.items()}
