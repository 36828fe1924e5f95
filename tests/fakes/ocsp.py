"""OCSP responders: one that answers as a test wants, without a network, and that of OpenSSL, on loopback."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from demo.look_alike import Added, Issued
from idp.outgoing import Answer
from tests.fakes import igc
from tests.fakes.clock import START

GOOD, REVOKED, UNKNOWN = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN
FOR_OCSP: Added = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False)
HOUR = timedelta(hours=1)
AS_ASKED = b"as asked"


def delegate(issuer: Issued | None = None, *added: Added, **options: Any) -> Issued:
    """Whom an authority charged with answering, by the extension FOR_OCSP unless others are given."""
    return igc.issue(issuer=issuer, national_id="8RESPONDER", added=added or (FOR_OCSP,), **options)


@dataclass
class Said:
    """An answer. about: the certificate, if not the one that was asked. signer: the authority itself if None.

    forger: whose signature stands in place of the signer's.
    """

    status: ocsp.OCSPCertStatus = GOOD
    signer: Issued | None = None
    forger: Issued | None = None
    nonce: bytes | None = AS_ASKED
    since: datetime = START
    until: datetime | None = START + HOUR
    about: Issued | None = None
    by_hash: bool = False
    attached: bool = True
    algorithm: hashes.SHA256 | hashes.SHA224 = field(default_factory=hashes.SHA256)
    added: tuple[Added, ...] = ()

    def to(self, request: bytes, card: Issued) -> bytes:
        asked, authority = ocsp.load_der_ocsp_request(request), igc.hierarchy().authority()
        signer = self.signer or authority
        is_revoked = self.status is REVOKED
        encoding = ocsp.OCSPResponderEncoding.HASH if self.by_hash else ocsp.OCSPResponderEncoding.NAME
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=(self.about or card).certificate,
                issuer=authority.certificate,
                algorithm=asked.hash_algorithm,
                cert_status=self.status,
                this_update=self.since,
                next_update=self.until,
                revocation_time=START if is_revoked else None,
                revocation_reason=None,
            )
            .responder_id(encoding, signer.certificate)
        )
        if self.signer and self.attached:
            builder = builder.certificates([self.signer.certificate])
        if self.nonce is not None:
            sent = asked.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
            builder = builder.add_extension(
                x509.OCSPNonce(sent if self.nonce == AS_ASKED else self.nonce), critical=False
            )
        for extension, critical in self.added:
            builder = builder.add_extension(extension, critical)
        made = builder.sign(signer.key, self.algorithm)
        encoded = made.public_bytes(Encoding.DER)
        if self.forger is None:
            return encoded
        assert isinstance(self.forger.key, rsa.RSAPrivateKey)
        forged = self.forger.key.sign(made.tbs_response_bytes, padding.PKCS1v15(), self.algorithm)
        assert len(forged) == len(made.signature)
        return encoded.replace(made.signature, forged)


@dataclass
class Answering:
    """In the place of `Outgoing`: answers each question about a card."""

    make: Callable[[bytes], bytes]
    status: int = 200
    content_type: str = "application/ocsp-response"
    asked: list[dict[str, Any]] = field(default_factory=list)

    def post(self, url: str, body: bytes, **options: Any) -> Answer:
        self.asked.append({"url": url, "body": body, **options})
        try:
            made = self.make(body)
        except Exception as error:  # it would be taken for an answer that is worth nothing
            raise AssertionError("there is no answer") from error
        return Answer(self.status, self.content_type, made)


@contextmanager
def openssl(folder: Path, authority: Issued, signer: Issued, known: dict[int, str], *options: str) -> Iterator[str]:
    """OpenSSL's responder; its address. known: by serial, "V" for good, "R" for revoked.

    It would listen on all interfaces: a server on loopback takes the questions, and hands it each.
    """
    until, since = "350101000000Z", "260101000000Z"
    lines = [
        f"{state}\t{until}\t{since if state == 'R' else ''}\t{serial:X}\tunknown\t/CN=x"
        for serial, state in known.items()
    ]
    (folder / "index.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "authority.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    (folder / "signer.pem").write_bytes(signer.certificate.public_bytes(Encoding.PEM))
    (folder / "signer.key").write_bytes(signer.private_pem())
    command = ["openssl", "ocsp", "-index", "index.txt", "-CA", "authority.pem", "-rsigner", "signer.pem", "-rkey",
               "signer.key", "-reqin", "asked.der", "-respout", "answer.der", "-noverify", *options]  # fmt: skip

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (folder / "asked.der").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
            body = (folder / "answer.der").read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/ocsp-response")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
