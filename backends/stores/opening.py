"""Which store a URL means. A driver is imported when its URL is opened, so nobody needs the others'."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from core.errors import InvalidInput
from core.store import Store


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[Store]:
    """The store that the URL names, closed at the end of the block.

    `memory:`, `sqlite:///desk.db` (three slashes begin a relative path, four an absolute one), `mongodb://host/database`
    or `mongodb+srv://host/database`. Raises InvalidInput for any other URL, for a file that another program, or a newer
    Rolltop, wrote, and for a package that is not installed; Unavailable if the store is away, StoreRefused if its
    operator must act before it can be opened.
    """
    store: Store
    match url.partition(":"):
        case ("memory", ":", ""):
            from backends.stores.memory import MemoryStore

            store = MemoryStore()
        case ("sqlite", ":", rest):
            from backends.stores.sqlite.store import SqliteStore, path_of

            store = await anyio.to_thread.run_sync(SqliteStore, path_of(rest))
        case ("mongodb" | "mongodb+srv", ":", _):
            try:
                from backends.stores.mongodb.store import MongoStore
            except ModuleNotFoundError as error:
                raise InvalidInput(f"{error.name} is not installed: pip install 'rolltop[mongodb]'") from error

            store = await MongoStore.opened(url)
        case (scheme, _, _):
            raise InvalidInput(
                f"no store is named {scheme!r}: memory:, sqlite:///desk.db and mongodb://HOST/DATABASE are"
            )
    try:
        yield store
    finally:
        with anyio.CancelScope(shield=True):
            await store.close()
