"""What a desk tells its models: settings, which are checked when it is made, and whether they must call a tool."""

from dataclasses import replace

import pytest
from openai import AsyncOpenAI

from backends import open_store
from backends.models.openai.chat import ChatModel
from backends.models.openai.responses import ResponsesModel
from backends.models.scripted.model import Call, Say, ScriptedModel
from core import Desk, Hooks, InvalidInput, Options, tool
from tests.support.desks import chatting


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("temperature", 3, "less than or equal to 2"),
        ("temperature", "warm", "valid number"),
        ("top_p", -0.1, "greater than or equal to 0"),
        ("max_output_tokens", 1.5, "valid integer"),
        ("max_output_tokens", 0, "greater than or equal to 16"),
        ("reasoning_effort", "hgih", "'high'"),
        ("reasoning_summary", True, "'auto'"),
    ],
)
async def test_a_setting_of_a_wrong_type_or_out_of_range_is_refused_when_the_desk_is_made(name, value, words):
    async with open_store("memory:") as store:
        model = ResponsesModel("gpt", client=AsyncOpenAI(api_key="none"))
        with pytest.raises(InvalidInput, match=words) as refused:
            Desk(store, [ScriptedModel([]), model], options=Options(model_settings={name: value}))
        assert f"the setting '{name}' does not fit the model openai:gpt" in str(refused.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 1.5, "stop": ["END"], "seed": 7, "max_output_tokens": 1, "reasoning_effort": "high"},
        {"temperature": 0, "stop": "END"},
    ],
)
async def test_settings_of_the_right_type_and_range_are_taken(settings):
    async with open_store("memory:") as store:
        model = ChatModel("gpt", client=AsyncOpenAI(api_key="none"))
        Desk(store, model, options=Options(model_settings=settings))


async def test_another_server_may_have_efforts_and_limits_of_its_own():
    async with open_store("memory:") as store:
        model = ResponsesModel("m", base_url="http://127.0.0.1:9/v1")
        Desk(store, model, options=Options(model_settings={"reasoning_effort": "ultra", "max_output_tokens": 1}))


@tool(effect="read")
def look() -> str:
    """Look."""
    return "12"


@pytest.mark.parametrize("choice", ["look", "required"])
async def test_a_turn_begins_with_the_tool_that_must_be_called_and_the_model_is_free_after_it(store, choice):
    model = ScriptedModel([[Call("look", {})], [Say("12 days.")]])
    options = Options(tool_choice=choice, calls_at_once=False)
    async with chatting(store, model, tools=[look], options=options) as chat:
        assert (await chat.ask("?")).status == "completed"
    assert [request.tool_choice for request in model.requests] == [choice, "auto"]
    assert [request.calls_at_once for request in model.requests] == [False, False]


async def test_with_the_choice_none_the_model_has_no_tools_and_answers(store):
    model = ScriptedModel([[Say("12 days.")]])
    async with chatting(store, model, tools=[look], options=Options(tool_choice="none")) as chat:
        assert (await chat.ask("?")).text == "12 days."
    assert (model.requests[0].tools, model.requests[0].tool_choice) == ((), "auto")


@pytest.mark.parametrize(("choice", "tools"), [("lok", [look]), ("required", []), ("", [look])])
async def test_a_choice_without_such_a_tool_is_refused_when_the_desk_is_made(choice, tools):
    async with open_store("memory:") as store:
        with pytest.raises(InvalidInput, match="auto, none, required or the name of a tool"):
            Desk(store, ScriptedModel([]), tools=tools, options=Options(tool_choice=choice))


async def test_a_hook_that_takes_away_the_tool_that_must_be_called_has_made_a_faulty_request(store):
    async def bare(view, request):
        return replace(request, tools=())

    model, hooks = ScriptedModel([]), [Hooks(before_model_call=bare)]
    async with chatting(store, model, tools=[look], hooks=hooks, options=Options(tool_choice="look")) as chat:
        reply = await chat.ask("?")
        assert (reply.error.code, model.requests) == ("hook_failed", [])
        assert "no tool for its tool_choice 'look'" in reply.error.message
