"""Chat Completions as other servers speak it: each shape is read to the same answer, at every split of its bytes.

Whole turns run over a stand-in that refuses what its server would refuse.
"""

import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import AsyncOpenAI

from backends import open_store
from backends.models.dialect import dialect_of
from backends.models.openai.chat import ChatModel
from backends.models.openai.chat_body import THOUGHT_FIELDS
from backends.models.scripted.model import Fail, Say, ScriptedModel
from backends.models.tuned import TunedModel
from core import Desk, Options, tool
from core.errors import ModelError
from core.model import ModelEvent, ModelRequest, ToolSchema, Tuning, UserMessage
from core.turn.decide import MAX_ADAPTED
from core.values import Usage
from tests.support.desks import ASKER, QUICK, chatting, events, text_of

LOOK = ToolSchema(
    name="look",
    description="Looks.",
    parameters={"type": "object", "properties": {"year": {"type": "integer"}}, "required": ["year"]},
)
WHOAMI = ToolSchema(name="whoami", description="Says.", parameters={"type": "object", "properties": {}})
ASKED = ModelRequest(instructions="", messages=(UserMessage(text="How many days?"),), tools=(LOOK, WHOAMI))
DONE = "[DONE]"


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def call(*, args: Any = ..., **fields: Any) -> dict[str, Any]:
    """A piece of a call; a field that is not given is missing."""
    function = {key: fields.pop(key) for key in ("name",) if key in fields}
    return {**fields, "function": function if args is ... else {**function, "arguments": args}}


def calls(*pieces: dict[str, Any]) -> list[dict[str, Any]]:
    """An answer with a piece of a call in each of its chunks."""
    return [*(delta(tool_calls=[piece]) for piece in pieces), delta("tool_calls")]


def sse(*data: Any, end: str = "\n") -> bytes:
    return "".join(f"data: {one if isinstance(one, str) else json.dumps(one)}{end}{end}" for one in data).encode()


def says(text: str, finish: str | None = "stop") -> bytes:
    return sse(delta(content=text), delta(finish), DONE)


def chat_model(answer: Callable[[httpx2.Request], httpx2.Response], name: str = "m") -> ChatModel:
    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    return ChatModel(name, client=AsyncOpenAI(api_key="k", base_url="http://127.0.0.1/v1", http_client=http))


async def read(body: bytes, request: ModelRequest = ASKED, *, step: int | None = None) -> list[ModelEvent]:
    """What the adapter makes of a body; `step` is the size of the pieces in which it comes."""
    told: list[ModelEvent] = []
    await read_into(told, body, request, step=step)
    return told


async def read_into(told: list[ModelEvent], body: bytes, request: ModelRequest, *, step: int | None) -> None:
    """As `read`, for a body that ends with an error."""

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), step or len(body) or 1):
            yield body[at : at + (step or len(body))]

    model = chat_model(lambda _: httpx2.Response(200, content=pieces()))
    async for event in model.stream(request):
        told.append(event)


def heard(told: Sequence[ModelEvent]) -> tuple[str, str, list[tuple[str, Any]], str | None]:
    """The text, the reasoning, the calls and the reason for the end, None without an end."""
    text = "".join(event.text for event in told if event.kind == "text")
    thought = "".join(event.text for event in told if event.kind == "reasoning")
    made = [(event.tool, parsed(event.arguments)) for event in told if event.kind == "call"]
    return text, thought.strip(), made, next((event.stop_reason for event in told if event.kind == "finish"), None)


