"""Structured output: the answer as the model that was asked for, one repair, then a status."""

import json
import sys
import threading
from collections.abc import Callable
from datetime import date
from typing import Annotated, ClassVar

import anyio
import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel, SecretStr, create_model, field_validator

from backends import open_store
from backends.models.scripted.model import Call, Say, ScriptedModel, Wait
from core import Desk, InvalidInput, RequestMismatch, TurnNotCompleted, tool
from core.desk.reply import as_reply
from core.model import UserMessage
from core.worker.structured_output import MAX_FAULTS, AnswerSchema, Misfit, read_output
from tests.support.desks import ASKER, QUICK, chatting, ended, logged, until


class Leave(BaseModel):
    days: int = Field(ge=0)
    kind: str


class Short(BaseModel):
    kind: str

    @field_validator("kind")
    @classmethod
    def known(cls, kind):
        if kind != "annual":
            raise ValueError("no such kind")
        return kind


GOOD = '{"days": 12, "kind": "annual"}'


async def test_the_answer_comes_parsed_and_its_json_stays_on_record(store):
    model = ScriptedModel([[Say(GOOD)]])
    async with chatting(store, model) as chat:
        reply = await chat.ask("How many?", schema=Leave)
        assert (reply.status, reply.parsed, reply.text) == ("completed", Leave(days=12, kind="annual"), GOOD)
        assert model.requests[0].output == Leave.model_json_schema()
        (ended,) = await logged(store, chat.id, "turn.ended")
        assert ended.payload["output"] == {"days": 12, "kind": "annual"}


async def test_an_answer_that_does_not_fit_is_asked_for_once_more_and_is_not_what_counts(store):
    model = ScriptedModel([[Say('{"days": -1, "kind": "annual"}')], [Say(f"```json\n{GOOD}\n```")]])
    async with chatting(store, model) as chat:
        reply = await chat.ask("How many?", schema=Leave)
        assert (reply.status, reply.parsed) == ("completed", Leave(days=12, kind="annual"))
        assert "-1" not in reply.text
        last = model.requests[1].messages[-1]
        assert isinstance(last, UserMessage)
        assert "days: -1 is less than the minimum of 0" in last.text
        first, second = await chat.model_calls()
        assert (first.repair, second.repair) == ("output", None)
        assert "-1" in first.answer


async def test_a_second_answer_that_does_not_fit_ends_the_turn_with_a_status(store):
    model = ScriptedModel([[Say("twelve")], [Say("12")], [Say("Hello.")]])
    async with chatting(store, model) as chat:
        reply = await chat.ask("How many?", schema=Leave)
        assert (reply.status, reply.error.code, reply.parsed) == ("failed", "invalid_output", None)
        assert reply.text == "12"
        assert (await chat.ask("And now?")).text == "Hello."


async def test_tools_may_be_called_on_the_way(store):
    @tool(effect="read")
    def look() -> int:
        """Look."""
        return 12

    async with chatting(store, ScriptedModel([[Call("look", {})], [Say(GOOD)]]), tools=[look]) as chat:
        assert (await chat.ask("?", schema=Leave)).parsed == Leave(days=12, kind="annual")


async def test_a_validator_judges_within_the_turn_and_the_model_is_told_in_its_words(store):
    model = ScriptedModel([[Say('{"kind": "odd"}')], [Say('{"kind": "annual"}')]])
    async with chatting(store, model) as chat:
        reply = await chat.ask("?", schema=Short)
        assert (reply.status, reply.parsed) == ("completed", Short(kind="annual"))
        assert "kind: no such kind" in model.requests[1].messages[-1].text


async def test_a_validator_that_refuses_twice_fails_the_turn(store):
    async with chatting(store, [[Say('{"kind": "odd"}')], [Say('{"kind": "odder"}')]]) as chat:
        reply = await chat.ask("?", schema=Short)
        assert (reply.status, reply.error.code, reply.error.message) == (
            "failed",
            "invalid_output",
            "kind: no such kind",
        )
        assert (await chat.desk.archive.turn(ASKER, reply.turn_id)).status == "failed"


async def test_the_same_request_with_another_schema_is_a_mismatch(store):
    async with chatting(store, [[Say(GOOD)]]) as chat:
        await chat.ask("?", request_id="r", schema=Leave)
        with pytest.raises(RequestMismatch):
            await chat.ask("?", request_id="r", schema=Short)


async def test_a_model_without_a_schema_is_refused(store):
    class Odd(BaseModel):
        value: object = Field(json_schema_extra={"type": "no type"})

    async with chatting(store, []) as chat:
        with pytest.raises(InvalidInput, match="has no JSON schema"):
            await chat.ask("?", schema=Odd)


class Faulty(BaseModel):
    """A validator that does `Faulty.act()`."""

    kind: str
    act: ClassVar[Callable[[], object]]

    @field_validator("kind")
    @classmethod
    def judged(cls, kind):
        cls.act()
        return kind


