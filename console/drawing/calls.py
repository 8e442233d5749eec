"""Drawing a tool call: as a step of an answer, and as a card where it waits for a person's word."""

from collections.abc import Callable
from typing import Literal, TypeAlias

import streamlit as st

from console.drawing.status_words import CALL_WORDS
from console.drawing.text import label, shown, when
from console.format import took
from console.tool_words import tool_words, what_it_does
from core.canonical import Json
from core.gate import Viewer
from core.log.records import ToolCall

Decide: TypeAlias = Callable[[ToolCall, Literal["approve", "deny"], str], None]

UNKNOWN_OUTCOME = "We cannot know whether it was sent. Check with HR before you ask for it again."
_STATES: dict[str, Literal["running", "complete"]] = {
    "planned": "running",
    "running": "running",
    "succeeded": "complete",
}


def step_label(call: ToolCall) -> str:
    """What the step is called in the call's status."""
    words = tool_words(call.tool)
    match call.status:
        case "planned" | "running":
            return label(words.doing)
        case "succeeded":
            return label(words.done)
        case _:
            return f"{label(words.done)} · {CALL_WORDS[call.status].text.lower()}"


def step_state(call: ToolCall) -> Literal["running", "complete", "error"]:
    return "complete" if call.status in ("denied", "cancelled") else _STATES.get(call.status, "error")


def draw_step(call: ToolCall) -> None:
    """A closed call as one line that opens."""
    with st.status(step_label(call), state=step_state(call), type="compact"):
        draw_evidence(call)


def draw_evidence(call: ToolCall) -> None:
    """What went in, what came out, when, and who agreed."""
    draw_arguments(call.arguments)
    if call.erased:
        st.caption("The result has been erased.")
    if call.result is not None:
        st.caption("Result, shortened" if call.cut else "Result")
        draw_json(call.result)
    if call.told is not None:
        st.caption("What the model was told in its place")
        st.text(call.told)
    if call.error:
        st.caption("What went wrong")
        st.text(call.error)
    if call.status == "unknown":
        st.warning(UNKNOWN_OUTCOME, icon=":material/help:")
    if call.decision is not None:
        said = "Approved" if call.decision.outcome == "given" else "Denied"
        st.caption(f"{said} by {label(call.decision.by)}, {when(call.decision.at)}")
        if call.decision.reason:
            st.text(call.decision.reason)
    st.caption(
        when(call.started_at or call.planned_at)
        + (f" · {took(call.duration_ms)}" if call.duration_ms is not None else "")
    )


def draw_arguments(arguments: Json) -> None:
    st.caption("Arguments" if arguments else "No arguments")
    if arguments:
        draw_json(arguments)


def draw_json(value: Json) -> None:
    """A flat object as a list of names and values, anything else as JSON; none of it is read as markup."""
    if isinstance(value, dict) and all(isinstance(item, str | int | float | bool | None) for item in value.values()):
        st.table(
            {label(name.replace("_", " ")): label(shown(item), 2_000) for name, item in value.items()},
            border="horizontal",
        )
    else:
        st.code(shown(value), language="json", wrap_lines=True)


def draw_approval(call: ToolCall, viewer: Viewer, decide: Decide) -> None:
    """The card of a call that waits, drawn from the record, so that it is the same after a reload.

    Who may decide is core's to say; this offers the buttons to whom it concerns.
    """
    mine = call.approval == "asker" and call.owner == viewer.id
    for_approver = call.approval == "approver" and "approver" in viewer.roles and call.owner != viewer.id
    with st.container(border=True, key=f"card_{call.id}"):
        st.markdown(f":material/approval: **{label(tool_words(call.tool).done)}: needs approval**")
        st.markdown(label(what_it_does(call.tool, call.planned), 400))
        if call.planned:
            draw_json(call.planned)
        if not mine and not for_approver:
            st.caption("Somebody with the approver role decides this. Nothing happens before.")
        reason = ""
        if for_approver:
            st.caption(f"Asked by {label(call.owner)}, {when(call.planned_at)}")
            reason = st.text_input("Reason (optional)", key=f"card_reason_{call.id}", max_chars=500)
        if mine or for_approver:
            with st.container(horizontal=True):
                for word, outcome in (("Approve", "approve"), ("Deny", "deny")):
                    st.button(
                        word,
                        key=f"card_{outcome}_{call.id}",
                        type="primary" if outcome == "approve" else "secondary",
                        on_click=decide,
                        args=(call, outcome, reason),
                    )
        st.caption(f"Without a decision it is denied on {when(call.expires)}.")
