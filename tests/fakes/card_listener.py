"""What stands around the demo's TLS listener in its tests."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding

from demo.look_alike import Issued

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


@dataclass
class Recorder:
    """The application: it keeps what it was told."""

    told: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        self.told.append(dict(environ))
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
        return [b"ok"]


@dataclass(frozen=True)
class Files:
    certificate: Path
    authorities: Path
    folder: Path

    def hold(self, card: Issued, name: str) -> Path:
        path = self.folder / f"{name}.pem"
        path.write_bytes(card.certificate.public_bytes(Encoding.PEM) + card.private_pem())
        return path