def parsed(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


ONE = [("look", {"year": 2026})]
TWO = [*ONE, ("whoami", {})]
YEAR = '{"year": 2026}'
NOBODY = [("whoami", {})]
WHOLE = {"object": "chat.completion", "choices": [{"message": {"content": "Twelve days."}, "finish_reason": "stop"}]}
THOUGHT = "They may be hiding something."
TWELVE = ("Twelve days.", "", [], "end")
CALLED = ("", "", ONE, "tool_calls")
PARTS = [{"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}]
NAN = '{"choices": [{"delta": {"content": "Twelve days."}, "logprobs": {"content": [{"logprob": -Infinity}, NaN]}}]}'
MARKED = '<tool_call>{"name": "look", "arguments": {"year": 2026}}</tool_call>'
BARE = '{"name": "look", "arguments": {"year": 2026}}'

SHAPES: dict[str, tuple[bytes, tuple[str, str, list[tuple[str, Any]], str | None]]] = {
    # Framing and ends.
    "C14 no DONE": (sse(delta(content="Twelve days."), delta("stop"), {"choices": [], "usage": {}}), TWELVE),
    "C16 DONE without a line end": (says("Twelve days.").rstrip(), TWELVE),
    "C19 byte order mark": (b"\xef\xbb\xbf" + says("Twelve days."), TWELVE),
    "C20 CR": (sse(delta(content="Twelve days."), delta("stop"), DONE, end="\r"), TWELVE),
    "CRLF": (sse(delta(content="Twelve days."), delta("stop"), DONE, end="\r\n"), TWELVE),
    "no blank, comments": (b": hello\n\n" + says("Twelve days.").replace(b"data: ", b"data:"), TWELVE),
    "C56 NaN": (sse(NAN, delta("stop"), DONE), TWELVE),
    "a datum in two lines": (
        b'data: {"choices": [{"delta":\ndata: {"content": "Twelve days."}}]}\n\n' + sse(DONE),
        TWELVE,
    ),
    "C27 message": (sse({"choices": [{"message": {"content": "Twelve days."}}]}, DONE), TWELVE),
    "message in pieces": (
        sse(*({"choices": [{"message": {"content": part}}]} for part in ("Twelve ", "days.")), DONE),
        TWELVE,
    ),
    "the whole message again": (sse(delta(content="Twelve days."), WHOLE), TWELVE),
    "one JSON object": (json.dumps(WHOLE, indent=1).encode(), TWELVE),
    "cut in the last event": (
        sse(delta("stop", content="Twelve days.")) + b"data: [DO",
        ("Twelve days.", "", [], None),
    ),
    "no reason and no DONE": (sse(delta(content="Twelve days.")), ("Twelve days.", "", [], None)),
    # Content.
    "C12 parts": (
        sse(delta(content=PARTS), delta(content=[{"type": "text", "text": "Twelve days."}]), delta("stop"), DONE),
        ("Twelve days.", THOUGHT, [], "end"),
    ),
    "C50 think": (
        sse(
            *(delta(content=p) for p in ("<th", f"ink>\n{THOUGHT}\n</thi", "nk>\n\nTwelve days.")), delta("stop"), DONE
        ),
        ("Twelve days.", THOUGHT, [], "end"),
    ),
    "think without its end": (says(f"<think>{THOUGHT}"), ("", THOUGHT, [], "end")),
    "think without its beginning, at once": (
        says(f"{THOUGHT}</think>Twelve days."),
        ("Twelve days.", THOUGHT, [], "end"),
    ),
    "[THINK]": (says(f"[THINK]{THOUGHT}[/THINK]Twelve days."), ("Twelve days.", THOUGHT, [], "end")),
    "an end told twice": (
        sse(delta(reasoning_content=THOUGHT), delta(content="</think>\nTwelve days."), delta("stop"), DONE),
        ("Twelve days.", THOUGHT, [], "end"),
    ),
    "a thought in two fields": (
        sse(delta(reasoning=THOUGHT, reasoning_content=THOUGHT), delta("stop", content="Twelve days."), DONE),
        ("Twelve days.", THOUGHT, [], "end"),
    ),
    "text like markup": (
        says("a < b, [1] and `x`\n[2] {y}\n```sh\nls\n```"),
        ("a < b, [1] and `x`\n[2] {y}\n```sh\nls\n```", "", [], "end"),
    ),
    # Calls.
    "C04 index always 0, no ids": (
        sse(*calls(call(index=0, name="look", args=YEAR), call(index=0, name="whoami", args="{}")), DONE),
        ("", "", TWO, "tool_calls"),
    ),
    "C06 no index, all repeated": (
        sse(*calls(*(call(id="a", name="look", args=part) for part in ("", '{"year":', " 2026}"))), DONE),
        CALLED,
    ),
    "C08 a name in pieces": (
        sse(*calls(call(index=0, name="lo"), call(index=0, name="ok"), call(index=0, args=YEAR)), DONE),
        CALLED,
    ),
    "C28 empty": (sse(*calls(call(index=0, id="a", name="whoami", args="")), DONE), ("", "", NOBODY, "tool_calls")),
    "C29 null": (sse(*calls(call(index=0, name="whoami", args=None)), DONE), ("", "", NOBODY, "tool_calls")),
    "C29 null as text": (sse(*calls(call(index=0, name="whoami", args="null")), DONE), ("", "", NOBODY, "tool_calls")),
    "C29 blanks": (sse(*calls(call(index=0, name="whoami", args="  ")), DONE), ("", "", NOBODY, "tool_calls")),
    "C29 missing": (sse(*calls(call(index=0, name="whoami")), DONE), ("", "", NOBODY, "tool_calls")),
    "C29 an object": (sse(*calls(call(index=0, name="whoami", args={})), DONE), ("", "", NOBODY, "tool_calls")),
    "C31 encoded twice": (sse(*calls(call(index=0, name="look", args=json.dumps(YEAR))), DONE), CALLED),
    "empty where some are demanded": (
        sse(*calls(call(name="look", args="")), DONE),
        ("", "", [("look", "")], "tool_calls"),
    ),
    "C33 function_call": (
        sse(
            delta(function_call={"name": "look", "arguments": '{"year"'}),
            delta(function_call={"arguments": ": 2026}"}),
            delta("function_call"),
            DONE,
        ),
        CALLED,
    ),
    "another id with every piece": (
        sse(*calls(call(index=0, id="a", name="look", args=""), call(index=0, id="b", args=YEAR)), DONE),
        CALLED,
    ),
    "an index that runs on": (
        sse(
            *calls(
                call(index=0, id="a", name="look", args=""),
                call(index=1, id="a", args='{"year":'),
                call(index=2, id="a", args="2026}"),
            ),
            DONE,
        ),
        CALLED,
    ),
    "the arguments again as a whole": (
        sse(*calls(call(index=0, id="a", name="look", args=YEAR), call(index=0, id="a", name="look", args=YEAR)), DONE),
        CALLED,
    ),
    "a call in a whole message": (
        json.dumps(
            {"choices": [{"message": {"content": None, "tool_calls": [call(id="a", name="look", args=YEAR)]}}]}
        ).encode(),
        CALLED,
    ),
    "arguments that are cut": (
        sse(*calls(call(name="look", args='{"year": 20')), DONE),
        ("", "", [("look", '{"year": 20')], "tool_calls"),
    ),
    "calls that are announced and missing": (says("Let me look.", "tool_calls"), ("Let me look.", "", [], "other")),
    # Calls as text.
    "C61 tool_call": (says(MARKED), CALLED),
    "C72 bare": (says(BARE), CALLED),
    "with parameters": (says(BARE.replace("arguments", "parameters")), CALLED),
    "in a fence": (says(f"```json\n{BARE}\n```"), CALLED),
    "after words": (says(f"Let me look.\n{MARKED}"), ("Let me look.\n", "", ONE, "tool_calls")),
    "two": (
        says(MARKED + "\n" + MARKED.replace("look", "whoami").replace('{"year": 2026}', "{}")),
        ("", "", TWO, "tool_calls"),
    ),
    "TOOL_CALLS": (says(f"[TOOL_CALLS][{BARE}]"), CALLED),
    "TOOL_CALLS with a name": (says(f"[TOOL_CALLS]look[ARGS]{YEAR}"), CALLED),
    "XML": (
        says("<tool_call>\n<function=look>\n<parameter=year>\n2026\n</parameter>\n</function>\n</tool_call>"),
        CALLED,
    ),
    "without its end": (says(MARKED.removesuffix("</tool_call>")), CALLED),
    "arguments as text": (says(json.dumps({"name": "look", "arguments": YEAR})), CALLED),
    "JSON that is an answer, with a word of a call": (
        says('{"name": "Anna", "arguments": "none", "days": 3}'),
        ('{"name": "Anna", "arguments": "none", "days": 3}', "", [], "end"),
    ),
    "JSON that is an answer": (says('{"name": "Anna", "days": 3}'), ('{"name": "Anna", "days": 3}', "", [], "end")),
    "a call after a thought": (says(f"<think>{THOUGHT}</think>\n{MARKED}"), ("", THOUGHT, ONE, "tool_calls")),
}


def in_words(text: str) -> tuple[bytes, tuple[str, str, list[tuple[str, Any]], str | None]]:
    """An answer that is its text, whatever stands in it."""
    return says(text), (text, "", [], "end")


THOUGHT_OF = ("Twelve days.", THOUGHT, [], "end")
SHAPES |= {
    # Framing and ends.
    "comments between": (
        b": OPENROUTER PROCESSING\n\n" + sse(delta(content="Twelve days.")) + b": x\n\n" + sse(delta("stop"), DONE),
        TWELVE,
    ),
    "no data": (b"data:\n\ndata: null\n\n" + says("Twelve days."), TWELVE),
    "DONE in quotation marks": (sse(delta("stop", content="Twelve days."), '"[DONE]"'), TWELVE),
    "DONE in small letters": (sse(delta(content="Twelve days."), "[done]"), TWELVE),
    "a blank before each field": (says("Twelve days.").replace(b"data:", b" data:"), TWELVE),
    "two byte order marks": (b"\xef\xbb\xbf" * 2 + says("Twelve days."), TWELVE),
    "the reason in the delta": (
        sse({"choices": [{"delta": {"content": "Twelve days.", "finish_reason": "stop"}}]}),
        TWELVE,
    ),
    "finishReason": (sse({"choices": [{"delta": {"content": "Twelve days."}, "finishReason": "STOP"}]}), TWELVE),
    "one choice, not a list": (
        sse({"choices": {"index": 0, "delta": {"content": "Twelve days."}, "finish_reason": "stop"}}, DONE),
        TWELVE,
    ),
    "a message that is its text": (
        sse({"choices": [{"message": "Twelve days.", "finish_reason": "stop"}]}, DONE),
        TWELVE,
    ),
    "text in place of a message": (
        sse(*({"choices": [{"text": text}]} for text in ("Twelve ", "days.")), delta("stop"), DONE),
        TWELVE,
    ),
    "a part that is a thought": (
        sse(delta(content=[{"type": "thought", "thought": THOUGHT}]), delta("stop", content="Twelve days."), DONE),
        ("Twelve days.", THOUGHT, [], "end"),
    ),
    "a token behind the arguments": (sse(*calls(call(index=0, name="look", args=f"{YEAR}<|im_end|>")), DONE), CALLED),
    "nothing, then the arguments": (sse(*calls(call(index=0, name="look", args="{}" + YEAR)), DONE), CALLED),
    "the whole call as its arguments": (sse(*calls(call(index=0, name="look", args=BARE)), DONE), CALLED),
    "a tag of one tool": (says(f"<tool>{BARE}</tool>"), CALLED),
    "an action": (
        says('<|START_ACTION|>[{"tool_name": "look", "parameters": {"year": 2026}}]<|END_ACTION|>'),
        CALLED,
    ),
    "tool and tool_input": (says('{"tool": "look", "tool_input": {"year": 2026}}'), CALLED),
    "DONE twice": (says("Twelve days.") + sse(DONE), TWELVE),
    "blanks before JSON": (b"\n \n\n" + json.dumps(WHOLE).encode(), TWELVE),
    "no blank line between events": (
        sse(delta(content="Twelve "), delta(content="days."), delta("stop"), DONE).replace(b"\n\n", b"\n"),
        TWELVE,
    ),
    "no choices at first": (
        sse({"choices": [], "prompt_filter_results": []}, {"choices": None}, {}) + says("Twelve days."),
        TWELVE,
    ),
    "the first of two choices": (
        sse(
            {"choices": [{"index": 0, "delta": {"content": "Twelve "}}, {"index": 1, "delta": {"content": "Ten"}}]},
            {"choices": [{"index": 1, "delta": {}, "finish_reason": "length"}]},
            delta("stop", content="days."),
            DONE,
        ),
        TWELVE,
    ),
    "an only choice at 1": (
        sse({"choices": [{"index": 1, "delta": {"content": "Twelve days."}, "finish_reason": "stop"}]}, DONE),
        TWELVE,
    ),
    "the name of an enumeration": (says("Twelve days.", "FinishReason.STOP"), TWELVE),
    "tokens": (says("Twelve days.<|im_end|>"), TWELVE),
    # Thoughts.
    "reasoning_text": (sse(delta(reasoning_text=THOUGHT), delta("stop", content="Twelve days."), DONE), THOUGHT_OF),
    "begin_of_thought": (
        says(f"<|begin_of_thought|>{THOUGHT}<|end_of_thought|><|begin_of_solution|>Twelve days.<|end_of_solution|>"),
        THOUGHT_OF,
    ),
    "channels": (
        says(
            f"<|channel|>analysis<|message|>{THOUGHT}<|end|>"
            "<|start|>assistant<|channel|>final<|message|>Twelve days.<|return|>"
        ),
        THOUGHT_OF,
    ),
    # Calls.
    "nothing before the arguments": (
        sse(
            *calls(call(index=0, name="look", args={}), call(index=0, args='{"year":'), call(index=0, args="7}")), DONE
        ),
        ("", "", [("look", {"year": 7})], "tool_calls"),
    ),
    "a namespace": (sse(*calls(call(index=0, name="functions.look", args=YEAR)), DONE), CALLED),
    **{
        f"a call of {name}": (sse(*calls(call(index=0, name=name, args=YEAR)), DONE), CALLED)
        for name in ("default_api:look", "functions.look:0", "look json")
    },
    "calls by their index": (
        sse(delta("tool_calls", tool_calls={"0": call(id="a", name="look", args=YEAR)}), DONE),
        CALLED,
    ),
    "tool_call": (sse(delta("tool_calls", tool_call=call(id="a", name="look", args=YEAR)), DONE), CALLED),
    "None": (sse(*calls(call(index=0, name="whoami", args="None")), DONE), ("", "", NOBODY, "tool_calls")),
    "channels without their tokens": (says(f"analysis{THOUGHT}assistantfinalTwelve days."), THOUGHT_OF),
    "a token in the name": (sse(*calls(call(index=0, name="look<|channel|>commentary", args=YEAR)), DONE), CALLED),
    "a list for no arguments": (
        sse(*calls(call(index=0, name="whoami", args=[])), DONE),
        ("", "", NOBODY, "tool_calls"),
    ),
    # Calls as text.
    "invoke": (
        says('<function_calls>\n<invoke name="look">\n<parameter name="year">2026</parameter>\n</invoke>'),
        CALLED,
    ),
    "keys and values": (
        says("<tool_call>look\n<arg_key>year</arg_key>\n<arg_value>2026</arg_value>\n</tool_call>"),
        CALLED,
    ),
    "a value that is cut": (
        says("<function=look><parameter=year>2026</parameter><parameter=to>20</function>"),
        ("", "", [("look", "<parameter=year>2026</parameter><parameter=to>20")], "tool_calls"),
    ),
    "a separator and a fence": (
        says(
            "<\uff5ctool▁calls▁begin\uff5c><\uff5ctool▁call▁begin\uff5c>function<\uff5ctool▁sep\uff5c>look\n"
            f"```json\n{YEAR}\n```<\uff5ctool▁call▁end\uff5c><\uff5ctool▁calls▁end\uff5c>"
        ),
        CALLED,
    ),
    "commentary": (
        says(f"<|channel|>commentary to=functions.look <|constrain|>json<|message|>{YEAR}<|call|>"),
        CALLED,
    ),
    "TOOLCALL": (says(f"<TOOLCALL>[{BARE}]</TOOLCALL>"), CALLED),
    "a call in a block and nothing else": (
        says(f"```xml\n{MARKED}\n```"),
        ("```xml\n", "", ONE, "tool_calls"),
    ),
    # Markup that an answer speaks of.
    "the end of a thought in a sentence": in_words("The tag </think> ends a thought, </thinking> does so, too."),
    "tags in code": in_words("Models write `<think>` and `</think>`, and `<tool_call>` for a call, and `<|im_end|>`."),
    "a tag in a sentence": in_words("The tag <tool_call> opens a call, [TOOL_CALLS] and functools[partial] do not."),
    "thoughts in a block": in_words("So:\n```\n<think>\nHm.\n</think>\n```\nThen the answer."),
    "a call in a block": in_words(f"Write it like this:\n```xml\n{MARKED}\n```\nThen wait."),
    "a call in a block of tildes": in_words(f"Write it like this:\n~~~\n{MARKED}\n~~~\nThen wait."),
    "another tool's call in a sentence": in_words(f"A call is {MARKED.replace('look', 'weather')} in that format."),
    "JSON like a call": in_words('The form has the fields:\n{"name": "Anna", "args": {"grade": 3}}'),
    "a list like calls": in_words('[{"name": "Anna", "input": "3"}]'),
    "a schema in a block": in_words('```json\n{"type": "object", "properties": {"name": {"type": "string"}}}\n```'),
}


@pytest.mark.parametrize("step", [None, 1], ids=["at once", "byte by byte"])
@pytest.mark.parametrize("shape", SHAPES)
async def test_each_shape_is_read_to_its_answer(shape: str, step: int | None) -> None:
    body, right = SHAPES[shape]
    assert heard(await read(body, step=step)) == right


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        *((word, "end") for word in ("end_turn", "eos_token", "STOP", "eos", "stop_sequence", "normal", "end_of_text")),
        *((word, "length") for word in ("max_tokens", "MAX_TOKENS", "length", "truncated")),
        *((word, "refusal") for word in ("SAFETY", "content_filter", "IMAGE_SAFETY", "flagged")),
        ("a new one", "other"),
    ],
)
async def test_C11_a_reason_is_known_in_the_words_of_other_servers(word: str, reason: str) -> None:
    assert heard(await read(says("Twelve days.", word))) == ("Twelve days.", "", [], reason)


@pytest.mark.parametrize("word", ["content_filter", "a new one"])
async def test_calls_are_not_made_if_the_answer_may_have_been_cut(word: str) -> None:
    body = sse(delta(tool_calls=[call(name="whoami", args="")]), delta(word), DONE)
    assert heard(await read(body))[2] == []


async def test_a_count_is_not_replaced_by_nought_and_is_found_wherever_it_stands() -> None:
    used = {"prompt_tokens": 90, "completion_tokens": 7}
    for chunks in (
        [{"choices": [], "usage": used}],
        [{**delta(content="a"), "usage": used}, {**delta("stop"), "usage": None}],
        [
            {**delta(content="a"), "usage": used},
            {**delta("stop"), "usage": {"prompt_tokens": 0, "completion_tokens": 0}},
        ],
        [{"choices": [{"delta": {"content": "a"}, "usage": used, "finish_reason": "stop"}]}],
    ):
        assert (await read(sse(*chunks, DONE)))[-1].usage == Usage(input=90, output=7)


@pytest.mark.parametrize("as_stream", [True, False])
async def test_C25_an_error_in_a_200_is_that_error(as_stream: bool) -> None:
    body = {"error": {"code": "insufficient_quota"}}
    with pytest.raises(ModelError) as raised:
        await read(sse(body) if as_stream else json.dumps(body).encode())
    assert (raised.value.code, raised.value.retryable) == ("quota", False)


async def test_an_error_of_a_choice_is_that_error() -> None:
    failed = {"delta": {}, "finish_reason": "error", "error": {"code": 429, "message": "?"}}
    with pytest.raises(ModelError) as raised:
        await read(sse({"choices": [failed]}, DONE))
    assert (raised.value.code, raised.value.retryable) == ("overloaded", True)


@pytest.mark.parametrize("content", [MARKED, BARE, f"```json\n{BARE}\n```", f"[TOOL_CALLS][{BARE}]", "<tool_call>?"])
@pytest.mark.parametrize("step", [None, 1])
async def test_a_written_call_of_a_tool_that_was_not_offered_says_that_the_model_cannot_call(
    content: str, step: int | None
) -> None:
    request = ModelRequest(instructions="", messages=ASKED.messages, tools=(WHOAMI,))
    told: list[ModelEvent] = []
    with pytest.raises(ModelError) as raised:
        await read_into(told, says(content), request, step=step)
    assert raised.value.code == "no_tools"
    assert heard(told)[0] == ""


async def test_where_json_was_asked_for_it_is_a_call_only_of_a_tool_that_was_offered() -> None:
    request = replace(ASKED, output={"type": "object"})
    for said, right in ((BARE, CALLED), ('{"name": "Anna", "arguments": 3}', None)):
        assert heard(await read(says(said), request)) == (right or (said, "", [], "end"))


async def test_text_is_told_as_it_comes_and_only_what_may_be_markup_is_held_back() -> None:
    told = await read(
        sse(*(delta(content=part) for part in ("You ", "have <", "b>12 [1", "] days.")), delta("stop"), DONE)
    )
    assert [event.text for event in told if event.kind == "text"] == ["You ", "have ", "<b>12 [1", "] days."]


@pytest.mark.parametrize(
    "shape", ["C50 think", "C61 tool_call", "C72 bare", "after words", "C04 index always 0, no ids"]
)
async def test_a_body_cut_at_any_byte_tells_part_of_the_answer_and_no_markup(shape: str) -> None:
    body, (text, thought, made, _) = SHAPES[shape]
    finish = body.index(b'"finish_reason": "')
    for cut in range(len(body)):
        said, thinks, called, reason = heard(await read(body[:cut]))
        assert text.startswith(said)
        assert thought.startswith(thinks) or thinks.startswith(thought)
        assert (called == made) == (reason is not None) or not made
        assert reason is None or cut > finish


def test_each_cell_of_the_compatibility_table_has_its_test() -> None:
    """Each row of the tables in docs/models.md names a test that exists, or shapes that are among those above."""
    here = Path(__file__).parent
    known = set(re.findall(r"def (test_\w+)", "".join(file.read_text() for file in here.glob("test_*.py"))))
    text = (here.parents[1] / "docs" / "models.md").read_text()
    part = text[text.index("## Servers that speak Chat Completions") : text.index("## Servers tried")]
    rows = [line for line in part.splitlines() if line.startswith("|") and not line.startswith(("| what", "|---"))]
    assert len(rows) > 20
    for row in rows:
        cell = row.strip("| ").rpartition(" | ")[2]
        shapes = [
            shape for listed in re.findall(r"`SHAPES`: ([^`]+)", cell) for shape in listed.strip(" ,").split(", ")
        ]
        missing = [shape for shape in shapes if not any(name.startswith(shape) for name in SHAPES)]
        tests = re.findall(r"`(test_\w+)`", cell)
        assert tests or shapes, row
        assert not missing, row
        assert set(tests) <= known, row


# Any shapes together


WORDS = st.sampled_from(["Twelve", "days", "are left [1]", "a < b", "see `x`,", "{y}", "grün.", "[2] and", "x"])
SAID = st.lists(WORDS, max_size=6).map(" ".join)
MADE = st.lists(st.sampled_from([("look", {"year": 2026}), ("look", {"year": 7}), ("whoami", {})]), max_size=3)


def in_pieces(draw: Any, text: str) -> list[str]:
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=3)))
    return [text[a:b] for a, b in pairwise([0, *cuts, len(text)])]


