"""The one owner of a token in this process: its module, its login, and the lock round every call.

Threads: python-pkcs11 initialises a module without locks of the operating system and releases Python's own during each
call, so that two threads crash the process. One lock for the whole process is held round every call; p11-kit-proxy,
which locks by itself, may be signed with beside one another. A call that hangs is left behind: see `gate`.
Processes: what a module holds does not survive a fork. It is loaded at the first call; a child of later is refused.
Logins: they are those of the process, not of a session. There is one, made on a module that was started afresh:
`UserAlreadyLoggedIn` therefore is a failure like any other, and says nothing about the PIN.
"""

import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import pkcs11
from pkcs11 import TokenFlag, _pkcs11, exceptions

from keys.pkcs11 import keypair, pin
from keys.pkcs11.gate import Gate, NeverCame
from keys.pkcs11.keypair import KeyPair
from keys.signer import PublicKey, SignerUnavailable, TokenAccess, UnsafeKeyFile

PAUSE_S: Final = 1.0  # a token that is gone is looked for this often, whoever asks meanwhile
ANSWER_WITHIN_S: Final = 5.0  # longer, and the module is taken to hang
MADE_WITHIN_S: Final = 60.0  # RSA keys take long to make
REFUSED_PIN: Final = (
    *(exceptions.PinIncorrect, exceptions.PinInvalid, exceptions.PinLenRange),
    *(exceptions.PinLocked, exceptions.PinExpired),
)

Answer = TypeVar("Answer")

_gate = Gate()
_owner: list[int] = []  # the process that loaded a module
_tokens: dict[tuple[TokenAccess, Path], "Token"] = {}
_holders: list["Token"] = []  # the one that is logged in: another must take its module over


@dataclass(slots=True, repr=False)
class _Session:
    """pairs: handles on this session, by kid."""

    session: pkcs11.Session
    pairs: dict[str, KeyPair] = field(default_factory=dict)

    def pair(self, kid: str, alg: str) -> KeyPair:
        found = self.pairs.get(kid)
        if found is None or found.alg != alg:
            found = self.pairs[kid] = keypair.find(self.session, kid, alg)
        return found


@dataclass(slots=True, repr=False)
class _Opened:
    """A login. main: the session that made it, for one thread. idle: sessions of those who sign beside one another."""

    token: pkcs11.Token
    main: _Session
    since_s: float
    idle: deque[_Session] = field(default_factory=deque)

    def idle_session(self) -> _Session:
        """Another thread may have taken the last one since one looked."""
        try:
            return self.idle.pop()
        except IndexError:
            return _Session(self.token.open())  # without PIN: the login is the process's


def shared(access: TokenAccess, directory: Path) -> "Token":
    """The process's one Token of this access. directory: of the ring, where refused PINs are remembered."""
    return _tokens.setdefault((access, directory), Token(access, directory))


