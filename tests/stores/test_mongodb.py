"""What is MongoDB's alone: whose client it is, what a shell sees, answers that get lost, indexes, waits and errors."""

import gc
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Iterator
from urllib.parse import urlsplit

import anyio
import bson
import pymongo
import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient

from backends import open_store
from backends.models.scripted.model import Call, Say, ScriptedModel
from backends.stores.mongodb import documents
from backends.stores.mongodb.documents import AS_TEXT, escaped, native
from backends.stores.mongodb.query import COMMIT_INDEXES, RECORD_INDEXES
from backends.stores.mongodb.store import MongoStore
from backends.stores.mongodb.version import VERSION
from backends.stores.suite.steps import drafted, extend, first, found, noted
from core import Desk
from core.canonical import canonical
from core.desk.filters import CallFilter, LookFilter, ThreadFilter
from core.errors import Conflict, Corrupt, Full, InvalidInput, StoreRefused, Unavailable
from core.store import MAX_COMMIT, All, Query, Range, commit_size
from core.tools import tool
from core.turn.deferred import report_turn
from tests.support.desks import APPROVER, ASKER, AUDITOR, OFFICER, PATIENCE, check, ended
from tests.support.mongodb_commands import READING, Commands, asked, served
from tests.support.proxy import Proxy
from tests.support.random_queries import agrees_with_memory


@pytest.fixture
def database(mongodb_url: str) -> Iterator[pymongo.database.Database]:
    """What anybody with a shell would see."""
    with pymongo.MongoClient(mongodb_url) as client:
        yield client.get_default_database()


@pytest.fixture
async def proxy(mongodb_url: str) -> AsyncIterator[Proxy]:
    server = urlsplit(mongodb_url)
    async with Proxy(server.hostname or "", server.port or 27017) as proxy:
        yield proxy


@pytest.fixture
def proxied(mongodb_url: str, proxy: Proxy) -> str:
    return f"mongodb://127.0.0.1:{proxy.port}{urlsplit(mongodb_url).path}?directConnection=true"


@pytest.fixture
def commands() -> Commands:
    return Commands()


@pytest.fixture
async def watched(mongodb_url: str, commands: Commands) -> AsyncIterator[MongoStore]:
    """A store whose commands can be counted."""
    client = AsyncMongoClient(mongodb_url, event_listeners=[commands])
    store = await MongoStore.over(client, urlsplit(mongodb_url).path[1:])
    commands.names()
    yield store
    await store.close()
    await client.close()


# Clients


@pytest.mark.parametrize("kind", [AsyncMongoClient, AsyncIOMotorClient])
async def test_a_client_that_was_handed_over_is_never_closed(mongodb_url: str, kind: type) -> None:
    client = kind(mongodb_url)
    try:
        store = await MongoStore.over(client, urlsplit(mongodb_url).path[1:])
        entries = await extend(store, "thread:a", {"i": 1}, records=[noted("r1")])
        assert (await store.report())["streams whose records lag"] == "0"
        await store.close()
        with pytest.raises(Unavailable):
            await store.read("thread:a")
        assert await client.get_default_database()["commits"].count_documents({}) == 1
    finally:
        if closing := client.close():
            await closing
    async with open_store(mongodb_url) as again:
        assert await again.read("thread:a") == entries


@pytest.mark.parametrize("url", ["mongodb://127.0.0.1", "mongodb://127.0.0.1/", "mongodb+srv://example.com/?a=b"])
async def test_a_url_without_a_database_says_what_to_write(url: str) -> None:
    with pytest.raises(InvalidInput, match="mongodb://host/desk"):
        async with open_store(url):
            pass


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://",
        "mongodb:///desk",
        "mongodb://a:b:c/desk",
        "mongodb://127.0.0.1/a.b",
        "mongodb://desk:[@127.0.0.1/desk",
        "mongodb://desk:a/b@127.0.0.1/desk",
        "mongodb://127.0.0.1/desk?tlsCertificateKeyFile=nowhere.pem",
    ],
)
async def test_a_url_of_a_wrong_form_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        async with open_store(url):
            pass


@pytest.mark.parametrize("wait", ["0", "-1", "soon", "nan"])
async def test_a_timeout_is_a_number_of_milliseconds(mongodb_url: str, wait: str) -> None:
    with pytest.raises(InvalidInput):
        async with open_store(f"{mongodb_url}?timeoutMS={wait}"):
            pass


# What a shell sees


