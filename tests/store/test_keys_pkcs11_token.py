"""A token that is lost and comes back, threads and forks: never a wrong signature."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pkcs11
import pytest

from keys import algorithms
from keys.conformance import SignerSuite
from keys.pkcs11 import keypair
from keys.pkcs11 import token as owners
from keys.pkcs11.token import Token
from keys.place import Place
from keys.signer import SignerUnavailable
from tests.fakes.hsm import LABEL, Hsm

NOW = SignerSuite.now


@pytest.fixture
def hsm(tmp_path):
    with Hsm.made(tmp_path / "hsm") as made:
        yield made


@pytest.fixture
def signer(hsm):
    return hsm.place.create(["ES256"], now=NOW)


@pytest.fixture
def logins(monkeypatch):
    """The logins that are made."""
    made, genuine = [], Token._log_in
    monkeypatch.setattr(Token, "_log_in", lambda self: made.append(self) or genuine(self))
    return made


class Clock:
    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


class Faulty:
    """A key of a token that answers as the test says."""

    def __init__(self, answer):
        self.answer, self.asked = answer, 0

    def sign(self, *_, **__):
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def signs(signer) -> bool:
    (key,) = signer.keys()
    signature = signer.sign(key.kid, b"input")
    return algorithms.is_signed_by(key.alg, signer.public_key(key.kid), b"input", signature)


def fail_now(signer, answer) -> Faulty:
    """The login of now answers so; one of later is the token's own."""
    (key,), faulty = signer.keys(), Faulty(answer)
    assert signs(signer)
    pairs = signer._token._opened.main.pairs
    pairs[key.kid] = replace(pairs[key.kid], private=faulty)
    return faulty


# Lost and found


def test_a_token_that_is_lost_is_found_again(hsm, signer):
    (key,) = signer.keys()
    assert signs(signer)
    hsm.take_away()
    with pytest.raises(SignerUnavailable, match="NoSuchToken"):
        fail_now_by_restart(signer)
    for _ in range(3):
        with pytest.raises(SignerUnavailable):
            signer.sign(key.kid, b"input")
    with pytest.raises(SignerUnavailable):
        signer.check()
    assert signer.public_key(key.kid)  # services may go on verifying
    hsm.give_back()
    signer.check()
    assert signs(signer)


def fail_now_by_restart(signer):
    """SoftHSM keeps a token's keys in memory until it is started again, as it is after a failure."""
    (key,) = signer.keys()
    fail_now(signer, pkcs11.exceptions.DeviceRemoved())
    signer.sign(key.kid, b"input")


@pytest.mark.parametrize("failure", [
    pkcs11.exceptions.DeviceRemoved(), pkcs11.exceptions.GeneralError(), pkcs11.exceptions.SessionHandleInvalid(),
    pkcs11.exceptions.KeyHandleInvalid(), pkcs11.exceptions.UserNotLoggedIn(),
])  # fmt: skip
def test_a_failure_is_followed_by_one_login_and_one_try(signer, logins, failure):
    faulty = fail_now(signer, failure)
    before = len(logins)
    assert signs(signer)
    assert (faulty.asked, len(logins) - before) == (1, 1)


@pytest.mark.parametrize("answer", [b"", bytes(64), b"\xff" * 64, b"short"])
def test_a_wrong_signature_never_leaves(signer, answer):
    faulty = fail_now(signer, answer)
    assert signs(signer)
    assert faulty.asked == 1


def test_a_token_that_goes_on_signing_wrongly_is_unavailable(signer, monkeypatch):
    assert signs(signer)
    monkeypatch.setitem(keypair.MECHANISMS, "ES256", (pkcs11.Mechanism.ECDSA, None))
    monkeypatch.setattr(algorithms, "is_signed_by", lambda *_: False)
    with pytest.raises(SignerUnavailable, match="does not verify"):
        signer.sign(signer.keys()[0].kid, b"input")


def test_what_the_token_cannot_do_with_one_key_stops_no_other(hsm, monkeypatch):
    """Else whoever reads /jwks could keep a provider from signing."""
    with monkeypatch.context() as patch:
        signer = hsm.place.create(["ES256", "RS256"], now=NOW)
        patch.setattr(owners, "PAUSE_S", 1000.0)
        patch.setitem(keypair.MECHANISMS, "ES256", (pkcs11.Mechanism.ECDSA_SHA256, None))  # unknown to SoftHSM
        unable, able = signer.keys()
        owners._holders[0]._close()
        for _ in range(2):
            with pytest.raises(SignerUnavailable, match="does not sign ES256"):
                signer.public_key(unable.kid)
            assert signer.sign(able.kid, b"input")


def test_another_token_of_the_same_label_signs_nothing(hsm, signer):
    assert signs(signer)
    hsm.take_away()
    hsm.initialize(LABEL)
    with pytest.raises(SignerUnavailable, match="0 private"):
        fail_now_by_restart(signer)


