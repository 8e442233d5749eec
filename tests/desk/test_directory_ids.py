"""Ids of people as directories have them: one person is one id, different ids are different people, on every store."""

from contextlib import asynccontextmanager
from datetime import timedelta
from enum import Enum
from io import BytesIO
from string import ascii_letters, digits
from time import process_time
from unicodedata import normalize

import anyio
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mongomock_motor import AsyncMongoMockClient

from backends import MemoryStore, open_store
from backends.models.scripted.model import Call, Say, ScriptedModel
from backends.stores.mongodb.store import MongoStore
from console.cli.main import main
from console.cli.output import harmless
from core import (
    CallFilter,
    Desk,
    InvalidInput,
    LookFilter,
    NotFound,
    ThreadFilter,
    Viewer,
    check_export,
    create_chat,
    load_chat,
    tool,
)
from core.clock import SystemClock
from core.ids import check_stream, check_user_id, name_of_user, user_named
from core.log.pseudonyms import Pseudonyms
from core.maintenance.copy import copy
from core.maintenance.rebuild import Rebuild
from core.store import Query, every
from tests.support.desks import AUDITOR, OFFICER, QUICK
from tests.support.grants import grant

DIRECTORY = ("auth0|5f7c", "https://idp/u/1", "CORP\\e1042", "josé@firma.de", "~41")
REFUSED = (42, True, None, "", " ", " a", "a ", "a\u2003", "a\nb", "a\x00", "\x85", "\ud800", "a" * 129, b"a", ["a"])


def is_accepted(text):
    try:
        return check_user_id(text) == text
    except InvalidInput:
        return False


LETTERS = st.one_of(st.sampled_from("aA1~|/:\\%$<'\"=@;, .\u0301eé"), st.characters(exclude_categories=("Cc", "Cs")))
IDS = st.text(LETTERS, min_size=1, max_size=12).map(lambda text: normalize("NFC", text)).filter(is_accepted)


@tool(effect="read", subject="employee")
def days(employee: str) -> int:
    """How many days of leave an employee has left."""
    return 12


@pytest.mark.parametrize("value", REFUSED)
def test_what_is_not_an_id_is_refused_and_not_repeated(value):
    with pytest.raises(InvalidInput, match=r"a user id is a text of 1 to 128|must be a str|lone surrogate") as raised:
        Viewer(value)
    assert repr(value) not in str(raised.value) or value in (None, "", " ")


def test_a_long_text_that_is_no_id_is_refused_at_once():
    began = process_time()
    with pytest.raises(InvalidInput, match="1 to 128 characters"):
        Viewer("a" + "\u0300\u0327" * 20_000)  # to order the accents takes time that grows with their square
    assert process_time() - began < 0.5


@pytest.mark.parametrize("value", [42, True, ""])
async def test_a_number_is_no_user_id_of_a_chat(value):
    with pytest.raises(InvalidInput, match=r"pass str|must be a str"):
        await create_chat(MemoryStore(), ScriptedModel([]), user_id=value)
    with pytest.raises(InvalidInput, match=r"pass str|must be a str"):
        await load_chat(MemoryStore(), ScriptedModel([]), "t", user_id=value)


def test_a_member_of_an_enumeration_of_texts_is_the_text():
    name = Viewer(Enum("Names", {"FIRST": "e-1042"}, type=str).FIRST).id
    assert (name, f"{name}", type(name)) == ("e-1042", "e-1042", str)


@given(IDS, IDS)
@example("a~62", "ab")
@example("É", "é")
@example("\U0010ffff" * 128, "~f4~8f~bf~bf" * 10)
def test_different_ids_have_different_streams_and_each_leads_back_to_its_id(one, other):
    assert (name_of_user(one) == name_of_user(other)) == (one == other)
    for user in (one, other):
        assert user_named(name_of_user(user)) == user
        assert {check_stream(f"{kind}:{name_of_user(user)}") for kind in ("person", "audit")}


@given(st.text(ascii_letters + digits + "_@.+-", min_size=1, max_size=128))
def test_an_id_of_before_is_its_own_name(user):
    assert (check_user_id(user), name_of_user(user)) == (user, user)


def test_two_spellings_that_differ_in_normalisation_are_one_person():
    assert Viewer("jose\u0301") == Viewer("josé")
    assert ThreadFilter(owner="jose\u0301") == ThreadFilter(owner="josé")
    assert CallFilter(owner="jose\u0301") == CallFilter(owner="josé")
    assert LookFilter(by="jose\u0301", owner="jose\u0301") == LookFilter(by="josé", owner="josé")
    assert Viewer("JOSÉ") != Viewer("josé")


@pytest.mark.parametrize("kind", ["memory", "sqlite", "mongomock"])
@given(st.lists(IDS, min_size=2, max_size=3, unique=True))
@settings(max_examples=1)
@example(DIRECTORY)
def test_every_person_has_threads_looks_and_own_data_and_sees_only_their_own(tmp_path_factory, kind, people):
    async def lived():
        folder = tmp_path_factory.mktemp("directory")
        async with opened(kind, folder) as store:
            threads = await live_in(store, people)
            await nothing_is_mixed_up(store, people, threads)

    anyio.run(lived)


