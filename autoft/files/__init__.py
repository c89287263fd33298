"""Files written whole or not at all, and the sha256 that proves it."""

from autoft.files.atomic import replace_folder, write_bytes, write_json, write_text
from autoft.files.lock import lock_file
from autoft.files.manifest import MANIFEST, check_manifest, sha256_of, write_manifest

__all__ = [
    "MANIFEST",
    "check_manifest",
    "lock_file",
    "replace_folder",
    "sha256_of",
    "write_bytes",
    "write_json",
    "write_manifest",
    "write_text",
]