def leave_the_program():
    sys.exit(1)


@pytest.mark.parametrize(("act", "named"), [({}.popitem, "KeyError"), (leave_the_program, "SystemExit")])
async def test_a_validator_that_raises_anything_else_fails_the_turn_which_names_it(store, act, named):
    Faulty.act = act
    model = ScriptedModel([[Say('{"kind": "annual"}')], [Say("Hello.")]])
    async with chatting(store, model) as chat:
        reply = await chat.ask("?", schema=Faulty)
        assert (reply.status, reply.error.code, reply.parsed) == ("failed", "schema_failed", None)
        assert reply.error.message == f"a validator of Faulty raised {named}"
        assert len(model.requests) == 1
        assert (await chat.ask("And now?")).text == "Hello."


async def test_a_validator_that_hangs_is_left_after_the_deadline_of_hooks():
    let_go = threading.Event()
    Faulty.act = let_go.wait
    options = QUICK.model_copy(update={"hook_deadline": 0.02})
    try:
        async with (
            open_store("memory:") as store,
            chatting(store, [[Say('{"kind": "annual"}')]], options=options) as chat,
        ):
            reply = await chat.ask("?", schema=Faulty)
            assert (reply.status, reply.error.code) == ("failed", "schema_failed")
            assert "not judged within 0.02 s" in reply.error.message
    finally:
        let_go.set()


async def test_what_a_desk_without_the_type_completed_is_not_completed_for_a_caller_whose_validators_refuse_it():
    async with open_store("memory:") as store:
        # The same JSON schema, as a desk of another process has it on record.
        lax = create_model("Short", kind=(str, ...))
        async with chatting(store, [[Say('{"kind": "odd"}')]]) as chat:
            first = await chat.ask("?", request_id="r", schema=lax)
            reply = await chat.ask("?", request_id="r", schema=Short)
            assert (first.status, reply.status, reply.parsed) == ("completed", "failed", None)
            assert (reply.error.code, reply.error.message) == ("invalid_output", "kind: no such kind")
            with pytest.raises(TurnNotCompleted):
                reply.raise_for_status()


async def test_a_desk_that_takes_the_turn_over_judges_by_the_json_schema_alone():
    async with open_store("memory:") as store:
        gate = anyio.Event()
        async with chatting(store, ScriptedModel([[Wait(gate)]])) as chat:
            turn = await chat.desk.submit(ASKER, chat.id, "?", "r", schema=Short)
            await until(lambda: logged(store, chat.id, "model.asked"))
        async with Desk(store, ScriptedModel([[Say('{"kind": "odd"}')]]), options=QUICK) as desk:
            assert (await ended(desk, turn)).status == "completed"
            reply = await (await desk.load_chat(ASKER, chat.id)).ask("?", request_id="r", schema=Short)
            assert (reply.status, reply.error.message) == ("failed", "kind: no such kind")


async def test_the_type_is_kept_while_a_turn_waits_for_a_person_and_no_longer_than_the_turn(store):
    @tool(effect="unsafe")
    def book() -> str:
        """Book."""
        return "booked"

    model = ScriptedModel([[Call("book", {})], [Say('{"kind": "odd"}')], [Say('{"kind": "annual"}')]])
    async with chatting(store, model, tools=[book]) as chat:
        (call,) = (await chat.ask("?", schema=Short)).waiting
        assert len(chat.desk._equipment.schemas) == 1
        reply = await chat.decide(call.id, "approve", call.digest, schema=Short)
        assert (reply.status, reply.parsed) == ("completed", Short(kind="annual"))
        await until(lambda: _none_left(chat.desk._equipment.schemas))


async def _none_left(schemas):
    return not schemas


async def test_the_answer_of_a_list_or_a_union_comes_parsed(store):
    model = ScriptedModel([[Say(f'{{"value": [{GOOD}]}}')], [Say('{"value": 3}')], [Say('{"value": 4}')]])
    async with chatting(store, model) as chat:
        assert (await chat.ask("?", schema=list[Leave])).parsed == [Leave(days=12, kind="annual")]
        assert (await chat.ask("?", schema=Leave | int)).parsed == 3
        assert (await chat.ask("?", schema=RootModel[int])).parsed.root == 4
        assert all(request.output["type"] == "object" for request in model.requests)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (Leave | None, "may be None"),
        (object(), "`schema` must be a type, such as a pydantic model"),
        ("Leave", "`schema` must be a type"),
        (Callable[[], int], "has no JSON schema"),
        (BaseModel, "has no JSON schema"),
    ],
)
async def test_a_type_that_cannot_be_an_answer_is_refused_in_words(schema, words):
    async with open_store("memory:") as store, chatting(store, []) as chat:
        with pytest.raises(InvalidInput, match=words):
            await chat.ask("?", schema=schema)


