"""A store that will not, told apart from one that cannot be reached: which errors are which, and what a desk does."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import anyio
import pytest
from bson.errors import InvalidDocument
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    CursorNotFound,
    DuplicateKeyError,
    ExecutionTimeout,
    NotPrimaryError,
    OperationFailure,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WriteError,
    WTimeoutError,
)

from backends import open_store
from backends.models.scripted.model import Say, ScriptedModel, Wait
from backends.stores.mongodb.connection import Connection
from backends.stores.mongodb.errors import translated
from backends.stores.suite.steps import extend, first, noted
from core import Desk, Options
from core.clock import SystemClock
from core.errors import Full, InvalidInput, RolltopError, StoreRefused, TooLarge, Unavailable
from core.log.commit import commit_surely
from tests.support.desks import ASKER, check, ended, log_of, until
from tests.support.proxy import Proxy
from tests.support.wrapped import FaultyStore, RefusingStore

RIGHT, SIGN_IN, SERVER = "the role readWrite", "correct the user", "the server lacks what the store needs"


# What the driver's errors mean


def failure(code: int, kind: type[OperationFailure] = OperationFailure, *labels: str) -> OperationFailure:
    return kind("no", code, {"code": code, "errmsg": "no", "errorLabels": list(labels)})


@pytest.mark.parametrize(
    ("error", "way_out"),
    [
        (failure(13), RIGHT),
        *[(failure(code), SIGN_IN) for code in (11, 18, 334)],
        *[(failure(code), SERVER) for code in (2, 9, 14, 20, 26, 59, 72, 115, 168, 238, 303, 304, 305, 15952, 40324)],
        *[(failure(code), "drop them") for code in (67, 68, 85, 86, 197)],
        (failure(8000), "Atlas"),
        (failure(11000, DuplicateKeyError), "drop them"),
        (failure(121, WriteError), "validator"),
        (ConfigurationError("Server at a:1 reports wire version 5, but PyMongo requires at least 9"), SERVER),
    ],
)
def test_what_a_server_will_never_do_is_refused_with_a_way_out(error: Exception, way_out: str) -> None:
    found = translated(error, "desk")
    assert type(found) is StoreRefused
    assert str(found).startswith("desk: ")
    assert way_out in str(found)
    assert "again" not in str(found)


@pytest.mark.parametrize(
    "error",
    [
        AutoReconnect("connection closed"),
        ServerSelectionTimeoutError("no primary"),
        NotPrimaryError("not primary", {"code": 10107}),
        TimeoutError(),
        *[failure(code) for code in (6, 7, 43, 50, 89, 91, 112, 189, 262, 391, 9001, 11600, 11602, 13435)],
        failure(43, CursorNotFound),
        failure(50, ExecutionTimeout),
        failure(64, WTimeoutError),
        failure(100, WriteConcernError),
        ConfigurationError("The DNS operation timed out"),
    ],
)
def test_what_may_pass_is_unavailable(error: Exception) -> None:
    assert type(translated(error, "desk")) is Unavailable


@pytest.mark.parametrize("code", [13, 59, 40324])
def test_what_the_server_labels_as_passing_is_unavailable_whatever_its_code(code: int) -> None:
    for label in ("RetryableWriteError", "TransientTransactionError", "SystemOverloadedError"):
        assert type(translated(failure(code, OperationFailure, label), "desk")) is Unavailable


@pytest.mark.parametrize("code", [13, 79, 100])
def test_a_write_that_is_in_and_waits_for_its_majority_is_never_refused(code: int) -> None:
    assert type(translated(failure(code, WriteConcernError), "desk")) is Unavailable


@pytest.mark.parametrize("code", [None, 1, 96, 424242])
def test_a_code_that_is_not_listed_leaves_a_write_s_outcome_open(code: int) -> None:
    assert type(translated(failure(code), "desk")) is Unavailable


@pytest.mark.parametrize(
    ("error", "kind"),
    [(failure(14031), Full), (failure(17419, WriteError), TooLarge), (InvalidDocument("x"), InvalidInput)],
)
def test_a_full_disk_a_large_document_and_no_document_are_told_apart(
    error: Exception, kind: type[RolltopError]
) -> None:
    assert type(translated(error, "desk")) is kind


def test_a_refusal_names_the_command_and_repeats_nothing_that_was_written() -> None:
    said = 'not authorized on desk to execute command { insert: "commits", documents: [ { text: "s3cret" } ] }'
    refused = str(translated(OperationFailure(said, 13, {"errmsg": said, "codeName": "s3cret"}), "desk"))
    assert "MongoDB refuses insert (Unauthorized, code 13)" in refused
    assert "s3cret" not in refused
    assert "s3cret" not in str(translated(NotPrimaryError(said, {"errmsg": said}), "desk"))


# A server of MongoDB's protocol


@pytest.fixture
async def proxy(mongodb_url: str) -> AsyncIterator[Proxy]:
    server = urlsplit(mongodb_url)
    async with Proxy(server.hostname or "", server.port or 27017) as proxy:
        yield proxy


@pytest.fixture
def proxied(mongodb_url: str, proxy: Proxy) -> str:
    return f"mongodb://127.0.0.1:{proxy.port}{urlsplit(mongodb_url).path}?directConnection=true"


async def test_a_stage_and_a_command_that_the_server_lacks_are_refused(mongodb_url: str) -> None:
    connection = Connection.of_url(mongodb_url)
    commits = connection.collection("commits")
    await commits.insert_one({"stream": "thread:a"})
    with pytest.raises(StoreRefused, match=r"unrecognized pipeline stage, code 40324"):
        await connection.all(await connection.ask(commits.aggregate([{"$nosuch": 1}])))
    with pytest.raises(StoreRefused, match=r"refuses nosuch \(CommandNotFound, code 59\)"):
        await connection.ask(commits.database.command("nosuch"))
    await connection.close()


async def test_an_index_of_the_same_name_refuses_the_opening_and_is_named(mongodb_url: str) -> None:
    connection = Connection.of_url(mongodb_url)
    await connection.collection("commits").create_index([("stream", 1), ("n", 1)], name="by_stream_and_n")
    await connection.close()
    with pytest.raises(StoreRefused, match="by_stream_and_n"):
        async with open_store(mongodb_url):
            pass


@pytest.mark.parametrize(
    ("code", "way_out"), [(18, SIGN_IN), (13, RIGHT), (8000, "look at the user"), (59, SERVER)], ids=str
)
async def test_who_is_refused_at_the_door_is_told_why_and_no_password_is_repeated(
    proxied: str, proxy: Proxy, code: int, way_out: str
) -> None:
    proxy.answer(b"saslStart", {"ok": 0, "code": code, "errmsg": "Authentication failed for desk with pa55word"})
    with pytest.raises(StoreRefused, match=way_out) as refused:
        async with open_store(proxied.replace("//", "//desk:pa55word@")):
            pass
    assert proxy.answered
    assert "pa55word" not in str(refused.value)


async def test_a_commit_without_the_right_is_refused_and_nothing_is_written(proxied: str, proxy: Proxy) -> None:
    said = 'not authorized on desk to execute command { insert: "commits", documents: [ { i: "s3cret" } ] }'
    async with open_store(proxied) as store:
        proxy.answer(b"insert", {"ok": 0, "code": 13, "codeName": "Unauthorized", "errmsg": said})
        with pytest.raises(StoreRefused, match=f"refuses insert .*{RIGHT}") as refused:
            await store.commit("thread:a", 0, first("thread:a", {"i": "s3cret"}), [noted("r1")], id="c1")
        assert "s3cret" not in str(refused.value)
        assert proxy.answered == 1
        proxy.mend()
        assert await store.read("thread:a") == []
        await store.commit("thread:a", 0, first("thread:a", {"i": "s3cret"}), [noted("r1")], id="c1")


async def test_a_read_without_the_right_is_refused(proxied: str, proxy: Proxy) -> None:
    async with open_store(proxied) as store:
        entries = await extend(store, "thread:a", {})
        proxy.answer(b"find", {"ok": 0, "code": 13, "errmsg": "not authorized"})
        for read in (store.read("thread:a"), store.get("note", "r1")):
            with pytest.raises(StoreRefused):
                await read
        proxy.mend()
        assert await store.read("thread:a") == entries


async def test_a_commit_that_is_in_without_its_majority_is_unavailable_and_repeated(proxied: str, proxy: Proxy) -> None:
    async with open_store(f"{proxied}&retryWrites=false") as store:
        proxy.answer(b"insert", {"ok": 1, "n": 1, "writeConcernError": {"code": 13, "errmsg": "no"}})
        with pytest.raises(Unavailable):
            await store.commit("thread:a", 0, first("thread:a"), id="c1")


@pytest.mark.parametrize("command", ["insert", "createIndexes"])
async def test_a_user_who_may_only_read_cannot_open_a_store_and_is_told_which_role_it_needs(
    mongodb_url: str, proxied: str, proxy: Proxy, command: str
) -> None:
    if command == "createIndexes":  # all that a store needs is there already
        async with open_store(mongodb_url):
            pass
    said = f"not authorized on desk to execute command {{ {command}: 1 }}"
    proxy.answer(command.encode(), {"ok": 0, "code": 13, "codeName": "Unauthorized", "errmsg": said})
    with pytest.raises(StoreRefused, match=f"MongoDB refuses {command} .*{RIGHT}"):
        async with open_store(proxied):
            pass
    assert proxy.answered == 1


async def test_a_server_without_transactions_has_a_way_out_and_the_store_needs_none(proxied: str, proxy: Proxy) -> None:
    async with open_store(proxied) as store:
        said = "Transaction numbers are only allowed on a replica set member or mongos"
        proxy.answer(b"insert", {"ok": 0, "code": 20, "codeName": "IllegalOperation", "errmsg": said})
        with pytest.raises(StoreRefused, match="add retryWrites=false to the store's URL"):
            await store.commit("thread:a", 0, first("thread:a"), id="c1")
        proxy.mend()
    async with open_store(f"{proxied}&retryWrites=false") as store:
        assert len(await extend(store, "thread:a", {"i": 1}, records=[noted("r1")])) == 1


# What a desk does


async def test_a_refused_commit_is_not_repeated(store) -> None:
    refusing = RefusingStore(store)
    refusing.locked = True
    with pytest.raises(StoreRefused):
        await commit_surely(refusing, SystemClock(), "thread:a", 0, first("thread:a"), patience=60)
    assert len(refusing.refused) == 1


async def test_a_commit_that_is_refused_after_it_was_not_acknowledged_may_have_been_applied(store) -> None:
    fickle = FaultyStore(FaultyStore(store, "after", 1), "refused", 2)
    with pytest.raises(Unavailable, match=r"not acknowledged, then: .* allow it"):
        await commit_surely(fickle, SystemClock(), "thread:a", 0, first("thread:a"), patience=60)
    assert len(await store.read("thread:a")) == 1


async def test_a_turn_whose_store_refuses_waits_for_the_operator_and_then_goes_on(store) -> None:
    refusing, going = RefusingStore(store), anyio.Event()
    script = [[Say("As long as it may. ", pieces=1), Wait(going), Say("And then", pieces=1)], [Say("It goes on.")]]
    async with Desk(refusing, ScriptedModel(script), options=Options(on_interruption="retry")) as desk:
        thread = (await desk.create_thread(ASKER)).id
        turn = await desk.submit(ASKER, thread, "Hello?")

        async def shown() -> bool:
            return any(e.kind == "live.text" for e in await store.read(f"live:{turn.id}:1"))

        await until(shown)
        refusing.locked = True
        going.set()

        async def left() -> bool:
            return desk._workers.idle

        await until(left)
        with pytest.raises(StoreRefused, match="grant it"):
            await ended(desk, turn)
        assert len(set(refusing.refused)) == len(refusing.refused)  # each was tried once
        before = await log_of(store, thread)
        refusing.locked = False
        whole = await ended(desk, turn)
        assert (whole.status, whole.text) == ("completed", "It goes on.")
        assert (await log_of(store, thread))[: len(before)] == before
        await check(store, thread)
