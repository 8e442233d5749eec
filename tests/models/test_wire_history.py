"""Whatever became of the turns before, each provider takes the next request: checked on the wire's own form of it.

`test_history.py` says the same of the neutral messages. Here they are what the adapters make of them, and the judge is
the one of the fault server: the SDKs' own types, and the rules that providers have beyond them.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from backends.models.anthropic.answer import Answer
from backends.models.anthropic.request_body import messages_body
from backends.models.openai.chat_body import chat_body
from backends.models.openai.responses import responses_body
from backends.models.openai.responses_answer import Output
from core.canonical import Json
from core.log.facts import VERSIONS
from core.log.fold import State, fold_all
from core.log.records import ModelCall, ToolCall
from core.model import ModelRequest, ToolSchema
from core.turn.commands import Start, WrittenCall
from core.turn.plan import plan
from core.worker.history import as_json
from tests.checker.logs import Log, arguments, erased, logs, results, said, stop, submit
from tests.servers.faults.checks import check
from tests.servers.faults.messages import MessagesWire
from tests.servers.faults.responses import ResponsesWire
from tests.servers.faults.wire import Wire, arguments_text
from tests.support.commands import answered, finished
from tests.turn.test_history import ask_again, held, limits, many, next_request, request_model

some = settings(many, max_examples=120)

Draw = Callable[[st.SearchStrategy[Any]], Any]

OPENAI, ANTHROPIC, OTHER = "openai:m", "anthropic:m", "openai:m?api=chat"
TOOLS = tuple(
    ToolSchema(name=name, description="Looks.", parameters={"type": "object", "properties": {}})
    for name in ("look", "read", "idempotent", "unsafe")
)
FORM = {"type": "object", "properties": {"days": {"type": "integer"}}}


@st.composite
def requests(draw: Draw, forget: bool = False) -> ModelRequest:
    """What a model is sent next on any thread, whose answers so far came from several models, some of which think."""
    log = draw(logs(max_turns=4))
    if forget:
        kinds = draw(st.sets(st.sampled_from(sorted(VERSIONS)), min_size=1))
        if log.open:
            stop(log, "")
        log.entries = erased(log.entries, lambda entry: entry.kind in kinds)
        log.state = fold_all(State(), log.entries)
    ask_again(log)
    go_on(draw, log)
    items = [as_made_by(draw, item, log) if isinstance(item, ModelCall) else item for item in log.state.items.values()]
    log.state = replace(log.state, items={item.id: item for item in items})
    return ModelRequest(
        instructions=draw(st.sampled_from(["", "Be brief."])),
        messages=tuple(next_request(log, draw(limits))),
        tools=draw(st.sampled_from([(), TOOLS])),
        output=draw(st.sampled_from([None, FORM])),
    )


def go_on(draw: Draw, log: Log) -> None:
    """Let some steps of the newest turn go well, so that there are answers which are still worked on."""
    for _ in range(draw(st.integers(0, 3))):
        if log.open is None or log.open.released or plan(log.open, retrieves=False).step > log.options.max_steps:
            break
        request_model(log)
        looks = draw(st.lists(arguments, max_size=2))
        calls = [WrittenCall(tool="look", effect="read", approval=None, arguments=given) for given in looks]
        reason = draw(st.sampled_from(["tool_calls", "tool_calls", "length"] if calls else ["pause"]))
        say(log, draw(said), reason, *calls)
        if log.open and log.open.calls:
            worker, _ = held(log)
            for call in [call.call for call in log.open.calls if not call.closed]:
                log.command(Start(worker=worker, calls=(call,)))
                log.command(finished(worker, call, result=draw(results)))
    if log.open is None:
        submit(log, "and now?")


def say(log: Log, text: str, reason: Any, *calls: WrittenCall) -> None:
    """The model answers, and stops for this reason."""
    worker, call = held(log)
    log.command(answered(worker, call, text, reason, calls))


def as_made_by(draw: Draw, call: ModelCall, log: Log) -> ModelCall:
    """The model call as one of several models made it, with the reasoning of one that thinks."""
    name = draw(st.sampled_from([OPENAI, ANTHROPIC, OTHER]))
    if call.status != "answered" or call.erased or name == OTHER or not draw(st.booleans()):
        return call.model_copy(update={"model": name})
    own = [item for item in log.state.items.values() if isinstance(item, ToolCall) and item.model_call == call.id]
    wrote = [(item.tool, item.planned) for item in sorted(own, key=lambda item: item.number)]
    if call.repair == "cut_calls":
        wrote.append(("look", {}))  # calls that were dropped are in no record, and were in the answer
    layout = {OPENAI: openai_layout, ANTHROPIC: anthropic_layout}[name](call.answer or "", wrote)
    return call.model_copy(update={"model": name, "reasoning": list(layout)})


def openai_layout(text: str, calls: list[tuple[str, Json]]) -> tuple[Json, ...]:
    """The reasoning of an answer of these parts, as its adapter reads it from the wire."""
    output = Output()
    for event in played(ResponsesWire(1, {}, refuses=False), text, calls, end=None):
        list(output.read(event))
    return output.layout()


def anthropic_layout(text: str, calls: list[tuple[str, Json]]) -> tuple[Json, ...]:
    answer = Answer()
    for event in played(MessagesWire(1, {}, usage=None), text, calls, end="end_turn"):
        list(answer.read(event))
    return answer.layout()


def played(wire: Wire, text: str, calls: list[tuple[str, Json]], *, end: str | None) -> list[Json]:
    """The events of an answer that thinks before each of its parts."""
    sent = [*wire.begin(), *wire.thought("Hm.")]
    if text:
        sent += [*wire.text(text), *wire.thought("")]
    for number, (tool, wrote) in enumerate(calls):
        sent += [] if number == 0 else wire.thought("And?")
        sent += wire.call(tool, arguments_text(wrote), id=f"c{number}", count=2)
    sent += wire.end(end, None)
    lines = b"".join(sent).decode().split("\n")
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


def check_on_the_wire(request: ModelRequest) -> None:
    """All three providers take it."""
    check("responses", responses_body(request, model="m", name=OPENAI))
    check("chat", chat_body(request, model="m", own=True))
    check("chat", chat_body(request, model="m", own=False))
    for wanted in ({}, {"thinking_budget": 2048, "temperature": 0.5}):
        body = messages_body(replace(request, settings=wanted), model="m", name=ANTHROPIC)
        check("messages", body | body.pop("extra_body", {}), paused=True)


@some
@given(requests())
def test_every_provider_takes_the_next_request_whatever_happened(request: ModelRequest) -> None:
    check_on_the_wire(request)


@some
@given(requests(forget=True))
def test_every_provider_takes_the_next_request_whatever_was_erased(request: ModelRequest) -> None:
    check_on_the_wire(request)


def test_the_generated_requests_hold_reasoning_of_every_kind() -> None:
    """Or the properties above would prove little."""
    seen: set[str] = set()

    @settings(many, database=None, derandomize=True)
    @given(requests())
    def look(request: ModelRequest) -> None:
        own = {
            "reasoning": responses_body(request, model="m", name=OPENAI),
            "thinking": messages_body(request, model="m", name=ANTHROPIC),
        }
        seen.update(kind for kind, body in own.items() if f'"{kind}"' in json.dumps(body))
        for message in request.messages:
            if message.role == "assistant" and message.calls:
                seen.add(f"calls of {message.model}")
        seen.add(f"last {as_json(request)['messages'][-1]['role']}")

    look()
    assert seen >= {"reasoning", "thinking", f"calls of {OTHER}", f"calls of {OPENAI}", f"calls of {ANTHROPIC}"}
    assert seen >= {"last user", "last tool", "last assistant"}
