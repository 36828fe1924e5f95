"""Whatever is sent: never a 5xx, never a redirect to an address that was not verified, never an unprintable error."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote_from_bytes, urlencode, urlsplit

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from idp.flows import pushed
from idp.flows.oidc import logout, par, token, validate
from tests.fakes.provider import RP, Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, path_of

bounded = settings(deadline=None, max_examples=100, derandomize=True, database=None)

NASTY = [
    b"", b"\x00", b'"', b"\\", b"'", b"%", b"%00", b"\r\nSet-Cookie: a=b", b"\xff\xfe", "é".encode(), "\u202e".encode(),
    b"\xed\xa0\x80", b"a" * 3000, b"none", b"login none", b"form_post", b"https://evil.example/", b"//evil.example",
    b"javascript:alert(1)", b"{}", b"[", b'{"id_token":{"acr":{"values":[{}]}}}',
    b'{"userinfo":{"sub":{"value":"\\ud800"}}}', b"a.b.c", b"eyJhbGciOiJub25lIn0.e30.", b"e30." * 3000, b"0",
    b"999999999", b"../..", b"<script>", b"S256", b"openid",
]  # fmt: skip
VALUES = (
    st.sampled_from(NASTY) | st.binary(max_size=40) | st.text(max_size=40).map(lambda t: t.encode("utf-8", "replace"))
)


def names(known: frozenset[str]) -> st.SearchStrategy[bytes]:
    return st.sampled_from(sorted(name.encode() for name in known)) | VALUES


def pairs(known: frozenset[str]) -> st.SearchStrategy[list[tuple[bytes, bytes]]]:
    return st.lists(st.tuples(names(known), VALUES), max_size=6)


def encoded(pairs: list[tuple[bytes, bytes]]) -> str:
    return "&".join(f"{quote_from_bytes(name)}={quote_from_bytes(value)}" for name, value in pairs)


def spoilt(valid: dict[str, str], changes: list[tuple[bytes, bytes]], repeat: bool) -> str:
    """A valid request with parameters replaced, or given again."""
    kept = [(name.encode(), value.encode()) for name, value in valid.items()]
    if not repeat:
        replaced = {name for name, _ in changes}
        kept = [(name, value) for name, value in kept if name not in replaced]
    return encoded(kept + changes)


@dataclass(repr=False)
class World:
    """One provider for all examples, a browser that is signed in, and what its forms need."""

    provider: Provider
    rp: RelyingParty
    csrf: str

    @property
    def browser(self) -> FlaskClient:
        return self.rp.browser

    def post(self, path: str, body: str, **headers: str) -> TestResponse:
        return self.browser.post(
            path, data=body, content_type="application/x-www-form-urlencoded", headers=headers or None
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[World]:
    provider = Provider.start(tmp_path_factory.mktemp("bad"), template, failures_per_10_min=10**6)
    provider.add_client("rp")
    provider.add_account("anne.pierre")
    rp = RelyingParty(provider)
    rp.login()
    yield World(provider, rp, csrf_of(rp.browser.get("/password/forgot")))
    provider.services.db.close()


def is_sound(response: TestResponse) -> TestResponse:
    assert response.status_code < 500, response.text
    location = response.headers.get("Location")
    assert (location is not None) == (300 <= response.status_code < 400), response.status_code
    if location is not None:
        is_ours = location.startswith("/") and not location.startswith(("//", "/\\"))
        assert is_ours or location.partition("?")[0] in {f"{RP}/rp/callback", f"{RP}/rp/"}, location
        is_printable(*parse_qs(urlsplit(location).query).get("error_description", []))
    if response.mimetype == "application/json":
        is_printable((response.json or {}).get("error_description", ""))
        assert ("error" in (response.json or {})) == (response.status_code >= 400)
    if 'action="https' in response.text:
        assert f'action="{RP}/rp/callback"' in response.text
    return response


def is_printable(*descriptions: str) -> None:
    assert all(" " <= c <= "~" and c not in '"\\' for text in descriptions for c in text), descriptions


@bounded
@given(pairs(validate.KNOWN), st.booleans())
def test_authorize(world: World, changes: list[tuple[bytes, bytes]], repeat: bool) -> None:
    query = spoilt(world.rp.request(), changes, repeat)
    is_sound(world.browser.get(f"/authorize?{query}"))
    response = is_sound(world.post("/authorize", query))
    if (response.location or "").startswith("/"):
        is_sound(world.browser.get(path_of(response)))


@bounded
@given(pairs(validate.KNOWN))
def test_authorize_without_a_valid_start(world: World, changes: list[tuple[bytes, bytes]]) -> None:
    assert "Location" not in is_sound(world.browser.get(f"/authorize?{encoded(changes)}")).headers
    assert "Location" not in is_sound(world.post("/authorize", encoded(changes))).headers


@bounded
@given(pairs(par.KNOWN), st.booleans(), st.none() | VALUES)
def test_par(world: World, changes: list[tuple[bytes, bytes]], repeat: bool, header: bytes | None) -> None:
    basic = world.rp.basic()["Authorization"] if header is None else header.decode("latin-1")
    headers = {} if "\n" in basic or "\r" in basic else {"Authorization": basic}
    response = is_sound(world.post("/par", spoilt(world.rp.request(), changes, repeat), **headers))
    assert response.mimetype == "application/json"
    assert "Location" not in response.headers
    if response.status_code == 201:
        loaded = world.browser.get(
            "/authorize", query_string={"client_id": "rp", "request_uri": (response.json or {})["request_uri"]}
        )
        is_sound(loaded)


@bounded
@given(VALUES, pairs(validate.KNOWN))
def test_a_request_uri_of_ours(world: World, reference: bytes, changes: list[tuple[bytes, bytes]]) -> None:
    """Invented ones, beside whatever else: never a redirect."""
    others = [(name, value) for name, value in changes if name not in {b"client_id", b"request_uri"}]
    query = encoded([(b"client_id", b"rp"), (b"request_uri", pushed.URN.encode() + reference), *others])
    assert "Location" not in is_sound(world.browser.get(f"/authorize?{query}")).headers


@bounded
@given(pairs(token.KNOWN), st.booleans(), st.none() | VALUES)
def test_token(world: World, changes: list[tuple[bytes, bytes]], repeat: bool, header: bytes | None) -> None:
    valid = {"grant_type": "authorization_code", "code": "x", "redirect_uri": world.rp.redirect_uri}
    headers = world.rp.basic() if header is None else {"Authorization": one_line(b"Basic " + header)}
    assert is_sound(world.post("/token", spoilt(valid, changes, repeat), **headers)).status_code >= 400


@bounded
@given(VALUES, st.sampled_from([b"", b"Bearer ", b"Basic ", b"bearer"]), pairs(frozenset({"access_token"})))
def test_userinfo(world: World, token: bytes, scheme: bytes, changes: list[tuple[bytes, bytes]]) -> None:
    headers = {"Authorization": one_line(scheme + token)}
    assert is_sound(world.browser.get("/userinfo", headers=headers)).status_code >= 400
    assert is_sound(world.browser.get(f"/userinfo?{encoded(changes)}")).status_code >= 400
    assert is_sound(world.post("/userinfo", encoded(changes), **headers)).status_code >= 400
    assert is_sound(world.post("/userinfo", encoded(changes))).status_code >= 400


@bounded
@given(pairs(logout.KNOWN))
def test_logout(world: World, changes: list[tuple[bytes, bytes]]) -> None:
    for response in (world.browser.get(f"/logout?{encoded(changes)}"), world.post("/logout", encoded(changes))):
        if is_sound(response).status_code == 303:
            assert is_sound(world.browser.get(path_of(response))).status_code == 200


@bounded
@given(
    st.sampled_from(
        [
            "/login/%s",
            "/login/%s/%s",
            "/logout/%s",
            "/authorize/posted/%s",
            "/password/%s",
            "/password/reset/%s",
            "/%s",
        ]
    ),
    VALUES,
    pairs(frozenset({"login", "password", "code", "decision", "choice", "lang"})),
    st.booleans(),
)
def test_paths_with_anything(
    world: World, path: str, part: bytes, fields: list[tuple[bytes, bytes]], with_csrf: bool
) -> None:
    body = encoded([*fields, *([(b"csrf", world.csrf.encode())] if with_csrf else [])])
    path = path.replace("%s", quote_from_bytes(part, safe=""))
    is_sound(world.browser.get(f"{path}?{body}"))
    is_sound(world.post(path, body))


@bounded
@given(
    st.sampled_from([b"password", b"email_otp", b"consent", b"account", b"cancel"]) | VALUES,
    pairs(frozenset({"login", "password", "code", "decision", "choice"})),
)
def test_forms_of_a_login_in_progress(world: World, method: bytes, fields: list[tuple[bytes, bytes]]) -> None:
    path = world.rp.open_login(prompt="login")
    body = encoded([(b"csrf", world.csrf.encode()), *fields])
    is_sound(world.post(f"{path}/{quote_from_bytes(method, safe='')}", body))


@bounded
@given(pairs(frozenset({"login", "csrf"})))
def test_forgotten_password(world: World, fields: list[tuple[bytes, bytes]]) -> None:
    is_sound(world.post("/password/forgot", encoded([(b"csrf", world.csrf.encode()), *fields])))


@pytest.mark.parametrize(
    "path", ["/authorize", "/token", "/userinfo", "/logout", "/password/forgot", "/login/x/password"]
)
@pytest.mark.parametrize(
    ("content_type", "body", "is_too_large"),
    [
        ("application/x-www-form-urlencoded", b"a=" + b"b" * 70_000, True),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 200,
            True,
        ),
        ("application/x-www-form-urlencoded", b"&".join(b"a=b" for _ in range(5000)), False),
        ("application/x-www-form-urlencoded; charset=utf-7", b"client_id=+AAA-", False),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x", False),
        ("multipart/form-data", b"no boundary", False),
        ("application/json", b"{", False),
        ("\xff", b"\x00", False),
        ("", b"client_id=rp", False),
    ],
)
def test_bodies_that_are_no_form_or_too_large(
    world: World, path: str, content_type: str, body: bytes, is_too_large: bool
) -> None:
    """What cannot be read asks for nothing: refused everywhere but at /logout, which may be asked for nothing."""
    response = is_sound(world.browser.post(path, data=body, content_type=content_type))
    if path == "/logout" and not is_too_large:
        assert path_of(response).startswith("/logout/")
    else:
        assert 400 <= response.status_code < 500


@pytest.mark.parametrize("path", ["/login//x/password", "/login/%2F%2Fevil.example", "/logout//evil.example"])
def test_doubled_slash_is_no_redirect(world: World, path: str) -> None:
    """Werkzeug would send the browser, and a 308 its form, to whatever host the request named, over http."""
    for response in (world.browser.open(path), world.post(path, "password=x")):
        assert is_sound(response).status_code in {400, 403, 404, 405, 410}


@pytest.mark.parametrize(
    "path", ["/authorize", "/token", "/userinfo", "/logout", "/jwks", "/login/x", "/password/forgot"]
)
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_other_methods(world: World, path: str, method: str) -> None:
    response: Any = world.browser.open(path, method=method)
    assert is_sound(response).status_code == 405


def one_line(value: bytes) -> str:
    """As a header arrives: a server lets no line end, NUL or leading space in."""
    return bytes(c for c in value if c not in b"\r\n\x00").decode("latin-1").strip()


@pytest.mark.parametrize("path", ["/authorize", "/logout"])
def test_a_query_that_is_not_utf8_is_refused_and_not_echoed(provider: Provider, path: str) -> None:
    query = urlencode(RelyingParty(provider).request(state=None)) + "&state=%ff"
    answer = provider.browser().get(f"{path}?{query}")
    assert answer.status_code == 400
    assert "invalid_request" in answer.text
    assert "Location" not in answer.headers


@pytest.mark.parametrize("path", ["/authorize", "/token", "/userinfo", "/logout", "/password/forgot"])
def test_a_form_that_is_not_utf8_is_refused(provider: Provider, path: str) -> None:
    form = "application/x-www-form-urlencoded"
    answer = provider.browser().post(path, data=b"state=%ff&login=\xc3", content_type=form)
    assert answer.status_code == 400
    assert "invalid_request" in answer.text
    assert "Location" not in answer.headers
