"""A store in MongoDB: a standalone server, a replica set or shards. All it relies on is a unique key on insert.

One commit is one document, so it is written whole or not at all, without a transaction. Its records follow one by one:
the document is inserted dirty, and marked clean after the last record.
"""

# ruff: noqa: A002 - `id` is the word of the store's contract
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Self, cast

from pymongo import AsyncMongoClient

from backends.stores import matching
from backends.stores.checks import check_commit, check_erase, check_kind, check_number, check_record_id
from backends.stores.mongodb import query as mongodb_query
from backends.stores.mongodb.connection import TIMEOUT, Collection, Connection
from backends.stores.mongodb.documents import Document, commit_document, read_commit, read_record, record_fields
from backends.stores.mongodb.version import VERSION, begin_restore, check_version, end_restore
from core.canonical import Json
from core.clock import SystemClock, milliseconds
from core.errors import Conflict, Corrupt, InvalidInput, RolltopError, StoreRefused
from core.ids import check_stream
from core.server_log import without_people
from core.store import Capabilities, Page, Query, Record, Scalar, Tally
from core.values import Entry

log = logging.getLogger(__name__)

_INT64 = 2**63 - 1


class MongoStore:
    """A `core.store.Store`, made by `opened` or `over`. For the event loop in which it was made."""

    capabilities = Capabilities(durable_on_ack=True, multi_process=True, atomic_records=False)

    def __init__(self, connection: Connection) -> None:
        self._db = connection
        self._commits = connection.collection("commits")
        # Records that could not be written. Their commit succeeded, so they go with the next records of the stream.
        self._owed: dict[str, list[Record]] = {}

    @classmethod
    async def opened(cls, url: str, *, restore: str | None = None) -> Self:
        """The store at `mongodb://host/database`, with a client of its own, which it closes.

        Options in the URL are the driver's: `timeoutMS` is for one call and 10 seconds by default; the default of
        `serverSelectionTimeoutMS` is half of that. Raises InvalidInput if the driver does not take the URL, Unavailable
        if the server does not answer, StoreRefused if the server lacks something or refuses the user. A database that a
        newer Rolltop wrote is InvalidInput, too; one that a restore fills is StoreRefused, unless it is `restore`.
        """
        connection = Connection.of_url(url)
        store = cls(connection)
        try:
            await store._prepare(restore)
        except BaseException:
            await connection.close()
            raise
        return store

    @classmethod
    @asynccontextmanager
    async def restored(cls, url: str) -> AsyncIterator[Self]:
        """The store in an empty database that the block fills. No other program opens it before the block has ended.

        If the block raises or is killed, it stays so until another restore has begun anew. Raises InvalidInput if the
        database is not empty, and as `opened`.
        """
        connection, restore = Connection.of_url(url), SystemClock().token()
        try:
            await begin_restore(connection, restore)
            store = await cls.opened(url, restore=restore)
            try:
                yield store
            finally:
                await store.close()
            await end_restore(connection, restore)
        finally:
            await connection.close()

    @classmethod
    async def over(cls, client: object, database: str, *, timeout: float = TIMEOUT) -> Self:
        """The store in this database of an application's own client, which it never closes.

        `client` is PyMongo's AsyncMongoClient, Motor's AsyncIOMotorClient or a mongomock-motor one, used in this event
        loop; `timeout` is in seconds, for one call. The client's own settings say how long it looks for a server.
        """
        store = cls(Connection(cast(AsyncMongoClient[Document], client), database, timeout=timeout, owned=False))
        await store._prepare()
        return store

    async def _prepare(self, restore: str | None = None) -> None:
        """Check the version before anything is written, and make the indexes."""
        async with self._db.in_use():
            await check_version(self._db, restore)
            for name, keys in mongodb_query.COMMIT_INDEXES.items():
                unique: dict[str, Json] = {"unique": True} if name == mongodb_query.UNIQUE else {}
                await self._db.ask(self._commits.create_index(keys, name=name, **unique))
            for kind, indexes in mongodb_query.RECORD_INDEXES.items():
                for name, keys in indexes.items():
                    await self._db.ask(self._records(kind).create_index(keys, name=name))

    async def commit(
        self, stream: str, after: int, entries: Sequence[Entry], records: Sequence[Record] = (), *, id: str
    ) -> None:
        check_commit(stream, after, entries, records, id)
        async with self._db.in_use():
            newest = await self._newest(stream)
            end = newest["last"] if newest else 0
            if after > end:
                raise InvalidInput(f"{stream} ends at {end}: nothing follows {after}")
            if not entries:
                await self._write_records(stream, after, records, repair=True)
                return
            dirty = bool(records)
            new = after == end and commit_document(stream, entries, id, dirty=dirty)
            if not new or not await self._db.insert(self._commits, new):
                dirty = await self._repeated(stream, after, id)
            if dirty:
                await self._write_what_follows(stream, after + len(entries), records)

    async def _newest(self, stream: str) -> Document | None:
        return await self._db.ask(self._commits.find_one({"stream": stream}, {"last": 1}, sort=[("last", -1)]))

    async def _repeated(self, stream: str, after: int, commit_id: str) -> bool:
        """Whether the commit at this place still lacks its records. Raises Conflict if its id is another one."""
        stored = await self._db.ask(self._commits.find_one({"stream": stream, "n": after + 1}, {"id": 1, "dirty": 1}))
        if stored is None or stored["id"] != commit_id:
            raise Conflict(stream, after)
        return bool(stored["dirty"])

    async def _write_what_follows(self, stream: str, end: int, records: Sequence[Record]) -> None:
        """Write the records of a commit whose entries are stored. A failure is logged: the entries stay."""
        due = [*(record for record in self._owed.pop(stream, ()) if record not in records), *records]
        written = False
        try:
            await self._write_records(stream, end, due, repair=False)
            written = True
        except RolltopError as error:
            # Without the driver's own error, because it may quote what was to be written.
            log.error(
                "%s: the records of the commit that ends at %d lag behind their log: %s",
                without_people(stream),
                end,
                without_people(str(error)),
            )
        finally:
            if not written:
                self._owed[stream] = [*self._owed.get(stream, ()), *due]

    async def _write_records(self, stream: str, end: int, records: Sequence[Record], *, repair: bool) -> None:
        for record in records:
            await self._write_record(record, "$lte" if repair else "$lt")
        lagging = {"dirty": 1, "stream": stream, "last": {"$lte": end}}
        await self._db.ask(self._commits.update_many(lagging, {"$set": {"dirty": 0}}))

    async def _write_record(self, record: Record, below: str) -> None:
        records, fields = self._records(record.kind), record_fields(record)
        older = {"_id": record.id, "n": {below: record.n}}
        if (await self._db.ask(records.update_one(older, {"$set": fields}))).matched_count:
            return
        if not await self._db.insert(records, {"_id": record.id, **fields}):
            # The stored record is newer, or another writer inserted it just now and it may be older: try once more.
            done = await self._db.ask(records.update_one(older, {"$set": fields}))
            if not done.matched_count and await self._db.ask(records.find_one({"_id": record.id}, {"n": 1})) is None:
                raise StoreRefused(
                    f"a unique index that is not the store's refuses {record.kind} {record.id}: drop the index"
                )

    async def read(self, stream: str, after: int = 0, limit: int = 500) -> list[Entry]:
        check_stream(stream)
        check_number(after, "after")
        check_number(limit, "limit", at_least=1)
        upto = min(after + limit, _INT64)
        async with self._db.in_use():
            where = {"stream": stream, "last": {"$gt": after}, "n": {"$lte": upto}}
            entries: list[Entry] = []
            for document in await self._db.all(self._commits.find(where).sort([("last", 1)])):
                following = entries[-1].n + 1 if entries else after + 1
                if document["n"] > following or (entries and document["n"] < following):
                    if stream.startswith("live:") and await self._is_going(stream):
                        return []
                    raise Corrupt(stream, following, "is missing" if document["n"] > following else "is there twice")
                entries += read_commit(document)
        return [entry for entry in entries if entry.n > after]

    async def _is_going(self, stream: str) -> bool:
        """Whether a live stream is being erased, which deletes its first commit before the others."""
        return await self._db.ask(self._commits.find_one({"stream": stream, "n": 1}, {"_id": 1})) is None

    async def get(self, kind: str, id: str) -> Record | None:
        check_record_id(check_kind(kind), id)
        async with self._db.in_use():
            if kind == "stream":
                return next(iter(await self._heads([id])), None)
            document = await self._db.ask(self._records(kind).find_one({"_id": id}))
        return None if document is None else read_record(kind, document)

    async def find(self, query: Query) -> Page:
        matching.check_query(query)
        position = matching.open_cursor(query)
        records: list[Record] = []
        async with self._db.in_use():
            if query.kind == "stream" and (query.order not in ((), ("id",), ("-id",)) or query.where.get("dirty")):
                return matching.page([record async for record in self._streams(query)], query)
            while len(records) <= query.limit:
                candidates = await self._candidates(query, position)
                records += [record for record in candidates if matching.matches(record, query)]
                if len(candidates) <= query.limit:
                    break
                position = [matching.lookup(candidates[-1], path) for path, _ in matching.directions(query)]
        return matching.cut_page(query, records[: query.limit + 1])

    async def _candidates(self, query: Query, position: Sequence[Scalar] | None) -> list[Record]:
        """Records past the position that may match, in order: at most one more than the limit."""
        many = query.limit + 1
        if query.kind == "stream":
            return await self._heads(await self._names(query, position, many))
        where = mongodb_query.candidates(query)
        if where is None:
            return []
        if position is not None:
            where = {"$and": [where, mongodb_query.past(query, position)]}
        cursor = self._records(query.kind).find(where).sort(mongodb_query.sort_keys(query)).limit(many)
        return [read_record(query.kind, one) for one in await self._db.all(cursor.batch_size(many))]

    async def tally(self, query: Query, by: Sequence[str], sums: Sequence[str] = ()) -> list[Tally]:
        matching.check_tally(query, by, sums)
        async with self._db.in_use():
            if query.kind == "stream":
                return matching.tally([record async for record in self._streams(query)], query, by, sums)
            where = mongodb_query.candidates(query)
            if where is None:
                return []
            stored = self._records(query.kind)
            if mongodb_query.is_exact(query):
                pipeline = mongodb_query.groups(query, where, by, sums)
                groups = await self._db.all(await self._db.ask(stored.aggregate(pipeline)))
                if (tallies := mongodb_query.read_groups(groups, by, sums)) is not None:
                    return tallies
            parts = mongodb_query.projection([*query.where, *by, *sums], words=bool(query.words))
            cursor = stored.find(where, parts)
            records = [read_record(query.kind, {"fields": {}, **one}) for one in await self._db.all(cursor)]
        return matching.tally(records, query, by, sums)

    async def _streams(self, query: Query) -> AsyncIterator[Record]:
        """The heads of all streams that may match."""
        if query.where.get("dirty") is True:
            where = self._named(query)
            names = [] if where is None else await self._db.ask(self._commits.distinct("stream", {"dirty": 1, **where}))
            for record in await self._heads(names):
                yield record
            return
        page = replace(query, order=(), limit=500)
        position: list[Scalar] | None = None
        while records := await self._candidates(page, position):
            for record in records:
                yield record
            position = [records[-1].id]

    def _named(self, query: Query) -> Document | None:
        """The part of the filters that is about a stream's name; None if it cannot match any name."""
        if "id" not in query.where:
            return {}
        conditions = [mongodb_query.comparison(one) for one in mongodb_query.each(query.where["id"])]
        return None if None in conditions else {"$and": [{"stream": condition} for condition in conditions]}

    async def _names(self, query: Query, position: Sequence[Scalar] | None, many: int) -> list[str]:
        if (where := self._named(query)) is None:
            return []
        descending = query.order == ("-id",)
        parts: list[Document] = [{"n": 1}, where]
        if position is not None:
            parts.append({"stream": {"$lt" if descending else "$gt": position[-1]}})
        cursor = self._commits.find({"$and": parts}, {"stream": 1}).sort([("stream", -1 if descending else 1)])
        return [one["stream"] for one in await self._db.all(cursor.limit(many).batch_size(many))]

    async def _heads(self, names: Sequence[str]) -> list[Record]:
        """A record for each of these streams that exists, in their order."""
        among: Document = {"stream": {"$in": list(names)}}
        dirty = set(await self._db.ask(self._commits.distinct("stream", {"dirty": 1, **among})))
        group: list[Mapping[str, object]] = [
            {"$match": among},
            {"$group": {"_id": "$stream", "last": {"$max": "$last"}}},
        ]
        grouped = await self._db.all(await self._db.ask(self._commits.aggregate(group)))
        ends = {one["_id"]: int(one["last"]) for one in grouped}
        return [
            Record(kind="stream", id=name, n=ends[name], fields={"dirty": name in dirty})
            for name in names
            if name in ends
        ]

    async def erase(
        self,
        stream: str,
        after: int = 0,
        upto: int | None = None,
        kinds: Sequence[str] | None = None,
        whole: bool = False,
    ) -> int:
        check_erase(stream, after, upto, kinds, whole)
        where = {"stream": stream, "last": {"$gt": after}, "n": {"$lte": _INT64 if upto is None else upto}}
        parts = {"entries.n": 1, "entries.kind": 1, "entries.salt": 1}
        erased = 0
        async with self._db.in_use():
            for document in await self._db.all(self._commits.find(where, parts).sort([("last", 1)])):
                gone: dict[str, None] = {}
                for place, entry in enumerate(document["entries"]):
                    inside = after < entry["n"] and (upto is None or entry["n"] <= upto)
                    if inside and entry["salt"] is not None and (kinds is None or entry["kind"] in kinds):
                        gone |= {f"entries.{place}.payload": None, f"entries.{place}.salt": None}
                erased += len(gone) // 2
                if gone and not whole:
                    await self._db.ask(self._commits.update_one({"_id": document["_id"]}, {"$set": gone}))
            if whole:
                # The beginning goes first: a reader in between can tell by it that this is not a gap in the log.
                await self._db.ask(self._commits.delete_many({"stream": stream, "n": 1}))
                await self._db.ask(self._commits.delete_many({"stream": stream}))
        return erased

    async def now(self) -> datetime:
        async with self._db.in_use():
            clock = await self._db.ask(
                self._db.collection("clock").find_one_and_update(
                    {"_id": "now"}, {"$currentDate": {"at": True}}, upsert=True, return_document=True
                )
            )
        return milliseconds(cast(Document, clock)["at"])

    async def close(self) -> None:
        await self._db.close()

    async def report(self) -> dict[str, str]:
        """What an operator wants to know of the database, a line each. `doctor` prints it; the protocol lacks it."""
        async with self._db.in_use():
            about = await self._db.about()
            missing = await self._missing("commits", mongodb_query.COMMIT_INDEXES)
            for kind, wanted in mongodb_query.RECORD_INDEXES.items():
                missing += await self._missing(f"record.{kind}", wanted)
            lagging = await self._db.ask(self._commits.distinct("stream", {"dirty": 1}))
        return {
            **about,
            "schema version": str(VERSION),
            "indexes": f"missing: {', '.join(missing)}" if missing else "all there",
            "streams whose records lag": str(len(lagging)),
        }

    async def _missing(self, collection: str, wanted: Iterable[str]) -> list[str]:
        indexes = await self._db.all(await self._db.ask(self._db.collection(collection).list_indexes()))
        present = {index["name"] for index in indexes}
        return [f"{collection}.{name}" for name in wanted if name not in present]

    def _records(self, kind: str) -> Collection:
        return self._db.collection(f"record.{kind}")