def written_call(draw: Any, style: dict[str, str], place: int, name: str, given: Any) -> list[dict[str, Any]]:
    """The pieces of one call, in the style that the whole answer has."""
    index: dict[str, Any] = {"right": {"index": place}, "text": {"index": str(place)}, "zero": {"index": 0}}.get(
        style["index"], {}
    )
    head = {**index, **({} if style["id"] == "none" else {"id": f"id{place}"})}
    raw: Any = json.dumps(given)
    if style["arguments"] == "object":
        raw = given
    elif style["arguments"] == "twice":
        raw = json.dumps(raw)
    elif not given and style["arguments"] == "empty":
        raw = draw(st.sampled_from(["", None, "null", "{}", " "]))
    parts = in_pieces(draw, raw) if isinstance(raw, str) and raw.strip() and raw != "null" else [raw]
    if style["name"] == "pieces":
        pieces = [call(**head, name=name[:2]), call(**head, name=name[2:])]
    else:
        pieces = [call(**head, name=name, args="")]
    repeated = {"name": name} if style["name"] == "every" else {}
    more = head if style["id"] == "every" else index
    return [*pieces, *(call(**more, **repeated, args=part) for part in parts)]


@st.composite
def answers(draw: Any) -> tuple[bytes, tuple[str, str, list[tuple[str, Any]], str | None]]:
    """An answer in a random dialect, and what it says."""
    text, thought, made = draw(SAID), draw(SAID), draw(MADE)
    style = {
        "index": draw(st.sampled_from(["right", "text", "zero", "missing"])),
        "id": draw(st.sampled_from(["none", "first", "every"])),
        "name": draw(st.sampled_from(["first", "every", "pieces"])),
        "arguments": draw(st.sampled_from(["text", "object", "twice", "empty"])),
    }
    if style["id"] == "none" and style["index"] in ("zero", "missing"):
        # Without an index and an id two calls in a row of one tool without arguments look like one.
        made = [one for n, one in enumerate(made) if one[1] or n == 0 or made[n - 1] != one]
    chunks: list[Any] = []
    where = draw(st.sampled_from(["reasoning_content", "reasoning", "thinking", "parts", "tags"]))
    if thought:
        for part in in_pieces(draw, thought):
            chunks.append(
                delta(content=[{"type": "thinking", "thinking": part}]) if where == "parts" else delta(**{where: part})
            )
        if where == "tags":
            chunks = [delta(content=part) for part in in_pieces(draw, f"<think>{thought}</think>\n\n")]
    as_parts = draw(st.booleans())
    for part in in_pieces(draw, text):
        chunks.append(delta(content=[{"type": "text", "text": part}] if as_parts else part))
    for place, (name, wrote) in enumerate(made):
        chunks += [delta(tool_calls=[piece]) for piece in written_call(draw, style, place, name, wrote)]
    if draw(st.booleans()):
        chunks = [{"choices": [{"message": one["choices"][0]["delta"]}]} for one in chunks]
    reason = "tool_calls" if made else "end"
    word = draw(
        st.sampled_from(
            ["tool_calls", "TOOL_USE", "function_call"] if made else ["stop", "end_turn", "EOS", "eos_token"]
        )
    )
    chunks.append(delta(word))
    if draw(st.booleans()):
        chunks.append({"choices": [], "usage": draw(st.sampled_from([None, {}, {"prompt_tokens": 9}]))})
    if draw(st.booleans()):
        chunks.append(DONE)
    body = sse(*chunks, end=draw(st.sampled_from(["\n", "\r", "\r\n"])))
    if draw(st.booleans()):
        body = b"\xef\xbb\xbf: hello\n\n" + body.replace(b"data: ", b"data:")
    return body, (text, thought.strip(), made, reason)


