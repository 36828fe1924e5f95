"""Paths of the settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from idp.settings.upstreams import FILES

FILES_IN = {
    "mail": ("ca_file", "password_file", "templates_dir"),
    "outgoing": ("ca_file",),
    "pkcs11": ("module", "pin_file"),
}


def relative_to(folder: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Paths in a settings file are relative to the file, not to where the command runs."""
    names = ("keys_dir", "secret_file", "valkey_dir", "password_blocklist")
    found = _placed(folder, {"valkey_dir": "valkey", **values}, names)
    for name, files in FILES_IN.items():
        if isinstance(found.get(name), dict):
            found[name] = _placed(folder, found[name], files)
    card = found.get("card", {})
    if isinstance(card, dict):
        placed = ("authorities", "crl_files", "revocation_dir", "dialog_secret_file")
        found["card"] = _placed(folder, {"revocation_dir": "revocation", **card}, placed)
    if isinstance(found.get("upstreams"), dict):
        each = found["upstreams"].items()
        found["upstreams"] = {name: _placed(folder, of, FILES) if isinstance(of, dict) else of for name, of in each}
    scheme, _, database = str(values.get("database_url", "")).partition(":///")
    if scheme == "sqlite" and database:
        found["database_url"] = f"sqlite:///{folder / database}"
    return found


def _placed(folder: Path, values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {**values, **{name: _within(folder, values[name]) for name in names if name in values}}


def _within(folder: Path, value: Any) -> Any:
    """A path, or each of a list of them; what is neither is refused later."""
    if isinstance(value, list):
        return [_within(folder, each) for each in value]
    return str(folder / value) if isinstance(value, str) else value
