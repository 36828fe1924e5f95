"""What a responder says counts only if the card's authority stands for it, now, and it is about this card."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as rfc6960
from cryptography.x509.oid import ExtendedKeyUsageOID

from demo.look_alike import Hierarchy
from idp.outgoing import Unreachable
from idp.pki import CardRefused, CardTrust
from idp.settings.sections import Card
from tests.fakes import igc
from tests.fakes.clock import START
from tests.fakes.ocsp import HOUR, REVOKED, UNKNOWN, Answering, Said, delegate

CARD = "RPPS"
NAME = "AC SANTE-DEMO ELEMENTAIRE PERSONNES"
MINUTE = timedelta(minutes=1)


def trusting(folder: Path, outgoing: Any, **settings: Any) -> CardTrust:
    given = {
        **igc.write(folder),
        "crl_files": (),
        "addresses": [{"authority": NAME, "ocsp": "http://ocsp.example/"}],
        "revocation": ["ocsp"],
        **settings,
    }
    return CardTrust.load(Card(**given), outgoing=outgoing)


def outcome(folder: Path, said: Said, **settings: Any) -> str:
    return ruled(trusting(folder, Answering(lambda asked: said.to(asked, igc.issued(CARD))), **settings))


def ruled(trust: CardTrust) -> str:
    try:
        trust.holder(igc.issued(CARD).der, START)
    except CardRefused as refused:
        return refused.code
    return "accepted"


def with_usage(*, digital_signature: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature, content_commitment=True, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


NOT_KNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.25.5"), b"\x05\x00")
FOR_CLIENTS = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
FOR_OCSP = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False)
WORTHLESS: dict[str, Any] = {
    "by another card": lambda: Said(signer=delegate(None, FOR_CLIENTS)),
    "by whom another authority charged": lambda: Said(signer=delegate(igc.hierarchy().authority("FORT"))),
    "by whom another of that name charged": lambda: Said(signer=delegate(Hierarchy.make(START).authority())),
    "by another in the name of the authority": lambda: Said(forger=igc.issued(CARD)),
    "by another in the name of who is charged": lambda: Said(signer=delegate(), forger=igc.hierarchy().authority()),
    "by whose certificate is signed with a weak hash": lambda: Said(signer=delegate(algorithm=hashes.SHA224())),
    "by who is charged, without the certificate": lambda: Said(signer=delegate(), attached=False),
    "by whose certificate ran out": lambda: Said(signer=delegate(valid_from=START - HOUR, valid_until=START)),
    "by whose certificate is not yet valid": lambda: Said(signer=delegate(valid_from=START + MINUTE)),
    "by whose key signs no such thing": lambda: Said(
        signer=delegate(None, FOR_OCSP, (with_usage(digital_signature=False), True))
    ),
    "signed with a weak hash": lambda: Said(algorithm=hashes.SHA224()),
    "about another card": lambda: Said(about=igc.issued("revoked")),
    "of another question": lambda: Said(nonce=b"x" * 32),
    "that ran out": lambda: Said(since=START - HOUR, until=START),
    "of the future": lambda: Said(since=START + timedelta(minutes=5, seconds=1), until=START + HOUR),
    "without nonce and without end": lambda: Said(nonce=None, until=None),
    "prepared long ago": lambda: Said(nonce=None, since=START - timedelta(days=7, seconds=1)),
    "with a critical extension that is not known": lambda: Said(added=((NOT_KNOWN, True),)),
    "without end, and old": lambda: Said(since=START - timedelta(minutes=5, seconds=1), until=None),
}


@pytest.mark.parametrize("name", WORTHLESS)
def test_an_answer_that_is_worth_nothing(tmp_path: Path, name: str) -> None:
    assert outcome(tmp_path, WORTHLESS[name]()) == "revocation_unknown"


SOUND: dict[str, Any] = {
    "by the authority": Said,
    "by the authority, by its key": lambda: Said(by_hash=True),
    "by who is charged": lambda: Said(signer=delegate()),
    "by who is charged, by its key": lambda: Said(signer=delegate(), by_hash=True),
    "by who is charged, with a curve": lambda: Said(signer=delegate(key=igc.curve_key())),
    "by whose key signs": lambda: Said(signer=delegate(None, FOR_OCSP, (with_usage(digital_signature=True), True))),
    "prepared, without nonce": lambda: Said(nonce=None),
    "prepared a week ago": lambda: Said(nonce=None, since=START - timedelta(days=7)),
    "of long ago, asked again now": lambda: Said(since=START - timedelta(days=8)),
    "with an extension that is not known": lambda: Said(added=((NOT_KNOWN, False),)),
    "without end, of this question": lambda: Said(until=None),
    "of a clock that is slightly fast": lambda: Said(since=START + timedelta(minutes=5)),
}


@pytest.mark.parametrize("name", SOUND)
def test_an_answer_that_counts(tmp_path: Path, name: str) -> None:
    said = SOUND[name]()
    assert outcome(tmp_path, said) == "accepted"
    said.status = REVOKED
    assert outcome(tmp_path, said) == "revoked"


def test_a_card_that_the_responder_does_not_know_is_refused(tmp_path: Path) -> None:
    assert outcome(tmp_path, Said(UNKNOWN)) == "revocation_unknown"


def test_a_nonce_may_be_required(tmp_path: Path) -> None:
    assert outcome(tmp_path, Said(nonce=None), ocsp_nonce_required=True) == "revocation_unknown"
    assert outcome(tmp_path, Said(), ocsp_nonce_required=True) == "accepted"


@pytest.mark.parametrize("body", [b"", b"nothing", b"\x30\x03\x0a\x01\x03", b"\x30\x03\x0a\x01\x00"])
def test_what_is_no_answer(tmp_path: Path, body: bytes) -> None:
    """The third says « try later »; the fourth that it went well, and nothing else."""
    assert ruled(trusting(tmp_path, Answering(lambda _: body))) == "revocation_unknown"


@pytest.mark.parametrize("changed", [{"status": 500}, {"content_type": "text/html"}])
def test_what_is_not_said_as_it_must_be(tmp_path: Path, changed: dict[str, Any]) -> None:
    made = Answering(lambda asked: Said().to(asked, igc.issued(CARD)), **changed)
    assert ruled(trusting(tmp_path, made)) == "revocation_unknown"


def test_each_question_has_a_nonce_of_its_own_and_little_time(tmp_path: Path) -> None:
    made = Answering(lambda asked: Said().to(asked, igc.issued(CARD)))
    trust = trusting(tmp_path, made)
    assert [ruled(trust), ruled(trust)] == ["accepted"] * 2
    first, second = (rfc6960.load_der_ocsp_request(each["body"]) for each in made.asked)
    nonces = {each.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce for each in (first, second)}
    assert {len(each) for each in nonces} == {32}
    assert len(nonces) == 2
    assert (made.asked[0]["timeout_s"], made.asked[0]["is_signed"]) == (2.0, True)


# -- several sources ---------------------------------------------------------------------------


class Silent:
    def __init__(self) -> None:
        self.asked = 0

    def post(self, url: str, body: bytes, **options: Any) -> Any:
        del url, body, options
        self.asked += 1
        raise Unreachable("too_slow", "no whole answer in time")


def lists(folder: Path, *revoked: int, ran_out: bool = False) -> dict[str, Any]:
    until = START if ran_out else START + HOUR
    listed = igc.hierarchy().crl(revoked=revoked, this_update=START - HOUR, next_update=until)
    (folder / "own.crl").write_bytes(listed.public_bytes(Encoding.DER))
    return {"crl_files": (folder / "own.crl",)}


def test_the_first_source_that_knows_decides(tmp_path: Path) -> None:
    listed = lists(tmp_path, igc.issued(CARD).serial)
    assert outcome(tmp_path, Said(), revocation=["ocsp", "crl"], **listed) == "accepted"
    assert outcome(tmp_path, Said(), revocation=["crl", "ocsp"], **listed) == "revoked"
    assert outcome(tmp_path, Said(REVOKED), revocation=["crl", "ocsp"], **lists(tmp_path)) == "accepted"


def test_where_the_first_does_not_know_the_next_is_asked(tmp_path: Path) -> None:
    over = lists(tmp_path, ran_out=True)
    assert outcome(tmp_path, Said(), revocation=["crl", "ocsp"], **over) == "accepted"
    assert outcome(tmp_path, Said(REVOKED), revocation=["crl", "ocsp"], **over) == "revoked"
    assert ruled(trusting(tmp_path, Silent(), revocation=["ocsp", "crl"], **lists(tmp_path))) == "accepted"


def test_a_responder_that_is_silent_shuts_the_door(tmp_path: Path) -> None:
    silent = Silent()
    assert ruled(trusting(tmp_path, silent)) == "revocation_unknown"
    assert ruled(trusting(tmp_path, silent, revocation=["crl", "ocsp"])) == "revocation_unknown"
    assert silent.asked == 2


def ruled_later(trust: CardTrust, **later: float) -> str:
    try:
        trust.holder(igc.issued(CARD).der, START + timedelta(**later))
    except CardRefused as refused:
        return refused.code
    return "accepted"


def test_a_responder_that_fails_several_times_is_left_alone_for_a_while(tmp_path: Path) -> None:
    """Each question to it holds a thread, and other logins need one."""
    silent = Silent()
    trust = trusting(tmp_path, silent)
    seconds = (0, 1, 2, 3, 11, 12, 13)
    asked = []
    for each in seconds:
        assert ruled_later(trust, seconds=each) == "revocation_unknown"
        asked.append(silent.asked)
    assert asked == [1, 2, 3, 3, 3, 4, 4]


def test_an_answer_ends_the_count_of_failures(tmp_path: Path) -> None:
    made = Answering(lambda asked: Said().to(asked, igc.issued(CARD)))
    silent = Silent()
    trust = trusting(tmp_path, made)
    answers = made.post
    for is_away in (True, True, False, True, True, False):
        made.post = silent.post if is_away else answers  # type: ignore[method-assign]
        assert ruled(trust) == ("revocation_unknown" if is_away else "accepted")
    assert (silent.asked, len(made.asked)) == (4, 2)


def test_those_that_wait_while_it_fails_do_not_ask_too(tmp_path: Path) -> None:
    """A slow responder and sixteen threads: those that were under way ask, and few others until the count is full."""
    gate, silent = threading.Event(), Silent()

    class Slow:
        def post(self, *rest: Any, **options: Any) -> Any:
            assert gate.wait(10)
            return silent.post(*rest, **options)

    trust = trusting(tmp_path, Slow())
    with ThreadPoolExecutor(16) as pool:
        outcomes = [pool.submit(ruled, trust) for _ in range(16)]
        gate.set()
        assert {each.result() for each in outcomes} == {"revocation_unknown"}
    assert silent.asked < 12


def test_lists_are_not_looked_at_where_they_are_no_source(tmp_path: Path) -> None:
    assert ruled(trusting(tmp_path, Silent(), **lists(tmp_path))) == "revocation_unknown"


def test_an_authority_without_a_responder_is_not_vouched_for_by_anothers(tmp_path: Path) -> None:
    other = [{"authority": NAME.replace("ELEMENTAIRE", "FORT"), "ocsp": "http://ocsp.example/"}]
    assert outcome(tmp_path, Said(), addresses=other) == "revocation_unknown"


# -- degraded mode -----------------------------------------------------------------------------


def test_a_list_that_ran_out_counts_for_as_long_as_was_declared(tmp_path: Path) -> None:
    trust = trusting(tmp_path, None, revocation=["crl"], revocation_max_age_h=2, **lists(tmp_path, ran_out=True))
    der = igc.issued(CARD).der
    assert trust.holder(der, START - MINUTE).list_ran_out_at is None
    assert trust.holder(der, START + 2 * HOUR - MINUTE).list_ran_out_at == START
    with pytest.raises(CardRefused, match="revocation_unknown"):
        trust.holder(der, START + 2 * HOUR)


def test_what_a_list_that_ran_out_revoked_stays_revoked(tmp_path: Path) -> None:
    over = lists(tmp_path, igc.issued(CARD).serial, ran_out=True)
    assert ruled(trusting(tmp_path, None, revocation=["crl"], revocation_max_age_h=2, **over)) == "revoked"


def test_an_answer_of_now_weighs_more_than_a_list_that_ran_out(tmp_path: Path) -> None:
    settings = {"revocation": ["crl", "ocsp"], "revocation_max_age_h": 2, **lists(tmp_path, ran_out=True)}
    assert outcome(tmp_path, Said(UNKNOWN), **settings) == "revocation_unknown"
    assert ruled(trusting(tmp_path, Silent(), **settings)) == "accepted"
