"""Where a backup is restored to: places that are empty, or that hold a part of this same backup."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from anyio.to_thread import run_sync as blocking

from backends.stores.opening import open_store
from backends.stores.sqlite.backup import BESIDE, copy_at_rest, place, settle
from console.backup.make import UNFINISHED
from console.backup.manifest import HANDBOOKS, RECORDS, STORE, File, Manifest, sha256_of
from console.settings import Settings
from core.clock import SystemClock
from core.errors import InvalidInput
from core.store import Store


def check_places(manifest: Manifest, settings: Settings, file: Path | None) -> None:
    """Raises InvalidInput if something stands where the files of the backup belong; `file` is that of the store."""
    places = {STORE: file, **_beside(manifest, settings)}
    for name, path in places.items():
        if path is None:
            continue
        if not path.parent.is_dir():
            raise InvalidInput(f"the folder {path.parent} does not exist: make it first")
        # A write-ahead log that is left of another file would be played into the restored one.
        for there in (f"{path}{suffix}" for suffix in ("", *BESIDE)):
            if os.path.lexists(there) and not _is_placed(path, there, name, manifest):
                raise InvalidInput(
                    f"{there} is there already, and a restore writes over nothing: end the programs that use it and "
                    "move it away with what lies beside it, or name another place"
                )


@asynccontextmanager
async def store_aside(backup: Path, file: Path) -> AsyncIterator[Store]:
    """The store of the backup, in a file beside `file`, which gets that name at the end of the block.

    If the block raises, the file is removed.
    """
    aside = f"{file}{UNFINISHED}{SystemClock().token()[:8]}"
    try:
        await blocking(copy_at_rest, str(backup / STORE), aside)
        async with open_store(f"sqlite:///{aside}") as store:
            yield store
        await blocking(settle, aside)
        await blocking(place, aside, str(file))
    except BaseException:
        for suffix in ("", *BESIDE):
            with suppress(FileNotFoundError):
                os.unlink(f"{aside}{suffix}")
        raise


async def place_others(backup: Path, manifest: Manifest, settings: Settings) -> list[str]:
    """Put the other files of the backup into their places, and return these."""
    places = _beside(manifest, settings)
    for name, path in places.items():
        if not path.exists():
            aside = f"{path}{UNFINISHED}{SystemClock().token()[:8]}"
            await blocking(copy_at_rest, str(backup / name), aside)
            await blocking(place, aside, str(path))
    return [str(path) for path in places.values()]


def _beside(manifest: Manifest, settings: Settings) -> dict[str, Path]:
    """Where the files of the backup belong that are not the store's. What is kept in memory is left out."""
    paths = {HANDBOOKS: settings.index_file, RECORDS: settings.hr_file}
    return {
        name: Path(os.path.abspath(path))
        for name, path in paths.items()
        if path != ":memory:" and manifest.file(name) is not None
    }


def _is_placed(path: Path, there: str, name: str, manifest: Manifest) -> bool:
    """Whether an ended restore has put the file there already. The store itself comes last."""
    if name == STORE or there != str(path):
        return False
    expected: File | None = manifest.file(name)
    return expected is not None and sha256_of(path) == expected.sha256
