"""Transcripts: a thread's conversation in the formats of other programs, and as a text to keep.

What a model would be sent of a turn later is what other programs get: each call has a result, each message has content,
and text that was cut off or erased is marked as such.
"""

from collections.abc import Iterator
from typing import NotRequired, TypedDict

from core.canonical import Json, canonical
from core.desk.exports.contents import Contents, WholeThread, passage_line
from core.desk.exports.lines import records
from core.desk.turn_views import TurnView
from core.log.records import Item, ToolCall
from core.model import AssistantMessage, SentMessage, ToolMessage, UserMessage
from core.options import Options
from core.values import ImportedCall
from core.worker.history import ERASED, earlier_messages, sent_call, tool_message


class AnthropicThread(TypedDict):
    """The arguments `system` and `messages` of Anthropic's `messages.create`; `system` is missing without one."""

    system: NotRequired[str]
    messages: list[dict[str, Json]]


def turn_transcript(view: TurnView) -> list[SentMessage]:
    """The turn's messages: the question, and all that the assistant's side said.

    A report is the desk's own word. It begins with an answer, which holds the call that was carried out, if any.
    """
    turn, uncut = view.turn, Options(tool_result_tokens=2**31)
    calls: list[Item] = [*view.model_calls, *view.calls]
    items = {one.id: one for one in calls}
    first, *rest = earlier_messages(turn, items, uncut)
    # What the desk told the model of empty answers was never said by the employee.
    answers = [message for message in rest if not isinstance(message, UserMessage)]
    if not turn.report:
        return [first, *answers]
    carried_out = [call for call in view.calls if call.carries_out]
    text = ERASED if turn.question is None else turn.question
    return [
        AssistantMessage(text=text, calls=tuple(map(sent_call, carried_out))),
        *(tool_message(call, items, uncut) for call in carried_out),
        *answers,
    ]


def openai_messages(thread: WholeThread) -> list[dict[str, Json]]:
    """The thread as messages of OpenAI's Chat Completions: its instructions first, if it has its own."""
    instructions = thread.head.instructions
    system: list[dict[str, Json]] = [{"role": "system", "content": instructions}] if instructions.strip() else []
    return [*system, *(_openai(message) for message in _messages(thread))]


def anthropic_messages(thread: WholeThread) -> AnthropicThread:
    """The thread as Anthropic's messages, whose roles alternate: what one side said in a row is one message."""
    sent: list[dict[str, Json]] = []
    for message in _messages(thread):
        role = "assistant" if isinstance(message, AssistantMessage) else "user"
        if not sent or sent[-1]["role"] != role:
            sent.append({"role": role, "content": []})
        sent[-1]["content"] += _blocks(message)
    instructions = thread.head.instructions
    return {"system": instructions, "messages": sent} if instructions.strip() else {"messages": sent}


def markdown(thread: WholeThread) -> str:
    """The thread as a text for people: questions, answers, sources, and what tools did."""
    head = thread.head
    title = _line(head.title or ("Erased" if head.erased_upto else "Untitled"))
    lines = [f"# {title}", f"Created {_time(head.created_at)}."]
    for view in thread.turns:
        lines += _markdown(view)
    return "\n\n".join(lines) + "\n"


def json_records(thread: WholeThread) -> list[dict[str, Json]]:
    """The thread's records, as the export in JSON lines has them."""
    return [one.model_dump(mode="json") for one in records(Contents(kind="threads", threads=[thread]))]


def _messages(thread: WholeThread) -> Iterator[SentMessage]:
    for view in thread.turns:
        yield from turn_transcript(view)


def _openai(message: SentMessage) -> dict[str, Json]:
    match message:
        case UserMessage():
            return {"role": "user", "content": message.text}
        case ToolMessage():
            return {"role": "tool", "tool_call_id": message.id, "content": message.content}
        case AssistantMessage(calls=()):
            return {"role": "assistant", "content": message.text}
        case AssistantMessage():
            calls = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.tool, "arguments": canonical(call.arguments).decode()},
                }
                for call in message.calls
            ]
            return {"role": "assistant", "content": message.text or None, "tool_calls": calls}


def _blocks(message: SentMessage) -> list[dict[str, Json]]:
    if isinstance(message, ToolMessage):
        result: dict[str, Json] = {"type": "tool_result", "tool_use_id": message.id, "content": message.content}
        return [{**result, "is_error": True} if message.failed else result]
    text = [{"type": "text", "text": message.text}] if message.text.strip() else []
    calls = message.calls if isinstance(message, AssistantMessage) else ()
    return [*text, *({"type": "tool_use", "id": call.id, "name": call.tool, "input": call.arguments} for call in calls)]


def _markdown(view: TurnView) -> Iterator[str]:
    turn = view.turn
    if turn.report:
        yield f"## Report of a decision, {_time(turn.opened_at)}"
    elif turn.imported:
        yield f"## Question, imported {_time(turn.opened_at)}"
    else:
        yield f"## Question, {_time(turn.opened_at)}"
    yield _quoted("The question was erased." if turn.question is None else turn.question)
    yield "**Answer**"
    text = turn.text or turn.partial
    yield "The answer was erased." if turn.answer_erased else text or "There is no answer."
    if turn.ended_at is None:
        yield "*The answer has not ended yet.*"
    elif turn.status != "completed":
        yield f"*The answer ended early: {turn.status.replace('_', ' ')}.*"
    if turn.citations:
        yield "**Sources**"
        yield "\n".join(
            f"- [{one.number}] {passage_line(one.passage)}" + (f": “{_line(one.quote)}”" if one.quote else "")
            for one in turn.citations
        )
    if tools := [*map(_tool_line, view.calls), *map(_imported_line, turn.imported_calls)]:
        yield "**What was looked up and done**"
        yield "\n".join(tools)


def _tool_line(call: ToolCall) -> str:
    with_ = "" if call.arguments is None else f" with `{_code(call.arguments)}`"
    came = _code(call.result) if call.status == "succeeded" and not call.erased else call.error or ""
    return f"- {call.tool}{with_}: {call.status.replace('_', ' ')}" + (f", `{came}`" if came else "")


def _imported_line(call: ImportedCall) -> str:
    return f"- {call.tool} with `{_code(call.arguments)}`, elsewhere: `{_code(call.result)}`"


def _code(value: Json) -> str:
    """A value on one line, between backticks."""
    return _line(value if isinstance(value, str) else canonical(value).decode()).replace("`", "'")


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines() or [""])


def _line(text: str) -> str:
    return " ".join(text.split())


def _time(at: str) -> str:
    """`2026-11-24 09:30 UTC`"""
    return f"{at[:10]} {at[11:16]} UTC"