def test_two_tokens_of_one_label_are_refused(hsm, signer):
    hsm.initialize(LABEL)
    with hsm.used(), pytest.raises(SignerUnavailable, match="MultipleTokens"):
        hsm.place.open().check()


def test_a_provider_starts_while_its_token_is_away(hsm, signer):
    hsm.take_away()
    with hsm.used():
        started = hsm.place.open()
        with pytest.raises(SignerUnavailable, match="NoSuchToken"):
            started.check()
        hsm.give_back()
        assert signs(started)


def test_a_lost_token_is_looked_for_once_a_second(hsm, signer, monkeypatch):
    monkeypatch.setattr(owners, "PAUSE_S", 1.0)
    (key,), clock, started = signer.keys(), Clock(), []
    genuine = owners._started
    monkeypatch.setattr(owners, "_started", lambda module: started.append(module) or genuine(module))
    token = Token(hsm.access, hsm.place.directory, monotonic_s=clock)
    hsm.take_away()
    for _ in range(20):
        with pytest.raises(SignerUnavailable):
            token.sign(key.kid, "ES256", b"input")
    assert len(started) == 1
    hsm.give_back()
    clock.now_s += 1
    assert token.sign(key.kid, "ES256", b"input")


def test_a_module_that_is_none_is_told(hsm, signer, tmp_path):
    for module in (tmp_path / "nowhere.so", hsm.pin_file):
        place = Place(hsm.place.directory, replace(hsm.access, module=module))
        with pytest.raises(SignerUnavailable, match="does not answer"):
            place.open().check()


# Threads and processes


def test_there_is_one_login_whatever_is_opened(hsm, signer, logins):
    """The worker's rotation opens the keys beside those that sign."""
    with hsm.used():
        for opened in [hsm.place.open() for _ in range(3)]:
            assert signs(opened)
    assert len(logins) == 1


def test_a_handle_of_a_login_that_another_has_ended_is_not_used(hsm, signer):
    """After the module was started afresh, its number may be that of something else."""
    faulty = fail_now(signer, bytes(64))
    assert signs(Place(hsm.place.directory, replace(hsm.access, proxy=True)).open())
    assert signs(signer)
    assert faulty.asked == 0


def locked(lock, genuine):
    def call(*given):
        with lock:
            return genuine(*given)

    return call


@pytest.mark.parametrize("proxy", [False, True])
def test_threads_survive_a_token_that_fails_under_them(hsm, signer, proxy, monkeypatch):
    """proxy: sessions of their own; SoftHSM itself needs a lock, which is put round each of its calls here."""
    if proxy:
        lock = threading.RLock()
        for where, name in ((keypair, "sign"), (keypair, "find"), (owners._Opened, "idle_session")):
            monkeypatch.setattr(where, name, locked(lock, getattr(where, name)))
    opened = Place(hsm.place.directory, replace(hsm.access, proxy=proxy)).open()
    (key,) = opened.keys()

    def spoil():
        login = opened._token._opened
        if login is not None and key.kid in login.main.pairs:
            pairs = login.main.pairs
            pairs[key.kid] = replace(pairs[key.kid], private=Faulty(pkcs11.exceptions.DeviceRemoved()))

    def work(turn):
        if turn % 20 == 0 and not proxy:
            owners._gate.alone(spoil, within_s=60)
        return signs(opened)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(200)))


def test_a_failed_session_of_the_proxy_is_replaced(hsm, signer):
    opened = Place(hsm.place.directory, replace(hsm.access, proxy=True)).open()
    (key,) = opened.keys()
    assert signs(opened)
    assert signs(opened)  # on a session of its own
    (idle,) = opened._token._opened.idle
    idle.pairs[key.kid] = replace(idle.pairs[key.kid], private=Faulty(bytes(64)))
    assert signs(opened)
    assert not opened._token._opened.idle


def in_child(work) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(work())
        except BaseException:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # a fork beside threads, which is what is tried
def test_a_child_of_who_loaded_the_module_is_refused_and_the_parent_goes_on(signer):
    (key,) = signer.keys()
    assert signs(signer)

    def child():
        try:
            signer.sign(key.kid, b"input")
        except SignerUnavailable as refusal:
            return 7 if "forked" in str(refusal) else 8
        return 9

    assert in_child(child) == 7
    assert signs(signer)


def test_the_ring_is_read_without_the_module(hsm, signer, monkeypatch):
    """So that the server may look at its settings before it forks."""
    monkeypatch.setattr(owners, "_started", lambda module: pytest.fail("loaded"))
    with hsm.used():
        opened = hsm.place.open()
        assert opened.keys() == signer.keys()
        assert opened.reload() is False
