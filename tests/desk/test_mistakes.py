"""Mistakes at the library's door: each is named at once, in words that say what to write instead."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal

import pytest

from backends import MemoryStore, OfflineModel, open_handbooks, open_model, open_store
from core import (
    Archive,
    Desk,
    DeskClosed,
    Hooks,
    InvalidInput,
    Options,
    RolltopError,
    Runner,
    ThreadFilter,
    Viewer,
    create_chat,
    load_chat,
    tool,
)

STORE, MODEL = MemoryStore(), OfflineModel(delay=0)


@tool(effect="read")
def days() -> int:
    """How many days are left."""
    return 25


def plain() -> int:
    """Not a tool."""
    return 1


class HalfAStore:
    """A store that is being written."""

    def __init__(self) -> None:
        self.commit = self.read = self.get = self.find = self.tally = self.capabilities = None


class HalfAModel:
    """A model that is being written."""

    name, settings = "half:", {}

    async def stream(self, request):
        yield request

    async def close(self):
        pass


MISTAKES = [
    (lambda: Desk(HalfAStore(), MODEL), "the store, a HalfAStore, lacks close and erase and now: core.store.Store"),
    (lambda: Desk(STORE, HalfAModel()), "the model, a HalfAModel, lacks phrases: core.model.Model describes"),
    (lambda: Desk("sqlite:///desk.db", MODEL), "the store is a URL: open it, `async with open_store"),
    (lambda: Desk(open_store("memory:"), MODEL), "not open yet: write `async with open_store"),
    (lambda: Desk(MODEL, STORE), "the store comes first, then the model"),
    (lambda: Desk(MODEL, "offline:"), "the store comes first, then the model"),
    (lambda: Desk(STORE, STORE), "a store stands where the model belongs"),
    (lambda: Desk(MemoryStore, MODEL), "the store is the class MemoryStore"),
    (lambda: Desk(None, MODEL), "the store is a NoneType"),
    (lambda: Desk(STORE, "offline:"), r"the model is a URL: pass `open_model\(URL\)`"),
    (lambda: Desk(STORE, [MODEL, "offline:"]), r"the model is a URL: pass `open_model\(URL\)`"),
    (lambda: Desk(STORE, OfflineModel), "the model is the class OfflineModel"),
    (lambda: Desk(STORE, []), "a desk needs a model"),
    (lambda: Desk(STORE, MODEL, tools=days), r"`tools` is a list: write `tools=\[...\]` around one tool"),
    (lambda: Desk(STORE, MODEL, tools=plain), r"`tools` is a list"),
    (lambda: Desk(STORE, MODEL, tools=[plain]), r'the function plain is not a tool: write `@tool\(effect="read"\)`'),
    (lambda: Desk(STORE, MODEL, tools={"days": days}), "`tools` is a list of tools, not a dict"),
    (lambda: Desk(STORE, MODEL, tools=["days"]), "a str is not a tool"),
    (lambda: Desk(STORE, MODEL, tools=[days, days]), "two tools are called days"),
    (lambda: Desk(STORE, MODEL, options={}), r"`options` is a dict: write `options=Options\("),
    (lambda: Desk(STORE, MODEL, options=Options), "`options` is the class Options"),
    (lambda: Desk(STORE, MODEL, hooks=Hooks()), "`hooks` is a list of Hooks"),
    (lambda: Desk(STORE, MODEL, hooks=[print]), "`hooks` is a list of Hooks"),
    (lambda: Desk(STORE, MODEL, retriever="policies/"), "the retriever is a str"),
    (lambda: Desk(STORE, MODEL, window=20), "`window` is an int"),
]


@pytest.mark.parametrize(("mistake", "answer"), MISTAKES)
def test_a_desk_says_what_was_passed_in_the_wrong_place(mistake, answer):
    with pytest.raises(InvalidInput, match=answer):
        mistake()


async def test_a_url_with_a_password_is_not_repeated():
    with pytest.raises(InvalidInput) as raised:
        await create_chat("mongodb://me:secret@host/desk", MODEL, user_id="e-1042")
    assert "secret" not in str(raised.value)


MEANT = [
    (lambda: Options(max_stepz=4), "`max_stepz` is not an option: write `max_steps`"),
    (lambda: Options(temperature=0), r"`temperature` is not an option: help\(core.Options\) names them all"),
    (lambda: Options(max_steps=0), "`max_steps`: Input should be greater than 0"),
    (lambda: Options(max_steps=True), "`max_steps` must be an int of 64 bits, not a bool"),
    (lambda: Options(on_disconnect="leave"), "`on_disconnect` must be 'finish' or 'stop', not another text"),
    (lambda: Viewer("e-1042", roles="auditor"), r"`roles` must be a list \(each item a str\), not a str"),
    (lambda: Viewer(1042), "`id` must be a str, not an int"),
    (lambda: ThreadFilter(tools="book"), r"`tools` must be a list"),
    (lambda: ThreadFilter(since=datetime(2026, 11, 30)), "`since` must be a datetime with a time zone"),
    (lambda: Hooks(before_tool_call="deny"), "`before_tool_call` must be a function or None, not a str"),
    (lambda: Archive("sqlite:///desk.db"), "the store is a URL: open it"),
]


@pytest.mark.parametrize(("mistake", "answer"), MEANT)
def test_a_value_of_a_wrong_type_is_named_where_it_is_made(mistake, answer):
    with pytest.raises(InvalidInput, match=answer):
        mistake()


async def test_an_item_of_a_list_that_is_of_a_wrong_type_is_named_with_its_place():
    with pytest.raises(InvalidInput, match=r"`history` must be a list .*, not a list with a str at \[1\]"):
        await create_chat(STORE, MODEL, user_id="e-1042", history=[{"role": "user", "content": "Hi"}, "Hello"])


async def test_a_closed_chat_says_how_it_is_opened_again():
    async with await create_chat(MemoryStore(), MODEL, user_id="e-1042") as chat:
        pass
    with pytest.raises(DeskClosed, match="a closed chat is opened again with `load_chat`"):
        await chat.ask("Hello")


@dataclass
class Trip:
    """A value of it is not a type."""

    days: int


@pytest.mark.parametrize("schema", [{}, {"type": "object"}, Trip(2), "Trip", 42])
async def test_a_schema_that_is_not_a_type_is_refused_before_the_question_is_on_record(schema):
    async with await create_chat(MemoryStore(), MODEL, user_id="e-1042") as chat:
        for ask in (chat.ask, partial(chat.desk.submit, chat.viewer, chat.id)):
            with pytest.raises(InvalidInput, match="`schema` must be a type, such as a pydantic model"):
                await ask("Where?", schema=schema)
        assert await chat.messages() == []


def test_a_runner_that_is_given_a_function_says_so():
    runner = Runner()
    try:
        for given in (create_chat, None):
            with pytest.raises(InvalidInput, match="`awaitable` must be a coroutine: call the function"):
                runner.run(given)
            with pytest.raises(InvalidInput, match="`generator` must be an AsyncGenerator"):
                runner.stream(given)
    finally:
        runner.close()


OPENINGS = [
    (open_store, 42, "`url` must be a str, not an int"),
    (open_store, "redis://host", "unknown store 'redis'; the stores are memory:, sqlite"),
    (open_store, "desk.db", "the stores are memory:, sqlite:///desk.db"),
    (open_store, "sqlite:", "write sqlite:///relative.db or sqlite:////absolute.db"),
    (open_store, "openai:gpt-5", r"openai: is a model: open it with `open_model\(URL\)`"),
    (open_store, MODEL, "`url` must be a str, not an OfflineModel"),
    (open_model, None, "`url` must be a str, not a NoneType"),
    (open_model, "llama:", "unknown model 'llama'; the models are offline:, openai:MODEL"),
    (open_model, "openai:", "openai: names nothing yet: write openai:MODEL"),
    (open_model, "scripted:", "scripted: names nothing yet: write scripted:PATH.json"),
    (open_model, "sqlite:///desk.db", "sqlite: is a store: open it with `async with open_store"),
    (open_handbooks, 42, "`path` must be a str or a Path, not an int"),
    (open_handbooks, "sqlite:///handbooks.db", "the handbooks are in a file: write its path"),
    (open_handbooks, "memory:", "such as handbooks.db, or :memory:, and not a URL"),
    (partial(open_handbooks, ":memory:"), {"embedder": "memory:"}, "unknown embedder 'memory'; the embedders are"),
    (partial(open_handbooks, ":memory:"), {"vectors": "sqlite:///desk.db"}, "local: and pinecone:INDEX"),
    (partial(open_handbooks, ":memory:"), {"reranker": 1}, "`reranker` must be a str, not an int"),
]


@pytest.mark.parametrize(("opening", "given", "answer"), OPENINGS)
async def test_what_cannot_be_opened_says_what_can(opening, given, answer):
    with pytest.raises(InvalidInput, match=answer):
        async with opening(**given) if isinstance(given, dict) else opening(given):
            pytest.fail("it was opened")


async def test_a_file_in_a_missing_folder_is_named(tmp_path):
    with pytest.raises(RolltopError, match="missing"):
        async with open_store(f"sqlite:///{tmp_path}/missing/desk.db"):
            pytest.fail("it was opened")
    with pytest.raises(RolltopError, match="missing"):
        async with open_handbooks(tmp_path / "missing" / "handbooks.db"):
            pytest.fail("it was opened")


@pytest.mark.parametrize("opened", [create_chat, lambda *a, **k: load_chat(*a[:2], "t", **k)])
async def test_a_chat_without_a_desk_says_the_same(opened):
    with pytest.raises(InvalidInput, match="the store comes first"):
        await opened(MODEL, STORE, user_id="e-1042")
    with pytest.raises(InvalidInput, match="pass either user_id or viewer"):
        await opened(STORE, MODEL)
    with pytest.raises(TypeError, match="desk"):
        await opened(STORE, MODEL, user_id="e-1042", desk=Desk(STORE, MODEL), options=Options())


def test_a_bare_decorator_and_one_without_effect_say_how_to_write_it():
    for mistake in (lambda: tool(plain), lambda: tool(), lambda: tool(effect="write")):
        with pytest.raises(InvalidInput, match=r'write `@tool\(effect="read"\)`'):
            mistake()


def untyped(day):
    """Untyped."""


def foreign(thing: threading.Lock):
    """A type that JSON cannot say."""


def unwritable(thing: Callable[[], int]):
    """A type without a schema."""


def nan(days: float = float("nan")):
    """A default that JSON lacks."""


def nothing(day: object = threading.Lock()):
    """A default that JSON lacks."""


def odd(day: Literal[threading.Lock]):
    """A value that JSON lacks."""


@pytest.mark.parametrize(
    ("function", "answer"),
    [
        (nan, "tool nan: JSON cannot hold NaN or infinity.*: a model can only give JSON"),
        (nothing, "tool nothing: Default value .* is not JSON serializable.*: a model can only give JSON"),
        (odd, "tool odd: Unable to serialize .*: a model can only give JSON"),
        (untyped, "tool untyped: day needs a type, such as `day: str`"),
        (foreign, "tool foreign: Unable to generate .*: a model can only give JSON"),
        (unwritable, "tool unwritable: .*: a model can only give JSON"),
        ("days", "a tool is made of a function"),
    ],
)
def test_a_parameter_that_a_model_cannot_give_is_named_where_the_tool_is_made(function, answer):
    with pytest.raises(InvalidInput, match=answer):
        tool(effect="read")(function)
