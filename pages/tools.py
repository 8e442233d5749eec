"""Tools & models: what may run. An administrator switches a tool or a model off here, and on again, with a reason."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeAlias

import streamlit as st

from console.app import app
from console.drawing.switches import draw_models, draw_tools
from console.drawing.text import label
from console.drawing.troubles import REFUSALS, why_refused
from console.sign_in.roles import current_caller
from core.gate import Viewer

Decision: TypeAlias = Callable[[Viewer, str, str], Coroutine[Any, Any, object]]

st.set_page_config(page_title="Tools & models", layout="centered")
caller = current_caller()
viewer, run, administration = caller.viewer, caller.run, app().desk.administration


def switch(decision: Decision, done: str, name: str, why: str) -> str | None:
    """Put the decision on record; returns why it was refused. Once it is done, the page says so."""
    try:
        run(decision(viewer, name, why))
    except REFUSALS as error:
        return why_refused(error)
    st.session_state.tm_notice = f"{name} {done}"
    return None


st.title("Tools & models", anchor=False)
st.caption(
    "Administration · each switch is recorded with your id and your reason, and holds in all processes within a second."
)
if "tm_notice" in st.session_state:
    st.success(label(st.session_state.pop("tm_notice"), 400), icon=":material/check:")
listed = run(administration.tools_and_models(viewer))

st.subheader("Tools", anchor=False)
st.caption(
    "A tool that is off is not offered to the models. A call that waits or is planned does not run, even if it is "
    "approved. A call that runs already is not stopped."
)
plugin_of = {tool.name: name for name, plugin in app().plugins.items() for tool in plugin.tools}
draw_tools(
    listed.tools,
    plugin_of.get,
    partial(switch, administration.switch_off_tool, "is off. No call of it begins from now on."),
    partial(switch, administration.switch_on_tool, "is on again."),
)

st.subheader("Models", anchor=False)
st.caption(
    "A model that is off gets no requests; the next one takes its place. While all are off, questions end without an "
    "answer. An answer that is being written already is not stopped."
)
draw_models(
    listed.models,
    app().priced.get,
    partial(switch, administration.switch_off_model, "is off. It is sent no request from now on."),
    partial(switch, administration.switch_on_model, "is on again."),
)
