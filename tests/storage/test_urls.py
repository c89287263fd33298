from __future__ import annotations

from pathlib import Path

import pytest

from autoft.errors import ConfigError
from autoft.storage import urls
from autoft.storage.urls import database_url, file_system_of, shown

MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/vdb /home/local ext4 rw 0 0
//server/share /mnt/my\\040share cifs rw 0 0
"""


def test_the_default_is_a_file_among_the_studies(tmp_path: Path) -> None:
    assert shown(database_url(None, tmp_path)) == f"sqlite:///{tmp_path}/autoft.db"


def test_postgresql_gets_the_driver_that_is_installed_with_autoft(tmp_path: Path) -> None:
    assert database_url("postgres://u@h/d", tmp_path).drivername == "postgresql+psycopg"
    assert database_url("postgresql://u@h/d", tmp_path).drivername == "postgresql+psycopg"


def test_a_named_driver_is_kept(tmp_path: Path) -> None:
    assert database_url("mysql+pymysql://u@h/d", tmp_path).drivername == "mysql+pymysql"


def test_the_password_is_hidden(tmp_path: Path) -> None:
    text = shown(database_url("postgresql://u:secret@h/d", tmp_path))
    assert text == "postgresql+psycopg://u:***@h/d"


@pytest.mark.parametrize(
    ("url", "law"),
    [
        ("nonsense", "a database URL expected"),
        ("postgresql://u:p@h:notaport/d", "a database URL expected"),
        ("oracle://u@h/d", "sqlite, postgresql or mysql expected, got 'oracle'"),
        ("sqlite://", "SQLite needs a file"),
        ("sqlite:///:memory:", "SQLite needs a file"),
    ],
)
def test_what_cannot_hold_studies_is_refused(url: str, law: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=law):
        database_url(url, tmp_path)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/studies", "ext4"),
        ("/home/me/studies", "nfs4"),
        ("/home/local/studies", "ext4"),
        ("/home", "nfs4"),
        ("/homeless", "ext4"),
        ("/mnt/my share/studies", "cifs"),
    ],
)
def test_the_deepest_mount_holds_a_path(path: str, kind: str) -> None:
    assert file_system_of(Path(path), MOUNTS) == kind


def test_the_last_mount_on_a_point_is_the_one_seen() -> None:
    assert file_system_of(Path("/data/a"), "a /data nfs rw\nb /data tmpfs rw\n") == "tmpfs"


def test_sqlite_on_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/x {tmp_path} nfs4 rw 0 0\n")
    monkeypatch.setattr(urls, "_MOUNTS", mounts)
    with pytest.raises(ConfigError, match="SQLite needs a local file system, got nfs4, use --storage"):
        database_url(None, tmp_path)