def read_now(body: bytes, step: int | None) -> tuple[str, str, list[tuple[str, Any]], str | None]:
    return heard(anyio.run(partial(read, body, step=step)))


@settings(max_examples=150)
@given(answers(), st.sampled_from([None, 1, 7]))
def test_shapes_may_be_combined_at_random(answer: tuple[bytes, Any], step: int | None) -> None:
    body, right = answer
    assert read_now(body, step) == right


@pytest.mark.torture
@settings(max_examples=2000)
@given(answers(), st.integers(1, 40))
def test_shapes_may_be_combined_at_random_for_long(answer: tuple[bytes, Any], step: int) -> None:
    body, right = answer
    assert read_now(body, step) == right


@settings(max_examples=60)
@given(answers(), st.data())
def test_an_answer_that_is_cut_anywhere_is_never_whole_and_its_text_is_a_beginning(
    answer: tuple[bytes, Any], data: Any
) -> None:
    body, (text, thought, *_) = answer
    cut = data.draw(st.integers(0, body.index(b'"finish_reason": "')))
    said, thinks, called, reason = read_now(body[:cut], None)
    assert text.startswith(said)
    assert thought.startswith(thinks)
    assert (called, reason) == ([], None)


# Whole turns


class Server:
    """A stand-in for a server. `refuses` looks at a request and says why it refuses it, None if it does not."""

    def __init__(self, answers: Sequence[bytes], refuses: Callable[[dict[str, Any]], Any] = lambda _: None) -> None:
        self.answers = list(answers)
        self.refuses = refuses
        self.bodies: list[dict[str, Any]] = []
        self.status = 400

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        self.bodies.append(body)
        if (why := self.refuses(body)) is not None:
            return httpx2.Response(
                self.status, json=why if isinstance(why, dict | list) else {"error": {"message": why}}
            )
        return httpx2.Response(200, content=self.answers.pop(0))


