"""What the driver has to know about one provider."""

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path

PEERS = Path(__file__).resolve().parent / "peers"


@dataclass
class Peer:
    """`peers/NAME/peer.py` makes one of these, after the peer's `prepare.sh` if it has one."""

    issuer: str
    alg: str
    # Field name → what to write, with {username} and {password}: for every HTML form met on the way.
    login_form: dict[str, str]
    client_id: str = "bench"
    client_secret: str = "bench-secret-bench-secret-bench-secret"
    redirect_uri: str = "http://127.0.0.1:9999/cb"
    scope: str = "openid profile email offline_access"
    password: str = "correct-horse-battery"
    users: int = 50
    people: int = 8  # signed-in accounts that sso, refresh, userinfo and introspect use
    ready: str = "/.well-known/openid-configuration"  # answers 200 when the provider can serve
    discovery: str = "/.well-known/openid-configuration"
    stores: tuple[str, ...] = ()  # of `redis` and `postgresql`, whose work is counted apart
    refresh_grace_s: int = 0  # a spent refresh token is taken again for so long, on purpose
    hash_ms: list[str] = field(default_factory=list)  # command that prints the CPU ms of one password check
    note: str = ""

    def username(self, number: int) -> str:
        return f"user{number % self.users:03d}"


def load(name: str, variant: str, port: int, folder: Path) -> Peer:
    """The description of a peer. folder: where its preparation left what it made for this run."""
    spec = importlib.util.spec_from_file_location(f"peer_{name.replace('-', '_')}", PEERS / name / "peer.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{name}: no such peer")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    peer: Peer = module.peer(variant, port, folder)
    return peer
