"""The version of what a database holds, so that an older Rolltop leaves alone what a newer one wrote.

The same document says that a restore fills the database. Nobody opens it meanwhile, nor after a restore that was
killed: it would look like a whole store with fewer threads.
"""

from backends.stores.mongodb.connection import Connection
from backends.stores.mongodb.documents import Document
from core.errors import InvalidInput, NewerStore, StoreRefused

VERSION = 1
"""It grows when commits or records are kept in a way that an older Rolltop would misread. A database without a
version, from before there was one, is of this first one."""

_ID = "version"


async def check_version(connection: Connection, restore: str | None = None) -> None:
    """Note the version in a database that has none. Raises InvalidInput if a newer Rolltop wrote it.

    Raises StoreRefused if a restore other than `restore` has begun in it, and has not ended.
    """
    meta = connection.collection("meta")
    held = await _held(connection)
    if held is None:
        await connection.insert(meta, {"_id": _ID, "number": VERSION})
    elif held.get("restore") != restore:
        raise StoreRefused(
            f"{meta.database.name} is not whole: a restore into it has not ended. Wait for it if it runs; if it was "
            "ended, run `rolltop restore` again, which begins anew"
        )


async def begin_restore(connection: Connection, restore: str) -> None:
    """Keep every other program from opening the database, and remove what a restore that did not end has left in it.

    Raises InvalidInput if it holds anything else.
    """
    meta, commits = connection.collection("meta"), connection.collection("commits")
    held = await _held(connection)
    begun = held is not None and "restore" in held
    if not begun and await connection.ask(commits.find_one({}, {"_id": 1})) is not None:
        raise InvalidInput(
            "the store holds other content already, and a restore writes over nothing: name an empty database"
        )
    mark: Document = {"$set": {"number": VERSION, "restore": restore}}
    await connection.ask(meta.update_one({"_id": _ID}, mark, upsert=True))
    if begun:
        for name in await connection.ask(meta.database.list_collection_names()):
            if name != meta.name:
                await connection.ask(meta.database.drop_collection(name))


async def end_restore(connection: Connection, restore: str) -> None:
    """Let everybody open the database. Raises InvalidInput if another restore has begun in it meanwhile."""
    meta = connection.collection("meta")
    ended = await connection.ask(meta.update_one({"_id": _ID, "restore": restore}, {"$unset": {"restore": ""}}))
    if not ended.matched_count:
        raise InvalidInput(f"another restore into {meta.database.name} has begun: run one alone, again")


async def _held(connection: Connection) -> Document | None:
    """The document, None if there is none. Raises InvalidInput if it is another program's, or a newer Rolltop's."""
    meta = connection.collection("meta")
    database = meta.database.name
    held = await connection.ask(meta.find_one({"_id": _ID}))
    if held is None:
        return None
    number = held.get("number")
    if not isinstance(number, int):
        raise InvalidInput(
            f"{database} is not a store: its collection meta is another program's; name another database"
        )
    if number > VERSION:
        raise NewerStore(
            f"{database} was written by a newer Rolltop: it has schema version {number}, and this one knows versions "
            f"up to {VERSION}. Use the newer one; the database is unchanged"
        )
    return held
