"""autoft rm: removes studies and caches."""

from __future__ import annotations

from typing import Annotated

import typer

from autoft.cli.options import STUDIES_DIR, Storage, StudiesDir
from autoft.errors import ConfigError


def rm_command(
    studies: Annotated[list[str] | None, typer.Argument(help="Names of studies.", metavar="[STUDY]...")] = None,
    caches: Annotated[
        bool, typer.Option("--caches", help="Remove encoded features and outputs of frozen layers.")
    ] = False,
    studies_dir: StudiesDir = STUDIES_DIR,
    storage: Storage = None,
) -> None:
    """Remove studies with all their files, or caches.

    Example: autoft rm ner-1 ner-2
    """
    from autoft.api.removing import remove_caches, remove_study
    from autoft.study.config import StorageConfig

    if not studies and not caches:
        raise ConfigError("rm: names of studies or --caches expected, got neither")
    place = StorageConfig(folder=str(studies_dir), url=storage)
    for name in studies or ():
        remove_study(name, place)
        print(f"removed study {name}")
    if caches:
        print(f"removed {remove_caches(place) / 2**20:.1f} MiB of caches")
