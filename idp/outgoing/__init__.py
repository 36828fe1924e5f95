"""Every request that the provider itself makes over HTTP passes here. The rules: docs/security.md."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from idp.outgoing.sockets import TimedContext
from idp.outgoing.targets import Resolve, system_resolver
from idp.outgoing.unreachable import Unreachable
from idp.settings import SettingsError, sections

if TYPE_CHECKING:
    import requests

__all__ = ["Answer", "Outgoing", "Unreachable"]

MAX_BYTES = 131_072


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: any status but 3xx. content_type: in lower case, without parameters, maybe empty."""

    status: int
    content_type: str
    body: bytes = field(repr=False)


class Outgoing:
    """Requests that cannot be led astray. Safe in threads; a connection for each request, no cookie, no retry.

    resolve: name -> addresses, or OSError; the system's resolver unless a test says otherwise.
    Raises SettingsError if the certificate authorities cannot be read.
    """

    def __init__(self, settings: sections.Outgoing, resolve: Resolve = system_resolver) -> None:
        self._settings, self._resolve = settings, resolve
        try:
            self._tls = TimedContext.make(settings.ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise SettingsError(f"outgoing.ca_file: {error.strerror or error}: {settings.ca_file}") from error

    def with_identity(self, identity: tuple[Path, Path] | None, ca_file: Path | None) -> "Outgoing":
        """The same, for one peer: identity: the certificate and the key that it is shown (RFC 8705 §2); ca_file: who
        vouches for it, in place of the settings'. Raises OSError if a file cannot be read.
        """
        other = copy(self)
        other._tls = TimedContext.make(ca_file or self._settings.ca_file, identity)
        return other

    def get(
        self,
        url: str,
        *,
        accept: str,
        max_bytes: int = MAX_BYTES,
        timeout_s: float | None = None,
        is_signed: bool = False,
    ) -> Answer:
        """timeout_s: in place of the settings'. is_signed: what comes proves itself, so that http will do.

        Raises Unreachable.
        """
        with self.session(max_bytes=max_bytes, timeout_s=timeout_s, is_signed=is_signed) as session:
            return _answered(session, "GET", url, None, {"Accept": accept})

    def post(
        self,
        url: str,
        body: bytes,
        *,
        content_type: str,
        accept: str,
        max_bytes: int = MAX_BYTES,
        timeout_s: float | None = None,
        is_signed: bool = False,
    ) -> Answer:
        """As `get`. Raises Unreachable."""
        headers = {"Accept": accept, "Content-Type": content_type}
        with self.session(max_bytes=max_bytes, timeout_s=timeout_s, is_signed=is_signed) as session:
            return _answered(session, "POST", url, body, headers)

    def post_form(
        self, url: str, form: Mapping[str, str], *, accept: str = "*/*", max_bytes: int = MAX_BYTES
    ) -> Answer:
        """The form as application/x-www-form-urlencoded. Raises Unreachable."""
        with self.session(max_bytes=max_bytes) as session:
            return _answered(session, "POST", url, form, {"Accept": accept})

    def session(
        self, *, max_bytes: int = MAX_BYTES, timeout_s: float | None = None, is_signed: bool = False
    ) -> "requests.Session":
        """A session of `requests` for one thread; its calls raise Unreachable."""
        import requests  # noqa: PLC0415 - megabytes, for what many processes never do

        session = requests.Session()
        self.protect(session, max_bytes=max_bytes, timeout_s=timeout_s, is_signed=is_signed)
        return session

    def protect(
        self,
        session: "requests.Session",
        *,
        max_bytes: int = MAX_BYTES,
        timeout_s: float | None = None,
        is_signed: bool = False,
    ) -> None:
        """Bind a session that somebody else made, such as Authlib's OAuth2Session, to the same rules."""
        from idp.outgoing.transport import Adapter  # noqa: PLC0415 - imports requests

        session.trust_env = False  # neither netrc nor HTTPS_PROXY
        session.headers.update({"User-Agent": self._user_agent, "Accept-Encoding": "identity", "Connection": "close"})
        session.adapters.clear()
        settings = self._settings if timeout_s is None else self._settings.model_copy(update={"timeout_s": timeout_s})
        adapter = Adapter(settings, self._tls, self._resolve, max_bytes, is_signed=is_signed)
        session.mount("", adapter)  # whatever the scheme

    @cached_property
    def _user_agent(self) -> str:
        return f"sesame-idp/{version('sesame-idp')}"


def _answered(
    session: "requests.Session", method: str, url: str, body: Mapping[str, str] | bytes | None, headers: dict[str, str]
) -> Answer:
    import requests  # noqa: PLC0415 - as above

    try:
        response = session.request(method, url, data=body, headers=headers)
    except requests.RequestException:  # it could not be made: the adapter raises Unreachable alone
        raise Unreachable("url", "not a URL") from None
    content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Answer(response.status_code, content_type, response.content)
