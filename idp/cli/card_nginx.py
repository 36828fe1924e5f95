"""The configuration of nginx in front of the card host. Why each line stands there: docs/card.md."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from idp.settings import Settings, SettingsError
from idp.web.card_hop import CLIENT_CERT, NGINX_CLIENT_CERT, read_secret, state

CARD_HOST = "card-host.conf"
OTHER_HOSTS = "other-hosts.conf"
SECRET_FILE = "card-secret.conf"
AUTHORITIES = "card-authorities.pem"

MORE_THAN_A_NAME = re.compile(r"[\s;{}\"'$\\*?#]")

SERVER = """\
# The card host of @ISSUER@, for nginx 1.20 or newer. Include this file within `http { … }`.
# Give it an address or a port of its own. Where blocks share one, the first decides for all how long a handshake may
# take and, in many versions of nginx, which versions of TLS are spoken.

log_format sesame_card '$remote_addr [$time_iso8601] $status $request_id $ssl_protocol "$http_user_agent"';

server {
@LISTEN@
    server_name @NAME@;
    ssl_certificate @CERTIFICATE@;
    ssl_certificate_key @KEY@;
    server_tokens off;

    # TLS 1.2, and signatures that every card can make: a CPS3 has no RSA-PSS, which TLS 1.3 asks for.
    ssl_protocols TLSv1.2;
    ssl_ciphers ECDHE+AESGCM;
    ssl_conf_command ClientSignatureAlgorithms RSA+SHA256:ECDSA+SHA256;

    # Any certificate, or none: the provider judges it, and says in words what is wrong. nginx trusts no authority; it
    # names these to browsers, which offer certificates of theirs. 495: one that has expired is judged there, too.
    ssl_verify_client optional_no_ca;
    ssl_conf_command RequestCAFile @AUTHORITIES@;
    error_page 495 = $uri;

    # Each login is a whole handshake, with the card there: nothing is left for the next person at the same computer.
    ssl_session_cache off;
    ssl_session_tickets off;
    keepalive_timeout 0;
    client_header_timeout 3m; # the PIN is typed during the handshake

    # Neither log holds what stands in the URL. A provider that is away shows as the status 502.
    access_log @LOGS@/sesame-card.log sesame_card;
    error_log @LOGS@/sesame-card-error.log emerg;
    add_header Strict-Transport-Security "max-age=31536000" always;

    # A connection that was opened under another name carries nothing for this one.
    if ($ssl_server_name != "@NAME@") { return 421; }
    if ($host != "@NAME@") { return 421; }
    if ($request !~ "^GET ") { return 405; } # after an error, $request_method is another
    if ($request_uri !~ "^/carte/[A-Za-z0-9._-]+$") { return 404; }

    location / {
        return 404;
    }

    location ^~ /carte/ {
        proxy_pass @UPSTREAM@;
        proxy_http_version 1.1;
        proxy_pass_request_headers off; # of what the browser says, these lines pass on all that counts
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
        proxy_set_header Host "@HOST@";
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Request-Id $request_id;
        proxy_set_header User-Agent $http_user_agent;
        proxy_set_header Accept-Language $http_accept_language;
        proxy_set_header Sec-Fetch-Mode $http_sec_fetch_mode;
        proxy_set_header Sec-Fetch-Dest $http_sec_fetch_dest;
        proxy_set_header Sec-Fetch-Site $http_sec_fetch_site;
        proxy_set_header Sec-Purpose $http_sec_purpose; # a page that is drawn ahead of the person is refused
        proxy_set_header @CLIENT_CERT@ "";
        include @SECRET_FILE@; # the certificate, and what the provider knows this host by
        proxy_buffer_size 16k; # the certificate comes back in the address of the redirect
        proxy_buffers 4 16k;
        proxy_hide_header Strict-Transport-Security;
        proxy_hide_header Set-Cookie;
    }
}
"""

OTHERS = """\
# For EVERY other server block that leads to the provider, beside its own `proxy_set_header`; again in each `location`
# that has any. Nobody but the card host may say which certificate a browser showed.
proxy_set_header @CLIENT_CERT@ "";
proxy_set_header @NGINX_CLIENT_CERT@ "";
"""
MISDIRECTED = """\
if ($ssl_server_name = "@NAME@") { return 421; } # nor does a connection that was opened for the card host serve others
"""


@dataclass(frozen=True, slots=True)
class Nginx:
    """Where things are at the side of nginx. listen: addresses and ports; without any, the port of every address."""

    folder: Path
    certificate: Path
    key: Path
    logs: Path
    listen: tuple[str, ...] = ()
    upstream: str = ""

    def card_host(self, settings: Settings) -> str:
        """The server block. Raises SettingsError if the settings name no card host."""
        for value in (self.folder, self.certificate, self.key, self.logs, self.upstream, *self.listen):
            if MORE_THAN_A_NAME.search(str(value)):
                raise SettingsError(f"nginx would read more than a name or an address in {str(value)!r}")
        host = card_host_of(settings)
        name, _, port = host.partition(":")
        listen = self.listen or (port or "443", f"[::]:{port or '443'}")
        return _filled(
            SERVER,
            ISSUER=settings.issuer,
            LISTEN="\n".join(f"    listen {each} ssl;" for each in listen),
            NAME=name,
            HOST=host,
            CERTIFICATE=self.certificate,
            KEY=self.key,
            AUTHORITIES=self.folder / AUTHORITIES,
            SECRET_FILE=self.folder / SECRET_FILE,
            LOGS=self.logs,
            UPSTREAM=self.upstream or _listener(settings),
        )


def other_hosts(settings: Settings) -> str:
    """Lines for the other server blocks. Raises SettingsError if the settings name no card host."""
    name = card_host_of(settings).partition(":")[0]
    apart = name != urlsplit(settings.issuer).hostname
    return _filled(OTHERS + (MISDIRECTED if apart else ""), NAME=name)


def secret_line(settings: Settings) -> str:
    """The certificate, and what nginx proves itself with. Raises SettingsError."""
    secret = read_secret(settings)
    if secret is None:
        raise SettingsError("card.dialog_secret_file: nginx is known by it")
    return f"proxy_set_header {NGINX_CLIENT_CERT} '{state('$ssl_client_escaped_cert', secret.decode())}';\n"


def card_host_of(settings: Settings) -> str:
    """Host, with the port if it is not 443. Raises SettingsError."""
    if settings.card.dialog_url is None:
        raise SettingsError("card.dialog_url: there is no card host without it")
    return urlsplit(settings.card.dialog_url).netloc


def _listener(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 # nosec B104 - to connect to
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _filled(text: str, **values: object) -> str:
    names = {"CLIENT_CERT": CLIENT_CERT, "NGINX_CLIENT_CERT": NGINX_CLIENT_CERT}
    for name, value in {**names, **values}.items():
        text = text.replace(f"@{name}@", str(value))
    return text
