"""Drawing evidence for a reviewer: facts in tables, a turn's figures, and every attempt at the model."""

from functools import partial

import streamlit as st

from console.drawing.parts import draw_part
from console.drawing.text import exactly, label
from console.format import cost, counted, lasted, money, tokens, took, total_tokens
from core.desk.evidence import SHORT
from core.log.records import ModelCall, Turn


def draw_facts(facts: dict[str, str]) -> None:
    """Names and values; markup in them is shown as text."""
    st.table({label(name): label(value, 400) for name, value in facts.items()}, border="horizontal", hide_header=True)


def draw_technical(of: str, facts: dict[str, str]) -> None:
    """Ids, digests and the like, which few readers need, in a part that opens. `of` is the id of what they are about.

    Call it inside a fragment.
    """
    draw_part("Technical details", f"technical_{of}", partial(draw_facts, facts), icon=":material/settings:")


def draw_turn_facts(turn: Turn) -> None:
    """What the whole turn took and cost."""
    ran = lasted(turn.opened_at, turn.ended_at)
    draw_facts(
        {
            "Asked": exactly(turn.opened_at),
            "Ended": exactly(turn.ended_at),
            "Took": took(ran) if ran is not None else "not yet known",
            "First text after": took(turn.first_text_ms),
            "Cost": cost(turn.totals),
            "Tokens": total_tokens(turn.totals),
        }
        | (
            {"Left out, over the limit": counted(turn.citations_left_out, "citation")}
            if turn.citations_left_out
            else {}
        )
    )
    draw_technical(
        turn.id,
        {"Turn": turn.id, "Request": turn.request_id, "Fence": str(turn.fence)}
        | {"Entries of the log": f"{turn.first_n} to {turn.last_n}"}
        | ({"What went wrong": turn.message} if turn.message else {}),
    )


def draw_model_call(call: ModelCall) -> None:
    """One physical request to a model: what it was, what it cost, how it ended, and its text."""
    draw_facts(
        {
            "Model": call.model,
            "Asked": exactly(call.asked_at),
            "Ended": exactly(call.ended_at),
            "First content after": took(call.ttft_ms),
            "Took": took(call.duration_ms),
            "Tokens": tokens(call.usage),
            "Cost": money(call.cost),
            "Stop reason": call.stop_reason or "none",
        }
        | ({"What went wrong": f"{call.code}: {call.message or ''}"} if call.code else {})
        | ({"Sent back to the model": f"{call.repair}: {call.fault or ''}"} if call.repair else {})
        | ({"Markers without a passage": ", ".join(f"[{number}]" for number in call.left_out)} if call.left_out else {})
        | ({"Changed by hooks": ", ".join(call.changed)} if call.changed else {})
        | ({"Hooks that failed": str(len(call.hook_failures))} if call.hook_failures else {})
    )
    draw_technical(
        call.id,
        {
            "Request": call.request[:SHORT],
            "Call": call.id,
            "Fence": str(call.fence),
            "Oldest entry sent": str(call.window),
        }
        # The failures name exceptions.
        | ({"Hooks that failed": "; ".join(call.hook_failures)} if call.hook_failures else {}),
    )
    if call.reasoning_text:
        draw_part(
            "Reasoning", f"reasoning_{call.id}", partial(st.text, call.reasoning_text), icon=":material/psychology:"
        )
    if call.erased:
        st.caption("The model's text has been erased.")
    elif call.answer:
        st.caption("The model's text")
        st.text(call.answer)
