"""What lies in a folder of studies: its database, and the configuration of a study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autoft.errors import ConfigError
from autoft.storage.database import Database, open_database
from autoft.storage.urls import database_url
from autoft.study.config import StorageConfig, StudyConfig


def known_database(storage: StorageConfig) -> Database | None:
    """Open the database of studies if there is one; SQLite's file is not made."""
    if Path(storage.folder).exists() and not Path(storage.folder).is_dir():
        raise ConfigError(f"--studies-dir: a folder expected, got the file {storage.folder}")
    url = database_url(storage.url, Path(storage.folder))
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        return None
    return open_database(storage.url, Path(storage.folder))


def stored_config(text: str) -> StudyConfig:
    """Return the study configuration that a study.json holds."""
    value: dict[str, Any] = json.loads(text)
    return StudyConfig.from_json(value["config"])