@tool(effect="read")
def look(year: int) -> dict[str, int]:
    """Looks."""
    return {"days": 12}


@tool(effect="read")
def whoami() -> str:
    """Says."""
    return "e-1042"


async def turn(server: Server, *questions: str, **given: Any) -> Any:
    """The last reply, and all model calls of it."""
    model = chat_model(server)
    async with open_store("memory:") as store, chatting(store, model, tools=[look, whoami], **given) as chat:
        for question in questions or ("How many days?",):
            reply = await chat.ask(question)
        return reply, [(c.status, c.code) for c in await chat.model_calls()]


LOOKS = sse(*calls(call(index=0, id="abc123XYZ", name="look", args=YEAR)), DONE)
SAYS = says("Twelve days.")
ANSWERED = ("answered", None)
ADAPTED = ("failed", "adapted")


def unknown(*names: str) -> Callable[[dict[str, Any]], Any]:
    """Refuses each of these fields as servers that check requests do: it repeats what it was sent."""

    def refuse(body: dict[str, Any]) -> Any:
        for name in names:
            if name in body:
                return {"detail": [{"loc": ["body", name], "msg": "Extra inputs are not permitted", "input": body}]}
        return None

    return refuse


@pytest.mark.parametrize(
    ("names", "options"),
    [
        (("stream_options",), QUICK),
        (("stream_options", "parallel_tool_calls"), QUICK.model_copy(update={"calls_at_once": False})),
        (("tool_choice",), QUICK.model_copy(update={"tool_choice": "required"})),
        (("max_tokens",), QUICK.model_copy(update={"model_settings": {"max_output_tokens": 99}})),
    ],
)
@pytest.mark.parametrize("status", [400, 422])
async def test_C46_a_field_that_is_refused_is_left_out_from_then_on(
    names: tuple[str, ...], options: Options, status: int
) -> None:
    server = Server([LOOKS, SAYS], unknown(*names))
    server.status = status
    reply, made = await turn(server, options=options.model_copy(update={"max_attempts": 1}))
    assert (reply.status, reply.text) == ("completed", "Twelve days.")
    assert made == [*[ADAPTED] * len(names), ANSWERED, ANSWERED]
    if "max_tokens" in names:
        assert server.bodies[-1]["max_completion_tokens"] == 99


