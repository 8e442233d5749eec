"""Chats and desks that a program forgets to close: it is told, and nothing is left behind."""

import asyncio
import gc
import warnings
from contextlib import aclosing

import anyio
import pytest

from backends.models.scripted.model import Say, ScriptedModel, Wait
from backends.stores.memory import MemoryStore
from core import Desk, create_chat
from core.store import Query
from tests.support.desks import ASKER, until

CHAT = r"a chat was not closed: write `async with await create_chat\(...\) as chat:`, or `await chat.close\(\)`"
DESK = r"a desk was not closed: write `async with Desk\(...\) as desk:`, or `await desk.close\(\)`"


async def chat_and_forget(store):
    chat = await create_chat(store, ScriptedModel([[Say("Twelve.")]]), viewer=ASKER)
    await chat.ask("How many?")


async def chat_on_while_it_talks(store):
    chat = await create_chat(store, ScriptedModel([[Say("Twelve."), Wait(anyio.Event().wait)]]), viewer=ASKER)
    async with aclosing(chat.ask_stream("How many?")) as events:
        await anext(events)


async def start_a_desk(store):
    desk = Desk(store, ScriptedModel([]))
    await desk.start()
    await desk.create_thread(ASKER)


async def forgotten(program, store):
    await program(store)
    gc.collect()


FORGETFUL = [(chat_and_forget, CHAT), (chat_on_while_it_talks, CHAT), (start_a_desk, DESK)]


@pytest.mark.parametrize(("program", "words"), FORGETFUL)
async def test_one_that_is_dropped_warns_and_its_tasks_end(store, program, words):
    before = asyncio.all_tasks()
    with pytest.warns(ResourceWarning, match=words):
        await forgotten(program, store)

    async def only_those_before():
        return asyncio.all_tasks() <= before

    await until(only_those_before)


@pytest.mark.parametrize(("program", "words"), FORGETFUL)
@pytest.mark.parametrize("run", [asyncio.run, lambda coroutine: anyio.run(lambda: coroutine)])
def test_one_that_is_left_to_the_end_of_the_loop_warns_and_nothing_else_is_said(run, program, words, capfd, caplog):
    with pytest.warns(ResourceWarning, match=words) as warned:
        run(forgotten(program, MemoryStore()))
    assert [one.category for one in warned] == [ResourceWarning]
    assert (caplog.text, capfd.readouterr().err) == ("", "")


def test_one_that_outlives_its_loop_warns_when_it_goes(capfd, caplog):
    async def kept():
        desk = Desk(MemoryStore(), ScriptedModel([]))
        await desk.start()
        return desk

    desks = [asyncio.run(kept())]
    with pytest.warns(ResourceWarning, match=DESK):
        desks.clear()
    assert (caplog.text, capfd.readouterr().err) == ("", "")


def test_a_loop_that_is_closed_over_its_tasks_destroys_none_of_them_aloud(capfd, caplog):
    loop = asyncio.new_event_loop()
    with pytest.warns(ResourceWarning, match=CHAT):
        loop.run_until_complete(forgotten(chat_on_while_it_talks, MemoryStore()))
    loop.close()
    del loop
    gc.collect()
    assert (caplog.text, capfd.readouterr().err) == ("", "")


async def test_the_turn_of_a_dropped_chat_ends_on_record(store):
    with pytest.warns(ResourceWarning, match=CHAT):
        await forgotten(chat_on_while_it_talks, store)

    async def stopped():
        (turn,) = (await store.find(Query(kind="turn"))).records
        return turn.fields["status"] != "running" and turn

    turn = await until(stopped)
    assert turn.fields["status"] == "interrupted"


async def test_those_that_are_closed_or_were_never_started_say_nothing(store):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Desk(store, ScriptedModel([]))
        async with await create_chat(store, ScriptedModel([]), viewer=ASKER):
            pass
        async with Desk(store, ScriptedModel([])) as desk:
            del desk
        with pytest.raises(ValueError, match="a desk needs a model"):
            Desk(store, [])
        gc.collect()
