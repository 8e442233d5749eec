"""Shapes of answers and of errors that gateways were seen to write, and what each means: one table for each API."""

import json
from typing import Any

import anyio
import httpx2
import pytest

from backends.models.anthropic.request_body import messages_body
from backends.models.openai.responses import responses_body
from core.errors import ModelError
from core.model import AssistantMessage, ModelEvent, ModelRequest, SentCall, ToolMessage, UserMessage
from tests.models.test_gateways import model_at, read

YEAR = '{"year":2026}'
Event = dict[str, Any] | str
Call = tuple[str, str]


def body(*events: Event) -> list[bytes]:
    """Text is sent as it is."""
    return [(e if isinstance(e, str) else f"event: {e['type']}\ndata: {json.dumps(e)}\n\n").encode() for e in events]


def meaning(events: list[ModelEvent]) -> tuple[str, list[Call], str | None]:
    """The text, the calls, and why it ended; None if it was cut."""
    said = "".join(event.text for event in events if event.kind == "text")
    calls = [(event.tool, event.arguments) for event in events if event.kind == "call"]
    return said, calls, next((event.stop_reason for event in events if event.kind == "finish"), None)


# Anthropic

BEGIN: Event = {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}}
STOP: Event = {"type": "message_stop"}


def block(value: dict[str, Any], *deltas: dict[str, Any], index: Any = 0, ends: Any = ()) -> list[Event]:
    begin = {"type": "content_block_start", "index": index, "content_block": value}
    pieces = [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
    return [begin, *pieces, {"type": "content_block_stop", "index": index, **dict(ends)}]


def text(said: str, index: Any = 0) -> list[Event]:
    return block({"type": "text", "text": ""}, {"type": "text_delta", "text": said}, index=index)


def piece(partial: Any, **delta: Any) -> dict[str, Any]:
    return {"type": "input_json_delta", "partial_json": partial, **delta}


def use(*deltas: dict[str, Any], name: str = "look", index: Any = 0, ends: Any = (), **value: Any) -> list[Event]:
    value = {"type": "tool_use", "id": f"t{index}", "name": name, "input": {}, **value}
    return block(value, *deltas, index=index, ends=ends)


def why(reason: Any, **more: Any) -> Event:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, **more}


