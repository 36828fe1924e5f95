"""oidc-provider of Node.js, its state in Redis."""

from pathlib import Path

from bench.peer import Peer


def peer(variant: str, port: int, folder: Path) -> Peer:
    del folder
    return Peer(
        issuer=f"http://127.0.0.1:{port}",
        alg="ES256" if variant.endswith("es256") else "RS256",
        login_form={"login": "{username}", "password": "{password}"},
        stores=("redis",),
        note="consent given by configuration; rotation always on; opaque access tokens; compares passwords plainly",
    )