async def test_a_refused_form_is_no_attempt_and_the_pause_before_the_next_one_is_none() -> None:
    server = Server([sse(delta("stop"), DONE), SAYS], unknown("stream_options"))
    reply, made = await turn(server)
    assert reply.status == "completed"
    assert made == [ADAPTED, ("failed", "empty"), ANSWERED]


async def test_a_value_that_is_refused_is_not_sent_under_another_name() -> None:
    server = Server([], lambda _: "max_tokens is too large: 99999. This model supports at most 4096 tokens.")
    options = QUICK.model_copy(update={"model_settings": {"max_output_tokens": 99999}})
    reply, made = await turn(server, options=options)
    assert (reply.status, made) == ("failed", [("failed", "invalid_request")])


async def test_a_refusal_that_teaches_nothing_new_is_one() -> None:
    reply, made = await turn(Server([], lambda _: "stream_options: Extra inputs are not permitted"))
    assert (reply.status, reply.error.code) == ("failed", "invalid_request")
    assert made == [ADAPTED, ("failed", "invalid_request")]


async def test_what_a_refusal_seemed_to_say_is_unlearnt_if_the_server_goes_on_refusing() -> None:
    server = Server([SAYS], lambda body: "stream_options: out of order" if len(server.bodies) < 3 else None)
    model = chat_model(server)
    for code in ("adapted", "invalid_request"):
        with pytest.raises(ModelError) as raised:
            [event async for event in model.stream(ASKED)]
        assert raised.value.code == code
    assert heard([event async for event in model.stream(ASKED)]) == TWELVE
    assert ["stream_options" in body for body in server.bodies] == [True, False, True]


async def test_a_server_in_trouble_teaches_nothing_about_streaming() -> None:
    server = Server([SAYS], lambda _: "stream closed, state not supported" if len(server.bodies) == 1 else None)
    server.status = 500
    reply, made = await turn(server)
    assert (reply.status, made) == ("completed", [("failed", "overloaded"), ANSWERED])
    assert server.bodies[-1]["stream"] is True


async def test_a_server_that_demands_reasoning_gets_it_although_it_seemed_to_refuse_it() -> None:
    def refuse(body: dict[str, Any]) -> Any:
        if not any(m.get("tool_calls") for m in body["messages"]):
            return None
        if len(server.bodies) == 2:
            return "unexpected failure of the reasoning engine"
        return None if any("reasoning" in m for m in body["messages"]) else "reasoning must be passed back"

    server = Server([sse(delta(reasoning=THOUGHT), *calls(call(id="c1", name="whoami")), DONE), SAYS], refuse)
    reply, made = await turn(server)
    assert (reply.status, made) == ("completed", [ANSWERED, ADAPTED, ADAPTED, ANSWERED])


async def test_an_error_after_content_teaches_nothing() -> None:
    body = sse(delta(content="Twelve "), {"error": {"code": 400, "message": "stream_options: Extra inputs"}})
    reply, made = await turn(Server([body]))
    assert (reply.status, made) == ("interrupted", [("failed", "invalid_request")])


async def test_a_model_whose_request_is_written_otherwise_is_asked_again_and_not_the_next_of_the_chain() -> None:
    models = [chat_model(Server([SAYS], unknown("stream_options"))), ScriptedModel([[Say("Another model.")]])]
    async with (
        open_store("memory:") as store,
        Desk(store, models, options=QUICK) as desk,
        await desk.create_chat(ASKER) as chat,
    ):
        reply = await chat.ask("How many days?")
    assert (reply.status, reply.text) == ("completed", "Twelve days.")


async def test_a_model_that_always_wants_it_otherwise_is_given_up() -> None:
    script = [[Fail("adapted")] for _ in range(99)]
    async with open_store("memory:") as store, chatting(store, ScriptedModel(script)) as chat:
        reply = await chat.ask("How many days?")
        made = await chat.model_calls()
    assert (reply.status, reply.error.code if reply.error else "") == ("failed", "adapted")
    assert len(made) == MAX_ADAPTED + 1