async def test_a_strict_model_takes_dates_as_an_answer_can_write_them(store):
    class Day(BaseModel):
        model_config = ConfigDict(strict=True)
        day: date

    async with chatting(store, [[Say('{"day": "2026-03-01"}')]]) as chat:
        assert (await chat.ask("?", schema=Day)).parsed == Day(day=date(2026, 3, 1))


async def test_an_answer_that_was_erased_is_not_completed_for_a_caller_who_asks_for_it(store):
    async with chatting(store, [[Say(GOOD)]]) as chat:
        first = await chat.ask("?", request_id="r", schema=Leave)
        turn = await chat.desk.archive.turn(ASKER, first.turn_id)
        emptied = turn.model_copy(update={"output": None, "erased": ["turn.ended"]})
        reply = await as_reply(emptied, [], Leave, seconds=10)
        assert (reply.status, reply.error.code, reply.parsed) == ("failed", "erased", None)


LEAVE = Leave.model_json_schema()
FITS = {"days": 12, "kind": "annual"}


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}```",
        f"Here is the result: {GOOD}",
        f"Here it is:\n\n```json\n{GOOD}\n```\nAnything else?",
        f'For example {{"days": 1}}, but you have {GOOD}',
        f'The "5\\" rule: {GOOD}',
        f"{{}} {GOOD} {{}}",
    ],
)
def test_words_or_a_fence_around_the_json_are_accepted(text):
    assert read_output(text, LEAVE) == FITS


def test_of_several_objects_that_fit_the_largest_counts():
    assert read_output(f'{{"days": 1, "kind": "a"}} or {GOOD} or {{"days": 2, "kind": "b"}}', LEAVE) == FITS


def test_a_brace_in_a_text_of_the_json_does_not_end_it():
    assert read_output('So: {"days": 1, "kind": "} \\" {"}', LEAVE) == {"days": 1, "kind": '} " {'}


@pytest.mark.parametrize(
    "text", [f'{{"result": {GOOD}}}', f"[{GOOD}]", f'Result: {{"days": 1, "more": {GOOD}', "{'days': 12}"]
)
def test_a_part_of_the_json_is_not_taken_for_the_whole(text):
    with pytest.raises(Misfit):
        read_output(text, LEAVE)


class Account(BaseModel):
    password: SecretStr = Field(min_length=20)
    note: str = Field(max_length=200)


def test_the_words_of_a_misfit_hold_neither_secrets_nor_huge_values():
    with pytest.raises(Misfit) as misfit:
        read_output(json.dumps({"password": "hunter2", "note": "x" * 5000}), Account.model_json_schema())
    words = str(misfit.value)
    assert "password: the value is too short" in words
    assert "note: the value is too long" in words
    with pytest.raises(Misfit) as misfit:
        AnswerSchema(Account).parse({"password": "hunter2", "note": "x" * 5000})
    assert "hunter2" not in str(misfit.value)
    assert "xxx" not in str(misfit.value)


class Codes(BaseModel):
    code: str = Field(pattern=r"^(\w+\s?)*$")
    named: dict[Annotated[str, Field(pattern=r"^(\w+\s?)*$")], int]


class Around(BaseModel):
    model_config = ConfigDict(regex_engine="python-re")

    code: str = Field(pattern="(?=a)a")


def test_a_pattern_that_python_searches_for_ages_judges_at_once():
    endless = "a" * 40 + "!"  # each letter more doubles the time, in which nothing else of the process runs
    schema = AnswerSchema(Codes).json()
    with pytest.raises(Misfit, match=r"code: .* does not match"):
        read_output(json.dumps({"code": endless, "named": {endless: "x"}}), schema)
    with pytest.raises(Misfit, match=r"named\.aa: 'x' is not of type 'integer'"):
        read_output('{"code": "ab c", "named": {"aa": "x"}}', schema)
    assert read_output('{"code": "ab c", "named": {"aa": 1}}', schema) == {"code": "ab c", "named": {"aa": 1}}


def test_a_pattern_that_only_python_reads_is_searched_by_python():
    schema = AnswerSchema(Around).json()
    assert read_output('{"code": "a"}', schema) == {"code": "a"}
    with pytest.raises(Misfit, match="code: 'b' does not match"):
        read_output('{"code": "b"}', schema)


@pytest.mark.parametrize("text", ["", "{", "NaN", '{"a": 1e999}', "[" * 500, '"\\ud800"', "12345678901234567890123"])
def test_what_is_no_json_does_not_fit(text):
    with pytest.raises(Misfit, match="It is not JSON"):
        read_output(text, {})


def test_the_model_is_told_of_a_bounded_number_of_faults():
    with pytest.raises(Misfit) as misfit:
        read_output(str(list(range(1000))), {"type": "array", "items": {"type": "string"}})
    assert str(misfit.value).count("is not of type 'string'") == MAX_FAULTS
