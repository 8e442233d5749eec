"""The scripted model, and scripts in JSON: what they promise to the tests that stand on them."""

import json
from contextlib import aclosing

import anyio
import pytest

from backends.models.opening import open_model
from backends.models.scripted.model import Bill, Call, Cut, Fail, Pause, Say, ScriptedModel, Stop, Think, Wait
from core.errors import InvalidInput, ModelError
from core.model import (
    AssistantMessage,
    CallDelta,
    Finish,
    ModelEvent,
    ModelRequest,
    Ping,
    ReasoningDelta,
    SentCall,
    TextDelta,
    ToolMessage,
    UserMessage,
)
from core.values import Usage


def asking(text, answers=0):
    """A request with this question, after so many answers with a call each."""
    messages = [UserMessage(text=text)]
    for n in range(answers):
        messages.append(AssistantMessage(text="", calls=(SentCall(id=f"c{n}", tool="t", arguments={}),)))
        messages.append(ToolMessage(id=f"c{n}", tool="t", content="1"))
    return ModelRequest(instructions="", messages=tuple(messages))


async def events(model, request=None) -> list[ModelEvent]:
    return [event async for event in model.stream(request or asking("hello"))]


async def text(model, request=None):
    return "".join(event.text for event in await events(model, request) if event.kind == "text")


FINISH = Finish(stop_reason="end", usage=Usage(), cost=None)


async def test_each_request_gets_the_next_answer():
    model = ScriptedModel([[Say("one")], [Say("two")]])
    assert [await text(model), await text(model)] == ["one", "two"]


async def test_a_script_that_is_used_up_says_so_and_is_not_worth_a_retry():
    model = ScriptedModel([[Say("one")]])
    await text(model)
    with pytest.raises(ModelError, match="used up: it has 1 answers") as caught:
        await text(model)
    assert (caught.value.code, caught.value.retryable) == ("invalid_request", False)


async def test_a_looped_script_starts_again():
    model = ScriptedModel([[Say("one")], [Say("two")]], loop=True)
    assert [await text(model) for _ in range(3)] == ["one", "two", "one"]


async def test_a_function_may_answer_from_the_request():
    model = ScriptedModel(lambda request: [Say(request.messages[-1].text[::-1])])
    assert await text(model, asking("abc")) == "cba"


@pytest.mark.parametrize("pieces", [None, 1, 2, 3, 99])
@pytest.mark.parametrize("said", ["You have  12 days\n\nleft.", " a ", "\n", "", "x"])
async def test_text_is_said_whole_however_it_is_cut(said, pieces):
    model = ScriptedModel([[Say(said, pieces=pieces)]])
    assert await text(model) == said


async def test_text_comes_word_by_word_unless_it_says_how_many_pieces():
    model = ScriptedModel([[Say("a b c")], [Say("abcdef", pieces=2)]])
    assert [event.text for event in (await events(model))[:-1]] == ["a ", "b ", "c"]
    assert [event.text for event in (await events(model))[:-1]] == ["abc", "def"]


async def test_an_answer_without_calls_finishes_with_end_and_an_unknown_bill():
    assert await events(ScriptedModel([[Say("hi")]])) == [TextDelta(text="hi"), FINISH]


async def test_an_answer_with_a_call_finishes_with_tool_calls():
    last = (await events(ScriptedModel([[Say("wait"), Call("t", {})]])))[-1]
    assert last.stop_reason == "tool_calls"


async def test_stop_bill_and_reasoning_blocks_go_into_the_finish():
    usage = Usage(input=90, output=7)
    model = ScriptedModel(
        [[Think("hm", blocks=({"sig": "x"},)), Call("t", {}), Stop("length"), Bill(usage, cost=1200)]]
    )
    assert await events(model) == [
        ReasoningDelta(text="hm"),
        CallDelta(tool="t", arguments="{}"),
        Finish(stop_reason="length", usage=usage, cost=1200, reasoning=({"sig": "x"},)),
    ]


async def test_arguments_given_as_text_are_sent_as_they_are_and_others_as_json():
    model = ScriptedModel([[Call("t", '{"broken": '), Call("t", {"b": 1, "a": None}), Call("t", "")]])
    assert [event.arguments for event in (await events(model))[:-1]] == ['{"broken": ', '{"a":null,"b":1}', ""]


async def test_a_cut_ends_the_stream_without_its_finish():
    assert await events(ScriptedModel([[Say("half"), Cut(), Say("never")]])) == [TextDelta(text="half")]


async def test_a_failure_comes_after_what_was_said_before_it():
    model = ScriptedModel([[Say("half"), Fail("overloaded", "busy", retryable=True, retry_after=2)]])
    stream = model.stream(asking("hello"))
    assert await anext(stream) == TextDelta(text="half")
    with pytest.raises(ModelError, match="busy") as caught:
        await anext(stream)
    assert (caught.value.code, caught.value.retryable, caught.value.retry_after) == ("overloaded", True, 2)


async def test_a_wait_holds_the_stream_until_its_event_is_set():
    go = anyio.Event()
    stream = ScriptedModel([[Say("one"), Wait(go), Say("two")]]).stream(asking("hello"))
    assert await anext(stream) == TextDelta(text="one")
    seen = []

    async def rest():
        async for event in stream:
            seen.append(event)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(rest)
        await anyio.wait_all_tasks_blocked()
        assert seen == []
        go.set()
    assert seen == [TextDelta(text="two"), FINISH]


