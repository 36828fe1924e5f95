# ruff: noqa: SIM118
"""What is published of the ring."""

import json
from datetime import datetime, timedelta

import jwt
import pytest

from keys.conformance import PUBLIC_MEMBERS, SignerSuite
from keys.file import FileSigner
from keys.jwks import jwks

NOW = SignerSuite.now
DAY = timedelta(days=1)
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    """RS256; ES256 rotated at NOW: one key until NOW + 2 days, another from NOW + 1 day."""
    signer = FileSigner.create(tmp_path_factory.mktemp("keys") / "ring", ("RS256", "ES256"), now=NOW)
    return signer.rotate("ES256", now=NOW, publish_ahead=DAY, keep_after=DAY)


def test_a_naive_now_is_refused(signer):
    with pytest.raises(ValueError, match="naive"):
        jwks(signer, datetime(2026, 11, 21))  # noqa: DTZ001


def test_no_private_member_is_published(signer):
    for jwk in jwks(signer, NOW)["keys"]:
        assert set(jwk) == PUBLIC_MEMBERS[jwk["kty"]]
        assert not set(jwk) & PRIVATE_MEMBERS


def test_pending_keys_are_published_and_retired_ones_are_not(signer):
    rsa, old, new = (key.kid for key in signer.keys())
    assert {jwk["kid"] for jwk in jwks(signer, NOW)["keys"]} == {rsa, old, new}
    assert {jwk["kid"] for jwk in jwks(signer, NOW + 2 * DAY)["keys"]} == {rsa, new}


def test_keys_are_in_a_stable_order(signer):
    rsa, old, new = (key.kid for key in signer.keys())
    assert [jwk["kid"] for jwk in jwks(signer, NOW)["keys"]] == [old, new, rsa]


def test_each_key_says_its_use_and_algorithm(signer):
    algs = {key.kid: key.alg for key in signer.keys()}
    for jwk in jwks(signer, NOW)["keys"]:
        assert (jwk["use"], jwk["alg"]) == ("sig", algs[jwk["kid"]])


def test_the_set_is_json_that_clients_read(signer):
    published = jwt.PyJWKSet.from_json(json.dumps(jwks(signer, NOW)))
    for key in signer.keys():
        assert published[key.kid].key.public_numbers() == signer.public_key(key.kid).public_numbers()
