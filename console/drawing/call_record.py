"""Drawing a tool call for a reviewer: what was planned, what ran, what came of it, and who decided."""

import streamlit as st

from console.drawing.arguments import draw_arguments, draw_changes
from console.drawing.calls import draw_json
from console.drawing.evidence import draw_facts
from console.drawing.text import exactly, label
from console.format import counted, took
from core.log.records import ToolCall


def draw_call(call: ToolCall) -> None:
    """The call's arguments, what came of it, and the facts around it."""
    if call.status == "unknown":
        draw_outcome(call)
    draw_content(call)
    draw_facts(call_facts(call))


def draw_outcome(call: ToolCall) -> None:
    """What is known of a call of unknown outcome: an auditor's statement stands beside the status, not in its place."""
    resolution = call.resolution
    if not isinstance(resolution, dict):
        st.warning(
            "It is unknown whether this took effect: the desk could not learn it from the tool. The call has no "
            "statement of a person yet.",
            icon=":material/help:",
        )
        return
    happened = "It happened" if resolution["happened"] else "It did not happen"
    with st.container(border=True):
        st.markdown(f":material/fact_check: **{happened}**, as stated after the outcome was recorded as unknown")
        evidence = resolution["evidence"]
        st.text("The evidence has been erased." if evidence is None else str(evidence))
        st.caption(f"Stated by {label(str(resolution['by']))}, {exactly(str(resolution['at']))}")


def draw_content(call: ToolCall) -> None:
    """What the model asked for, what ran in its place, and what came of it."""
    if call.erased:
        st.info("The result has been erased.", icon=":material/delete:")
    draw_arguments(call.tool, call.planned)
    # A person or a hook can change what the model asked for; both are on record.
    if call.arguments is not None and call.arguments != call.planned:
        draw_changes(call.tool, call.planned, call.arguments)
    if call.result is not None:
        size = counted(call.size, "byte")
        st.caption(f"Result, the first part of {size}" if call.cut else f"Result, {size}")
        draw_json(call.result)
    if call.told is not None:
        st.caption("Sent to the model instead of the result")
        st.text(call.told)
    if call.error:
        st.caption("What went wrong")
        st.text(call.error)
    if call.late:
        st.caption("Reported too late: another worker had taken over the turn")
        draw_json(call.late)


def call_facts(call: ToolCall) -> dict[str, str]:
    """Names and values of all that is known of the call besides its content."""
    decision = call.decision
    facts = {
        "Tool": call.tool,
        "Effect": call.effect or "unknown tool",
        "Requested by": call.owner,
        "About": f"{call.about}, another person" if call.about_other else "the asker",
        "Planned": exactly(call.planned_at),
        "Started": exactly(call.started_at),
        "Finished": exactly(call.finished_at),
        "Took": took(call.duration_ms),
        "Attempts": str(call.attempts),
        "Approval": f"by the {call.approval}" if call.approval else "not needed",
    }
    if call.code:
        facts["Error code"] = call.code
    if call.hook_failures:
        facts["Hooks that failed"] = str(len(call.hook_failures))
    if call.waits:
        facts["Expires"] = exactly(call.expires)
    if decision:
        facts["Decision"] = "approved" if decision.outcome == "given" else "denied"
        facts["Decided"] = f"{exactly(decision.at)} by {decision.by}"
        facts["Reason"] = decision.reason or "not stated"
    return facts
