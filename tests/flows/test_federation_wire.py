"""An upstream as the settings name it, over sockets: secrets and certificates from files, time limits, CA files."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from html import unescape
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from werkzeug.test import TestResponse

from demo.look_alike import ANNE as RPPS
from demo.look_alike import Hierarchy, service
from demo.pro_sante_connect.behaviour import Endpoint, Switch
from demo.pro_sante_connect.clients import mutual_tls
from demo.pro_sante_connect.simulator import Simulator
from idp.settings import SettingsError
from tests.fakes.clock import START
from tests.fakes.pro_sante_connect import CLIENT_ID, SECRET, Professional, client, running
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty, answer_of

pytestmark = pytest.mark.embedded  # asks nothing of a store

NAME = "pro_sante_connect"
CALLBACK = f"{ISSUER}/login/callback/{NAME}"
METHODS = (NAME, "email_otp", "password")


@contextmanager
def sandbox(**options: Any) -> Iterator[Simulator]:
    registered = client(redirect_uris=(CALLBACK,), **options.pop("registered", {}))
    with running(registered, **{"now": START.timestamp, **options}) as made:
        yield made


@pytest.fixture
def psc() -> Iterator[Simulator]:
    with sandbox() as made:
        yield made


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    return private(tmp_path / "psc_secret", SECRET.encode())


def private(file: Path, content: bytes) -> Path:
    file.write_bytes(content)
    file.chmod(0o600)
    return file


def settings(psc: Simulator, **changes: Any) -> dict[str, Any]:
    upstream = {"preset": NAME, "issuer": psc.issuer, "origins": [psc.wallet], "client_id": CLIENT_ID, **changes}
    return {
        "methods": METHODS,
        "upstreams": {NAME: upstream},
        "outgoing": {"allowed_networks": ["127.0.0.0/8"]},
    }


def login(provider: Provider, psc: Simulator) -> TestResponse:
    """As somebody else each time: nobody is signed in there yet."""
    if "psc" not in provider.secrets:
        provider.add_client("psc", methods=(NAME,))
        provider.add_account("anne.pierre", rpps=RPPS)
    rp = RelyingParty(provider, "psc")
    path = rp.open_login()
    away = rp.post(f"{path}/{NAME}", page=path)
    if away.status_code != 303:
        return away
    back = urlsplit(Professional(psc).logs_in(away.headers["Location"]))
    return rp.browser.get(f"{back.path}?{back.query}")


def test_settings_alone_make_it_work(start: Callable[..., Provider], psc: Simulator, secret_file: Path) -> None:
    provider = start(**settings(psc, client_secret_file=secret_file))
    assert "code" in answer_of(login(provider, psc))


def test_a_secret_may_be_posted(start: Callable[..., Provider], psc: Simulator, secret_file: Path) -> None:
    provider = start(**settings(psc, client_secret_file=secret_file, token_auth="client_secret_post"))
    assert "code" in answer_of(login(provider, psc))


def test_a_wrong_secret_is_nobodys_attack(start: Callable[..., Provider], psc: Simulator, tmp_path: Path) -> None:
    wrong = private(tmp_path / "wrong", b"another")
    provider = start(**settings(psc, client_secret_file=wrong))
    assert "n'a pas pu terminer cette connexion" in unescape(login(provider, psc).text)
    assert not provider.events("login.failed")


@pytest.mark.parametrize("endpoint", [Endpoint.DISCOVERY, Endpoint.TOKEN, Endpoint.JWKS, Endpoint.USERINFO])
def test_a_slow_upstream_is_left(
    start: Callable[..., Provider], psc: Simulator, secret_file: Path, endpoint: Endpoint
) -> None:
    psc.behaviour.become(Switch.SLOW, slow_s=30, endpoints=frozenset({endpoint}))
    provider = start(**settings(psc, client_secret_file=secret_file, timeout_s=0.3))
    assert "n'a pas répondu à temps" in unescape(login(provider, psc).text)


def test_the_time_is_that_of_all_calls_together(
    start: Callable[..., Provider], psc: Simulator, secret_file: Path
) -> None:
    each = frozenset({Endpoint.TOKEN, Endpoint.JWKS, Endpoint.USERINFO})
    psc.behaviour.become(Switch.SLOW, slow_s=0.4, endpoints=each)
    provider = start(**settings(psc, client_secret_file=secret_file, timeout_s=1))
    assert "n'a pas répondu à temps" in unescape(login(provider, psc).text)


def test_keys_that_are_published_anew_slowly_cost_nobody_a_login(
    start: Callable[..., Provider], secret_file: Path
) -> None:
    """The copy of two hours ago is good: a part of the time goes to newer ones, and the rest to the login."""
    clocks: list[Callable[[], datetime]] = []
    with sandbox(now=lambda: clocks[0]().timestamp()) as psc:
        provider = start(**settings(psc, client_secret_file=secret_file, timeout_s=3))
        clocks.append(provider.clock.now)
        assert "code" in answer_of(login(provider, psc))
        provider.clock.advance(hours=2)
        psc.behaviour.become(Switch.SLOW, slow_s=30, endpoints=frozenset({Endpoint.JWKS}))
        assert "code" in answer_of(login(provider, psc))
        provider.clock.advance(hours=2)
        psc.behaviour.become(Switch.SLOW, slow_s=30, endpoints=frozenset({Endpoint.DISCOVERY}))
        assert "n'a pas répondu à temps" in unescape(login(provider, psc).text)  # is anybody there?
        psc.behaviour.become()
        assert "code" in answer_of(login(provider, psc))


def test_nothing_goes_where_outgoing_requests_may_not(
    start: Callable[..., Provider], psc: Simulator, secret_file: Path
) -> None:
    provider = start(**{**settings(psc, client_secret_file=secret_file), "outgoing": {}})
    assert "ne répond pas" in unescape(login(provider, psc).text)


# -- mutual TLS ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def igc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder: authorities, the server's certificate, an organisation's certificate and its key."""
    folder, hierarchy = tmp_path_factory.mktemp("igc"), Hierarchy.make(datetime.now(UTC))
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    given: dict[str, dict[str, Any]] = {
        "server": {"upn": None, "added": [(usage, False), (names, False)]},
        "esea": {},
        "another": {},
    }
    for name, options in given.items():
        issued = hierarchy.issue(
            subject=service("3330000001", "3330000001", name.upper()), branch="ORGANISATIONS", **options
        )
        certificate = issued.certificate.public_bytes(Encoding.PEM)
        private(folder / f"{name}.pem", certificate + issued.private_pem())
        (folder / f"{name}.subject").write_text(issued.certificate.subject.rfc4514_string())
    authority = hierarchy.authority("ELEMENTAIRE", "ORGANISATIONS")
    hierarchy.write_authorities(folder / "authorities.pem", authority, hierarchy.root("ELEMENTAIRE"))
    return folder


