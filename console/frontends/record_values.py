"""What web frontends are told of records, in either protocol: as JSON, with names as web frontends write them."""

from core.canonical import Json
from core.log.records import ToolCall, Turn
from core.values import Citation


def citation_value(citation: Citation) -> Json:
    """What `[number]` in the text points to."""
    passage = citation.passage
    return {
        "number": citation.number,
        "quote": citation.quote,
        "document": passage.document,
        "version": passage.version,
        "title": passage.title,
        "section": passage.section,
        "page": passage.page,
        "effective": passage.effective,
        "passage": passage.id,
    }


def call_input(call: ToolCall) -> Json:
    """The arguments that ran or wait, or else those that the model planned."""
    return call.planned if call.arguments is None else call.arguments


def call_value(call: ToolCall) -> Json:
    """What the protocols have no field for. `arguments` are there if a person changed them."""
    changed = call.arguments is not None and call.arguments != call.planned
    return {
        "status": call.status,
        "code": call.code,
        "cut": call.cut,
        **({"arguments": call.arguments} if changed else {}),
    }


def call_error(call: ToolCall) -> str:
    """Why the call has no result, in a sentence."""
    return call.error or f"The call ended as {call.status}."


def turn_value(turn: Turn) -> Json:
    """How the turn ended. `cost` is in nano-USD, None if the cost of one of the model calls is unknown."""
    totals = turn.totals
    return {
        "turn": turn.id,
        "status": turn.status,
        "code": turn.code,
        "message": turn.message,
        "output": turn.output,
        "usage": {
            "inputTokens": totals.input_tokens,
            "outputTokens": totals.output_tokens,
            "modelCalls": totals.model_calls,
            "toolCalls": totals.tool_calls,
            "callsOfUnknownUsage": totals.tokens_unknown,
        },
        "cost": totals.whole_cost,
    }


def turn_error(turn: Turn) -> str:
    """Why the turn did not complete, in a sentence."""
    return turn.message or f"The turn ended as {turn.status}{f' ({turn.code})' if turn.code else ''}."