HI = text("Hi.")
LOOKS: list[Call] = [("look", YEAR)]
MESSAGES: dict[str, tuple[list[Event], tuple[str, list[Call], str | None]]] = {
    "pings only": ([BEGIN, {"type": "ping"}, STOP], ("", [], "end")),
    "no beginning": ([*HI, why("end_turn"), STOP], ("Hi.", [], "end")),
    "the reason beside the delta": ([BEGIN, *HI, {"type": "message_delta", "stop_reason": "eos"}], ("Hi.", [], "end")),
    "the reason at the end": ([BEGIN, *HI, {"type": "message_stop", "stop_reason": "length"}], ("Hi.", [], "length")),
    "a null after the reason": ([BEGIN, *HI, why("max_tokens"), why(None), STOP], ("Hi.", [], "length")),
    "no reason": ([BEGIN, *HI], ("Hi.", [], None)),
    "no reason for a call": ([BEGIN, *use(piece(YEAR)), why(None), STOP], ("", LOOKS, "tool_calls")),
    "places as text": ([BEGIN, *text("Hi.", "0"), *use(piece(YEAR), index="1"), STOP], ("Hi.", LOOKS, "tool_calls")),
    "places as text and as numbers": (
        [BEGIN, use(index="1")[0], *use(piece(YEAR), index=1)[1:], why("tool_use")],
        ("", LOOKS, "tool_calls"),
    ),
    "pieces of text at a place of no block": (
        [BEGIN, HI[0], {**text("Hi.", 5)[1], "index": 5}, HI[2], why("end_turn")],  # type: ignore[dict-item]
        ("Hi.", [], "end"),
    ),
    "arguments whole at the beginning and once more": (
        [BEGIN, *use(piece(YEAR), input={"year": 2026}), why("tool_use")],
        ("", LOOKS, "tool_calls"),
    ),
    "arguments at the beginning, then an empty object": (
        [BEGIN, *use(piece("{}"), input={"year": 2026}), why("tool_use")],
        ("", [("look", '{"year": 2026}')], "tool_calls"),
    ),
    "arguments at the end of the block": (
        [BEGIN, *use(ends={"content_block": {"type": "tool_use", "input": {"year": 2026}}}), why("tool_use")],
        ("", [("look", '{"year": 2026}')], "tool_calls"),
    ),
    "arguments under another name": (
        [BEGIN, *use({"type": "input_json_delta", "input": {"year": 2026}}), why("tool_use")],
        ("", [("look", '{"year": 2026}')], "tool_calls"),
    ),
    "arguments after the end of the block": (
        [BEGIN, *use()[:1], use()[1], *use(piece(YEAR))[1:], why("tool_use")],
        ("", LOOKS, "tool_calls"),
    ),
    "half of the arguments after the end of the block": (
        [BEGIN, *use(piece('{"year":')), use(piece("2026}"))[1], why("tool_use")],
        ("", LOOKS, "tool_calls"),
    ),
    "arguments that are null": (
        [BEGIN, *use(piece(None), input=None, name="whoami"), STOP],
        ("", [("whoami", "{}")], "tool_calls"),
    ),
    "half a call": (
        [BEGIN, *use(piece('{"ye')), why("model_context_window_exceeded"), STOP],
        ("", [("look", '{"ye')], "length"),
    ),
    "calls in turns": (
        [BEGIN, use(index=0)[0], use(index=1, name="two")[0]]
        + [use(piece(part), index=index)[1] for part, index in (('{"a"', 0), ('{"b"', 1), (":1}", 0), (":2}", 1))]
        + [why("tool_use"), STOP],
        ("", [("look", '{"a":1}'), ("two", '{"b":2}')], "tool_calls"),
    ),
    "a call of the server's own": (
        [
            BEGIN,
            *HI,
            *block({"type": "server_tool_use", "name": "search"}, piece("{}"), index=1),
            *text("Yes.", 2),
            STOP,
        ],
        ("Hi.\n\nYes.", [], "end"),
    ),
    "all of it in the beginning": (
        [{"type": "message_start", "message": {"content": [{"type": "text", "text": "Hi."}]}}, why("stop"), STOP],
        ("Hi.", [], "end"),
    ),
    "all of it in the beginning and once more": (
        [{"type": "message_start", "message": {"content": [{"type": "text", "text": "Hi."}]}}, *HI, why("stop"), STOP],
        ("Hi.", [], "end"),
    ),
    "one object with a text": (['{"type":"message","content":"Hi.","stop_reason":"end_turn"}'], ("Hi.", [], "end")),
    "one object without a type": (
        ['{"role":"assistant","content":[{"type":"text","text":"Hi."}],"stop_reason":"max_tokens"}'],
        ("Hi.", [], "length"),
    ),
    "a thought in tags": ([BEGIN, *text("<think>Hm.</think>Hi."), why("end_turn")], ("Hi.", [], "end")),
}


# Responses


def delta(said: str, index: int | None = 0, **more: Any) -> Event:
    place = {} if index is None else {"output_index": index}
    return {"type": "response.output_text.delta", "delta": said, **place, **more}


def message(said: Any) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": said}]}


def call(arguments: Any = YEAR, **more: Any) -> dict[str, Any]:
    return {"type": "function_call", "id": "f", "call_id": "c", "name": "look", "arguments": arguments, **more}


