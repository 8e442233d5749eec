"""Drawing a tool call: as a step of an answer, and as a card if it is waiting for approval."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

import streamlit as st

from console.drawing.arguments import draw_arguments, draw_changes, draw_fields
from console.drawing.forms import draw_form, form_fields
from console.drawing.parts import draw_part
from console.drawing.questions_back import draw_asked_back, draw_question_back
from console.drawing.status_words import CALL_WORDS, Word
from console.drawing.text import label, shown, when
from console.format import took
from console.tool_words import Preview, parameters_of, tool_words, what_it_does
from core.canonical import Json
from core.log.records import Decision, ToolCall
from core.question_back import ASK_BACK, SKIPPED

Outcome: TypeAlias = Literal["approve", "deny"]
Decide: TypeAlias = Callable[[Outcome, Mapping[str, Json] | None], str | None]
"""Decides on the call of a card, with changed arguments or None. Returns what of the changed ones was refused."""


@dataclass(frozen=True, slots=True)
class Approving:
    """What a page gives to the cards of its viewer's calls.

    `decide` takes changed arguments and a reason, or None. It returns what of the changed arguments was refused.
    `preview` says what a call would do now, `is_off` whether the tool of this name is switched off.
    """

    decide: Callable[[ToolCall, Outcome, Mapping[str, Json] | None, str | None], str | None]
    preview: Callable[[ToolCall], Preview | None]
    is_off: Callable[[str], bool]


UNKNOWN_OUTCOME = "It is unknown whether this took effect. Check with HR before you ask for it again."
_STATES: dict[str, Literal["running", "complete"]] = {
    "planned": "running",
    "running": "running",
    "succeeded": "complete",
}
_SKIPPED = Word("Skipped", "gray", ":material/skip_next:")
_EXPIRED = Word("Expired", "orange", ":material/timer_off:")
_OFF = Word("Switched off", "orange", ":material/power_settings_new:")


def step_word(call: ToolCall) -> Word:
    """Where the call stands, as its step says it."""
    if call.code == "approval_expired":
        return _EXPIRED
    if call.status == "denied" and call.code == "switched_off":
        return _OFF
    skipped = call.tool == ASK_BACK and call.status == "denied" and call.decision
    return _SKIPPED if skipped else CALL_WORDS[call.status]


def step_label(call: ToolCall) -> str:
    """What the step is called in the call's status."""
    words = tool_words(call.tool)
    match call.status:
        case "planned" | "running":
            return label(words.doing)
        case "succeeded":
            changed = is_changed(call.decision) and call.tool != ASK_BACK
            return f"{label(words.done)} · Approved with changes" if changed else label(words.done)
        case _:
            return f"{label(words.done)} · {step_word(call).text}"


def step_state(call: ToolCall) -> Literal["running", "complete", "error"]:
    # A check mark only for what succeeded: a call that was denied or cancelled has not been made.
    return _STATES.get(call.status, "error")


def step_icon(call: ToolCall) -> str:
    return step_word(call).icon


def is_changed(decision: Decision | None) -> bool:
    """Whether a person approved other arguments than those that were asked for."""
    return decision is not None and decision.outcome == "given" and decision.asked != decision.digest


def draw_step(call: ToolCall) -> None:
    """A call as one line that opens. Call it inside a fragment."""
    draw_part(step_label(call), f"step_{call.id}", partial(draw_evidence, call), icon=step_icon(call))


def draw_evidence(call: ToolCall) -> None:
    """The call's arguments, its result or error, when it ran, and the decision on it."""
    if call.tool == ASK_BACK:
        draw_asked_back(call)
        st.caption(when(call.planned_at))
        return
    draw_arguments(call.tool, call.arguments)
    if is_changed(call.decision) and call.arguments is not None and call.planned is not None:
        draw_changes(call.tool, call.planned, call.arguments)
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
        changed = " with changes" if is_changed(call.decision) else ""
        st.caption(f"{outcome}{changed} by {label(call.decision.by)}, {when(call.decision.at)}")
        if call.decision.reason:
            st.text(call.decision.reason)
    st.caption(
        when(call.started_at or call.planned_at)
        + (f" · {took(call.duration_ms)}" if call.duration_ms is not None else "")
    )


