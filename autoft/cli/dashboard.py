"""autoft dashboard: Optuna's dashboard with autoft's notes and figures."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

import typer

from autoft.cli.options import STUDIES_DIR, Storage, StudiesDir


def dashboard_command(
    port: Annotated[int, typer.Option("--port", help="Port; 0 takes a free one.")] = 8080,
    host: Annotated[str, typer.Option("--host", help="An address of this machine alone.")] = "127.0.0.1",
    writable: Annotated[
        bool, typer.Option("--writable", help="Allow the dashboard to change and delete studies.")
    ] = False,
    studies_dir: StudiesDir = STUDIES_DIR,
    storage: Storage = None,
) -> None:
    """Serve Optuna's dashboard on this machine, behind a token.

    Example: autoft dashboard --port 8080
    """
    from rich.console import Console

    from autoft.api.stored import known_database
    from autoft.errors import StudyError
    from autoft.report.dashboard import loopback_hosts, make_app, make_server
    from autoft.study.config import StorageConfig

    database = known_database(StorageConfig(folder=str(studies_dir), url=storage))
    if database is None:
        raise StudyError(f"{studies_dir}: there are no studies in this folder yet, start one with autoft search")
    token = secrets.token_urlsafe(24)
    with make_server(_closed, host=host, port=port) as server:
        # Which hosts are answered is known only when the port is.
        hosts = loopback_hosts(server.server_port)
        server.set_app(make_app(database.storage, token=token, hosts=hosts, read_only=not writable))
        name = f"[{host}]" if ":" in host else host
        Console().print(
            f"http://{name}:{server.server_port}/dashboard/?token={token}\n"
            f"{'' if writable else 'read only; '}Ctrl-C ends it",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        server.serve_forever()


def _closed(environ: Any, start: Any) -> list[bytes]:
    del environ
    start("503 Service Unavailable", [])
    return []