def event(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", **more}


def completed(*output: dict[str, Any], kind: str = "completed", **more: Any) -> Event:
    return event(kind, response={"status": "completed", "output": list(output), **more})


def parallel(**place: Any) -> list[Event]:
    """Two calls that nothing but their ids tells apart."""
    added = [event("output_item.added", item=call("", id=id), **place) for id in "ab"]
    pieces = {"a": '{"year":1}', "b": '{"year":2}'}
    return [
        *added,
        *(event("function_call_arguments.delta", delta=pieces[id], item_id=id, **place) for id in "ab"),
        completed(),
    ]


BOTH: list[Call] = [("look", '{"year":1}'), ("look", '{"year":2}')]
RESPONSES: dict[str, tuple[list[Event], tuple[str, list[Call], str | None]]] = {
    "only in the last event": ([completed(message("Hi."))], ("Hi.", [], "end")),
    "two messages only in the last event": (
        [completed(message("One."), message("Two."), call())],
        ("One.\n\nTwo.", LOOKS, "tool_calls"),
    ),
    "only as items that are done": ([event("output_item.done", item=message("Hi.")), completed()], ("Hi.", [], "end")),
    "only as parts that are done": (
        [event("content_part.done", part={"type": "output_text", "text": "Hi."}), completed()],
        ("Hi.", [], "end"),
    ),
    "deltas of another name": ([event("text.delta", delta="Hi."), completed()], ("Hi.", [], "end")),
    "deltas that are objects": ([event("output_text.delta", delta={"text": "Hi."}), completed()], ("Hi.", [], "end")),
    "content that is text": ([completed({"type": "message", "content": "Hi."})], ("Hi.", [], "end")),
    "numbers in no order": (
        [delta("H", sequence_number=9), delta("i.", sequence_number=2), completed(message("Hi."))],
        ("Hi.", [], "end"),
    ),
    "complete": ([delta("Hi."), completed(kind="complete")], ("Hi.", [], "end")),
    "end": ([delta("Hi."), completed(kind="end")], ("Hi.", [], "end")),
    "no response in the last event": ([delta("Hi."), event("completed")], ("Hi.", [], "end")),
    "done and nothing else": ([delta("Hi."), "data: [DONE]\n\n"], ("Hi.", [], None)),
    "incomplete by its status": (
        [
            delta("Hi"),
            completed(message("Hi"), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
        ],
        ("Hi", [], "length"),
    ),
    "a refusal that is done": ([event("refusal.done", refusal="No."), completed()], ("No.", [], "refusal")),
    "a refusal in the list": (
        [completed({"type": "message", "content": [{"type": "refusal", "refusal": "No."}]})],
        ("No.", [], "refusal"),
    ),
    "calls told apart by ids": (parallel(), ("", BOTH, "tool_calls")),
    "calls at one place told apart by ids": (parallel(output_index=0), ("", BOTH, "tool_calls")),
    "arguments with the name and nothing else": (
        [event("function_call_arguments.done", name="look", arguments=YEAR), completed()],
        ("", LOOKS, "tool_calls"),
    ),
    "arguments before their call": (
        [event("function_call_arguments.delta", delta=YEAR), event("output_item.added", item=call("")), completed()],
        ("", LOOKS, "tool_calls"),
    ),
    "a name that the list leaves out": (
        [event("output_item.added", item=call("")), completed(call(name=None))],
        ("", LOOKS, "tool_calls"),
    ),
    "an item of the server's own": (
        [completed({"type": "web_search_call", "status": "completed"}, message("Hi."))],
        ("Hi.", [], "end"),
    ),
    "one object without its kind": (
        [json.dumps({"status": "completed", "output": [message("Hi.")]})],
        ("Hi.", [], "end"),
    ),
    "one object with a text": (['{"object":"response","output":[],"output_text":"Hi."}'], ("Hi.", [], "end")),
    "one object that is not answered yet": (['{"object":"response","status":"queued","output":[]}'], ("", [], None)),
    "a thought in tags": ([delta("<think>Hm.</think>Hi."), completed()], ("Hi.", [], "end")),
}


@pytest.mark.parametrize(
    ("api", "shape"), [*(("messages", name) for name in MESSAGES), *(("responses", name) for name in RESPONSES)]
)
def test_each_shape_is_read_to_its_answer(api, shape):
    events, meant = (MESSAGES if api == "messages" else RESPONSES)[shape]
    assert meaning(read(api, body(*events))) == meant


@pytest.mark.parametrize(
    "said",
    [
        [event("reasoning_text.done", text="Hm.")],
        [event("output_item.done", item={"type": "reasoning", "content": [{"type": "reasoning_text", "text": "Hm."}]})],
        [event("reasoning.delta", delta="Hm."), event("reasoning.done", text="Hm.")],
        [event("reasoning_content.delta", delta="Hm.")],
        [event("reasoning_summary.delta", delta={"text": "Hm."})],
        [
            event("reasoning_summary_text.delta", delta="Hm."),
            event("reasoning_summary_text.done", text="Hm."),
            event("output_item.done", item={"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}),
        ],
        [delta("<think>Hm.</think>")],
    ],
)
def test_a_thought_of_a_response_is_told_once_from_whichever_event_has_it(said):
    events = read("responses", body(*said, delta("Hi.", 1), completed()))
    assert [event.text for event in events if event.kind == "reasoning"] == ["Hm."]
    assert meaning(events)[0] == "Hi."


def thinking(*deltas: dict[str, Any], **value: Any) -> list[Event]:
    return block({"type": "thinking", "thinking": "", **value}, *deltas)


@pytest.mark.parametrize(
    ("thought", "kept"),
    [
        (thinking({"type": "thinking_delta", "thinking": "Hm."}), {"thinking": "Hm."}),
        (thinking({"type": "thinking_delta", "text": "Hm."}), {"thinking": "Hm."}),
        (
            thinking({"type": "thinking_delta", "thinking": "Hm.", "signature": "ab"}),
            {"thinking": "Hm.", "signature": "ab"},
        ),
        (thinking({"type": "signature_delta", "signature": "ab"}, signature=""), {"thinking": "", "signature": "ab"}),
        (
            thinking({"type": "signature_delta", "signature": "ab"}, {"type": "signature_delta", "signature": "cd"}),
            {"thinking": "", "signature": "abcd"},
        ),
        (
            thinking({"type": "signature_delta", "signature": "ab"}, thinking="Hm.", signature="ab"),
            {"thinking": "Hm.", "signature": "ab"},
        ),
        (
            [*thinking(thinking="Hm."), thinking({"type": "signature_delta", "signature": "ab"})[1]],
            {"thinking": "Hm.", "signature": "ab"},
        ),
    ],
)
def test_a_thought_is_kept_with_its_whole_signature_as_it_goes_back(thought, kept):
    finish = read("messages", body(BEGIN, *thought, *use(piece(YEAR), index=1), why("tool_use"), STOP))[-1]
    assert finish.kind == "finish"
    assert finish.reasoning == ({"type": "thinking", **kept}, {"type": "tool_use"})


@pytest.mark.parametrize(
    ("api", "events"),
    [
        ("messages", [BEGIN, *HI, why("end_turn", usage={"output_tokens": 5}), STOP]),
        (
            "messages",
            [
                *HI,
                {
                    "type": "message_delta",
                    "delta": {"stop_reason": "stop", "usage": {"input_tokens": 9, "output_tokens": 5}},
                },
            ],
        ),
        (
            "messages",
            [BEGIN, *HI, why("end_turn"), {"type": "message_stop", "message": {"usage": {"output_tokens": 5}}}],
        ),
        ("responses", [delta("Hi."), completed(usage={"input_tokens": 9, "output_tokens": 5})]),
        ("responses", [delta("Hi."), completed(usage={"prompt_tokens": 9, "completion_tokens": 5})]),
        ("responses", [delta("Hi."), event("completed", usage={"input_tokens": 9, "output_tokens": 5})]),
    ],
)
def test_tokens_are_counted_wherever_they_stand(api, events):
    finish = read(api, body(*events))[-1]
    assert finish.kind == "finish"
    assert (finish.usage.input, finish.usage.output) == (9, 5)


WRITTEN = "<think>Hm. </think>Let me look."


@pytest.mark.parametrize(
    ("api", "events"),
    [
        ("messages", [BEGIN, *text(WRITTEN), *use(piece(YEAR), index=1), why("tool_use"), STOP]),
        ("messages", [BEGIN, *text(f'{WRITTEN}<tool_call>{{"name":"look","arguments":{YEAR}}}</tool_call>'), STOP]),
        ("responses", [delta(WRITTEN), completed(message(WRITTEN), call())]),
        ("responses", [completed(message(f'{WRITTEN}<tool_call>{{"name":"look","arguments":{YEAR}}}</tool_call>'))]),
    ],
)
def test_a_thought_that_was_written_in_tags_goes_back_so_to_its_model_and_to_no_other(api, events):
    told = read(api, body(*events))
    said, calls, _ = meaning(told)
    assert (said, [(tool, json.loads(raw)) for tool, raw in calls]) == ("Let me look.", [("look", {"year": 2026})])
    finish = told[-1]
    assert finish.kind == "finish"
    answer = AssistantMessage(
        text=said,
        calls=(SentCall(id="c1", tool="look", arguments={"year": 2026}),),
        reasoning=finish.reasoning,
        model="it",
    )
    result = ToolMessage(id="c1", tool="look", content="12")
    request = ModelRequest(instructions="", messages=(UserMessage(text="?"), answer, result))
    for name, expected in (("it", "<think>\nHm.\n</think>\n\nLet me look."), ("another", "Let me look.")):
        if api == "messages":
            sent = messages_body(request, model="m", name=name)["messages"][1]["content"]
            assert [part.get("text") for part in sent] == [expected, None]
        else:
            sent = responses_body(request, model="m", name=name)["input"][1:3]
            assert [part.get("content") for part in sent] == [expected, None]


THOUGHTFUL = {
    "messages": ({"type": "thinking", "thinking": "Hm.", "signature": "s"}, {"type": "tool_use"}),
    "responses": ({"type": "reasoning", "id": "r", "encrypted_content": "e", "summary": []}, {"type": "function_call"}),
}


@pytest.mark.parametrize(
    ("api", "refusal", "kept", "sent"),
    [
        ("messages", "messages.3.content.3: Invalid `signature` in `thinking` block", True, ["tool_use"]),
        ("messages", "thinking blocks are not supported", True, ["tool_use"]),
        ("messages", "The `content[].thinking` must be passed back to the API.", False, ["thinking", "tool_use"]),
        ("messages", "Missing thinking block in the assistant message at index 2", False, ["thinking", "tool_use"]),
        ("responses", "The encrypted content for item r could not be verified.", True, ["function_call"]),
        ("responses", "Item with id 'r' not found. Items are not persisted", True, ["function_call"]),
        ("responses", "Unknown parameter: 'include[0]'.", True, ["reasoning", "function_call"]),
    ],
)
def test_what_a_server_wants_of_thoughts_is_learnt_from_its_refusal(api, refusal, kept, sent):
    async def ask() -> tuple[str, list[dict[str, Any]]]:
        asked: list[dict[str, Any]] = []

        def respond(request: httpx2.Request) -> httpx2.Response:
            asked.append(json.loads(request.content))
            if len(asked) == 1:
                return httpx2.Response(400, json={"error": {"message": refusal}})
            whole = body(*HI, why("end_turn")) if api == "messages" else body(delta("Hi."), completed())
            return httpx2.Response(200, content=b"".join(whole))

        async with httpx2.AsyncClient(transport=httpx2.MockTransport(respond)) as http:
            model = model_at(api, http)
            answer = AssistantMessage(
                text="",
                calls=(SentCall(id="c", tool="look", arguments={}),),
                reasoning=THOUGHTFUL[api] if kept else (),
                model=model.name,
            )
            result = ToolMessage(id="c", tool="look", content="12")
            request = ModelRequest(instructions="", messages=(UserMessage(text="?"), answer, result))
            with pytest.raises(ModelError) as raised:
                [event async for event in model.stream(request)]
            assert [event.text async for event in model.stream(request) if event.kind == "text"] == ["Hi."]
        return raised.value.code, asked

    code, (first, second) = anyio.run(ask)
    assert code == "adapted"
    written = second["messages"][1]["content"] if api == "messages" else second["input"][1:-1]
    assert [part["type"] for part in written] == sent
    assert ("include" in second) == ("include" in first and "include" not in refusal)


# Errors, alike in both

APIS = ("messages", "responses")


def in_event(data: str) -> str:
    return f"event: error\ndata: {data}\n\n"


ERRORS: list[tuple[int, str, str]] = [
    (401, "<html>no</html>", "auth"),
    (404, '{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}', "invalid_request"),
    (413, "<html>Request Entity Too Large</html>", "too_large"),
    (422, '{"detail":[{"loc":["body","x"],"msg":"field required"}]}', "invalid_request"),
    (500, "<html>Internal</html>", "overloaded"),
    (524, "error code: 524", "overloaded"),
    (529, '{"error":{"type":"overloaded_error"}}', "overloaded"),
    (400, '{"message":"Input is too long for requested model."}', "too_large"),
    (400, '{"error":"the request exceeds the available context size"}', "too_large"),
    (400, '{"detail":"This model\'s maximum context length is 8 tokens"}', "too_large"),
    (400, "prompt is too long: 9 tokens > 8 maximum", "too_large"),
    (
        400,
        '{"object":"error","message":"maximum context length is 8","type":"BadRequestError","code":400}',
        "too_large",
    ),
    (400, '[{"error":{"message":"The input token count (9) exceeds the maximum number of tokens"}}]', "too_large"),
    (400, '{"message":"Too many requests.","__type":"ThrottlingException"}', "overloaded"),
    (400, '{"__type":"ThrottlingException"}', "overloaded"),
    (400, '{"error":{"message":"m does not support tools"}}', "no_tools"),
    (200, in_event('{"type":"overloaded_error","message":"Overloaded"}'), "overloaded"),
    (200, in_event('{"error":"prompt is too long: 9 tokens > 8 maximum"}'), "too_large"),
    (200, in_event('{"error":{"code":401,"message":"x"}}'), "auth"),
    (200, in_event('{"error":{"code":"400","type":"invalid_params"}}'), "invalid_request"),
    (200, in_event('{"error":{"type":"not_found_error","message":"model: m"}}'), "invalid_request"),
    (200, in_event('{"error":{"type":"authentication_error"}}'), "auth"),
    (200, in_event('{"message":"Too many tokens, please wait before trying again."}'), "overloaded"),
    (200, in_event("{}"), "overloaded"),
    (200, '{"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}', "quota"),
]


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(("status", "said", "code"), ERRORS)
def test_an_error_means_the_same_in_whatever_shape_it_comes(api, status, said, code):
    kind = "application/json" if said.startswith(("{", "[")) else "text/plain"
    with pytest.raises(ModelError) as raised:
        read(api, [said.encode()], status, {"content-type": kind})
    assert raised.value.code == code


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("status", "said", "advised"),
    [
        (404, '{"detail":"Not Found"}', True),
        (404, "404 page not found", True),
        (405, '{"detail":"Method Not Allowed"}', True),
        (501, "", True),
        (400, '{"error":"Unexpected endpoint or method. (POST /v1/messages)"}', True),
        (200, '{"error":"Unexpected endpoint or method. (POST /v1/messages). Returning 200 anyway"}', True),
        (404, '{"error":"model \'x\' not found, try pulling it first"}', False),
        (400, '{"error":"bad"}', False),
    ],
)
def test_a_server_without_the_api_is_told_from_one_without_the_model(api, status, said, advised):
    with pytest.raises(ModelError) as raised:
        read(api, [said.encode()], status, {"content-type": "application/json"})
    assert (raised.value.code, raised.value.retryable) == ("invalid_request", False)
    assert ("api=chat" in str(raised.value)) == advised


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 0.5 "}, 0.5),
        ({"retry-after": "7s"}, 7),
        ({"retry-after": "1500ms"}, 1.5),
        ({"retry-after": "1m"}, 60),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "86400"}, 60),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Sun, 01 Mar 2026 12:00:09 GMT", "date": "Sun, 01 Mar 2026 12:00:00 GMT"}, 9),
        ({}, None),
    ],
)
def test_a_server_says_in_many_forms_when_to_ask_again(headers, seconds):
    for api in APIS:
        with pytest.raises(ModelError) as raised:
            read(api, [b"{}"], 429, headers)
        assert raised.value.retry_after == seconds
