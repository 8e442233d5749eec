"""Structured output: the answer as the model that was asked for, one repair, then a status."""

import pytest
from pydantic import BaseModel, Field, field_validator

from backends.models.scripted.model import Call, Say, ScriptedModel
from core import InvalidInput, RequestMismatch, tool
from core.model import UserMessage
from core.worker.structured_output import MAX_FAULTS, read_output
from tests.support.desks import chatting, logged


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


async def test_a_model_that_demands_more_than_its_schema_says_why_it_was_not_met(store):
    async with chatting(store, [[Say('{"kind": "odd"}')]]) as chat:
        reply = await chat.ask("?", schema=Short)
        assert (reply.parsed, reply.error.code) == (None, "invalid_output")
        assert "no such kind" in reply.error.message


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


@pytest.mark.parametrize("text", ["", "{", "NaN", '{"a": 1e999}', "[" * 500, '"\\ud800"', "12345678901234567890123"])
def test_what_is_no_json_does_not_fit(text):
    output, misfit = read_output(text, {})
    assert output is None
    assert misfit


def test_the_model_is_told_of_a_bounded_number_of_faults():
    _, misfit = read_output(str(list(range(1000))), {"type": "array", "items": {"type": "string"}})
    assert misfit.count("is not of type 'string'") == MAX_FAULTS
