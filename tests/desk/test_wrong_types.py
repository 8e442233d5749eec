"""A wrong Python type in any argument of any public method is named, and nothing is written.

The methods are found by reflection, and pydantic reads the same annotations to say which values are wrong: it shares no
code with the check.
"""

import inspect
import pickle
from contextlib import aclosing
from datetime import UTC, datetime
from typing import get_type_hints

import anyio
import pytest
from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import SchemaError

from backends import MemoryStore, Upload, open_handbooks
from backends.models.scripted.model import Call, Say, ScriptedModel
from core import (
    Account,
    Administration,
    Archive,
    CallFilter,
    Chat,
    Concern,
    Desk,
    Exports,
    Figures,
    Hooks,
    InvalidInput,
    LookFilter,
    Options,
    OutcomeUnknown,
    Oversight,
    RolltopError,
    ThreadFilter,
    Viewer,
    tool,
)
from core.desk.own_data import OwnData
from core.gate import ROLES
from tests.support.desks import ASKER, PATIENCE, QUICK, ended, waiting


class Unlike:
    """A type that no method takes."""


async def coroutine() -> None:
    """Neither a value nor awaited."""


WRONG = [
    None,
    42,
    True,
    b"",
    "",
    "\ud800",
    [],
    {},
    (1,),
    ["x", 1],
    {1: 2},
    Unlike(),
    Unlike,
    coroutine,
    float("nan"),
    10**30,
    "x" * 100_000,
    datetime(2026, 11, 30, tzinfo=UTC),
    datetime.max,
]


@tool(effect="unsafe")
def book() -> None:
    """Book."""


@tool(effect="unsafe", approval="approver")
def pay() -> None:
    """Pay."""


@tool(effect="idempotent")
def send() -> None:
    """Send."""
    raise OutcomeUnknown("the line went dead")


class Inbox:
    """A hand-over that always arrives."""

    async def send(self, ticket):
        return "T-1"


class Seals:
    """A care that seals the thread of one question."""

    async def recognise(self, text, viewer):
        return Concern(topic="illness") if text == "Seal" else None


CALLED = {"Send": [Call("send", {})], "Book and pay": [Call("book", {}), Call("pay", {})]}


def script(request):
    return CALLED.get(request.messages[-1].text, [Say("Done.")])


def desk_of(store):
    return Desk(store, ScriptedModel(script), tools=[book, pay, send], options=QUICK, care=Seals(), handover=Inbox())


ALL = Viewer(ASKER.id, roles=ROLES, purpose="every right")
OTHER = Viewer("e-2001", roles=ROLES, purpose="every right")

PARTS = {
    Desk: lambda desk, chat: desk,
    Archive: lambda desk, chat: desk.archive,
    Oversight: lambda desk, chat: desk.oversight,
    Exports: lambda desk, chat: desk.exports,
    Figures: lambda desk, chat: desk.figures,
    OwnData: lambda desk, chat: desk.own_data,
    Administration: lambda desk, chat: desk.administration,
    Chat: lambda desk, chat: chat,
}
METHODS = [
    (cls, name)
    for cls in PARTS
    for name, method in vars(cls).items()
    if inspect.isfunction(method) and not name.startswith("_") and len(inspect.signature(method).parameters) > 1
    if name != "grant_first"  # is for a store without the grant that `end_grant` needs
]
RIGHT = {
    "viewer": ALL,
    "text": "Plain",
    "title": "Title",
    "metadata": {"a": 1},
    "changes": {"a": 1},
    "instructions": "Be brief.",
    "shelf": "pinned",
    "notice": "1",
    "rating": "down",
    "verdict": "wrong",
    "reason": "a false alarm",
    "happened": True,
    "evidence": "I saw the letter",
    "decision": "deny",
    "words": "book",
    "wanted": ThreadFilter(),
    "among": {},
    "file_format": "csv",
    "form": "json",
    "since": None,
    "until": None,
    "by": "country",
    "threads": None,
    "user_id": "e-1042",
    "person": "e-8003",
    "people": ["e-8003"],
    "role": "handler",
    "why": "on duty",
    "mapping": {"way": "oidc"},
    "account": Account(user="hr", host="hr-1"),
    "name": "pay",
}
"""Arguments with which a method does its work. Those without a default are here, by name, or below, by method."""