async def test_payloads_and_fields_are_documents_not_texts(mongodb_url: str, database) -> None:
    arguments = {"city": "Köln", "days": 3, "part": [1, 2.5, None, True]}
    async with open_store(mongodb_url) as store:
        await extend(store, "thread:a", {"arguments": arguments}, records=[noted("r1", metadata={"team": {"id": 7}})])
    commit = database["commits"].find_one({"stream": "thread:a"})
    assert commit["entries"][0]["payload"] == {"arguments": arguments}
    assert (commit["n"], commit["last"], commit["dirty"]) == (1, 1, 0)
    assert database["commits"].count_documents({"entries.payload.arguments.days": {"$gte": 3}}) == 1
    assert database["record.note"].count_documents({"fields.metadata.team.id": 7}) == 1


HOSTILE = [
    "",
    ".",
    "$",
    "$set",
    "a.b",
    "..",
    "%",
    "%%",
    "%2E",
    "%25",
    "%json",
    "\0",
    "a\0b",
    "a",
    "_id",
    "%a",
    "é.",
    "+",
]


def test_escaped_keys_are_all_different_and_harmless() -> None:
    keys = [escaped(key) for key in HOSTILE]
    assert len(set(keys)) == len(keys)
    assert not any(key == "" or key == AS_TEXT or set(key) & set(".$\0") for key in keys)


async def test_hostile_keys_come_back(mongodb_url: str) -> None:
    payload = {key: {key: [{key: 1}]} for key in HOSTILE}
    async with open_store(mongodb_url) as store:
        await extend(store, "thread:a", payload, {AS_TEXT: "[1]"}, records=[noted("r1", **{"x": payload, ".": 1})])
        read = await store.read("thread:a")
        record = await store.get("note", "r1")
    assert [canonical(entry.payload) for entry in read] == [canonical(payload), canonical({AS_TEXT: "[1]"})]
    assert record == noted("r1", **{"x": payload, ".": 1})


NUMBERS = [7] * 1_400_000
DOTS = {f"{'.' * 40}{n}": 1 for n in range(130_000)}


@pytest.mark.parametrize("items", [NUMBERS, DOTS], ids=["numbers", "dots"])
async def test_what_bson_would_blow_up_beyond_16_mb_is_kept_and_found(mongodb_url: str, items: object) -> None:
    assert len(bson.encode({"items": native(items)})) > 16 * 1024 * 1024
    record = noted("r1", size="large", items=items, text="so " + " ".join(f"word{n}" for n in range(50)))
    entries = first("thread:a", {})
    async with open_store(mongodb_url) as store:
        await store.commit("thread:a", 0, entries, [record], id="c1")
        await extend(store, "thread:a", {"items": items})
        assert (await store.read("thread:a"))[1].payload == {"items": items}
        assert await store.get("note", "r1") == record
        assert await found(store, where={"size": "large"}, words="so word4") == ["r1"]
        assert await found(store, where={"items": 7}) == (["r1"] if items is NUMBERS else [])
        assert await found(store, words="other") == []


async def test_an_indexed_list_of_a_large_record_is_native_and_found_by_its_index(watched, commands, database) -> None:
    record = noted("r1", kind="thread", tools=["book", "book:failed"], other=["x"], items=NUMBERS)
    await extend(watched, "thread:a", {}, records=[record])
    fields = database["record.thread"].find_one()["fields"]
    assert (fields["tools"], fields["other"]) == (["book", "book:failed"], {AS_TEXT: '["x"]'})
    commands.forget()
    assert await found(watched, kind="thread", where={"tools": All(("book:failed", "book"))}) == ["r1"]
    (condition,) = [command["filter"] for name, command in commands.sent if name == "find"]
    assert condition == {"$and": [{"fields.tools": {"$eq": "book:failed"}}, {"fields.tools": {"$eq": "book"}}]}
    assert await watched.get("thread", "r1") == record


@pytest.mark.parametrize("roomy", [documents.ROOMY, 300], ids=["native", "as text"])
async def test_any_query_finds_what_the_memory_store_finds(
    mongodb_url: str, roomy: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "ROOMY", roomy)
    async with open_store(mongodb_url) as store:
        await agrees_with_memory(store, random.Random(roomy), 200)


async def test_a_text_of_8_mb_needs_no_other_form(mongodb_url: str, database) -> None:
    async with open_store(mongodb_url) as store:
        room = MAX_COMMIT - commit_size(first("thread:a", {"text": ""}), ())
        await store.commit("thread:a", 0, first("thread:a", {"text": "x" * room}), id="c1")
    assert database["commits"].find_one()["entries"][0]["payload"]["text"] == "x" * room


