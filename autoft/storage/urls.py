"""Which database a study lies in: the URL completed, checked, and shown without its password."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from autoft.errors import ConfigError

DATABASE_FILE = "autoft.db"

# SQLite's write-ahead log needs memory shared by all its users: https://sqlite.org/wal.html
_NETWORK_FILE_SYSTEMS = frozenset(
    [
        "nfs",
        "nfs3",
        "nfs4",
        "cifs",
        "smb2",
        "smb3",
        "smbfs",
        "afs",
        "ceph",
        "glusterfs",
        "lustre",
        "gpfs",
        "beegfs",
        "ocfs2",
        "gfs2",
        "pvfs2",
        "fuse.sshfs",
        "fuse.glusterfs",
        "fuse.ceph",
        "fuse.s3fs",
        "fuse.gcsfuse",
        "fuse.rclone",
        "fuse.juicefs",
    ]
)
_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
_MOUNTS = Path("/proc/self/mounts")


def database_url(url: str | None, studies_dir: Path) -> URL:
    """Return the database's URL: `url`, or the SQLite file in `studies_dir`.

    Raises:
        ConfigError: If `url` is no database URL, or SQLite would lie in memory or on a network
            file system.
    """
    if url is None:
        return _checked_sqlite(URL.create("sqlite", database=str(studies_dir / DATABASE_FILE)))
    try:
        made = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigError("--storage: a database URL expected, like postgresql://user@host/name") from error
    if made.get_backend_name() not in {"sqlite", "postgresql", "postgres", "mysql", "mariadb"}:
        raise ConfigError(f"--storage: sqlite, postgresql or mysql expected, got {made.get_backend_name()!r}")
    if made.drivername in _DRIVERS:
        made = made.set(drivername=_DRIVERS[made.drivername])
    return _checked_sqlite(made) if made.get_backend_name() == "sqlite" else made


def shown(url: URL) -> str:
    """Return the URL as text, its password hidden."""
    return url.render_as_string(hide_password=True)


def without_password(url: str) -> str:
    """Return a database URL as it may be printed."""
    return shown(make_url(url))


def file_system_of(path: Path, mounts: str) -> str:
    """Return the type of the file system that holds `path`, from the text of /proc/mounts."""
    best, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        # Blanks in mount points are written as octal numbers.
        point = fields[1].replace("\\040", " ").replace("\\011", "\t")
        # The last of several mounts on one point is the one that is seen.
        if len(point) >= len(best) and path.is_relative_to(point):
            best, kind = point, fields[2]
    return kind


def _checked_sqlite(url: URL) -> URL:
    if not url.database or url.database == ":memory:" or "mode=memory" in url.database:
        raise ConfigError("--storage: SQLite needs a file, workers do not share memory, got none")
    path = Path(url.database).resolve()
    mounts = _MOUNTS.read_text(encoding="utf-8", errors="replace") if _MOUNTS.exists() else ""
    kind = file_system_of(path, mounts)
    if kind in _NETWORK_FILE_SYSTEMS:
        raise ConfigError(
            f"{path}: SQLite needs a local file system, got {kind}, "
            "use --storage postgresql://… or a local --studies-dir"
        )
    return url.set(database=str(path))