class Token:
    """Opens the token when it is needed; once it fails, opens it again and tries once more.

    Each method raises SignerUnavailable while the token does not do as it should.
    """

    def __init__(
        self, access: TokenAccess, directory: Path, *, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._access, self._directory, self._monotonic_s = access, directory, monotonic_s
        self._opened: _Opened | None = None
        self._rests_until_s = monotonic_s()

    def __repr__(self) -> str:
        return f"Token({self._access.label!r})"

    def public_key(self, kid: str, alg: str) -> PublicKey:
        """Of a pair that was proved in this login: see `keypair.find`."""
        return self._alone(lambda opened: opened.main.pair(kid, alg).public, ANSWER_WITHIN_S)

    def sign(self, kid: str, alg: str, signing_input: bytes) -> bytes:
        """Signature as JWS wants it."""

        def on_main_session(opened: _Opened) -> bytes:
            return keypair.sign(opened.main.pair(kid, alg), signing_input)

        signature = self._sign_beside_others(kid, alg, signing_input) if self._access.proxy else None
        return signature or self._alone(on_main_session, ANSWER_WITHIN_S)

    def generate(self, alg: str, *, maker: str) -> str:
        """The kid of a new pair. For one process of a `maker` at a time: its callers hold locks.

        In several calls: a token that hangs is noticed before the long one; and a pair that is made too late has no
        name, and is destroyed by the next rotation.
        """
        self._write(lambda session: keypair.clean(session, maker), ANSWER_WITHIN_S)
        made = self._write(lambda session: keypair.make(session, alg, maker), MADE_WITHIN_S)
        return self._write(lambda session: keypair.name(session, alg, made), ANSWER_WITHIN_S)

    def destroy(self, kid: str) -> None:
        """Delete a pair, if it is there."""
        self._write(lambda session: keypair.destroy(session, kid), ANSWER_WITHIN_S)

    def _write(self, work: Callable[[pkcs11.Session], Answer], within_s: float) -> Answer:
        def on_session_of_its_own(opened: _Opened) -> Answer:
            with opened.token.open(rw=True) as session:  # without PIN: the login is the process's
                return work(session)

        return self._alone(on_session_of_its_own, within_s)

    def _sign_beside_others(self, kid: str, alg: str, signing_input: bytes) -> bytes | None:
        """None: the token is not open, or has failed and was closed."""
        _refuse_child()
        opened = self._opened
        if opened is None:
            return None

        def on_session_of_its_own() -> bytes | None:
            if self._opened is not opened:
                return None
            session = opened.idle_session()
            try:
                return keypair.sign(session.pair(kid, alg), signing_input)
            finally:
                opened.idle.append(session)

        try:
            return _gate.beside_others(on_session_of_its_own, ANSWER_WITHIN_S)
        except NeverCame:
            raise
        except (exceptions.PKCS11Error, SignerUnavailable) as error:
            if not self._ends_login(error, opened):
                return None
        _gate.alone(lambda: self._close_unless_opened_again(opened), ANSWER_WITHIN_S)
        return None

    def _close_unless_opened_again(self, opened: _Opened) -> None:
        if self._opened is opened:
            self._close()

    def _alone(self, work: Callable[[_Opened], Answer], within_s: float) -> Answer:
        _refuse_child()
        return _gate.alone(lambda: self._on_a_login(work), within_s)

    def _on_a_login(self, work: Callable[[_Opened], Answer]) -> Answer:
        """What `work` answers; if it fails on a login of before, once more on a new one."""
        if self._opened is not None:
            try:
                return work(self._opened)
            except (exceptions.PKCS11Error, SignerUnavailable) as error:
                if not self._ends_login(error, self._opened):
                    raise
                self._close()
        try:
            opened = self._open()
            return work(opened)
        except exceptions.PKCS11Error as error:
            self._rest()
            raise SignerUnavailable(f"the token {self._access.label} does not answer ({_name(error)})") from None

    def _ends_login(self, error: Exception, opened: _Opened) -> bool:
        """Not for one key that is not as it should be, right after a login: the others go on signing."""
        return isinstance(error, exceptions.PKCS11Error) or self._monotonic_s() >= opened.since_s + PAUSE_S

    def _open(self) -> _Opened:
        now_s = self._monotonic_s()
        if now_s < self._rests_until_s:
            raise SignerUnavailable(f"the token {self._access.label} does not answer")
        for other in list(_holders):
            other._close()
        try:
            token, session = self._log_in()
        except SignerUnavailable:
            self._rest()
            raise
        except (UnsafeKeyFile, OSError) as error:
            self._rest()
            raise SignerUnavailable(str(error)) from error
        self._opened = _Opened(token, _Session(session), now_s)
        _holders.append(self)
        return self._opened

    def _log_in(self) -> tuple[pkcs11.Token, pkcs11.Session]:
        """The one try of the PIN, on a module that was started afresh."""
        pin_file, label = self._access.pin_file, self._access.label
        token = _started(self._access.module).get_token(token_label=label)
        with pin.attempt(self._directory, pin_file, label) as attempt:
            attempt.refuse_a_second()
            if token.flags & (TokenFlag.USER_PIN_LOCKED | TokenFlag.USER_PIN_FINAL_TRY):
                raise SignerUnavailable("the PIN is locked or has one try left: log in with the tools of the token")
            attempt.prepare()
            try:
                return token, token.open(user_pin=attempt.text)
            except REFUSED_PIN as error:
                attempt.remember()
                raise SignerUnavailable(f"the token refused the PIN of {pin_file} ({_name(error)})") from None

    def _rest(self) -> None:
        self._close()
        self._rests_until_s = self._monotonic_s() + PAUSE_S

    def _close(self) -> None:
        """The module is told when it is started afresh."""
        self._opened = None
        if self in _holders:
            _holders.remove(self)


def _refuse_child() -> None:
    """Before the gate, which a thread of the parent may have held during the fork. Raises SignerUnavailable."""
    if not _owner:
        _owner.append(os.getpid())
    if _owner[0] != os.getpid():
        raise SignerUnavailable("the process was forked after a PKCS#11 module had been loaded")


def _started(module: Path) -> _pkcs11.lib:
    """The module without sessions or logins, and aware of the tokens that there are now. Raises PKCS11Error."""
    library = pkcs11.lib(str(module))
    with suppress(exceptions.PKCS11Error):  # it counts as finalized
        library.finalize()
    return pkcs11.lib(str(module))


def _name(error: exceptions.PKCS11Error) -> str:
    return f"{type(error).__name__} {error}".strip()
