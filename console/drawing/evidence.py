"""Drawing evidence for a reviewer: what a turn ran with, every attempt at the model, and what it cost."""

import streamlit as st

from console.drawing.text import label, when
from console.format import cost, counted, money, tokens, took, total_tokens
from core.clock import moment
from core.log.records import ModelCall, Turn

_ASIDE = {"summary": "Summary of earlier turns", "query": "Search query"}
SHORT = 12
"""Characters of a digest that are shown: enough to see whether two are the same."""


def draw_facts(facts: dict[str, str]) -> None:
    """Names and values; markup in them is shown as text."""
    st.table({label(name): label(value, 400) for name, value in facts.items()}, border="horizontal", hide_header=True)


def draw_technical(facts: dict[str, str]) -> None:
    """Ids, digests and the like, which few readers need, in a part that opens."""
    with st.expander("Technical details", type="compact", icon=":material/settings:"):
        draw_facts(facts)


def draw_turn_facts(turn: Turn) -> None:
    """When the turn ran, how long it took, what it cost, and what it ran with."""
    ran = moment(turn.ended_at) - moment(turn.opened_at) if turn.ended_at else None
    facts = {
        "Asked": when(turn.opened_at),
        "Ended": f"{when(turn.ended_at)}, after {took(int(ran.total_seconds() * 1000))}" if ran else "not yet",
        "Cost": cost(turn.totals),
        "Tokens": total_tokens(turn.totals),
        "Model": ", ".join(turn.snapshot.models),
    }
    if turn.rating:
        facts["Feedback"] = f"thumbs {turn.rating}" + (f": {turn.comment}" if turn.comment else "")
    if turn.citations_left_out:
        facts["Left out, over the limit"] = counted(turn.citations_left_out, "citation")
    draw_facts(facts)
    draw_technical(
        {
            "Turn": turn.id,
            "Instructions": turn.snapshot.instructions[:SHORT],
            "Tools": turn.snapshot.tools[:SHORT],
            "Handbooks": turn.snapshot.handbooks[:SHORT],
        }
    )


def draw_model_calls(calls: list[ModelCall]) -> None:
    """Every physical request, failed ones too, in the order in which they were made."""
    for call in calls:
        status = ":green-badge[answered]" if call.status == "answered" else f":orange-badge[{call.status}]"
        step = _ASIDE.get(call.purpose) or f"Step {call.step}, attempt {call.attempt}"
        title = f"{step} {status} · {took(call.duration_ms)} · {label(money(call.cost))}"
        with st.expander(title, type="compact"):
            _draw_model_call(call)


def _draw_model_call(call: ModelCall) -> None:
    draw_facts(
        {
            "Model": call.model,
            "Asked": when(call.asked_at),
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
        {"Request": call.request[:SHORT], "Call": call.id}
        # The failures name exceptions.
        | ({"Hooks that failed": "; ".join(call.hook_failures)} if call.hook_failures else {})
    )
    if call.answer:
        st.caption("The model's text")
        st.text(call.answer)
