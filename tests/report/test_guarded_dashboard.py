"""The dashboard lets in its user alone."""

from __future__ import annotations

import http.client
import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import optuna
import pytest
from optuna.artifacts import FileSystemArtifactStore, upload_artifact

from autoft.errors import ConfigError
from autoft.report.dashboard import loopback_hosts, make_app, make_server

TOKEN = "a-token-that-nobody-guesses"
HOSTS = loopback_hosts(8080)


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Browser:
    """Sends requests to a WSGI application without a socket; keeps its cookie."""

    def __init__(self, app: Any) -> None:
        self._app = validator(app)
        self.cookie = ""

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path.partition("?")[0],
            "SCRIPT_NAME": "",
            "QUERY_STRING": path.partition("?")[2],
            "HTTP_HOST": "127.0.0.1:8080",
            "HTTP_COOKIE": self.cookie,
            "wsgi.input": io.BytesIO(),
        }
        environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        setup_testing_defaults(environ)
        got: list[Any] = []

        def start(status: str, given: list[tuple[str, str]], *_info: Any) -> Callable[..., Any]:
            got[:] = [int(status[:3]), dict(given)]
            return lambda _data: None

        parts = self._app(environ, start)
        body = b"".join(parts)
        if close := getattr(parts, "close", None):
            close()
        return Answer(got[0], got[1], body)

    def log_in(self) -> Answer:
        answer = self.ask(f"/dashboard?token={TOKEN}")
        self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
        return answer


@pytest.fixture
def study() -> Iterator[optuna.Study]:
    optuna.logging.disable_default_handler()
    yield optuna.create_study(direction="maximize", study_name="shown")
    optuna.logging.enable_default_handler()


@pytest.fixture
def browser(study: optuna.Study) -> Browser:
    return Browser(make_app(study._storage, token=TOKEN, hosts=HOSTS, read_only=True))


@pytest.fixture
def writer(study: optuna.Study) -> Browser:
    browser = Browser(make_app(study._storage, token=TOKEN, hosts=HOSTS, read_only=False))
    browser.log_in()
    return browser


def test_nothing_is_shown_without_the_token(browser: Browser) -> None:
    for path in ("/", "/dashboard", "/api/studies", "/static/bundle.js", "/favicon.ico"):
        assert browser.ask(path).status == 401


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", "é"])
def test_wrong_token_is_refused(browser: Browser, token: str) -> None:
    answer = browser.ask(f"/dashboard?token={token.encode('ascii', 'replace').decode()}")
    assert answer.status == 401
    assert "Set-Cookie" not in answer.headers


def test_token_is_exchanged_for_a_cookie_and_leaves_the_address(browser: Browser) -> None:
    answer = browser.ask(f"/dashboard/studies/0?token={TOKEN}&x=1")
    assert (answer.status, answer.headers["Location"]) == (303, "/dashboard/studies/0?x=1")
    assert answer.headers["Set-Cookie"].endswith("; Path=/; HttpOnly; SameSite=Strict")
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_redirect_stays_on_this_host(browser: Browser) -> None:
    answer = browser.ask(f"//elsewhere.example/x?token={TOKEN}")
    assert answer.headers["Location"] == "/elsewhere.example/x"


def test_cookie_opens_the_dashboard(browser: Browser) -> None:
    browser.log_in()
    assert b"Optuna Dashboard" in browser.ask("/dashboard").body
    assert b"shown" in browser.ask("/api/studies").body
    assert browser.ask("/favicon.ico").status == 200


def test_cookie_of_another_dashboard_does_not_fit(browser: Browser, study: optuna.Study) -> None:
    other = Browser(make_app(study._storage, token="b" * 20, hosts=HOSTS, read_only=True))
    browser.log_in()
    other.cookie = browser.cookie
    assert other.ask("/dashboard").status == 401


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "LOCALHOST:8080"])
def test_own_host_names_are_answered(browser: Browser, host: str) -> None:
    browser.log_in()
    assert browser.ask("/api/studies", host=host).status == 200