async def test_a_gap_is_corrupt_and_a_live_stream_that_is_going_is_empty(mongodb_url: str, database) -> None:
    async with open_store(mongodb_url) as store:
        for stream in ("thread:a", "live:t:1", "live:t:2"):
            for n in range(4):
                await extend(store, stream, {"i": n})
        database["commits"].delete_many({"stream": {"$in": ["thread:a", "live:t:2"]}, "n": 3})
        database["commits"].delete_one({"stream": "live:t:1", "n": 1})
        for stream in ("thread:a", "live:t:2"):
            with pytest.raises(Corrupt, match="entry 3"):
                await store.read(stream)
        assert await store.read("live:t:1") == []
        assert await store.erase("live:t:1", whole=True) == 3
        assert len(await extend(store, "live:t:1", {})) == 1


async def test_more_entries_than_a_document_holds_are_full_and_nothing_is_written(mongodb_url: str) -> None:
    entries = first("thread:a", *[{}] * 45_000)
    async with open_store(mongodb_url) as store:
        with pytest.raises(Full):
            await store.commit("thread:a", 0, entries, id="c1")
        assert await store.read("thread:a") == []
        await store.commit("thread:a", 0, entries[:300], id="c1")


# Answers that get lost


async def test_a_commit_whose_answer_was_lost_is_a_success_by_its_id(proxied: str, proxy: Proxy, database) -> None:
    async with open_store(f"{proxied}&retryWrites=false") as store:
        entries, record = first("thread:a", {"i": 1}), noted("r1")
        proxy.lose(b"insert")
        with pytest.raises(Unavailable):
            await store.commit("thread:a", 0, entries, [record], id="c1")
        proxy.mend()
        assert proxy.lost == 1
        assert database["commits"].find_one({"stream": "thread:a"})["dirty"] == 1
        assert await found(store, kind="stream", where={"dirty": True}) == ["thread:a"]
        with pytest.raises(Conflict):
            await store.commit("thread:a", 0, entries, [record], id="c2")
        await store.commit("thread:a", 0, entries, [record], id="c1")
        assert await store.read("thread:a") == entries
        assert await store.get("note", "r1") == record
        assert await found(store, kind="stream", where={"dirty": True}) == []


