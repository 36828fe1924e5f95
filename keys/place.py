"""Where the signing keys of a provider are: in a directory, or in a token whose ring is in a directory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from keys.algorithms import ALGORITHMS
from keys.file import FileSigner
from keys.signer import Keyring, TokenAccess, UnsafeKeyFile

if TYPE_CHECKING:
    from keys.pkcs11.signer import Pkcs11Signer


@dataclass(frozen=True, slots=True)
class Place:
    """directory: of `ring.json`, and of the keys themselves unless a token has them."""

    directory: Path
    token: TokenAccess | None = None

    def open(self) -> Keyring:
        """The keys that are there. Raises UnsafeKeyFile."""
        if self.token is None:
            return FileSigner(self.directory)
        return _token_signer().open(self.directory, self.token)

    def create(self, algs: Sequence[str] = tuple(ALGORITHMS), *, now: datetime) -> Keyring:
        """Make one key of each algorithm, active at `now`. Raises as the back end does."""
        if self.token is None:
            return FileSigner.create(self.directory, algs, now=now)
        return _token_signer().create(self.directory, self.token, algs, now=now)


def _token_signer() -> type["Pkcs11Signer"]:
    """Here and not above: without a token, the extra need not be installed."""
    try:
        from keys.pkcs11.signer import Pkcs11Signer  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UnsafeKeyFile(f"keys in a token need the extra: pip install 'sesame-idp[hsm]' ({error})") from error
    return Pkcs11Signer
