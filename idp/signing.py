"""Where the settings say that the signing keys are."""

from idp.settings import Settings
from keys.place import Place
from keys.signer import TokenAccess


def place(settings: Settings) -> Place:
    """A directory, or a token with its ring in the directory."""
    named = settings.pkcs11
    if settings.keys_backend == "file" or not (named.module and named.token and named.pin_file):
        return Place(settings.keys_dir)
    return Place(settings.keys_dir, TokenAccess(named.module, named.token, named.pin_file, named.proxy))