async def test_what_was_learnt_of_a_server_holds_for_every_model_object_of_the_process() -> None:
    first, again = (dialect_of("http://127.0.0.1:9/v1", "learning") for _ in range(2))
    first.learn(422, "stream_options", lambda habits: {} if habits else {"stream_options": {}})
    assert again.habits == {"no_stream_options"}
    assert dialect_of("http://127.0.0.1:8/v1", "learning").habits == frozenset()


def messages_of(body: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(message["role"], message["content"]) for message in body["messages"]]


async def test_C40_reasoning_goes_back_with_the_calls_it_led_to() -> None:
    def refuse(body: dict[str, Any]) -> Any:
        bare = [m for m in body["messages"] if m.get("tool_calls") and not m.get("reasoning_content")]
        return "The `reasoning_content` in the thinking mode must be passed back to the API." if bare else None

    thinks = sse(delta(reasoning_content=THOUGHT), *calls(call(index=0, id="c1", name="look", args=YEAR)), DONE)
    server = Server([thinks, SAYS, SAYS], refuse)
    reply, made = await turn(server, "How many days?", "And now?")
    assert (reply.status, reply.text) == ("completed", "Twelve days.")
    # In a later turn it is sent only if the server demands it.
    assert made == [ANSWERED, ANSWERED, ADAPTED, ANSWERED]
    (sent,) = [m for m in server.bodies[-1]["messages"] if m.get("tool_calls")]
    assert sent["reasoning_content"] == THOUGHT


async def test_reasoning_is_not_sent_to_a_server_that_refuses_it() -> None:
    def refuse(body: dict[str, Any]) -> Any:
        return "property 'reasoning' is unsupported" if any("reasoning" in m for m in body["messages"]) else None

    server = Server([sse(delta(reasoning=THOUGHT), *calls(call(id="c1", name="whoami")), DONE), SAYS], refuse)
    assert (await turn(server))[1] == [ANSWERED, ADAPTED, ANSWERED]


async def test_a_signature_of_a_call_goes_back_unchanged_in_every_turn() -> None:
    extra = {"google": {"thought_signature": "c2ln"}}
    server = Server(
        [sse(*calls(call(index=0, id="c1", name="look", args=YEAR, extra_content=extra)), DONE), SAYS, SAYS]
    )
    await turn(server, "How many days?", "And now?")
    for body in server.bodies[1:]:
        (sent,) = [call for m in body["messages"] for call in m.get("tool_calls", ())]
        assert (sent["id"], sent["extra_content"]) == ("c1", extra)


async def test_C42_the_ids_of_calls_go_back_as_the_server_gave_them() -> None:
    def refuse(body: dict[str, Any]) -> Any:
        ids = [m["tool_call_id"] for m in body["messages"] if m["role"] == "tool"]
        return "unknown tool_call_id" if set(ids) - {"abc123XYZ"} else None

    server = Server([LOOKS, SAYS, SAYS], refuse)
    reply, made = await turn(server, "How many days?", "And now?")
    assert (reply.status, made) == ("completed", [ANSWERED] * 3)


async def test_an_id_of_ours_is_written_as_the_server_takes_it() -> None:
    def refuse(body: dict[str, Any]) -> Any:
        for id in (m["tool_call_id"] for m in body["messages"] if m["role"] == "tool"):
            if not (len(id) == 9 and id.isalnum()):
                return f"Tool call id was {id} but must be a-z, A-Z, 0-9, with a length of 9."
        return None

    twice = sse(*calls(call(index=0, name="look", args=YEAR), call(index=1, name="whoami")), DONE)
    server = Server([twice, SAYS], refuse)
    assert (await turn(server))[1] == [ANSWERED, ADAPTED, ANSWERED]
    results = [m["tool_call_id"] for m in server.bodies[-1]["messages"] if m["role"] == "tool"]
    made = [c["id"] for m in server.bodies[-1]["messages"] for c in m.get("tool_calls", ())]
    assert results == made
    assert len(set(made)) == 2


async def test_C45_roles_alternate_after_an_empty_answer() -> None:
    def refuse(body: dict[str, Any]) -> Any:
        roles = [m["role"] for m in body["messages"] if m["role"] != "system"]
        return "roles must alternate" if any(a == b for a, b in pairwise(roles)) else None

    reply, made = await turn(Server([sse(delta("stop"), DONE), SAYS], refuse))
    assert (reply.status, made) == ("completed", [("failed", "empty"), ANSWERED])


async def test_a_question_after_a_result_is_parted_from_it_for_a_template_that_wants_it() -> None:
    def refuse(body: dict[str, Any]) -> Any:
        roles = [m["role"] for m in body["messages"]]
        return "Unexpected role 'user' after role 'tool'" if ("tool", "user") in pairwise(roles) else None

    reply, made = await turn(Server([LOOKS, sse(delta("stop"), DONE), SAYS], refuse))
    assert (reply.status, made) == ("completed", [ANSWERED, ("failed", "empty"), ADAPTED, ANSWERED])


async def test_a_template_without_a_system_role_gets_the_instructions_in_the_question() -> None:
    def refuse(body: dict[str, Any]) -> Any:
        return "System role not supported" if body["messages"][0]["role"] == "system" else None

    server = Server([SAYS], refuse)
    assert (await turn(server, instructions="Be brief."))[1] == [ADAPTED, ANSWERED]
    assert messages_of(server.bodies[-1]) == [("user", "Be brief.\n\nHow many days?")]


@pytest.mark.parametrize("why", ["'content' must be a string", "object of type 'NoneType' has no len()"])
async def test_C48_an_empty_text_stands_for_none(why: str) -> None:
    server = Server([LOOKS, SAYS], lambda body: why if any(m["content"] is None for m in body["messages"]) else None)
    assert (await turn(server))[1] == [ANSWERED, ADAPTED, ANSWERED]
    assert ("assistant", "") in messages_of(server.bodies[-1])


async def test_a_server_that_does_not_stream_is_asked_for_the_whole() -> None:
    server = Server([json.dumps(WHOLE).encode()], lambda body: "streaming is not supported" if body["stream"] else None)
    reply, made = await turn(server)
    assert (reply.text, made) == ("Twelve days.", [ADAPTED, ANSWERED])


@pytest.mark.parametrize(
    "why", ["m does not support tools", '"auto" tool choice requires --enable-auto-tool-choice to be set']
)
async def test_a_server_that_says_so_cannot_call_tools(why: str) -> None:
    reply, made = await turn(Server([], lambda _: why))
    assert (reply.status, reply.error.code, made) == ("failed", "no_tools", [("failed", "no_tools")])


