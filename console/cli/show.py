"""Threads and tool calls in a terminal. The archive records each look before the command prints it.

What employees, models and tools wrote is left out unless `--text` asks for it. The fields to show are listed by name: a
new field stays hidden until it is added to the list.
"""

from collections.abc import Iterator, Sequence

from console.cli.output import harmless, table
from console.format import cost, counted, money, tokens, took
from core.canonical import Json, canonical
from core.desk.archive import Transcript
from core.desk.oversight import SealedThread, ThreadRow
from core.desk.turn_views import Step, TurnView
from core.log.branches import is_shown
from core.log.records import (
    DeferredCall,
    HandoverRecord,
    Item,
    Look,
    ModelCall,
    Retrieval,
    Summary,
    Thread,
    ToolCall,
    Turn,
)

OPEN = frozenset(
    (
        "account",
        "acted",
        "action",
        "approval",
        "asked_at",
        "at",
        "at_n",
        "attached",
        "attempt",
        "attempts",
        "by",
        "call",
        "carries_out",
        "closed",
        "code",
        "cost",
        "count",
        "created_at",
        "cut",
        "day",
        "deferred",
        "denied",
        "digest",
        "duration_ms",
        "effect",
        "ended_at",
        "erased",
        "expires",
        "fence",
        "finished_at",
        "first_n",
        "first_number",
        "hidden",
        "id",
        "kind",
        "last",
        "last_n",
        "later",
        "manifest",
        "model",
        "model_call",
        "more",
        "n",
        "number",
        "object",
        "opened_at",
        "original",
        "outcome",
        "outcome_counts",
        "outcomes",
        "output_tokens",
        "owner",
        "owners",
        "planned_at",
        "rating",
        "rating_counts",
        "rejected",
        "repair",
        "replaces",
        "report",
        "request_id",
        "role",
        "sealed",
        "size",
        "started_at",
        "status",
        "step",
        "stop_reason",
        "thread",
        "tool",
        "totals",
        "ttft_ms",
        "turn",
        "turns",
        "updated_at",
        "usage",
        "versions",
        "waiting",
        "waits",
    )
)
"""The fields that hold ids, numbers, times and codes, never the words of a person, a model or a tool."""


def as_json(item: Item | Look | ThreadRow | SealedThread, *, text: bool) -> dict[str, Json]:
    """The item as JSON: with `text` all its fields, else those in OPEN."""
    if isinstance(item, SealedThread):
        return {"id": item.id, "kind": "thread", "sealed": True, "updated_at": item.updated_at}
    if isinstance(item, ThreadRow):
        fields = as_json(item.thread, text=text) | {"verdicts": dict(item.verdicts)}
        if item.hit:
            fields["hit"] = {"turn": item.hit.turn} | ({"text": item.hit.snippet.text} if text else {})
        return fields
    fields = item.model_dump(mode="json")
    return fields if text else {name: value for name, value in fields.items() if name in OPEN}


def thread_list(threads: Sequence[ThreadRow | SealedThread], *, text: bool) -> str:
    """A line a thread; with `text`, also its title and what a search for words has found."""
    found = text and any(isinstance(one, ThreadRow) and one.hit for one in threads)
    head = ["THREAD", "OWNER", "STATUS", "TURNS", "COST", "LAST CHANGED", *(["TITLE"] if text else [])]
    rows = [head + ["FOUND"] * found]
    for one in threads:
        hit = one.hit if isinstance(one, ThreadRow) else None
        row = _thread_row(one.thread if isinstance(one, ThreadRow) else one, text)
        rows.append(row + [harmless(hit.snippet.text) if hit else "-"] * found)
    return table(rows)


def call_list(calls: Sequence[ToolCall]) -> str:
    """A line a tool call."""
    head = ["CALL", "TOOL", "STATUS", "OWNER", "PLANNED", "THREAD"]
    return table([head, *([c.id, harmless(c.tool), c.status, c.owner, c.planned_at, c.thread] for c in calls)])


def look_list(looks: Sequence[Look], *, text: bool) -> str:
    """A line an entry of the audit log, with the account of a command; with `text` also the purpose and the words."""
    head = ["WHEN", "WHO", "ACTION", "OBJECT", "ABOUT", "COMMAND OF", *(["PURPOSE", "WORDS"] if text else [])]
    return table([head, *(_look_row(look, text) for look in looks)])


def transcript_items(transcript: Transcript) -> Iterator[Item]:
    """The thread, then each turn with what it did, in order."""
    yield transcript.thread
    for view in transcript.turns:
        yield view.turn
        yield from view.steps


