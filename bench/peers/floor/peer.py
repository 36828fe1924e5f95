"""The floor: the least that a Flask provider has to do."""

from pathlib import Path

from bench.peer import Peer


def peer(variant: str, port: int, folder: Path) -> Peer:
    del folder
    return Peer(
        issuer=f"http://127.0.0.1:{port}",
        alg=variant.partition("-")[0].upper(),
        login_form={"username": "{username}", "password": "{password}"},
        stores=("redis",),
        note="not a provider: a minimal Flask + Redis reference; compares passwords plainly",
    )
