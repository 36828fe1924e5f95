# ruff: noqa: SIM118
"""Keys replaced under running processes: all switch together, no relying party notices, nothing good is lost."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import jwt
import pytest

from keys import ring
from keys.conformance import SignerSuite
from keys.file import FileSigner
from keys.jwks import jwks
from keys.jws import sign_jwt, verify_jwt
from keys.signer import UnsafeKeyFile

NOW = SignerSuite.now
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ISSUER = "https://idp.example"
TOKEN_LIFE = timedelta(minutes=15)
ALGS = ("PS256", "ES256")


@pytest.fixture
def directory(tmp_path):
    FileSigner.create(tmp_path / "ring", ["ES256"], now=NOW - DAY)
    return tmp_path / "ring"


def rotate(directory, alg="ES256", now=NOW):
    return FileSigner(directory).rotate(alg, now=now, publish_ahead=DAY, keep_after=DAY).keys()[-1]


class RelyingParty:
    """Fetches the JWKS once a day and never in between, not even for a kid that it does not know."""

    def __init__(self, phase):
        self.next_fetch, self.keys = NOW - DAY + phase, None

    def refresh(self, provider, now):
        if now >= self.next_fetch:
            self.keys, self.next_fetch = jwt.PyJWKSet.from_dict(jwks(provider, now)), now + DAY

    def verify(self, token):
        key = self.keys[jwt.get_unverified_header(token)["kid"]]
        options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}  # the test has a clock of its own
        return jwt.decode(token, key, audience="client", issuer=ISSUER, options=options)


def issue(provider, alg, now):
    claims = {"iss": ISSUER, "aud": "client", "sub": "anne", "iat": int(now.timestamp())}
    claims["exp"] = claims["iat"] + int(TOKEN_LIFE.total_seconds())
    return sign_jwt(provider, alg, claims, typ="JWT", now=now)


@pytest.mark.spec("OIDC Core §10.1.1")
def test_a_relying_party_with_a_cached_jwks_never_fails(tmp_path):
    """Hour by hour over a week, with two rotations of each algorithm."""
    provider = FileSigner.create(tmp_path / "ring", ALGS, now=NOW - DAY)
    relying_parties = [RelyingParty(HOUR * hour) for hour in (0, 1, 12, 23)]
    used, earlier = set(), []
    for hour in range(-24, 24 * 7):
        now = NOW + HOUR * hour
        if hour in {0, 24 * 3}:
            for alg in ALGS:
                rotate(tmp_path / "ring", alg, now)
            assert provider.reload()
        tokens = [issue(provider, alg, now) for alg in ALGS]
        used |= {jwt.get_unverified_header(token)["kid"] for token in tokens}
        for party in relying_parties:
            party.refresh(provider, now)
            for token in [*tokens, *earlier] if party.keys else ():
                assert party.verify(token)["sub"] == "anne"
        for token in earlier:  # as id_token_hint
            assert verify_jwt(provider, token, issuer=ISSUER, audience="client", now=now, allow_expired=True, typ="JWT")
        earlier = tokens
    assert len(used) == 6


def test_two_processes_switch_at_the_same_instant(directory):
    one, two = FileSigner(directory), FileSigner(directory)
    (old,) = one.keys()
    new = rotate(directory)
    assert [one.reload(), two.reload()] == [True, True]
    for instant, expected in (
        (NOW, old.kid),
        (new.not_before - timedelta(microseconds=1), old.kid),
        (new.not_before, new.kid),
        (new.not_before + 9 * DAY, new.kid),
    ):
        assert [ring.active(signer.keys(), "ES256", instant).kid for signer in (one, two)] == [expected] * 2
    published = [[jwk["kid"] for jwk in jwks(one, new.not_before + after)["keys"]] for after in (DAY - HOUR, DAY)]
    assert published == [[old.kid, new.kid], [new.kid]]


def test_a_reload_without_a_change_keeps_the_parsed_keys(directory):
    signer = FileSigner(directory)
    public = signer.public_key(signer.keys()[0].kid)
    assert signer.reload() is False
    assert signer.public_key(signer.keys()[0].kid) is public


def half_written_key(directory, new):
    path = directory / f"{new.kid}.pem"
    path.write_bytes(path.read_bytes()[:100])


def half_written_ring(directory, new):
    path = directory / "ring.json"
    path.write_bytes(path.read_bytes()[:-20])


def key_open_to_others(directory, new):
    (directory / f"{new.kid}.pem").chmod(0o640)


def unknown_file(directory, new):
    (directory / "note.txt").touch()


def empty_ring_for_others(directory, new):
    (directory / "ring.json").write_text(json.dumps({"version": 1, "keys": []}))
    directory.chmod(0o755)


def no_key(directory, new):
    (directory / f"{new.kid}.pem").unlink()


def no_directory(directory, new):
    directory.rename(directory.with_name("elsewhere"))


BREAKAGES = [
    half_written_key, half_written_ring, key_open_to_others, unknown_file, empty_ring_for_others, no_key, no_directory,
]  # fmt: skip


@pytest.mark.parametrize("spoil", BREAKAGES)
def test_a_directory_that_is_broken_takes_no_good_key_away(directory, spoil):
    signer = FileSigner(directory)
    before = signer.keys()
    spoil(directory, rotate(directory))
    with pytest.raises(UnsafeKeyFile, match="those held stay in use") as failure:
        signer.reload()
    assert signer.keys() == before
    assert signer.sign(before[0].kid, b"input")
    assert "PRIVATE" not in str(failure.value)


def test_a_directory_that_was_mended_is_read_again(directory):
    signer, new = FileSigner(directory), rotate(directory)
    key_open_to_others(directory, new)
    with pytest.raises(UnsafeKeyFile):
        signer.reload()
    (directory / f"{new.kid}.pem").chmod(0o600)
    assert signer.reload() is True
    assert new in signer.keys()


def test_a_key_that_is_given_another_algorithm_is_read_again(directory):
    """It fits no longer: what was proved for ES256 says nothing of RS256."""
    signer = FileSigner(directory)
    path = directory / "ring.json"
    path.write_text(path.read_text().replace("ES256", "RS256"))
    with pytest.raises(UnsafeKeyFile):
        signer.reload()
    assert [key.alg for key in signer.keys()] == ["ES256"]


def test_threads_that_sign_notice_nothing_of_reloads_and_rotations(directory):
    signer = FileSigner(directory)

    def work(turn):
        if turn % 10 == 0:
            FileSigner(directory).rotate("ES256", now=NOW, publish_ahead=timedelta(0), keep_after=DAY)
            signer.reload()
        token = issue(signer, "ES256", NOW)
        return verify_jwt(signer, token, issuer=ISSUER, audience="client", now=NOW, typ="JWT")["sub"]

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(work, range(100))) == {"anne"}
    signer.reload()
    assert signer.keys() == FileSigner(directory).keys()
