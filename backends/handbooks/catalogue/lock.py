"""One ingest at a time on a catalogue, whichever processes want one.

The lock is SQLite's on an empty file beside the catalogue, so that it goes with the process that holds it, however
that ends.
"""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import anyio
import apsw

from backends.handbooks.catalogue.tables import MEMORY, Connections
from backends.private_files import make_private
from backends.stores.sqlite.errors import translated
from core.errors import Unavailable

LOOK_EVERY = 0.1
"""Seconds between two looks whether another ingest has ended."""


@asynccontextmanager
async def alone(connections: Connections, patience: float) -> AsyncIterator[None]:
    """Nobody else ingests during the block. Raises Unavailable when somebody still does after `patience` seconds."""
    with ExitStack() as held:
        with anyio.move_on_after(patience) as waiting:
            while not _taken(connections, held):  # noqa: ASYNC110 - who holds it may be another process
                await anyio.sleep(LOOK_EVERY)
        if waiting.cancelled_caught:
            raise Unavailable(f"another ingest is writing to {connections.path}, and did not end in {patience:g} s")
        yield


def _taken(connections: Connections, held: ExitStack) -> bool:
    if connections.path == MEMORY:
        taken = connections.ingest.acquire(blocking=False)
        if taken:
            held.callback(connections.ingest.release)
        return taken
    make_private(f"{connections.path}-ingest")
    try:
        lock = apsw.Connection(f"{connections.path}-ingest")
        held.callback(lock.close)
        lock.execute("BEGIN EXCLUSIVE")
    except apsw.BusyError:
        held.close()
        return False
    except apsw.Error as error:
        raise translated(error, f"{connections.path}-ingest") from error
    return True