async def test_a_wait_may_be_any_function_that_returns_an_awaitable():
    reached = anyio.Event()

    async def gate():
        reached.set()

    assert await text(ScriptedModel([[Wait(gate), Pause(0), Say("on")]])) == "on"
    assert reached.is_set()


async def test_pings_pass_through():
    assert await events(ScriptedModel([[Ping()]])) == [Ping(), FINISH]


async def test_the_requests_are_kept_failed_and_cut_ones_too():
    model = ScriptedModel([[Fail("auth")], [Cut()]])
    with pytest.raises(ModelError):
        await events(model, asking("first"))
    await events(model, asking("second"))
    assert [request.messages[0].text for request in model.requests] == ["first", "second"]


async def test_closing_the_generator_ends_the_request_at_once():
    model = ScriptedModel([[Say("one"), Wait(anyio.Event())], [Say("next")]])
    async with aclosing(model.stream(asking("hello"))) as stream:
        await anext(stream)
    assert await text(model) == "next"
    await model.close()
    assert model.closed


@pytest.mark.parametrize("script", [[Say("no list")], ["text"]])
def test_a_part_in_place_of_an_answer_is_refused(script):
    with pytest.raises(InvalidInput, match="a list of parts"):
        ScriptedModel(script)


def test_text_in_no_pieces_is_refused():
    with pytest.raises(InvalidInput):
        Say("text", pieces=0)


@pytest.fixture
def script(tmp_path):
    def write(**content):
        path = tmp_path / "script.json"
        path.write_text(json.dumps(content))
        return open_model(f"scripted:{path}")

    return write


async def test_a_script_in_json_plays_every_part(script):
    model = script(
        answers=[
            [
                {"say": "one two", "pieces": 2, "delay_ms": 0},
                {"think": "hm"},
                {"pause_ms": 0},
                {"ping": True},
                {"call": "t", "arguments": {"a": 1}},
                {"call": "t", "arguments": "raw"},
                {"stop": "length"},
                {"bill": {"input": 3}, "cost": 5},
            ],
            [{"say": "half"}, {"cut": True}],
            [{"fail": "timeout", "message": "slow", "retryable": True}],
        ]
    )
    assert await events(model) == [
        TextDelta(text="one "),
        TextDelta(text="two"),
        ReasoningDelta(text="hm"),
        Ping(),
        CallDelta(tool="t", arguments='{"a":1}'),
        CallDelta(tool="t", arguments="raw"),
        Finish(stop_reason="length", usage=Usage(input=3), cost=5),
    ]
    assert await events(model) == [TextDelta(text="half")]
    with pytest.raises(ModelError, match="slow"):
        await events(model)
    with pytest.raises(ModelError, match="used up"):
        await events(model)


async def test_a_question_is_answered_by_the_first_rule_that_occurs_in_it(script):
    model = script(
        questions=[
            {"contains": "Remote", "answers": [[{"say": "r1"}], [{"say": "r2"}]]},
            {"contains": "work", "answers": [[{"say": "w"}]], "loop": True},
        ],
        answers=[[{"say": "else"}]],
        loop=True,
    )
    asked = ["remote WORK", "about work", "about work", "hello", "REMOTE", "hello"]
    assert [await text(model, asking(question)) for question in asked] == ["r1", "w", "w", "else", "r2", "else"]


async def test_steps_follow_the_turn_and_not_the_number_of_requests(script):
    model = script(questions=[{"contains": "days", "steps": [[{"call": "t", "arguments": {}}], [{"say": "12"}]]}])
    for _ in range(2):
        assert await text(model, asking("days?", 1)) == "12"
        assert (await events(model, asking("days?")))[0] == CallDelta(tool="t", arguments="{}")
    with pytest.raises(ModelError, match="2 steps"):
        await events(model, asking("days?", 2))


async def test_a_script_can_be_held_by_a_file_beside_it(script, tmp_path):
    model = script(answers=[[{"say": "one"}, {"wait_for_file": "go"}, {"say": "two"}]])
    stream = model.stream(asking("hello"))
    assert await anext(stream) == TextDelta(text="one")
    (tmp_path / "go").touch()
    assert [event async for event in stream] == [TextDelta(text="two"), FINISH]


def test_a_model_from_a_script_is_named_by_its_url(script, tmp_path):
    assert script(answers=[]).name == f"scripted:{tmp_path}/script.json"


@pytest.mark.parametrize(
    "content",
    [
        {"answer": []},
        {"answers": [[{"says": "x"}]]},
        {"answers": [[{"say": "x", "speed": 1}]]},
        {"answers": [[{"fail": "no such code"}]]},
        {"questions": [{"contains": "x"}]},
        {"questions": [{"contains": "x", "answers": [[]], "steps": [[]]}]},
    ],
)
def test_what_is_no_script_is_refused(script, content):
    with pytest.raises(InvalidInput):
        script(**content)


def test_a_refused_script_says_where_it_is_malformed_and_what_to_write(tmp_path):
    file = tmp_path / "script.json"
    file.write_text('[["Hello."]]')
    with pytest.raises(InvalidInput, match=r"malformed: the whole: .* an object; the shortest is") as refused:
        open_model(f"scripted:{file}")
    assert "https://" not in str(refused.value)


@pytest.mark.parametrize("url", ["scripted:/no/such/file.json", "scripted:", "gpt:", "", "offline", "offline:x"])
def test_an_unknown_model_is_refused(url):
    with pytest.raises(InvalidInput):
        open_model(url)


def test_an_unknown_scheme_is_told_the_accepted_ones():
    with pytest.raises(InvalidInput, match=r"scripted:PATH\.json"):
        open_model("telepathy:loud")