@pytest.mark.parametrize("content", [MARKED, BARE])
async def test_C61_C72_a_call_written_as_text_is_made_and_never_shown(content: str) -> None:
    model = chat_model(Server([says(content), SAYS]))
    async with open_store("memory:") as store, chatting(store, model, tools=[look]) as chat:
        reply = await chat.ask("How many days?")
        seen = await events(chat.desk, reply.turn_id)
    assert (reply.status, reply.text, text_of(seen)) == ("completed", "Twelve days.", "Twelve days.")
    assert [c.status for c in reply.tool_calls] == ["succeeded"]


async def test_a_thought_that_was_shown_before_it_was_known_as_one_is_asked_for_again_and_then_kept_apart() -> None:
    body = sse(delta(content=f"{THOUGHT}\n"), delta(content="</think>\n\nTwelve days."), delta("stop"), DONE)
    reply, made = await turn(Server([body, body]))
    assert (reply.status, reply.text, made) == ("completed", "Twelve days.", [ADAPTED, ANSWERED])


async def test_what_was_learnt_of_first_thoughts_is_unlearnt_if_an_answer_has_none() -> None:
    shown = sse(delta(content=f"{THOUGHT}\n"), delta(content="</think>\n\nTwelve days."), delta("stop"), DONE)
    pieces = sse(delta(content="Twelve "), delta(content="days."), delta("stop"), DONE)
    model = chat_model(Server([shown, SAYS, pieces]))
    with pytest.raises(ModelError) as raised:
        [event async for event in model.stream(ASKED)]
    assert raised.value.code == "adapted"
    # This answer is held back to its end, and the next one is told as it comes.
    assert heard([event async for event in model.stream(ASKED)]) == TWELVE
    told = [event async for event in model.stream(ASKED)]
    assert [event.text for event in told if event.kind == "text"] == ["Twelve ", "days."]


@pytest.mark.parametrize(
    ("wrote", "rescued"),
    [
        (f"<function=look>{YEAR}</function>", True),
        (f"<function=look{YEAR}</function>", True),
        (f'<tool-use>{{"tool_calls": [{BARE}]}}</tool-use>', True),
        (f"Let me look.\n{MARKED}", True),
        ("{", False),
        ('<function=look>{"year": 20', False),
        (MARKED.replace("look", "send_mail"), False),
        ("Twelve days.", False),
        (None, False),
    ],
)
async def test_a_call_that_the_server_could_not_read_is_made_if_it_is_whole_and_else_asked_for_again(
    wrote: str | None, rescued: bool
) -> None:
    failed = {"error": {"code": "tool_use_failed", "message": "Failed to call a function.", "failed_generation": wrote}}
    server = Server([SAYS], lambda _: failed if len(server.bodies) == 1 else None)
    reply, made = await turn(server)
    assert (reply.status, reply.text.endswith("Twelve days.")) == ("completed", True)
    assert made == [ANSWERED if rescued else ("failed", "protocol"), ANSWERED]
    assert [call.status for call in reply.tool_calls] == ["succeeded"] * rescued


async def test_a_number_that_json_does_not_have_is_told_to_the_model_and_the_tool_is_not_run() -> None:
    wrote = sse(*calls(call(index=0, id="c1", name="look", args='{"year": NaN}')), DONE)
    reply, _ = await turn(Server([wrote, SAYS]))
    assert [made.status for made in reply.tool_calls] == ["invalid_arguments"]
    assert reply.text == "Twelve days."


@pytest.mark.parametrize("field", THOUGHT_FIELDS)
async def test_a_thought_goes_back_in_the_field_it_came_in(field: str) -> None:
    server = Server([sse(delta(**{field: THOUGHT}), *calls(call(id="c1", name="whoami")), DONE), SAYS])
    await turn(server)
    (sent,) = [m for m in server.bodies[-1]["messages"] if m.get("tool_calls")]
    assert sent[field] == THOUGHT


async def test_N06_a_chinese_thread_is_trimmed_before_a_server_of_32k_refuses_it() -> None:
    def refuse(body: dict[str, Any]) -> Any:
        tokens = sum(len(m["content"] or "") for m in body["messages"])
        return f"Input length {tokens} exceeds the maximum length 32768" if tokens > 32_768 else None

    server = Server([says("年" * 3000)] * 9, refuse)
    model = TunedModel(chat_model(server), Tuning(context_window=32_768))
    async with open_store("memory:") as store, chatting(store, model) as chat:
        for _ in range(9):
            reply = await chat.ask("假" * 3000)
        assert (reply.status, reply.text) == ("completed", "年" * 3000)
        assert {(made.status, made.code) for made in await chat.model_calls()} == {ANSWERED}
    assert max(sum(len(m["content"]) for m in body["messages"]) for body in server.bodies) > 20_000


async def test_the_name_of_a_model_says_that_it_thinks_first() -> None:
    pieces = [*f"{THOUGHT}</think>", "Twelve ", "days."]
    body = sse(*(delta(content=piece) for piece in pieces), delta("stop"), DONE)
    told = [event async for event in chat_model(Server([body]), "deepseek-r1:7b").stream(ASKED)]
    assert heard(told) == ("Twelve days.", THOUGHT, [], "end")
    # What turns out to be no thought is told at the end, and text beside a thought of the server's as it comes.
    told = [event async for event in chat_model(Server([says("Twelve days.")]), "qwq").stream(ASKED)]
    assert heard(told) == TWELVE
    body = sse(delta(reasoning=THOUGHT), delta(content="Twelve "), delta(content="days."), delta("stop"), DONE)
    told = [event async for event in chat_model(Server([body]), "qwq").stream(ASKED)]
    assert [event.text for event in told if event.kind == "text"] == ["Twelve ", "days."]


async def test_C62_a_filter_of_contents_refuses() -> None:
    reply, _ = await turn(Server([], lambda _: {"error": {"code": "content_filter", "message": "?"}}))
    assert reply.status == "refused"


@pytest.mark.parametrize(
    "why",
    [
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
        "the request exceeds the available context size, try increasing it",
        "Trying to keep the first 5000 tokens when context the overflows.",
        "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
        [{"error": {"message": "The input token count (9000) exceeds the maximum number of tokens allowed (8192)."}}],
        "Input length 9000 exceeds the maximum length 8192",
    ],
)
async def test_C63_history_is_trimmed_once_and_the_turn_goes_on(why: Any) -> None:
    server = Server([SAYS, SAYS], lambda body: why if len(body["messages"]) > 2 else None)
    reply, made = await turn(server, "How many days?", "And now?")
    assert (reply.status, made) == ("completed", [ANSWERED, ("failed", "too_large"), ANSWERED])