def with_certificate(psc: Simulator, igc: Path, name: str = "esea", **changes: Any) -> dict[str, Any]:
    files = {"client_certificate_file": igc / f"{name}.pem", "client_key_file": igc / f"{name}.pem"}
    return settings(psc, **files, token_auth="tls_client_auth", ca_file=igc / "authorities.pem", **changes)


@pytest.fixture
def guarded(igc: Path) -> Iterator[Simulator]:
    with ExitStack() as stack:
        registered = {"secret": "", "tls_subject": (igc / "esea.subject").read_text()}
        tls = mutual_tls(igc / "server.pem", igc / "authorities.pem")
        yield stack.enter_context(sandbox(registered=registered, tls=tls))


def test_a_certificate_proves_this_provider_at_every_call(
    start: Callable[..., Provider], guarded: Simulator, igc: Path
) -> None:
    """Userinfo wants the certificate that the access token was bound to."""
    assert "code" in answer_of(login(start(**with_certificate(guarded, igc)), guarded))


def test_another_certificate_is_refused(start: Callable[..., Provider], guarded: Simulator, igc: Path) -> None:
    answered = login(start(**with_certificate(guarded, igc, "another")), guarded)
    assert "n'a pas pu terminer cette connexion" in unescape(answered.text)


def test_an_upstream_that_nobody_vouches_for_is_not_spoken_to(
    start: Callable[..., Provider], guarded: Simulator, igc: Path
) -> None:
    made = with_certificate(guarded, igc)
    made["upstreams"][NAME].pop("ca_file")
    assert "ne répond pas" in unescape(login(start(**made), guarded).text)


# -- files that cannot be used stop the start ---------------------------------------------------


def test_a_secret_that_others_may_read_stops_the_start(
    start: Callable[..., Provider], psc: Simulator, secret_file: Path
) -> None:
    secret_file.chmod(0o644)
    with pytest.raises(
        SettingsError, match=r"upstreams\.pro_sante_connect\.client_secret_file: .* accessible to others"
    ):
        start(**settings(psc, client_secret_file=secret_file))


def test_a_missing_secret_stops_the_start(start: Callable[..., Provider], psc: Simulator, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"upstreams\.pro_sante_connect\.client_secret_file: No such file"):
        start(**settings(psc, client_secret_file=tmp_path / "absent"))


@pytest.mark.parametrize(("content", "said"), [(b"", "empty"), (b" \n", "empty"), (b"secr\xe9t", "not UTF-8")])
def test_a_secret_that_is_none_stops_the_start(
    start: Callable[..., Provider], psc: Simulator, tmp_path: Path, content: bytes, said: str
) -> None:
    with pytest.raises(SettingsError, match=rf"upstreams\.pro_sante_connect\.client_secret_file: {said}"):
        start(**settings(psc, client_secret_file=private(tmp_path / "bad", content)))


def test_a_key_that_others_may_read_stops_the_start(start: Callable[..., Provider], psc: Simulator, igc: Path) -> None:
    made = with_certificate(psc, igc)
    key = made["upstreams"][NAME]["client_key_file"]
    key.chmod(0o644)
    with pytest.raises(SettingsError, match=r"upstreams\.pro_sante_connect\.client_key_file: .* accessible"):
        start(**made)
    key.chmod(0o600)


def test_a_certificate_that_is_none_stops_the_start(
    start: Callable[..., Provider], psc: Simulator, igc: Path, tmp_path: Path
) -> None:
    made = with_certificate(psc, igc)
    made["upstreams"][NAME]["client_certificate_file"] = private(tmp_path / "none.pem", b"no certificate")
    with pytest.raises(SettingsError, match=r"upstreams\.pro_sante_connect: client_certificate_file"):
        start(**made)


def test_an_upstream_that_methods_do_not_name_is_not_there(start: Callable[..., Provider], psc: Simulator) -> None:
    made = start(**{**settings(psc, client_secret_file="absent"), "methods": ("email_otp", "password")})
    assert NAME not in made.services.registry
