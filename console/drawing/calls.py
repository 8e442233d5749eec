"""Drawing a tool call: as a step of an answer, and as a card if it is waiting for approval."""

from collections.abc import Callable
from functools import partial
from typing import Literal, TypeAlias

import streamlit as st

from console.drawing.parts import draw_part
from console.drawing.status_words import CALL_WORDS
from console.drawing.text import label, shown, when
from console.format import took
from console.tool_words import tool_words, what_it_does
from core.canonical import Json
from core.log.records import ToolCall

Decide: TypeAlias = Callable[[ToolCall, Literal["approve", "deny"]], None]

UNKNOWN_OUTCOME = "It is unknown whether this took effect. Check with HR before you ask for it again."
_STATES: dict[str, Literal["running", "complete"]] = {
    "planned": "running",
    "running": "running",
    "succeeded": "complete",
}
_ICONS: dict[str, str] = {
    "running": ":material/progress_activity:",
    "complete": ":material/check:",
    "error": ":material/error:",
}
"""Those of Streamlit's own steps, as which the same calls are drawn while they run."""


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
    # A check mark only for what succeeded: a call that was denied or cancelled has not been made.
    return _STATES.get(call.status, "error")


def step_icon(call: ToolCall) -> str:
    # Neither done nor gone wrong: Streamlit's own steps have no state for a call that is left to an approver.
    return CALL_WORDS["deferred"].icon if call.status == "deferred" else _ICONS[step_state(call)]


def draw_step(call: ToolCall) -> None:
    """A call as one line that opens. Call it inside a fragment."""
    draw_part(step_label(call), f"step_{call.id}", partial(draw_evidence, call), icon=step_icon(call))


def draw_evidence(call: ToolCall) -> None:
    """The call's arguments, its result or error, when it ran, and the decision on it."""
    draw_arguments(call.arguments)
    if call.erased:
        st.caption("The result has been erased.")
    if call.result is not None:
        st.caption("Result, shortened" if call.cut else "Result")
        draw_json(call.result)
    if call.told is not None:
        st.caption("Sent to the model instead of the result")
        st.text(call.told)
    if call.error:
        st.caption("What went wrong")
        st.text(call.error)
    if call.status == "unknown":
        st.warning(UNKNOWN_OUTCOME, icon=":material/help:")
    if call.decision is not None:
        outcome = "Approved" if call.decision.outcome == "given" else "Denied"
        st.caption(f"{outcome} by {label(call.decision.by)}, {when(call.decision.at)}")
        if call.decision.reason:
            st.text(call.decision.reason)
    st.caption(
        when(call.started_at or call.planned_at)
        + (f" · {took(call.duration_ms)}" if call.duration_ms is not None else "")
    )


def draw_arguments(arguments: Json) -> None:
    if arguments is None:
        st.caption("The arguments have been erased.")
    else:
        st.caption("Arguments" if arguments else "No arguments")
    if arguments:
        draw_json(arguments)


def draw_json(value: Json) -> None:
    """A flat object as a list of names and values, anything else as JSON; markup in it is shown as text."""
    if isinstance(value, dict) and all(isinstance(item, str | int | float | bool | None) for item in value.values()):
        st.table(
            {label(name.replace("_", " ")): label(shown(item), 2_000) for name, item in value.items()},
            border="horizontal",
        )
    else:
        st.code(shown(value), language="json", wrap_lines=True)


def draw_request(title: str, tool: str, arguments: Json) -> None:
    """The head of a card: what will happen if a person approves the call, with its arguments."""
    st.markdown(f":material/approval: **{title}**")
    st.markdown(label(what_it_does(tool, arguments if isinstance(arguments, dict) else None), 400))
    if arguments:
        draw_json(arguments)


def draw_approval(call: ToolCall, decide: Decide) -> None:
    """The card of a call that its turn waits for, drawn from the record: a reload shows the same card."""
    with st.container(border=True, key=f"card_{call.id}"):
        draw_request(f"{label(tool_words(call.tool).done)}: needs approval", call.tool, call.planned)
        # A call that an earlier version left waiting for an approver is not its asker's to decide.
        if call.approval == "asker":
            with st.container(horizontal=True):
                for word, outcome in (("Approve", "approve"), ("Deny", "deny")):
                    st.button(
                        word,
                        key=f"card_{outcome}_{call.id}",
                        type="primary" if outcome == "approve" else "secondary",
                        on_click=decide,
                        args=(call, outcome),
                    )
        st.caption(f"If it is not approved by {when(call.expires)}, it is denied.")
