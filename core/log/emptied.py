"""What an erasure leaves of a thread's records: who, when, which status, at what cost; without what was written.

It is the same whether the payloads are still there or gone, so that a record follows from its log in either case.
"""

from typing import Any

from core.canonical import Json
from core.log.facts import ThreadFact
from core.log.records import (
    DeferredCall,
    HandoverRecord,
    Item,
    Message,
    ModelCall,
    Retrieval,
    Summary,
    Thread,
    ToolCall,
    Turn,
)

KINDS = sorted(
    fact.model_fields["kind"].default for fact in ThreadFact.__args__ if {"turn", "content"} <= fact.model_fields.keys()
)
"""The kinds of a turn's entries that have content."""


def emptied_head(thread: Thread) -> Thread:
    """The head at the entry that begins an erasure."""
    written = {"title": None, "text": None, "metadata": dict[str, Json](), "instructions": "", "topic": None}
    found = {"handbooks": list[str](), "filters": list[str]()}
    return thread.model_copy(
        update={**written, **found, "outside_history": False, "erased_upto": thread.n, "erasing": True}
    )


def emptied_by(n: int, item: Item) -> Item:
    """The record after the erasure that entry n began; 0 without one. One that is newer has folded it already."""
    return item if item.n >= n else item.model_copy(update={**_emptied(item), "n": n})


def _emptied(item: Item) -> dict[str, Any]:  # Any: fields of the item
    match item:
        case Turn():
            texts = {"question": None, "text": "", "partial": "", "message": None, "comment": None, "output": None}
            imported = item.imported.model_copy(update={"answers": []}) if item.imported else None
            texts["concern"] = None
            return {**texts, "imported": imported, "citations": [], "handbooks": [], "size": 0, "erased": KINDS}
        case Message():
            return {"text": None, "citations": []}
        case ToolCall():
            return _emptied_call(item)
        case ModelCall():
            texts = {"answer": None, "message": None, "fault": None}
            thoughts = {"reasoning": [], "reasoning_text": ""}
            return {**texts, **thoughts, "hook_failures": _hooks(item.hook_failures), "erased": True}
        case Retrieval():
            return {"query": None, "passages": [], "erased": True}
        case Summary():
            return {"text": None}
        case HandoverRecord():
            return {"note": None, "reference": None, "message": None}
        case DeferredCall():
            return {"arguments": None, "decision": _without_reason(item)}
        case Thread():
            raise TypeError("the head has its own rule")


def _emptied_call(call: ToolCall) -> dict[str, Any]:  # Any: as above
    texts = dict.fromkeys(("planned", "arguments", "result", "error", "told", "about"))
    late = [_without(report, "result", "error") for report in call.late]
    return {
        **texts,
        "about_other": False,
        "filters": [],
        "decision": _without_reason(call),
        "hook_failures": _hooks(call.hook_failures),
        "late": late,
        "resolution": _without(call.resolution, "evidence"),
        "erased": True,
    }


def _without_reason(call: ToolCall | DeferredCall) -> Any:  # Any: as above
    return call.decision.model_copy(update={"reason": None}) if call.decision else None


def _without(value: Json, *names: str) -> Json:
    return (
        {name: None if name in names else field for name, field in value.items()} if isinstance(value, dict) else value
    )


def _hooks(failures: list[str]) -> list[str]:
    """The names of the hooks, without what they said."""
    return [failure.partition(": ")[0] for failure in failures]