@asynccontextmanager
async def opened(kind, folder):
    if kind == "mongomock":
        store = await MongoStore.over(AsyncMongoMockClient(), "desk")
        yield store
        await store.close()
        return
    async with open_store("memory:" if kind == "memory" else f"sqlite:///{folder}/desk.db") as store:
        yield store


async def live_in(store, people):
    """Each of the people asks about themselves, acknowledges a notice, and is looked at; each is an auditor, too."""
    script = [
        item for person in people for item in ([Call("days", {"employee": normalize("NFD", person)})], [Say(person)])
    ]
    threads = {}
    async with Desk(store, ScriptedModel(script), tools=[days], options=QUICK, erase_after=timedelta(0)) as desk:
        for person in people:
            async with await desk.create_chat(Viewer(normalize("NFD", person))) as chat:
                reply = await chat.ask("How many days have I left?")
                assert (reply.status, reply.text) == ("completed", person)
                threads[person] = chat.id
            assert (await desk.acknowledge(Viewer(person), "v1")).user == person
    return threads


async def nothing_is_mixed_up(store, people, threads):
    names = Pseudonyms(store, SystemClock())
    async with Desk(store, ScriptedModel([]), options=QUICK, erase_after=timedelta(0)) as desk:
        for person in people:
            viewer = Viewer(normalize("NFD", person))
            assert viewer.id == person
            assert [thread.id for thread in (await desk.archive.threads(viewer)).items] == [threads[person]]
            assert (await desk.archive.person(viewer)).user == person
            (call,) = await desk.archive.tool_calls(viewer, threads[person])
            assert (call.owner, call.about, call.about_other) == (person, person, False)
            for other in set(people) - {person}:
                with pytest.raises(NotFound):
                    await desk.archive.thread(viewer, threads[other])

            listing = await desk.oversight.search_threads(AUDITOR, ThreadFilter(owner=normalize("NFD", person)))
            assert [(row.thread.id, row.thread.owner) for row in listing.items] == [
                (threads[person], await names.of(person))
            ]
            watcher = Viewer(person, {"employee", "auditor"}, purpose=f"looks as {normalize('NFD', person)}")
            for other in people:
                await desk.archive.thread(watcher, threads[other])
            own = (await desk.oversight.looks(watcher)).items
            assert {look.by for look in own} == {person}
            assert {look.object for look in own if not look.denied} == {
                f"thread:{threads[other]}" for other in people if other != person
            }
            exported = await desk.exports.export_threads(watcher, ThreadFilter(owner=people[0]), "csv")
            assert exported.manifest.by == person
            assert (await check_export(BytesIO(exported.content), store)).faults == ()
            assert threads[person].encode() in (await desk.exports.export_own(viewer, None, "html")).content

        for person in people:
            looks = (await desk.own_data.looks_at_own(Viewer(person), limit=100)).items
            assert sum(look.action == "thread.read" for look in looks) == len(people) - 1
            assert (await desk.own_data.totals(Viewer(person))).threads == 1
            by = (await desk.oversight.looks(OFFICER, LookFilter(by=normalize("NFD", person)))).items
            assert {look.by for look in by} == {person}

        target = MemoryStore()
        await copy(store, target, SystemClock(), lambda *_: None)
        assert await wrong_records(store) == await wrong_records(target) == []
        streams = [stream.id async for stream in every(store, Query(kind="stream"))]
        assert len([one for one in streams if one.startswith("person:")]) == len(people)

        await desk.ask_erasure(Viewer(people[0]), threads[people[0]])
        await desk.recover()
        texts = [(await desk.archive.messages(Viewer(one), threads[one]))[-1].text for one in people[:2]]
        assert texts == [None, people[1]]


async def wrong_records(store):
    return [found async for found in Rebuild(store, SystemClock(), lambda *_: None, mend=False).findings()]


def test_the_command_line_takes_such_viewers_and_owners(tmp_path, capsys):
    url, people = f"sqlite:///{tmp_path}/desk.db", ("josé@firma.de", "CORP\\e1042", "\u202eevil")

    async def asked():
        async with open_store(url) as store:
            await grant(store, *((person, "auditor") for person in people))
            return await live_in(store, people)

    threads = anyio.run(asked)
    for person in people:
        who = (f"--as={normalize('NFD', person)}", "--purpose", "complaint 7", "--store", url)
        assert main(["threads", *who, f"--owner={person}"]) == 0
        shown = capsys.readouterr().out
        assert [thread for thread in threads.values() if thread in shown] == [threads[person]]
        assert main(["tools", *who, f"--owner={person}"]) == main(["looks", *who]) == 0
        shown = capsys.readouterr().out
        assert (harmless(person) in shown, "\u202e" in shown) == (True, False)
