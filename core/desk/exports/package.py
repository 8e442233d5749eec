"""An export as a ZIP: its files, and a manifest that says what they hold and what their hashes are.

The same contents give the same bytes. Anybody can change a file and its manifest together: so the digest of the
manifest is in the audit log, and a check that is given the store looks for it there.
"""

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Literal

from pydantic import ValidationError

from core.canonical import Json
from core.desk.exports.contents import ExportFormat
from core.errors import InvalidInput
from core.log.audit import audit_stream
from core.log.facts import Looked, fact
from core.store import Store
from core.values import Account, Value

MANIFEST = "manifest.json"

_MAX_MANIFEST = 4 * 1024 * 1024
_CHUNK = 1024 * 1024
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
"""What `zipfile` raises for a damaged file; RuntimeError for one with a password or in an unknown compression."""
_NEVER = (1980, 1, 1, 0, 0, 0)
"""The time of every file: the earliest that a ZIP can hold, so that the same contents are the same bytes."""


class ChainHead(Value):
    """A thread's last entry in the export: all entries up to `n` are in it, and `hash` is that of entry n."""

    thread: str
    n: int
    hash: str


class ExportedFile(Value):
    """A file of an export: its size in bytes, and its SHA-256 in hex."""

    name: str
    size: int
    sha256: str


class Manifest(Value):
    """What an export holds, by whom it was made, when, and why.

    `query` holds the filters by which it was found, or the ids that were named. `people` counts the owners of the
    threads. `chains` are in the order of the threads. `left_out` says what is not in the export. `account` is that of
    the command that made it, None for a page.
    The owner's own export has neither a query nor a purpose.
    """

    version: Literal[1] = 1
    kind: Literal["threads", "calls"]
    format: ExportFormat
    exported_at: str
    by: str
    purpose: str
    query: dict[str, Json]
    threads: int
    people: int
    turns: int
    calls: int
    model_calls: int
    left_out: str = "sealed threads"
    account: Account | None = None
    files: tuple[ExportedFile, ...]
    chains: tuple[ChainHead, ...]

    def text(self) -> bytes:
        """The manifest as the export holds it."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=2).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: `faults` in words, () if everything fits."""

    manifest: Manifest
    faults: tuple[str, ...]


def describe(files: Mapping[str, bytes]) -> tuple[ExportedFile, ...]:
    """The entries of a manifest for these files."""
    return tuple(ExportedFile(name=name, size=len(content), sha256=sha256(content)) for name, content in files.items())


def pack(files: Mapping[str, bytes]) -> bytes:
    """The files as a ZIP, in this order."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _NEVER)
            entry.create_system = 3  # else it depends on the machine
            entry.external_attr = 0o600 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return packed.getvalue()


def sha256(content: bytes) -> str:
    """The SHA-256 in hex, as `sha256sum` prints it."""
    return hashlib.sha256(content).hexdigest()


async def check_export(packed: BinaryIO, store: Store | None = None) -> Checked:
    """Compare an export's files with its manifest and, if `store` is given, the manifest with the store.

    Raises InvalidInput if the file is not an export.
    """
    try:
        with zipfile.ZipFile(packed) as archive:
            text = _manifest_text(archive)
            manifest = Manifest.model_validate_json(text)
            faults = list(_file_faults(archive, manifest))
    except (*_DAMAGED, ValidationError) as error:
        raise InvalidInput(f"this is not an export, or its {MANIFEST} is damaged") from error
    if store:
        faults += [fault async for fault in _store_faults(store, manifest, sha256(text))]
    return Checked(manifest, tuple(faults))


def _manifest_text(archive: zipfile.ZipFile) -> bytes:
    if MANIFEST not in archive.namelist():
        raise InvalidInput(f"this is not an export: {MANIFEST} is missing")
    if archive.getinfo(MANIFEST).file_size > _MAX_MANIFEST:
        raise InvalidInput(f"this is not an export: its {MANIFEST} is larger than {_MAX_MANIFEST} bytes")
    return archive.read(MANIFEST)


def _file_faults(archive: zipfile.ZipFile, manifest: Manifest) -> Iterator[str]:
    names = sorted(archive.namelist())
    expected = sorted((MANIFEST, *(file.name for file in manifest.files)))
    if names != expected:
        yield f"it holds {', '.join(names)}; its manifest names {', '.join(expected)}"
    for file in manifest.files:
        if file.name in names and _hash_in(archive, file) != file.sha256:
            yield f"{file.name} was changed: its content does not have the hash in the manifest"


def _hash_in(archive: zipfile.ZipFile, file: ExportedFile) -> str | None:
    """The hash of the file's content; None if it is damaged or has another size."""
    # Asked first: a small ZIP can unpack to more than anybody wants to wait for.
    if archive.getinfo(file.name).file_size != file.size:
        return None
    hashed = hashlib.sha256()
    try:
        with archive.open(file.name) as content:
            while chunk := content.read(_CHUNK):
                hashed.update(chunk)
    except _DAMAGED:
        return None
    return hashed.hexdigest()


async def _store_faults(store: Store, manifest: Manifest, digest: str) -> AsyncIterator[str]:
    if not await _on_record(store, manifest.by, digest):
        yield f"the audit log of {manifest.by} does not hold this manifest: it was changed, or is of another store"
    for chain in manifest.chains:
        entries = await store.read(f"thread:{chain.thread}", chain.n - 1, 1)
        if not entries:
            yield f"thread {chain.thread} has no entry {chain.n} in the store"
        elif entries[0].hash != chain.hash:
            yield f"entry {chain.n} of thread {chain.thread} has another hash in the store"


async def _on_record(store: Store, viewer: str, digest: str) -> bool:
    n = 0
    while entries := await store.read(audit_stream(viewer), n):
        for entry in entries:
            seen = fact(entry)
            if isinstance(seen, Looked) and seen.manifest == digest:
                return True
        n = entries[-1].n
    return False
