"""What a model is sent of a turn: its question, its answers, its calls and their results.

Repair changes what is sent, never what is stored. However a turn went, each call that is sent has one result, each
message has content, and text that was cut off, erased or is unknown is marked as such.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from core.canonical import Json, canonical
from core.errors import InvalidInput
from core.log.projection import joined
from core.log.records import Imported, Item, ModelCall, Summary, ToolCall, Turn
from core.model import AssistantMessage, ModelRequest, SentCall, SentMessage, ToolMessage, ToolSchema, UserMessage
from core.options import Options
from core.retrieval.numbering import as_text, numbered, retrievals
from core.token_estimates import CHARACTERS_PER_TOKEN, beginning, characters
from core.values import Repair
from core.worker.window import Choice

ERASED = "[erased]"
NUDGE = "Your last answer was empty. Answer the question above."
NOT_SENT_AGAIN = "Its result came from outside, and is not sent again. Call the tool again if it is needed."
SUMMARIZE = "You keep the notes of an HR desk."
_REPAIRS: Mapping[Repair, str] = {
    "cut_calls": "Your last answer was cut off at its longest length, and none of its tool calls was made. "
    "Call again, with fewer calls or shorter arguments.",
    "output": "Your last answer does not fit the JSON schema that was asked for. Answer again with JSON that does, and "
    "nothing else.",
}

_OUTCOMES = {
    "unknown": "Nobody knows whether this took effect. Do not try it again; say so and suggest to check.",
    "timed_out": "It took too long and was given up.",
    "denied": "A person did not allow this.",
    "cancelled": "It was cancelled before it started.",
    "unknown_tool": "There is no such tool.",
    "awaiting_approval": "A person has not decided on this yet.",
    "planned": "It has not begun yet.",
    "running": "It has not ended yet.",
    "deferred": "This waits for an approver, and has not been done yet. Do not call it again, and do not say that it "
    "is done. Whoever asked is told here as soon as somebody has decided.",
}


def summary_request(choice: Choice, earlier: Sequence[SentMessage]) -> ModelRequest:
    """The request for a summary of the turns whose messages are `earlier`."""
    lines = [f"Notes so far:\n{choice.summary.text}"] if choice.summary else []
    for message in earlier:
        match message:
            case UserMessage():
                lines.append(f"{'Desk' if message.report else 'Employee'}: {message.text}")
            case AssistantMessage() if message.text:
                lines.append(f"Desk: {message.text}")
            case ToolMessage():
                lines.append(f"Tool {message.tool}: {message.content}")
    text = (
        "Write notes of this conversation for whoever goes on with it: every fact, number, date, request and open "
        "question in it, in at most 400 words. Write only the notes.\n\n" + "\n\n".join(lines)
    )
    return ModelRequest(instructions=SUMMARIZE, messages=(UserMessage(text=text),))


def summary_messages(summary: Summary | None) -> list[SentMessage]:
    """The summary, as the beginning of what is sent."""
    if summary is None:
        return []
    return [
        UserMessage(text=f"Notes of our conversation so far:\n{summary.text}"),
        AssistantMessage(text="I have read the notes."),
    ]


def earlier_messages(turn: Turn, items: Mapping[str, Item], options: Options) -> list[SentMessage]:
    """The messages of a turn, as later turns and exports tell of it.

    `items` are its model and tool calls; passages among them would be sent too.
    """
    whole = _with_ending(turn, items, turn_messages(turn, items, options))
    # Reasoning belongs to the turn it was for: later it is paid for again, and understood by one model only.
    return [replace(m, reasoning=_later(m.reasoning)) if isinstance(m, AssistantMessage) else m for m in whole]


def without_outside(messages: Sequence[SentMessage], items: Mapping[str, Item]) -> list[SentMessage]:
    """The messages of an earlier turn, without what strangers may have written: it stands for the turn that asked.

    Passages are left out of later turns likewise.
    """
    outside = {call.id: call for call in items.values() if isinstance(call, ToolCall) and call.outside}
    return [_without(message, outside) for message in messages]


def _without(message: SentMessage, outside: Mapping[str, ToolCall]) -> SentMessage:
    told = message.report if isinstance(message, UserMessage) else message if isinstance(message, ToolMessage) else None
    if told is None or not (call := outside.get(told.id)) or not call.attempts:
        return message
    left = replace(told, content=f"The call is {call.status}. {NOT_SENT_AGAIN}")
    if isinstance(message, UserMessage):
        return replace(message, text=message.text.removesuffix(told.content) + left.content, report=left)
    return left


def _later(blocks: Sequence[Json]) -> tuple[Json, ...]:
    """The blocks that go back in later turns, too, as their adapter says."""
    return tuple(block for block in blocks if isinstance(block, dict) and block.get("later"))


def turn_messages(turn: Turn, items: Mapping[str, Item], options: Options) -> list[SentMessage]:
    """The question, and every answer so far with its calls and their results.

    Passages are the turn's own. Those of the search before the first answer stand with the question, those of a call
    with its result.
    """
    first = [retrieval for retrieval in retrievals(items, turn.id) if retrieval.call is None]
    question = ERASED if turn.question is None else turn.question
    if turn.imported:
        return _imported(turn, turn.imported, options)
    calls = [i for i in items.values() if isinstance(i, ToolCall) and i.turn == turn.id]
    if turn.report:
        return [_report(question, turn, calls, items, options), *_answers(turn, calls, items, options)]
    messages: list[SentMessage] = [
        UserMessage(
            text=question or "(empty)",
            passages=tuple(passage for retrieval in first for passage in retrieval.passages),
            judgement=first[-1].judgement if first else None,
            topic=turn.concern.topic if turn.concern else None,
        )
    ]
    return [*messages, *_answers(turn, calls, items, options)]


def _imported(turn: Turn, imported: Imported, options: Options) -> list[SentMessage]:
    """The messages of an imported turn, as they were."""
    if turn.question is None:
        return [UserMessage(text=ERASED), AssistantMessage(text=ERASED)]
    messages: list[SentMessage] = [UserMessage(text=turn.question)]
    for answer in imported.answers:
        calls = tuple(SentCall(id=call.id, tool=call.tool, arguments=call.arguments) for call in answer.calls)
        messages.append(AssistantMessage(text=answer.text, calls=calls))
        messages += [
            ToolMessage(id=call.id, tool=call.tool, content=_cut(call.result, options) or "(empty)", failed=call.failed)
            for call in answer.calls
        ]
    return messages


def _report(
    text: str, turn: Turn, calls: Sequence[ToolCall], items: Mapping[str, Item], options: Options
) -> UserMessage:
    """The message of ours that a turn without a question begins with: the decision, and what came of the call.

    The result stands in the text. As the result of a call it would need an answer of the model before it, and a
    provider may refuse an answer that its model did not give.
    """
    call = next((one for one in calls if one.carries_out), None)
    if call is None:
        told = ToolMessage(id=turn.report or "", tool="", content=f"{text} It was not carried out.", failed=True)
    else:
        told = tool_message(call, items, options)
        arguments = json.dumps(_arguments(call), ensure_ascii=False, sort_keys=True)
        outcome = "It was carried out" if call.status == "succeeded" else "What came of it"
        text = f"{text} Its arguments: {arguments}\n{outcome}: {told.content}"
    note = "[This message is the desk's, not the employee's. Tell the employee what became of the request.]"
    return UserMessage(text=f"{note}\n{text}", report=told)


def _answers(turn: Turn, calls: Sequence[ToolCall], items: Mapping[str, Item], options: Options) -> list[SentMessage]:
    messages: list[SentMessage] = []
    requests = _answer_calls(items, turn)
    for model_call in sorted(requests, key=lambda c: c.at_n):
        if model_call.status == "failed" and model_call.code == "empty":
            messages.append(UserMessage(text=NUDGE))
        if model_call.status != "answered":
            continue
        if model_call.repair == "output" and turn.status == "completed":
            continue  # the model was told, and its next answer is the turn's
        own = sorted((call for call in calls if call.model_call == model_call.id), key=lambda call: call.number)
        text = ERASED if model_call.erased else model_call.answer or ""
        if not text.strip():
            text = ""  # blanks alone are as good as empty, and a provider refuses them
        if text or own:
            sent = tuple(map(sent_call, own))
            # What was taken out of an answer may be what its reasoning was about: it goes back whole or not at all.
            reasoning = () if model_call.repair == "cut_calls" or model_call.erased else tuple(model_call.reasoning)
            messages.append(AssistantMessage(text=text, calls=sent, reasoning=reasoning, model=model_call.model))
            messages += [tool_message(call, items, options) for call in own]
        if turn.ended_at is None and (repair := model_call.repair and _REPAIRS.get(model_call.repair)):
            messages.append(UserMessage(text=f"{repair} {model_call.fault or ''}".rstrip()))
    return messages


def sent_call(call: ToolCall) -> SentCall:
    """The call as its answer is sent back."""
    return SentCall(id=call.id, tool=call.tool, arguments=_arguments(call))


def tool_message(call: ToolCall, items: Mapping[str, Item], options: Options) -> ToolMessage:
    """What the model is told of a call: its result, cut to the option's size with a note, or why there is none.

    The passages of a call that searched are among `items`. Without them the model is told their numbers.
    """
    if call.told is not None:
        content = call.told
    elif call.status == "succeeded":
        content = ERASED if call.erased else _passages(call, items) or _text(call.result)
        if call.error:
            content = f"It succeeded, but its result could not be recorded: {call.error}"
    else:
        content = call.error or _OUTCOMES.get(call.status) or f"The call is {call.status}: {call.code or 'no reason'}."
        # A call may be denied without a person: by a hook, because the same request waits already, or because its tool
        # was switched off after a person had approved.
        if call.error and (call.status == "unknown" or (call.status == "denied" and _denied_by_a_person(call))):
            content = f"{_OUTCOMES[call.status]} {call.error}"
        if call.status == "failed" and call.code == "raised":
            # The exception may name hosts, files or people: it is for the record, and not for an answer.
            content = "It failed unexpectedly. What went wrong is on record."
        if call.code == "approval_expired":
            content = "Nobody decided on this in time, so it was not done."
    failed = call.status not in ("succeeded", "deferred")
    content = _cut(content, options)
    return ToolMessage(id=call.id, tool=call.tool, content=content, failed=failed, status=call.status)


def _denied_by_a_person(call: ToolCall) -> bool:
    return call.decision is not None and call.decision.outcome == "denied"


def _cut(result: str, options: Options) -> str:
    """A result of the size that the options allow, with a note of what is missing."""
    kept = beginning(result, options.tool_result_tokens * CHARACTERS_PER_TOKEN)
    if kept == result:
        return result
    return f"{kept}\n[cut: {len(result) - len(kept)} more characters are kept in the record]"


def check_sendable(request: ModelRequest) -> None:
    """Raises InvalidInput for a request that providers refuse.

    Its calls and results do not match, a text is empty, or a tool must be called that it does not have.
    """
    waiting: list[tuple[str, str]] = []
    if not request.messages or not isinstance(request.messages[0], UserMessage):
        raise InvalidInput("the first message is a question")
    for message in request.messages:
        if isinstance(message, ToolMessage):
            if not waiting or waiting.pop(0) != (message.id, message.tool):
                raise InvalidInput(f"the result of {message.id} does not follow its call")
            if not message.content:
                raise InvalidInput(f"the result of {message.id} is empty")
            continue
        if waiting:
            raise InvalidInput(f"call {waiting[0][0]} has no result")
        calls = message.calls if isinstance(message, AssistantMessage) else ()
        if not message.text.strip() and not calls:
            raise InvalidInput(f"a message of the {message.role} is empty")
        waiting = [(call.id, call.tool) for call in calls]
    if waiting:
        raise InvalidInput(f"call {waiting[0][0]} has no result")
    names = [tool.name for tool in request.tools]
    if request.tool_choice not in ("auto", "none", *(["required", *names] if names else [])):
        raise InvalidInput(f"the request has no tool for its tool_choice {request.tool_choice!r}")
    canonical(as_json(request))


def as_json(request: ModelRequest) -> Json:
    """The request as JSON, for its digest."""
    return {
        "instructions": request.instructions,
        "messages": [_message(message) for message in request.messages],
        "tools": [tool_json(tool) for tool in request.tools],
        "settings": dict(request.settings),
        "output": None if request.output is None else dict(request.output),
        **({} if request.tool_choice == "auto" else {"tool_choice": request.tool_choice}),
        **({} if request.calls_at_once else {"calls_at_once": False}),
        "asked_at": request.asked_at,
        "country": request.country,
    }


Encoded: TypeAlias = dict[int, tuple[SentMessage, bytes]]
"""The canonical JSON of messages, by their identity. They are held, so that an id does not come back."""


def request_bytes(request: ModelRequest, encoded: Encoded) -> bytes:
    """The canonical JSON of `as_json`. Messages that are not `encoded` yet are added: the next request has them too."""
    bare = canonical(as_json(replace(request, messages=())))
    messages = b",".join(_encoded(message, encoded) for message in request.messages)
    # The texts before it have their quotation marks escaped, so this finds the field itself.
    return bare.replace(b',"messages":[],"output":', b',"messages":[%b],"output":' % messages, 1)


def _encoded(message: SentMessage, encoded: Encoded) -> bytes:
    known = encoded.get(id(message))
    if known is None:
        known = encoded[id(message)] = message, canonical(_message(message))
    return known[1]


def estimated_tokens(request: ModelRequest) -> int:
    """About how many tokens the request is to a model."""
    return characters(json.dumps(as_json(request), ensure_ascii=False)) // CHARACTERS_PER_TOKEN


def tool_json(tool: ToolSchema) -> Json:
    """A tool's schema as JSON."""
    return {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}


