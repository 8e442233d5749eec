"""Drawing evidence for a reviewer: what a turn ran with, every attempt at the model, and what it cost."""

import streamlit as st

from console.drawing.text import label, when
from console.format import cost, money, tokens, took
from core.clock import moment
from core.log.records import ModelCall, Turn

_ASIDE = {"summary": "Notes of earlier turns", "query": "Words to search with"}


def draw_facts(facts: dict[str, str]) -> None:
    """Names and values, of which none is read as markup."""
    st.table({label(name): label(value, 400) for name, value in facts.items()}, border="horizontal", hide_header=True)


def draw_turn_facts(turn: Turn) -> None:
    """When, how long, how much, and what it ran with."""
    ran = moment(turn.ended_at) - moment(turn.opened_at) if turn.ended_at else None
    facts = {
        "Turn": turn.id,
        "Asked": when(turn.opened_at),
        "Ended": f"{when(turn.ended_at)}, after {took(int(ran.total_seconds() * 1000))}" if ran else "not yet",
        "Cost": cost(turn.totals),
        "Tokens": f"{turn.totals.input_tokens:,} in, {turn.totals.output_tokens:,} out"
        + (f", {turn.totals.tokens_unknown} calls unknown" if turn.totals.tokens_unknown else ""),
        "Model": ", ".join(turn.snapshot.models),
        "Instructions": turn.snapshot.instructions[:12],
        "Tools": turn.snapshot.tools[:12],
        "Handbooks": turn.snapshot.handbooks[:12],
    }
    if turn.rating:
        facts["Feedback"] = f"thumbs {turn.rating}" + (f": {turn.comment}" if turn.comment else "")
    if turn.citations_left_out:
        facts["Citations too many to keep"] = f"{turn.citations_left_out:,}"
    draw_facts(facts)


def draw_model_calls(calls: list[ModelCall]) -> None:
    """Every physical request, failed ones too, in the order in which they were made."""
    for call in calls:
        status = ":green-badge[answered]" if call.status == "answered" else f":orange-badge[{call.status}]"
        step = _ASIDE.get(call.purpose) or f"Step {call.step}, attempt {call.attempt}"
        title = f"{step} {status} · {took(call.duration_ms)} · {label(money(call.cost))}"
        with st.expander(title, type="compact"):
            draw_facts(
                {
                    "Model": call.model,
                    "Asked": when(call.asked_at),
                    "First content": took(call.ttft_ms),
                    "Took": took(call.duration_ms),
                    "Tokens": tokens(call.usage),
                    "Cost": money(call.cost),
                    "Stop reason": call.stop_reason or "none",
                    "Request": call.request[:12],
                    "Call": call.id,
                }
                | ({"What went wrong": f"{call.code}: {call.message or ''}"} if call.code else {})
                | ({"To be given again": f"{call.repair}: {call.fault or ''}"} if call.repair else {})
                | (
                    {"Markers to no passage": ", ".join(f"[{number}]" for number in call.left_out)}
                    if call.left_out
                    else {}
                )
                | ({"Changed by hooks": ", ".join(call.changed)} if call.changed else {})
                | ({"Hooks that failed": "; ".join(call.hook_failures)} if call.hook_failures else {})
            )
            if call.answer:
                st.caption("Its text")
                st.text(call.answer)