@pytest.mark.parametrize("host", ["evil.example:8080", "127.0.0.1", "localhost:80", "127.0.0.1.evil:8080", ""])
def test_other_host_names_are_not_answered(browser: Browser, host: str) -> None:
    browser.log_in()
    assert browser.ask("/api/studies", host=host).status == 421
    assert "Set-Cookie" not in browser.ask(f"/dashboard?token={TOKEN}", host=host).headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_reading_dashboard_refuses_changes(browser: Browser, study: optuna.Study, method: str) -> None:
    browser.log_in()
    answer = browser.ask(f"/api/studies/{study._study_id}", method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert study._storage.get_all_studies()


def test_writing_dashboard_changes(writer: Browser, study: optuna.Study) -> None:
    answer = writer.ask(f"/api/studies/{study._study_id}", "DELETE", origin="http://127.0.0.1:8080")
    assert answer.status == 204
    assert study._storage.get_all_studies() == []


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://evil.example", "null"])
def test_page_from_elsewhere_changes_nothing(writer: Browser, study: optuna.Study, origin: str) -> None:
    assert writer.ask(f"/api/studies/{study._study_id}", "DELETE", origin=origin).status == 403
    assert study._storage.get_all_studies()


def test_answers_carry_security_headers(browser: Browser) -> None:
    browser.log_in()
    headers = browser.ask("/dashboard").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "default-src 'self'" in headers["Content-Security-Policy"]


@pytest.fixture
def artifact(study: optuna.Study, tmp_path: Path) -> Callable[[str, str], Answer]:
    """Upload a file with a content type, and fetch it."""
    store = FileSystemArtifactStore(str(tmp_path))
    app = make_app(study._storage, token=TOKEN, hosts=HOSTS, read_only=True, artifact_store=store)
    browser = Browser(app)
    browser.log_in()

    def fetch(name: str, mimetype: str, slashes: str = "/") -> Answer:
        path = tmp_path / name
        path.write_text("<script>alert(1)</script>", encoding="utf-8")
        found = upload_artifact(artifact_store=store, file_path=str(path), study_or_trial=study, mimetype=mimetype)
        return browser.ask(f"{slashes}artifacts/{study._study_id}/{found}")

    return fetch


@pytest.mark.parametrize("kind", ["text/html", "TEXT/HTML", "image/svg+xml", "application/pdf", "x/y"])
def test_artifact_that_could_run_is_saved_not_opened(artifact: Any, kind: str) -> None:
    headers = artifact("a.html", kind).headers
    assert headers["Content-Type"].startswith("text/plain")
    assert headers["Content-Disposition"] == "attachment"
    assert headers["Content-Security-Policy"].startswith("sandbox")
    assert "Access-Control-Allow-Origin" not in headers


def test_picture_is_shown(artifact: Any) -> None:
    headers = artifact("a.png", "image/png").headers
    assert headers["Content-Type"] == "image/png"
    assert "Content-Disposition" not in headers


def test_two_slashes_do_not_open_an_artifact(artifact: Any) -> None:
    answer = artifact("a.html", "text/html", slashes="//")
    assert not answer.headers["Content-Type"].startswith("text/html") or answer.status == 404


def test_short_token_is_refused(study: optuna.Study) -> None:
    with pytest.raises(ConfigError, match="at least 16 characters"):
        make_app(study._storage, token="short", hosts=HOSTS, read_only=True)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "example.org", ""])
def test_only_this_machine_is_served(browser: Browser, host: str) -> None:
    with pytest.raises(ConfigError, match="--host"):
        make_server(browser.ask, host=host, port=0)  # type: ignore[arg-type]


def test_server_answers_on_loopback(study: optuna.Study) -> None:
    server = make_server(lambda _environ, _start: [], port=0)
    hosts = loopback_hosts(server.server_port)
    server.set_app(make_app(study._storage, token=TOKEN, hosts=hosts, read_only=True))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        connection.request("GET", f"/dashboard?token={TOKEN}")
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Location"]) == (303, "/dashboard")
        connection.close()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_taken_port_is_told() -> None:
    with (
        make_server(lambda _environ, _start: [], port=0) as server,
        pytest.raises(ConfigError, match="pass another --port"),
    ):
        make_server(lambda _environ, _start: [], port=server.server_port)


def test_port_80_needs_no_number() -> None:
    assert "localhost" in loopback_hosts(80)
    assert "localhost" not in loopback_hosts(8080)