def draw_json(value: Json) -> None:
    """A flat object as a list of names and values, anything else as JSON; markup in it is shown as text."""
    if isinstance(value, dict) and all(isinstance(item, str | int | float | bool | None) for item in value.values()):
        st.table(
            {label(name.replace("_", " ")): label(shown(item), 2_000) for name, item in value.items()},
            border="horizontal",
        )
    else:
        st.code(shown(value), language="json", wrap_lines=True)


def draw_request(title: str, tool: str, arguments: Json, preview: Preview | None, *, off: bool) -> None:
    """The head of a card: what will happen if a person approves the call. `off`: its tool is switched off."""
    st.markdown(f":material/approval: **{title}**")
    st.markdown(label(what_it_does(tool, arguments if isinstance(arguments, dict) else None), 400))
    if preview and preview.possible:
        st.markdown(f":material/info: **{label(preview.text, 300)}** :small[(as of now)]")
    elif preview:
        st.warning(label(preview.text, 300), title="This would be refused now", icon=":material/error:")
    if off:
        draw_off()


def draw_off() -> None:
    """On a card: the call does not run now, whatever its reader decides."""
    st.warning(
        "An administrator has switched this off. While it is off, it does not run, even if it is approved.",
        title="Switched off",
        icon=":material/power_settings_new:",
    )


def draw_decision(
    call_id: str, tool: str, arguments: Json, decide: Decide, draw_below: Callable[[], object] | None = None
) -> None:
    """The arguments of a card and its buttons, or the form on which they are changed before they are approved.

    `draw_below` draws what stands between the arguments and the buttons.
    """
    editing = f"card_editing_{call_id}"
    # Without its schema there is no form: a desk that lacks the tool can only take the call as it is.
    fields = form_fields(parameters_of(tool)) if isinstance(arguments, dict) else []
    if fields and st.session_state.get(editing):

        def approve(changed: dict[str, Json]) -> str | None:
            refused = decide("approve", changed)
            _set(editing, refused is not None)
            return refused

        draw_form(
            f"card_form_{call_id}",
            fields,
            arguments,
            send="Approve with changes",
            sent=approve,
            leave="Cancel",
            left=partial(_set, editing, False),
            draw_below=draw_below,
        )
        return
    draw_fields(tool, arguments)
    if draw_below:
        draw_below()
    with st.container(horizontal=True):
        st.button("Approve", key=f"card_approve_{call_id}", type="primary", on_click=_decide, args=(decide, "approve"))
        if fields:
            st.button("Edit", key=f"card_edit_{call_id}", on_click=_set, args=(editing, True))
        st.button("Deny", key=f"card_deny_{call_id}", on_click=_decide, args=(decide, "deny"))


def draw_approval(call: ToolCall, approving: Approving) -> None:
    """The card of a call that its turn waits for, drawn from the record: a reload shows the same card."""

    def decide(outcome: Outcome, changed: Mapping[str, Json] | None, reason: str | None = None) -> str | None:
        return approving.decide(call, outcome, changed, reason)

    with st.container(border=True, key=f"card_{call.id}"):
        if call.tool == ASK_BACK:
            if approving.is_off(call.tool):
                draw_off()
            draw_question_back(call, partial(decide, "approve"), partial(decide, "deny", None, SKIPPED))
            st.caption(f"If it is not answered by {when(call.expires)}, it is closed without an answer.")
            return
        title = f"{label(tool_words(call.tool).done)}: needs approval"
        draw_request(title, call.tool, call.planned, approving.preview(call), off=approving.is_off(call.tool))
        if call.approval == "asker":
            draw_decision(call.id, call.tool, call.planned, decide)
        else:  # a call that an earlier version left waiting for an approver is not its asker's to decide
            draw_fields(call.tool, call.planned)
        st.caption(f"If it is not approved by {when(call.expires)}, it is denied.")


def _decide(decide: Decide, outcome: Outcome) -> None:
    decide(outcome, None)


def _set(name: str, value: bool) -> None:
    st.session_state[name] = value
