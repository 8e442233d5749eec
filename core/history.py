"""What a model is sent: the newest whole turns that fit, then the open one.

Repair changes what is sent, never what is stored: whatever became of a turn, each call that is sent has one result,
no message is empty, and what was cut off, erased or never found out says so in words.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.canonical import Json
from core.model import AssistantMessage, ModelRequest, SentCall, SentMessage, ToolMessage, ToolSchema, UserMessage
from core.options import Options
from core.projection import joined
from core.records import Item, ModelCall, Retrieval, ToolCall, Turn, item
from core.store import In, Query, Store

CHARACTERS_PER_TOKEN = 4
"""A rule of thumb for English text: the budget must hold roughly, and no tokenizer fits every model."""

ERASED = "[erased]"
NUDGE = "Your last answer was empty. Answer the question above."

_OUTCOMES = {
    "unknown": "Nobody knows whether this took effect. Do not try it again; say so and suggest to check.",
    "timed_out": "It took too long and was given up.",
    "denied": "A person did not allow this.",
    "cancelled": "It was cancelled before it started.",
    "unknown_tool": "There is no such tool.",
}


async def window(store: Store, thread: str, before_n: int, options: Options) -> list[Turn]:
    """The newest ended turns before entry `before_n` that fit the token budget and the message limit, oldest first."""
    limit = min(options.window_messages // 2, 499)  # with the open turn, which is left out, a store's largest page
    if limit == 0:
        return []
    page = await store.find(Query(kind="turn", where={"thread": thread}, order=("-first_n",), limit=limit + 1))
    budget = options.window_tokens * CHARACTERS_PER_TOKEN
    kept: list[Turn] = []
    for found in page.records:
        turn = item(found)
        assert isinstance(turn, Turn)
        if turn.first_n >= before_n:
            continue
        budget -= turn.size
        if budget < 0 or len(kept) == limit:
            break
        kept.append(turn)
    return kept[::-1]


async def earlier_messages(store: Store, turns: Sequence[Turn], options: Options) -> list[SentMessage]:
    """The messages of ended turns, from their records."""
    if not turns:
        return []
    ids = In(tuple(turn.id for turn in turns))
    items: dict[str, Item] = {}
    for kind in ("model_call", "tool_call"):
        cursor = None
        while True:
            page = await store.find(Query(kind=kind, where={"turn": ids}, limit=500, cursor=cursor))
            items.update({found.id: item(found) for found in page.records})
            cursor = page.cursor
            if cursor is None:
                break
    messages: list[SentMessage] = []
    for turn in turns:
        messages += _with_ending(turn, items, turn_messages(turn, items, options))
    return messages


def turn_messages(turn: Turn, items: Mapping[str, Item], options: Options) -> list[SentMessage]:
    """The question, and every answer so far with its calls and their results; no passages but the turn's own."""
    found = sorted((i for i in items.values() if isinstance(i, Retrieval) and i.turn == turn.id), key=lambda r: r.at_n)
    passages = tuple(passage for retrieval in found for passage in retrieval.passages)
    question = ERASED if turn.question is None else turn.question
    messages: list[SentMessage] = [UserMessage(text=question or "(empty)", passages=passages)]
    calls = [i for i in items.values() if isinstance(i, ToolCall) and i.turn == turn.id]
    asked = [i for i in items.values() if isinstance(i, ModelCall) and i.turn == turn.id]
    for model_call in sorted(asked, key=lambda c: c.at_n):
        if model_call.status == "failed" and model_call.code == "empty":
            messages.append(UserMessage(text=NUDGE))
        if model_call.status != "answered":
            continue
        own = sorted((call for call in calls if call.model_call == model_call.id), key=lambda call: call.number)
        text = ERASED if model_call.erased else model_call.answer or ""
        if not text.strip():
            text = ""  # blanks alone are as good as empty, and a provider refuses them
        if not text and not own:
            continue
        sent = tuple(SentCall(id=call.id, tool=call.tool, arguments=_arguments(call)) for call in own)
        messages.append(AssistantMessage(text=text, calls=sent, reasoning=tuple(model_call.reasoning)))
        messages += [tool_message(call, options) for call in own]
    return messages


def tool_message(call: ToolCall, options: Options) -> ToolMessage:
    """What the model is told of a call: its result, cut to the option's size with a note, or what became of it."""
    if call.status == "succeeded":
        content = ERASED if call.erased else _text(call.result)
        if call.error:
            content = f"It succeeded, but its result could not be recorded: {call.error}"
    else:
        content = call.error or _OUTCOMES.get(call.status) or f"The call is {call.status}: {call.code or 'no reason'}."
        if call.status in ("unknown", "denied") and call.error:
            content = f"{_OUTCOMES[call.status]} {call.error}"
        if call.code == "approval_expired":
            content = "Nobody decided on this in time, so it was not done."
    limit = options.tool_result_tokens * CHARACTERS_PER_TOKEN
    if len(content) > limit:
        content = f"{content[:limit]}\n[cut: {len(content) - limit} more characters are kept in the record]"
    return ToolMessage(id=call.id, tool=call.tool, content=content, failed=call.status != "succeeded")


def as_json(request: ModelRequest) -> Json:
    """The request as JSON, for its digest."""
    return {
        "instructions": request.instructions,
        "messages": [_message(message) for message in request.messages],
        "tools": [tool_json(tool) for tool in request.tools],
        "settings": dict(request.settings),
    }


def tool_json(tool: ToolSchema) -> Json:
    """A tool's schema as JSON."""
    return {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}


def _message(message: SentMessage) -> Json:
    match message:
        case UserMessage():
            passages = [passage.model_dump(mode="json") for passage in message.passages]
            return {"role": message.role, "text": message.text, "passages": passages}
        case AssistantMessage():
            calls = [{"id": call.id, "tool": call.tool, "arguments": call.arguments} for call in message.calls]
            return {"role": message.role, "text": message.text, "calls": calls, "reasoning": list(message.reasoning)}
        case ToolMessage():
            return {"role": message.role, "id": message.id, "content": message.content, "failed": message.failed}


def _arguments(call: ToolCall) -> Json:
    return call.arguments if isinstance(call.arguments, dict) else {"INVALID_JSON": call.arguments}


def _text(result: Json) -> str:
    return result if isinstance(result, str) and result else json.dumps(result, ensure_ascii=False)


def _with_ending(turn: Turn, items: Mapping[str, Item], messages: list[SentMessage]) -> list[SentMessage]:
    """An ended turn's messages; of one that broke off the model said what the employee saw, no more, and not all."""
    last = messages[-1]
    answer = last if isinstance(last, AssistantMessage) and not last.calls else None
    if turn.status == "completed":
        return messages if answer else [*messages, AssistantMessage(text="[this answer was empty]")]
    asked = [i for i in items.values() if isinstance(i, ModelCall) and i.turn == turn.id]
    newest = max(asked, key=lambda call: call.at_n, default=None)
    shown = ""
    # Only the newest attempt was seen to the end; those before it were replaced, on the screen too.
    if newest and newest.status == "failed":
        shown = ERASED if newest.erased else newest.answer or ""
    note = f"[this answer ended early: {turn.status}]"
    if answer:
        return [*messages[:-1], replace(answer, text=joined(answer.text, shown, note))]
    return [*messages, AssistantMessage(text=joined(shown, note))]
