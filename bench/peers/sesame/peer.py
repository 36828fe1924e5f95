"""This provider: PostgreSQL and Redis, ES256, the default settings."""

from pathlib import Path

from bench.peer import PEERS, Peer


def peer(variant: str, port: int, folder: Path) -> Peer:
    del variant
    here = PEERS / "sesame"
    return Peer(
        issuer=f"http://127.0.0.1:{port}",
        alg="ES256",
        login_form={"login": "{username}", "password": "{password}"},
        client_secret=(folder / "client_secret").read_text(encoding="utf-8").strip(),
        scope="openid profile email",
        ready="/readyz",
        stores=("postgresql", "redis"),
        refresh_grace_s=10,
        hash_ms=[str(here.parents[2] / ".venv/bin/python"), str(here / "hash_cost.py")],
        note="Argon2id at its default cost, subtracted from login",
    )
