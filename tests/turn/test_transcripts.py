"""One conversation on four stores: the same log and the same records, byte for byte but for ids and times."""

import re
from contextlib import asynccontextmanager

import anyio
from mongomock_motor import AsyncMongoMockClient

from backends import open_store
from backends.models.scripted.model import Bill, Call, Cut, Fail, Say, ScriptedModel, Wait
from backends.stores.mongodb.store import MongoStore
from core import Chat, Options, Usage, create_chat, load_chat, tool
from core.canonical import canonical
from core.store import Query
from tests.support.desks import APPROVER, ASKER, log_of, logged, until
from tests.support.shelf import Shelf

KINDS = ("thread", "turn", "message", "tool_call", "model_call", "retrieval", "deferred_call")


@tool(effect="read")
def look(day: str) -> dict:
    """Look."""
    return {"day": day, "left": 12.5, "note": "Zwölf\u2028\0 😀"}


@tool(effect="unsafe", approval="approver")
async def book(days: int) -> str:
    """Book."""
    return f"{days} booked"


def first_script(reached):
    return [
        [Say("Let me look."), Call("look", {"day": "2026-07-01"}), Call("look", {"day": 7}), Call("loook", {})],
        [Say("Twelve and a half [1]."), Bill(Usage(input=90, cached=10, output=7), cost=1_200)],
        [Say("May I?"), Call("book", {"days": 3}), Call("book", {"days": 4})],
        [Say("I have asked.")],
        [Say("Two are booked.")],
        [Say("Four are not.")],
        [Say("Half an ans"), Wait(reached)],
        [Fail("overloaded", retryable=True)],
        [Say("Cut o"), Cut()],
        [Say("Whole.")],
        [Say("Whole again.")],
        [Say("Below it.")],
        [Wait(anyio.Event())],
    ]


async def conversation(store) -> str:
    """A thread with a question and tools, requests that others decide, a stop, models that fail, an answer given again,
    and a turn that a new desk ends.
    """
    forever, options = anyio.Event(), Options(retry_delay=0.001, on_interruption="retry")
    given = dict(tools=[look, book], retriever=Shelf(), options=options)
    model = ScriptedModel(first_script(forever))
    async with await create_chat(
        store, model, viewer=ASKER, metadata={"case": 7}, instructions="Short.", **given
    ) as chat:
        await chat.ask("How many days?", request_id="r1")
        reply = await chat.ask("Book three", request_id="r2")
        first, second = reply.tool_calls
        await chat.desk.decide(APPROVER, first.id, "approve", first.digest, arguments={"days": 2}, reason="two")
        await reported(chat, first)
        await chat.desk.decide(APPROVER, second.id, "deny", second.digest, reason="enough")
        await reported(chat, second)
        await stopped_in_the_middle(store, chat)
        reply = await chat.ask("And now?", request_id="r4")
        await chat.desk.give_feedback(ASKER, reply.turn_id, "down", "too late")
        await chat.desk.rename(ASKER, chat.id, "Days")
        again = await chat.regenerate(reply.turn_id, request_id="r6")
        await chat.ask("And below?", request_id="r7")
        await chat.show(reply.turn_id)
        await chat.show(again.turn_id)
        left = await chat.desk.submit(ASKER, chat.id, "Are you there?", "r5")
        await until(lambda: asked(store, left))
    async with await load_chat(store, ScriptedModel([[Say("Here.")]]), chat.id, viewer=ASKER, **given) as chat:
        await seen(chat, left.id)
        await until(lambda: idle(chat))
    return chat.id


async def stopped_in_the_middle(store, chat):
    turn = await chat.desk.submit(ASKER, chat.id, "Go on", "r3")
    shown = ""
    async for event in chat.follow(turn.id):
        shown += event.text if event.kind == "text" else ""
        if "Half an ans" in shown:
            break
    await chat.stop(turn.id)
    await until(lambda: idle(chat))


async def seen(chat: Chat, turn):
    async for _ in chat.follow(turn):
        pass


async def reported(chat, call):
    await seen(chat, (await chat.desk.archive.deferred_call(ASKER, call.id)).report)


async def asked(store, turn):
    return [entry for entry in await logged(store, turn.thread, "model.asked") if entry.shell["turn"] == turn.id]


async def idle(chat):
    return chat.desk._workers.idle


MEASURED = ("duration_ms", "duration_bucket", "ttft_ms", "first_text_ms", "first_text_bucket")


async def transcript(store, thread) -> list[str]:
    """The log and the records as text, each id replaced by a number in the order of its coming, and no times."""
    lines = [
        canonical([e.n, e.kind, e.v, e.by, e.shell, e.payload, e.salt, e.commitment, e.prev, e.hash]).decode()
        for e in await log_of(store, thread)
    ]
    for kind in KINDS:
        where = {"id": thread} if kind == "thread" else {"thread": thread}
        found = (await store.find(Query(kind=kind, where=where, limit=500))).records
        lines += sorted(canonical([kind, r.n, r.id.partition("-")[2], dict(r.fields)]).decode() for r in found)
    names: dict[str, str] = {}
    numbered = re.compile(r"\b[0-9a-f]{24,64}\b")
    measured = "|".join(rf'(?<="{name}":)\d+' for name in MEASURED)
    timed = re.compile(rf'{measured}|(?<="day":)"\d{{4}}-\d\d-\d\d"|\d{{4}}-\d\d-\d\dT[\d:.]+Z')
    return [timed.sub("T", numbered.sub(lambda m: names.setdefault(m[0], f"<{len(names)}>"), line)) for line in lines]


@asynccontextmanager
async def over_a_given_client():
    """A store in a database of the application's own client, here a mock of Motor's."""
    store = await MongoStore.over(AsyncMongoMockClient(), "desk")
    yield store
    await store.close()


async def test_one_conversation_leaves_the_same_log_and_records_on_every_store(tmp_path, mongodb_url):
    others = [open_store(f"sqlite:///{tmp_path}/desk.db"), open_store(mongodb_url), over_a_given_client()]
    async with open_store("memory:") as store:
        memory = await transcript(store, await conversation(store))
    for other in others:
        async with other as store:
            assert await transcript(store, await conversation(store)) == memory
    text = "\n".join(memory)
    for met in ("approval.given", "approval.denied", "turn.released", "retried", "passages.retrieved", "invalid_arg"):
        assert met in text
    for met in ("call.deferred", "branch.shown", '"reported"', '"carries_out":"<'):
        assert met in text
    assert [re.findall(r'"status":"(\w+)"', line)[0] for line in memory if '"turn.ended"' in line] == [
        *["completed"] * 4,
        "cancelled",
        *["completed"] * 4,
    ]
