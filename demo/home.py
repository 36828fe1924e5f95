"""The folder of the demo's data."""

import json
import os
import secrets
import shutil
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from demo import upstream
from demo.card_host import CardHost
from demo.cards import PIN, Drawer
from demo.cards import now as this_second
from demo.certificates import CertificateFiles
from demo.files import write_private
from demo.look_alike import Hierarchy
from demo.ports import Ports
from demo.seed import EVERY, seed
from idp.clock import SystemClock
from idp.flows.operators.desk import Desk
from idp.hashing import PasswordHasher
from idp.methods import federation, registry
from idp.settings import load
from idp.store import Database
from keys.file import FileSigner

HEADING = "# The demo's settings.\n"


class OtherPorts(Exception):
    """The data were made for other ports: the registered addresses would be wrong."""


class EarlierDemo(Exception):
    """The data were made by a demo that had fewer parts."""


class Home:
    """`.demo/`: settings, database, keys and demo.json, readable by their owner only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings_file = folder / "sesame.toml"
        self.description_file = folder / "demo.json"
        self.log_file = folder / "provider.log"
        self.drawer = Drawer(folder / "cards")
        self.certificates = CertificateFiles(folder / "cards")
        self.card_host = CardHost(folder / "card_host")

    def open_log(self) -> TextIO:
        """Where the children write; for its owner's eyes, as the rest."""
        return os.fdopen(os.open(self.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a")

    def reset(self) -> None:
        """Forget everything. Raises ValueError for a folder that holds something else than a demo."""
        if not self.folder.exists():
            return
        is_ours = self.settings_file.is_file() and self.settings_file.read_text(encoding="utf-8").startswith(HEADING)
        if not is_ours and any(self.folder.iterdir()):
            raise ValueError(f"{self.folder} holds something else than a demo: it is left as it is (DEMO_FOLDER)")
        shutil.rmtree(self.folder)

    def prepare(self, ports: Ports) -> dict[str, Any]:
        """Make what is missing; returns the content of demo.json.

        Raises OtherPorts, EarlierDemo, and ValueError as `reset` does.
        """
        if self.description_file.exists():
            found: dict[str, Any] = json.loads(self.description_file.read_text(encoding="utf-8"))
            if found["ports"].keys() != asdict(ports).keys():
                raise EarlierDemo
            if found["ports"] != asdict(ports):
                raise OtherPorts
            self.drawer.renew_revocation_list(this_second())
            self.card_host.renew(this_second())
            Database(load(self.settings_file).database_url).migrate()
            return found
        self.reset()
        self.folder.mkdir(mode=0o700, parents=True)
        _write(self.settings_file, _settings(self.folder, ports))
        _write(self.folder / "secret", secrets.token_urlsafe(48))
        _write(self.folder / upstream.SECRET_FILE, secrets.token_urlsafe(32))
        FileSigner.create(self.folder / "keys.d", now=datetime.now(UTC))
        hierarchy = Hierarchy.make(this_second())
        self.drawer.make(hierarchy, this_second())
        self.certificates.make(hierarchy, self.drawer.cards())
        self.card_host.make(hierarchy, this_second())
        self.drawer.renew_revocation_list(this_second())
        settings = load(self.settings_file)
        database = Database(settings.database_url)
        database.migrate()
        methods = registry.load(settings.methods, federation.methods(settings, None))
        desk = Desk(database, SystemClock(), methods, "demo")
        made = seed(desk, PasswordHasher(settings.argon2), ports)
        description = {
            "issuer": ports.issuer,
            **made,
            "console": f"{ports.issuer}/console",
            "services": {"portail": f"{ports.issuer}/compte", "ror": ports.ror, "espace-pro": ports.espace_pro},
            "mail": {"page": ports.mail, "messages": f"{ports.mail}/messages", "smtp": f"localhost:{ports.smtp}"},
            "card": {
                "page": ports.card,
                "pin": PIN,
                "reader": f"127.0.0.1:{ports.reader}",
                "dialog": ports.card_host,
                "certificates": str(self.certificates.folder),
            },
            upstream.METHOD: {"page": ports.pro_sante_connect, "issuer": upstream.settings(ports)["issuer"]},
            "settings": str(self.settings_file),
            "ports": asdict(ports),
        }
        _write(self.description_file, json.dumps(description, indent=2, ensure_ascii=False))
        return description


def _settings(folder: Path, ports: Ports) -> str:
    values = {
        "issuer": ports.issuer,
        "port": ports.provider,
        "database_url": f"sqlite:///{folder.resolve() / 'sesame.db'}",
        "keys_dir": "keys.d",
        "secret_file": "secret",
        "methods": [*EVERY, "emergency_code"],
    }
    mail = {"host": "localhost", "port": ports.smtp, "sender": "ne-pas-repondre@esea.example"}
    brand = {
        "home_url": f"{ports.issuer}/compte",
        "support_phone": "05 64 090 090",
        "support_email": "support@esea.example",
        "video_url": f"{ports.mail}/exemple/tutoriels",
        "tips_url": f"{ports.mail}/exemple/bons-reflexes",
        "accessibility_url": f"{ports.mail}/exemple/accessibilite",
        "privacy_url": f"{ports.mail}/exemple/confidentialite",
        "legal_url": f"{ports.mail}/exemple/mentions-legales",
    }
    card = {
        "authorities": "cards/authorities.pem",
        "crl_files": ["cards/persons.crl"],
        "reader_ports": [ports.reader, ports.reader],
        "help_url": f"{ports.mail}/exemple/lecteur",
        "dialog_url": ports.card_host,
        "dialog_secret_file": "card_host/secret",
    }
    sections: dict[str, dict[str, Any]] = {
        "mail": mail,
        "brand": brand,
        "card": card,
        "outgoing": {"allowed_networks": ["127.0.0.1/32"]},
        "registration": {
            "enabled": True,
            "terms_version": "2026-06",
            "terms_uri": f"{ports.mail}/exemple/conditions",
            "dpo_uri": "mailto:dpo@esea.example",
        },
        f"upstreams.{upstream.METHOD}": upstream.settings(ports),
    }
    parts = [_toml(values), *(f"[{name}]\n{_toml(section)}" for name, section in sections.items())]
    return HEADING + "\n".join(parts) + "\n"


def _toml(values: dict[str, Any]) -> str:
    """JSON's strings, numbers, booleans and arrays are TOML too."""
    return "\n".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())


def _write(path: Path, text: str) -> None:
    write_private(path, text.encode())
