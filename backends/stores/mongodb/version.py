"""The version of what a database holds, so that an older Rolltop leaves alone what a newer one wrote."""

from backends.stores.mongodb.connection import Connection
from core.errors import InvalidInput, NewerStore

VERSION = 1
"""It grows when commits or records are kept in a way that an older Rolltop would misread. A database without a
version, from before there was one, is of this first one."""

_ID = "version"


async def check_version(connection: Connection) -> None:
    """Note the version in a database that has none. Raises InvalidInput if a newer Rolltop wrote it."""
    meta = connection.collection("meta")
    database = meta.database.name
    held = await connection.ask(meta.find_one({"_id": _ID}))
    if held is None:
        await connection.insert(meta, {"_id": _ID, "number": VERSION})
        return
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