async def test_a_record_that_fails_does_not_fail_its_commit_and_goes_with_the_next(
    proxied: str, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_store(f"{proxied}&retryWrites=false") as store:
        proxy.lose(b"record.note")
        with caplog.at_level(logging.ERROR):
            entries = await extend(store, "thread:a", {"secret": "s3cret"}, records=[noted("r1"), noted("r2")])
        proxy.mend()
        assert "thread:a: the records of the commit that ends at 1 lag behind their log" in caplog.text
        assert "s3cret" not in caplog.text
        assert await found(store, kind="stream", where={"dirty": True}) == ["thread:a"]
        assert await store.get("note", "r2") is None
        await store.commit("thread:a", 1, drafted("thread:a", 1, entries[0].hash, [{}]), [noted("r1", n=2)], id="c2")
        assert (await store.get("note", "r1"), await store.get("note", "r2")) == (noted("r1", n=2), noted("r2"))
        assert await found(store, kind="stream", where={"dirty": True}) == []


# Indexes and the number of commands


async def test_a_live_commit_is_two_commands_and_a_clean_thread_commit_says_how_many(watched, commands) -> None:
    await extend(watched, "thread:a", {}, records=[noted("r1", n=1)])
    entries = await extend(watched, "live:t:1", {})
    commands.names()
    await watched.commit("live:t:1", 1, drafted("live:t:1", 1, entries[0].hash, [{}]), id="c1")
    assert commands.names() == ["find commits", "insert commits"]
    entries = await watched.read("thread:a")
    commands.names()
    later = drafted("thread:a", 1, entries[0].hash, [{}])
    await watched.commit("thread:a", 1, later, [noted("r2", n=2), noted("r1", n=2)], id="c2")
    assert commands.names() == [
        "find commits",
        "insert commits",
        "update record.note",  # r2 is not there yet
        "insert record.note",
        "update record.note",
        "update commits",
    ]


async def test_reading_and_finding_a_page_are_one_command_each(watched, commands) -> None:
    await extend(watched, "thread:a", *[{}] * 300, records=[noted(f"r{n}", n=1) for n in range(300)])
    commands.names()
    assert len(await watched.read("thread:a")) == 300
    assert len((await watched.find(Query(kind="note", limit=299))).records) == 299
    assert commands.names() == ["find commits", "find record.note"]


async def test_every_filter_and_sort_of_the_library_has_an_index(watched, commands, database) -> None:
    @tool(effect="read")
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    @tool(effect="unsafe", approval="approver")
    def book(days: int) -> None:
        """Book."""

    two = [Call("book", {"days": 1}), Call("book", {"days": 2})]
    model = ScriptedModel(
        [[Call("add", {"a": 1, "b": 2})], [Say("Three.")]] * 2 + [two] + [[Say("It waits.")], [Say("Done.")]] * 2
    )
    async with Desk(watched, model, tools=[add, book]) as desk:
        thread = (await desk.create_thread(ASKER, metadata={"team": "x"})).id
        for _ in range(2):
            await ended(desk, await desk.submit(ASKER, thread, "What is one and two?"))
        turn = await ended(desk, await desk.submit(ASKER, thread, "Book one, and two"))
        first, second = (await desk.oversight.waiting_calls(APPROVER)).items
        await desk.decide(APPROVER, first.call, "approve", first.digest)
        await ended(desk, report_turn(thread, first.call)[0])
        await desk.withdraw(ASKER, second.call)
        again = await ended(desk, await desk.submit(ASKER, thread, "How much was it?"))
        await ended(desk, await desk.submit(ASKER, thread, "How much is it?", replaces=again.id))
        await desk.show(ASKER, again.id)
        await desk.archive.turn_view(ASKER, turn.id)
        await desk.recover()
        await desk.archive.transcript(ASKER, thread, last=1)
        await desk.archive.transcript(ASKER, thread, before=9)
        for cursor in (None, (await desk.archive.threads(ASKER, limit=1)).cursor):
            await desk.archive.threads(ASKER, cursor=cursor)
        await desk.archive.threads(ASKER, metadata={"team": "x"})
        await desk.archive.threads(ASKER, "pinned")
        await desk.archive.search_threads(ASKER, "one tw")
        await desk.oversight.search_threads(AUDITOR)
        await desk.oversight.search_threads(AUDITOR, ThreadFilter(outcomes=("unsourced",)))
        await desk.oversight.search_threads(AUDITOR, ThreadFilter(words="three", owner=ASKER.id))
        calls = await desk.oversight.search_calls(AUDITOR, CallFilter(tools=("add",)), limit=1)
        await desk.oversight.search_calls(AUDITOR, CallFilter(tools=("add",)), limit=1, cursor=calls.cursor)
        await desk.oversight.search_calls(AUDITOR)
        await desk.oversight.looks(AUDITOR)
        for wanted in (LookFilter(), LookFilter(by=AUDITOR.id), LookFilter(owner=ASKER.id)):
            await desk.oversight.looks(OFFICER, wanted)
        await desk.archive.messages(ASKER, thread, before=9)
        await desk.archive.tool_calls(ASKER, thread)
        await desk.archive.model_calls(ASKER, thread)
        await check(watched, thread)
    for where in ({"dirty": True, "id": Range(ge="thread:", lt="thread;")}, {"id": Range(ge="live:", lt="live;")}):
        await watched.find(Query(kind="stream", where=where))
    indexes = {"commits": COMMIT_INDEXES, **{f"record.{kind}": each for kind, each in RECORD_INDEXES.items()}}
    for collection, wanted in indexes.items():
        there = database[collection].index_information()
        assert {name: there[name]["key"] for name in wanted} == wanted
    reads = [(command[name], *asked(name, command)) for name, command in commands.sent if name in READING]
    expected = ("thread", "turn", "message", "deferred_call")
    assert {collection for collection, _, _ in reads} >= {f"record.{kind}" for kind in expected}
    for collection, condition, sort in reads:
        if set(condition) == {"_id"}:
            continue
        keys = [*indexes.get(collection, {}).values(), [("_id", 1)]]
        assert any(served(index, condition, sort) for index in keys), f"no index for {collection} {condition} {sort}"


# Waits and errors


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.parametrize("fault", ["cut", "hang"])
async def test_a_server_that_does_not_answer_is_unavailable_after_the_timeout(
    proxied: str, proxy: Proxy, fault: str
) -> None:
    async def unavailable(call: Awaitable[object]) -> None:
        with pytest.raises(Unavailable):
            await call

    async with open_store(f"{proxied}&timeoutMS=1500") as store:
        (proxy.cut if fault == "cut" else proxy.hang)()
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(unavailable, store.read("thread:a"))
                tasks.start_soon(unavailable, store.now())
                tasks.start_soon(unavailable, store.get("note", "r1"))
                tasks.start_soon(unavailable, store.find(Query(kind="note")))
        proxy.mend()
    # The driver leaves a socket that is cut while it connects to the collector, which warns: here, and not later.
    gc.collect()


async def test_a_driver_that_does_not_close_holds_up_nobody(
    mongodb_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def never(client: object) -> None:
        clients.append(client)
        await anyio.sleep_forever()

    clients: list[AsyncMongoClient] = []
    closing = AsyncMongoClient.close
    with monkeypatch.context() as patched, anyio.fail_after(PATIENCE):
        patched.setattr(AsyncMongoClient, "close", never)
        async with open_store(f"{mongodb_url}&timeoutMS=500" if "?" in mongodb_url else f"{mongodb_url}?timeoutMS=500"):
            pass
    assert "did not close within 0.5 seconds" in caplog.text
    await closing(clients[0])


async def test_no_server_is_unavailable(proxied: str, proxy: Proxy) -> None:
    proxy.cut()
    with pytest.raises(Unavailable):
        async with open_store(f"{proxied}&timeoutMS=400"):
            pass


async def test_a_given_client_that_hangs_is_unavailable_after_the_store_s_timeout(proxied: str, proxy: Proxy) -> None:
    client = AsyncMongoClient(proxied)
    store = await MongoStore.over(client, urlsplit(proxied).path[1:], timeout=1.5)
    proxy.hang()
    with anyio.fail_after(PATIENCE), pytest.raises(Unavailable):
        await store.read("thread:a")
    proxy.mend()
    await client.close()


async def test_a_foreign_index_that_refuses_is_named_and_its_words_are_not_repeated(mongodb_url: str, database) -> None:
    database["record.note"].create_index("fields.text", unique=True)
    database["record.note"].insert_one({"_id": "r0", "fields": {"text": "s3cret"}})
    async with open_store(mongodb_url) as store:
        await extend(store, "thread:a", {})
        with pytest.raises(StoreRefused, match="note r1") as refused:
            await store.commit("thread:a", 1, [], [noted("r1", text="s3cret")], id="c1")
    assert "s3cret" not in str(refused.value)


async def test_the_report_names_what_an_operator_must_know(mongodb_url: str, database) -> None:
    async with open_store(mongodb_url) as store:
        await extend(store, "thread:a", {})
        before = await store.report()
        database["commits"].drop_index("by_dirty_and_stream")
        database["commits"].update_one({"stream": "thread:a"}, {"$set": {"dirty": 1}})
        after = await store.report()
    assert list(before) == [
        "server",
        "topology",
        "write concern",
        "schema version",
        "indexes",
        "streams whose records lag",
    ]
    assert before["server"].startswith("MongoDB ")
    assert before["topology"] in ("Single", "ReplicaSetWithPrimary", "Sharded")
    assert "majority" in before["write concern"]
    assert (before["indexes"], before["streams whose records lag"]) == ("all there", "0")
    assert (after["indexes"], after["streams whose records lag"]) == ("missing: commits.by_dirty_and_stream", "1")


# Versions


async def test_a_database_of_a_newer_rolltop_is_refused_in_words_and_left_unchanged(mongodb_url: str, database) -> None:
    async with open_store(mongodb_url) as store:
        entries = await extend(store, "thread:a", {"i": 1}, records=[noted("r1")])
        assert (await store.report())["schema version"] == str(VERSION)
    database["meta"].update_one({"_id": "version"}, {"$set": {"number": VERSION + 1}})
    database["commits"].drop_index("by_dirty_and_stream")
    before = sorted(database["commits"].index_information())
    with pytest.raises(InvalidInput, match=f"newer Rolltop: it has schema version {VERSION + 1}.*unchanged"):
        async with open_store(mongodb_url):
            pass
    assert sorted(database["commits"].index_information()) == before
    database["meta"].update_one({"_id": "version"}, {"$set": {"number": VERSION}})
    async with open_store(mongodb_url) as store:
        assert await store.read("thread:a") == entries


async def test_a_database_from_before_there_were_versions_opens_and_gets_one(mongodb_url: str, database) -> None:
    async with open_store(mongodb_url) as store:
        entries = await extend(store, "thread:a", {"i": 1})
    database["meta"].drop()
    async with open_store(mongodb_url) as store:
        assert await store.read("thread:a") == entries
    assert database["meta"].find_one()["number"] == VERSION


async def test_the_collection_of_another_program_is_no_version(mongodb_url: str, database) -> None:
    database["meta"].insert_one({"_id": "version", "number": "two"})
    with pytest.raises(InvalidInput, match="another program"):
        async with open_store(mongodb_url):
            pass
    assert database.list_collection_names() == ["meta"]
