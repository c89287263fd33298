"""Optuna's dashboard behind a token, an allow-list of hosts and a read-only filter."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import socket
from collections.abc import Callable, Collection, Iterable
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from autoft.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from optuna.artifacts import FileSystemArtifactStore
    from optuna.storages import BaseStorage

logger = logging.getLogger(__name__)

_READING = ("GET", "HEAD")
_ARTIFACTS = "/artifacts/"
_SHORTEST_TOKEN = 16
# What a browser shows without running anything in it.
_PASSIVE = (
    *("image/png", "image/jpeg", "image/gif", "image/webp", "audio/", "video/"),
    *("text/csv", "text/plain", "application/json"),
)
_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "SAMEORIGIN"),
    # The token stands in the first address.
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
_DROPPED = {"access-control-allow-origin"}


def loopback_hosts(port: int) -> frozenset[str]:
    """Return the values of the Host header by which a browser on this machine comes."""
    names = ("127.0.0.1", "localhost", "[::1]")
    # Browsers leave the usual port out.
    plain = names if port == 80 else ()
    return frozenset([*(f"{name}:{port}" for name in names), *plain])


def make_app(
    storage: BaseStorage,
    *,
    token: str,
    hosts: Collection[str],
    read_only: bool,
    artifact_store: FileSystemArtifactStore | None = None,
) -> WSGIApplication:
    """Return Optuna's dashboard as a WSGI application that only the token's holder can use.

    `?token=…` is answered by a cookie and a redirect without the token.

    Args:
        storage: The studies.
        token: At least 16 characters that nobody guesses.
        hosts: Values of the Host header that are answered, port included; others may be a web page
            that had its own name point here.
        read_only: Whether only GET and HEAD pass.
        artifact_store: Where artifacts lie.

    Raises:
        ConfigError: If the token is short.
    """
    from optuna_dashboard import wsgi

    if len(token) < _SHORTEST_TOKEN:
        raise ConfigError(f"token: at least {_SHORTEST_TOKEN} characters expected, got {len(token)}")
    inner = wsgi(storage, artifact_store=artifact_store)
    return _Guard(inner, token=token, hosts=frozenset(hosts), read_only=read_only)


class _Guard:
    """Lets a request through to the dashboard, or answers it with the reason why not."""

    def __init__(self, app: WSGIApplication, *, token: str, hosts: frozenset[str], read_only: bool) -> None:
        self._app, self._token, self._hosts, self._read_only = app, token, hosts, read_only
        # Cookies ignore ports, so two dashboards need two names.
        self._cookie = f"autoft_{hashlib.sha256(token.encode()).hexdigest()[:12]}"

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_HOST", "").lower() not in self._hosts:
            return _answer(start, HTTPStatus.MISDIRECTED_REQUEST, "this host name is not answered")
        query = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        given = dict(query).get("token")
        if given is not None and self._is_token(given):
            return self._welcome(environ, start, query)
        if not self._is_token(self._cookie_of(environ)):
            words = "open the address with its token, as autoft dashboard printed it"
            return _answer(start, HTTPStatus.UNAUTHORIZED, words)
        if environ["REQUEST_METHOD"] not in _READING and (problem := self._refusal(environ)):
            return _answer(start, *problem)
        # The dashboard looks this header up and fails where there is none.
        environ.setdefault("HTTP_ACCEPT_ENCODING", "identity")
        return self._app(environ, _hardened(start, environ.get("PATH_INFO", "")))

    def _refusal(self, environ: WSGIEnvironment) -> tuple[HTTPStatus, str] | None:
        """Return why a request that changes something is refused; None where it is not."""
        if self._read_only:
            return HTTPStatus.METHOD_NOT_ALLOWED, "this dashboard only reads"
        origin = environ.get("HTTP_ORIGIN")
        # Another port of this machine is the same site to a cookie, but another origin.
        if origin is not None and urlsplit(origin).netloc.lower() != environ["HTTP_HOST"].lower():
            return HTTPStatus.FORBIDDEN, "a page from elsewhere sent this"
        return None

    def _welcome(self, environ: WSGIEnvironment, start: StartResponse, query: list[tuple[str, str]]) -> Iterable[bytes]:
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        # Two slashes at the start would name another host.
        path = "/" + quote(environ.get("PATH_INFO", "").lstrip("/\\"))
        cookie = f"{self._cookie}={quote(self._token)}; Path=/; HttpOnly; SameSite=Strict"
        headers = [("Location", path + ("?" + rest if rest else "")), ("Set-Cookie", cookie)]
        return _answer(start, HTTPStatus.SEE_OTHER, "welcome", headers)

    def _cookie_of(self, environ: WSGIEnvironment) -> str:
        try:
            found = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(self._cookie)
        except CookieError:
            return ""
        return "" if found is None else found.value

    def _is_token(self, given: str) -> bool:
        known = {self._token, quote(self._token)}
        return any(hmac.compare_digest(given.encode(), one.encode()) for one in known)


def make_server(app: WSGIApplication, *, host: str = "127.0.0.1", port: int = 8080) -> WSGIServer:
    """Return a server that listens on this machine; port 0 takes a free one (`server_port`).

    Raises:
        ConfigError: If the host is not this machine's own, or the port is taken.
    """
    if not _is_loopback(host):
        raise ConfigError(
            f"--host: an address of this machine alone expected (127.0.0.1, ::1, localhost), got "
            f"{host!r}, forward the port through ssh to look from elsewhere"
        )
    try:
        server = (_Server6 if ":" in host else _Server)((host, port), _Handler)
    except OSError as error:
        raise ConfigError(f"{host}:{port}: {error.strerror}, pass another --port") from error
    server.set_app(app)
    return server


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64

    def server_bind(self) -> None:
        # The base class asks a name server for the host's full name, which can take long.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(WSGIRequestHandler):
    timeout = 60
    server_version = "autoft"
    sys_version = ""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: ARG002
        # The request's line may hold the token, so only its path is told.
        path = getattr(self, "path", "").partition("?")[0]
        logger.debug("%s %s", getattr(self, "command", ""), path)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _answer(
    start: StartResponse,
    status: HTTPStatus,
    words: str,
    headers: Iterable[tuple[str, str]] = (),
) -> Iterable[bytes]:
    body = f"{words}\n".encode()
    allowed = [("Allow", ", ".join(_READING))] if status == HTTPStatus.METHOD_NOT_ALLOWED else []
    start(
        f"{status.value} {status.phrase}",
        [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            *_HEADERS,
            *allowed,
            *headers,
        ],
    )
    return [body]


def _hardened(start: StartResponse, path: str) -> StartResponse:
    """Return a `start_response` that adds security headers and makes artifacts harmless."""

    def begin(status: str, headers: list[tuple[str, str]], *info: Any) -> Callable[..., Any]:
        kept = [(name, value) for name, value in headers if name.lower() not in _DROPPED]
        if f"/{path.lstrip('/')}".startswith(_ARTIFACTS):
            kept = _as_download(kept)
        names = {name.lower() for name, _ in kept}
        kept += [(name, value) for name, value in _HEADERS if name.lower() not in names]
        return start(status, kept, *info)

    return begin


def _as_download(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return headers under which a browser saves what could run a script, instead of opening it."""
    kinds = [value.lower() for name, value in headers if name.lower() == "content-type"]
    changed = [("Content-Security-Policy", "sandbox; default-src 'none'")]
    if not kinds or not all(kind.startswith(_PASSIVE) for kind in kinds):
        changed += [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Disposition", "attachment"),
        ]
    replaced = {name.lower() for name, _ in changed}
    return [*((name, value) for name, value in headers if name.lower() not in replaced), *changed]
