"""The manifest of a backup: what it holds, from when, and the digest of each of its files."""

import hashlib
import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from backends.small_files import read_small
from core.clock import moment
from core.errors import InvalidInput

NAME = "manifest.json"
STORE, HANDBOOKS, RECORDS = "store.db", "handbooks.db", "hr-records.db"

VERSION: Literal[1] = 1
"""The form of the manifest, and of the folder that it describes."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class File(_Value):
    """A file of the backup."""

    name: Literal["store.db", "handbooks.db", "hr-records.db"]
    size: int
    sha256: str


class Manifest(_Value):
    """What a backup holds.

    `taken_at` is when it was begun, by the store's clock: all that was on record then is in it. `source` is the kind of
    store; of `sqlite` it shows one moment, of `mongodb` each stream as it was at some moment after `taken_at`.
    `streams` and `entries` are counts by the kind of stream. `schema_version` and `fold` say which Rolltop can read it.
    """

    version: Literal[1] = VERSION
    rolltop: str
    taken_at: str
    source: Literal["sqlite", "mongodb"]
    schema_version: int
    fold: int
    streams: dict[str, int]
    entries: dict[str, int]
    records: int
    files: list[File]

    @property
    def all_entries(self) -> int:
        """The number of all entries."""
        return sum(self.entries.values())

    def file(self, name: str) -> File | None:
        """The file of this name, None if it is not in the backup."""
        return next((one for one in self.files if one.name == name), None)


def read_manifest(backup: Path) -> tuple[Manifest, str]:
    """The manifest in the folder, and its SHA-256. Raises InvalidInput, which says what the folder is instead."""
    if not backup.is_dir():
        raise InvalidInput(f"{backup} is not the folder of a backup: name one that `rolltop backup` has made")
    try:
        text = read_small(backup / NAME)
    except FileNotFoundError:
        raise InvalidInput(
            f"{backup} is no whole backup, because it has no {NAME}, which is written last: take another one, and "
            "delete this folder if `rolltop backup` was ended in it"
        ) from None
    except OSError as error:
        raise InvalidInput(f"the {NAME} of {backup} cannot be read: {error.strerror}") from None
    digest = hashlib.sha256(text).hexdigest()
    try:
        manifest = Manifest.model_validate_json(text)
        moment(manifest.taken_at)
    except ValueError:
        newer = _version(text)
        if newer > VERSION:
            raise InvalidInput(f"{backup} was made by a newer Rolltop: use that one or a newer one") from None
        raise InvalidInput(f"the {NAME} of {backup} is damaged: take another backup") from None
    return manifest, digest


def file_of(path: Path) -> File:
    """The size and the digest of a backup's file."""
    return File.model_validate({"name": path.name, "size": path.stat().st_size, "sha256": sha256_of(path)})


def sha256_of(path: Path) -> str:
    """The SHA-256 of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _version(text: bytes) -> int:
    """What the text says of the form of the manifest, 0 if it does not say it."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return 0
    version = found.get("version") if isinstance(found, dict) else None
    return version if isinstance(version, int) else 0