RIGHT_FOR = {
    "count_calls": {"wanted": CallFilter()},
    "measure_calls": {"wanted": CallFilter()},
    "export_calls": {"wanted": CallFilter()},
    "judge": {"viewer": OTHER, "turn_id": "plain", "cause": "misread"},
    "resolve": {"viewer": OTHER, "call_id": "unknown"},
    "lift_seal": {"viewer": OTHER, "thread_id": "sealed"},
    "edit": {"turn_id": "plain"},
    "withdraw": {"call_id": "deferred"},
    "Figures.usage": {"by": "day"},
    "deferred_call": {"call_id": "deferred"},
    "confirm": {"claimed": ALL.roles},
    "end_grant": {"person": "e-8001", "role": "auditor"},
    "unblock": {"person": "e-8002"},
    "switch_on_tool": {"name": "fax"},
    "switch_on_model": {"name": "fax"},
}


async def made_world():
    """A pickled store, and by the names of parameters the ids of what is in it."""
    store = MemoryStore()
    async with desk_of(store) as desk:
        await desk.administration.grant(OTHER, "e-8001", "auditor", "spring audit")
        await desk.administration.block(OTHER, "e-8002", "left")
        await desk.administration.switch_off_tool(OTHER, "fax", "out of order")
        await desk.administration.switch_off_model(OTHER, "fax", "out of order")
        thread = (await desk.create_thread(ASKER)).id
        turn = await ended(desk, await desk.submit(ASKER, thread, "Send"))
        sealed = (await desk.create_thread(ASKER)).id
        await ended(desk, await desk.submit(ASKER, sealed, "Seal"))
        parked = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "Book and pay")
        await waiting(desk, parked)
        calls = {call.tool: call for call in (await desk.archive.turn_view(ASKER, parked.id)).calls}
        unknown = (await desk.archive.turn_view(ASKER, turn.id)).calls[0].id
        chat = (await desk.create_thread(ASKER)).id
        plain = await ended(desk, await desk.submit(ASKER, chat, "Plain"))
    ids = {
        "chat": chat,
        "plain": plain.id,
        "thread_id": thread,
        "turn_id": turn.id,
        "sealed": sealed,
        "unknown": unknown,
        "call": calls["book"],
    }
    ids |= {"call_id": calls["book"].id, "digest": calls["book"].digest, "deferred": calls["pay"].id}
    return pickle.dumps(store), ids


@pytest.fixture(scope="module")
def made():
    return anyio.run(made_world)


async def called(part, name, given):
    """Call the method to its end, or to its first item."""
    outcome = getattr(part, name)(**given)
    if inspect.isasyncgen(outcome):
        async with aclosing(outcome) as items:
            return await anext(items)
    return await outcome if inspect.isawaitable(outcome) else outcome


async def refused(call):
    """Whether an error of the library's own says that the call was not accepted. Any other error fails the test."""
    try:
        await call
    except RolltopError:
        return True
    return False


def allows(hint, value):
    """Whether pydantic says that the annotation allows the value; None if it does not know the annotation."""
    try:
        adapter = TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True, strict=True))
        adapter.validate_python(value)
    except (PydanticUserError, SchemaError):
        return None
    except ValidationError:
        return False
    return True


def written(store):
    """How far each log is, but for those of looks and denials."""
    return {name: len(log.entries) for name, log in store._streams.items() if not name.startswith("audit:")}