def _message(message: SentMessage) -> Json:
    match message:
        case UserMessage():
            passages = [passage.model_dump(mode="json") for passage in message.passages]
            judgement = message.judgement.model_dump(mode="json") if message.judgement else None
            topic = {"topic": message.topic} if message.topic else {}
            return {"role": message.role, "text": message.text, "passages": passages, "judgement": judgement, **topic}
        case AssistantMessage():
            calls = [{"id": call.id, "tool": call.tool, "arguments": call.arguments} for call in message.calls]
            return {"role": message.role, "text": message.text, "calls": calls, "reasoning": list(message.reasoning)}
        case ToolMessage():
            return {"role": message.role, "id": message.id, "content": message.content, "failed": message.failed}


def _arguments(call: ToolCall) -> Json:
    if call.arguments is None:  # erased, and providers want an object
        return {"erased": True}
    if not isinstance(call.arguments, dict):
        return {"INVALID_JSON": call.arguments}
    if not isinstance(call.planned, dict):
        return call.arguments
    # What a person added is no argument that the model could have written: its schema forbids it. It is in the result.
    return {name: value for name, value in call.arguments.items() if name in call.planned}


def _text(result: Json) -> str:
    # Sorted, as a store gives the keys back: the model is told the same in every turn.
    return result if isinstance(result, str) and result else json.dumps(result, ensure_ascii=False, sort_keys=True)