def transcript_text(transcript: Transcript, *, text: bool) -> str:
    """The thread as lines; the steps of a turn are indented."""
    thread = transcript.thread
    lines = [
        " ".join(
            ["thread", *_thread_row(thread, text)[:3], counted(thread.turns, "turn"), f"cost {cost(thread.totals)}"]
        )
    ]
    if transcript.earlier is not None:
        lines.append(f"(earlier turns: --before {transcript.earlier})")
    for view in transcript.turns:
        lines += _turn_lines(view, thread, text)
    return "\n".join(lines)


def call_text(call: ToolCall, *, text: bool) -> str:
    """One call, a line a field."""
    return "\n".join(
        f"{name}: {_value(value)}"
        for name, value in as_json(call, text=text).items()
        if value not in (None, [], "", False) and name != "kind"
    )


def _look_row(look: Look, text: bool) -> list[str]:
    action = f"denied {look.action}{f' and {look.more} more' if look.more else ''}" if look.denied else look.action
    row = [look.at, harmless(look.by), action, look.object or "-", ", ".join(look.owners) or "-"]
    row.append(harmless(f"{look.account.user}@{look.account.host}") if look.account else "-")
    return [*row, *(harmless(words or "-") for words in ((look.purpose, look.words) if text else ()))]


def _thread_row(thread: Thread | SealedThread, text: bool) -> list[str]:
    if isinstance(thread, SealedThread):
        return [thread.id, "-", "sealed", "-", "-", thread.updated_at, *(["-"] if text else [])]
    row = [thread.id, thread.owner, thread.status or "-", str(thread.turns), cost(thread.totals)]
    return [
        *row,
        thread.updated_at,
        *([harmless(thread.title or ("erased" if thread.erased_upto else "-"))] if text else []),
    ]


def _turn_lines(view: TurnView, thread: Thread, text: bool) -> Iterator[str]:
    turn = view.turn
    yield f"turn {turn.id} {turn.status}{f' ({turn.code})' if turn.code else ''} {turn.opened_at}{_place(view, thread)}"
    yield f"  question: {_words(turn.question, text)}"
    for step in view.steps:
        yield f"  {_step_line(step, text)}"
    yield f"  answer: {_words(_answer(turn), text)}, {counted(len(turn.citations), 'citation')}"


def _place(view: TurnView, thread: Thread) -> str:
    """The turn's place among the versions of its question, and whether it is a report, or was imported."""
    turn = view.turn
    words = [f"version {view.version} of {len(view.versions)}"] * (view.version is not None)
    words += ["not shown now"] * (not is_shown(thread.hidden, turn.first_n))
    words += [f"reports the decision on {turn.report}"] * bool(turn.report)
    words += ["imported"] * (turn.imported is not None)
    return "".join(f", {word}" for word in words)


def _answer(turn: Turn) -> str | None:
    return None if turn.answer_erased else turn.text or turn.partial


def _words(words: str | None, text: bool) -> str:
    if words is None:
        return "erased"
    return harmless(words) if text else counted(len(words), "character")


def _step_line(step: Step, text: bool) -> str:
    match step:
        case Retrieval():
            return f"search {step.id}: {counted(step.count, 'passage')} in {took(step.duration_ms)}"
        case ModelCall():
            outcome = f"{step.status} ({step.code})" if step.code else step.status
            line = f"model call {step.id} ({step.purpose}): {step.model} {outcome}"
            return f"{line}, {tokens(step.usage)}, cost {money(step.cost)}"
        case ToolCall():
            line = f"tool call {step.id}: {harmless(step.tool)} {step.status}"
            if not text:
                return line
            arguments = "erased" if step.erased and step.arguments is None else _value(step.arguments)
            return f"{line} {arguments} -> {'erased' if step.erased else _value(step.error or step.result)}"
        case Summary():
            return f"summary {step.id}: {_words(step.text, text)}"
        case DeferredCall():
            return f"request {step.call}: {harmless(step.tool)} {_request(step, text)}"
        case HandoverRecord():
            line = f"hand-over {step.id}: {step.status}, {step.attached} attached"
            return f"{line}, note: {_words(step.note, text)}"


def _request(call: DeferredCall, text: bool) -> str:
    """Where a request to an approver stands, with the decision on it."""
    words = f"{call.status} ({call.closed})" if call.closed else call.status
    if decision := call.decision:
        words += f", {decision.outcome} by {harmless(decision.by)}"
        words += f", reason: {harmless(decision.reason)}" if text and decision.reason else ""
    return words


def _value(value: Json) -> str:
    return harmless(value if isinstance(value, str) else canonical(value).decode())