@pytest.mark.parametrize(("cls", "name"), METHODS, ids=lambda one: one if isinstance(one, str) else one.__name__)
async def test_a_wrong_type_is_named_and_nothing_is_written(made, cls, name):
    pickled, ids = made
    method = inspect.unwrap(vars(cls)[name])
    parameters = [one for one in inspect.signature(method).parameters.values() if one.name != "self"]
    given = {one.name: (RIGHT | ids)[one.name] for one in parameters if one.default is one.empty}
    given |= {
        key: ids.get(value, value) if isinstance(value, str) else value
        for key, value in (RIGHT_FOR.get(name) or RIGHT_FOR.get(f"{cls.__name__}.{name}", {})).items()
    }
    hints = get_type_hints(method)
    wrong = [(one.name, value) for one in parameters for value in WRONG if allows(hints[one.name], value) is False]
    perhaps = [
        (one.name, value) for one in parameters for value in WRONG if allows(hints[one.name], value) is not False
    ]
    store = pickle.loads(pickled)
    with anyio.fail_after(PATIENCE):
        async with desk_of(store) as desk:
            part = PARTS[cls](desk, await desk.load_chat(ASKER, ids["chat"]))
            before = written(store)
            taken = [one for one in wrong if not await refused(called(part, name, given | {one[0]: one[1]}))]
            assert taken == []
            assert written(store) == before
        while perhaps:
            store = pickle.loads(pickled)
            async with desk_of(store) as desk:
                part = PARTS[cls](desk, await desk.load_chat(ASKER, ids["chat"]))
                while perhaps and written(store) == before:
                    parameter, value = perhaps.pop()
                    if await refused(called(part, name, given | {parameter: value})):
                        assert written(store) == before
        async with desk_of(pickle.loads(pickled)) as desk:
            await called(PARTS[cls](desk, await desk.load_chat(ASKER, ids["chat"])), name, given)


MADE = {
    Viewer: {"id": "e-1042"},
    Options: {},
    Hooks: {},
    ThreadFilter: {},
    CallFilter: {},
    LookFilter: {},
    tool: {"effect": "read"},
    Desk: {"store": MemoryStore(), "model": ScriptedModel([])},
    Archive: {"store": MemoryStore()},
    OwnData: {"store": MemoryStore()},
    Administration: {"store": MemoryStore()},
}
"""What an application makes, and what it cannot be made without."""


def hints_of(making):
    if making is Options:
        return {name: field.annotation for name, field in Options.model_fields.items()}
    return get_type_hints(making.__init__ if isinstance(making, type) else making)


@pytest.mark.parametrize("making", MADE, ids=lambda one: one.__name__)
def test_what_is_made_with_a_wrong_type_says_so_at_once(making):
    hints = {name: hint for name, hint in hints_of(making).items() if name not in ("return", "function")}
    making(**MADE[making])
    taken = []
    for parameter, hint in hints.items():
        for value in WRONG:
            try:
                making(**MADE[making] | {parameter: value})
            except InvalidInput:
                continue
            if allows(hint, value) is False and value != []:  # a list does for a tuple
                taken.append((parameter, value))
    assert taken == []


def public_methods(cls):
    return [name for name, one in vars(cls).items() if inspect.isfunction(one) and not name.startswith("_")]


async def test_the_handbooks_name_a_wrong_type_too():
    keeper = Viewer("e-4001", roles={"knowledge_owner"})
    right = {"viewer": keeper, "document": "leave.md", "version": 1, "heading": None, "question": "Leave?"}
    async with open_handbooks(":memory:", embedder="none:") as handbooks:
        for name in public_methods(type(handbooks)):
            method = inspect.unwrap(vars(type(handbooks))[name])
            hints = get_type_hints(method)
            parameters = [one for one in inspect.signature(method).parameters.values() if one.name != "self"]
            given = {one.name: right.get(one.name) for one in parameters if one.default is one.empty}
            for one in parameters:
                wrong = [value for value in WRONG if allows(hints[one.name], value) is False]
                taken = [v for v in wrong if not await refused(called(handbooks, name, given | {one.name: v}))]
                assert (name, one.name, taken) == (name, one.name, [])
        assert await handbooks.documents(keeper) == []


async def test_each_of_several_sources_is_checked_as_one():
    keeper = Viewer("e-4001", roles={"knowledge_owner"})
    files = [Upload(name=f"{name}.md", data=b"# Leave\n\n25 days.") for name in ("one", "two", "three")]
    async with open_handbooks(":memory:", embedder="none:") as handbooks:
        for place in range(len(files)):
            with pytest.raises(InvalidInput, match="`sources` must be a Path or an Upload, not a str"):
                await handbooks.ingest(keeper, *files[:place], "leave.md", *files[place:])
        assert len((await handbooks.ingest(keeper, *files)).documents) == len(files)
