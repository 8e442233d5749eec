"""Drawing tools and models for an administrator: what each may do, whether it is on, and the form that switches it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeAlias

import streamlit as st

from console.drawing.evidence import draw_facts
from console.drawing.forms import FormField, Kind, form_fields
from console.drawing.parts import draw_part
from console.drawing.reasons import ask_reason, draw_reason, with_command
from console.drawing.text import label, shown, when
from console.format import counted
from console.tool_words import tool_words
from core.desk.switchboard import ModelSwitch, ToolSwitch
from core.ids import MAX_USER_ID
from core.log.records import OffSwitch
from core.tools import Tool
from core.values import Effect, Switched

Switch: TypeAlias = Callable[[str, str], str | None]
"""Switches what has this name, with a reason. Returns why that was refused, None if it was not."""

_EFFECTS: dict[Effect, str] = {
    "read": "Reads only. A call that fails may be repeated.",
    "idempotent": "May change something. A call may be repeated under its own key, which changes nothing more.",
    "unsafe": "May change something. A call is attempted at most once.",
}
_KINDS: dict[Kind, str] = {
    "date": "Date",
    "choice": "Choice",
    "boolean": "Yes or no",
    "integer": "Whole number",
    "number": "Number",
    "text": "Text",
    "json": "List or object",
}
_PROVIDERS = {"openai": "OpenAI", "anthropic": "Anthropic", "offline": "Offline model", "scripted": "Scripted model"}
_OTHER = "Another provider"
_PRICED = {
    True: "The price is known, so each answer's cost is on record.",
    False: "The price is unknown, so each answer's cost is on record as unknown.",
    None: "Each answer says what it costs.",
}


def draw_tools(
    tools: Sequence[ToolSwitch], plugin_of: Callable[[str], str | None], switch_off: Switch, switch_on: Switch
) -> None:
    """Each tool with what it may do and the plug-in that has it, and the button that switches it off or on."""
    if not tools:
        st.info("This desk has no tools. A plug-in that the setting `tools` names brings them: docs/tools.md says how.")
    for one in tools:
        with _entry("tool", tool_words(one.name).done, one.name, one.off, switch_off, switch_on):
            if one.tool:
                _draw_tool(one.tool, plugin_of(one.name))
            else:
                st.caption("This process does not have the tool; others may.")


def draw_models(
    models: Sequence[ModelSwitch], priced: Callable[[str], bool | None], switch_off: Switch, switch_on: Switch
) -> None:
    """Each model with its place in the order, and the button. `priced` says whether its price is known, None: both."""
    here = sum(one.model is not None for one in models)
    for one in models:
        provider, _, rest = one.name.partition(":")
        title = _OTHER if "base_url=" in rest else _PROVIDERS.get(provider, _OTHER)
        with _entry("model", title, one.name, one.off, switch_off, switch_on):
            if one.model:
                order = "The only model" if here == 1 else f"Tried as number {one.place} of {counted(here, 'model')}"
                draw_facts({"Order": order, "Price": _PRICED[priced(one.name)]})
            else:
                st.caption("This process does not have the model; others may.")


@contextmanager
def _entry(
    what: Switched, title: str, name: str, off: OffSwitch | None, switch_off: Switch, switch_on: Switch
) -> Iterator[None]:
    """The frame of a tool or model, with its name and its button; what is drawn in it stands below these."""
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            badge = ":red-badge[:material/power_settings_new: Off]" if off else ":green-badge[:material/check: On]"
            st.markdown(f"**{label(title)}** {badge}", width="content")
            key = f"tm_{what}_{name}"
            if off:
                ask_reason("Switch on", f"{key}_on", partial(switch_on, name))
            else:
                ask_reason("Switch off", f"{key}_off", partial(switch_off, name))
        # In code: the URL in the name of a model would become a link, and the name is copied for a command.
        st.code(name, language=None, wrap_lines=True)
        if off:
            by = f"by {label(off.by, MAX_USER_ID)}{with_command(off.account)}"
            with st.container(border=True, gap="small"):
                st.caption(f"Off since {when(off.off_at)}, {by}. The reason:")
                draw_reason(off.why)
        yield


# A fragment: to open a part draws this tool anew, and not the page.
@st.fragment
def _draw_tool(tool: Tool, plugin: str | None) -> None:
    st.text(" ".join(tool.description.split()))
    draw_facts(
        {
            "Effect": _EFFECTS[tool.effect],
            "Approval": _approval(tool),
            "Deadline": f"{tool.timeout:g} seconds",
            "From": f"The plug-in {plugin}" if plugin else "Rolltop itself",
        }
    )
    if fields := form_fields(tool.schema.parameters):
        st.caption("Parameters")
        st.table(
            {
                "Name": [label(field.name) for field in fields],
                "Type": [_type(field) for field in fields],
                "Required": ["Yes" if field.required else "No" for field in fields],
                "Meaning": [label(field.help or "not described", 400) for field in fields],
            },
            border="horizontal",
            hide_index=True,
        )
    else:
        st.caption("No parameters")
    schema = partial(st.code, shown(dict(tool.schema.parameters)), language="json", wrap_lines=True)
    draw_part("Technical details", f"tm_schema_{tool.name}", schema, icon=":material/settings:")


def _approval(tool: Tool) -> str:
    if tool.written:
        return "The person who asked completes each call."
    match tool.approval:
        case "asker":
            return "The person who asked must approve each call; the thread waits meanwhile."
        case "approver":
            return "An approver other than the person who asked must approve each call; the thread goes on meanwhile."
        case _ if tool.effect == "idempotent":
            return "Not needed, except after a search of the handbooks: then the person who asked must approve."
        case _:
            return "Not needed"


def _type(field: FormField) -> str:
    kind = _KINDS[field.kind]
    return f"{kind}: {label(', '.join(map(shown, field.choices)), 200)}" if field.choices else kind