def _answer_calls(items: Mapping[str, Item], turn: Turn) -> list[ModelCall]:
    """The turn's model calls that were for its answer. The text of the others was never shown."""
    calls = [i for i in items.values() if isinstance(i, ModelCall) and i.turn == turn.id]
    return [call for call in calls if call.purpose == "answer"]


def _passages(call: ToolCall, items: Mapping[str, Item]) -> str:
    """The passages of a call that searched; "" for any other call, and if its turn's passages are not loaded."""
    search = next((one for one in retrievals(items, call.turn) if one.call == call.id), None)
    if search is None or not isinstance(call.result, dict):
        return ""
    numbers = call.result["passages"]
    return as_text(numbered(items, call.turn), numbers, search.judgement) or "Nothing in the handbooks fits this query."


def _with_ending(turn: Turn, items: Mapping[str, Item], messages: list[SentMessage]) -> list[SentMessage]:
    """A turn's messages. An answer that broke off is what the employee saw of it, with a note that it did."""
    if turn.imported:
        return messages
    if messages[-1] == UserMessage(text=NUDGE):
        messages = messages[:-1]  # the turn ended before an answer to it
    last = messages[-1]
    answer = last if isinstance(last, AssistantMessage) and not last.calls else None
    if turn.status == "completed":
        return messages if answer else [*messages, AssistantMessage(text="[this answer was empty]")]
    requests = _answer_calls(items, turn)
    newest = max(requests, key=lambda call: call.at_n, default=None)
    shown = ""
    # Only the newest attempt was seen to the end; those before it were replaced, on the screen too.
    if newest and newest.status == "failed":
        shown = ERASED if newest.erased else newest.answer or ""
    note = f"[this answer ended early: {turn.status}]" if turn.ended_at else "[this answer has not ended]"
    if answer:
        return [*messages[:-1], replace(answer, text=joined(answer.text, shown, note))]
    return [*messages, AssistantMessage(text=joined(shown, note))]
