"""Drawing a turn while it runs.

`st.write_stream` cannot take back what it has written, and a new attempt does; so the text stands in one placeholder
that is written anew, at most twenty times a second.
"""

from collections.abc import Iterator
from time import monotonic

import streamlit as st

from console.calls import draw_evidence, step_label, step_state
from console.hr_tools import tool_words
from console.wording import label, markdown
from core.events import Event

REDRAW_SECONDS = 0.05


def draw_live(events: Iterator[Event]) -> None:
    """Draw a turn's events until it ends or waits for approval. Leaving early stops nothing but the drawing."""
    steps = st.container()
    answer = st.empty()
    pulse = st.empty()
    boxes = {}
    tools = {}
    text = drawn = ""
    drawn_at = 0.0
    answer.markdown(":shimmer[Looking it up]")
    for event in events:
        match event.kind:
            case "text":
                text += event.text
            case "attempt":
                text = ""
                answer.markdown(":shimmer[Starting again]")
            case "tool.started":
                tools[event.call.id] = event.call.tool
                if event.call.id not in boxes:
                    boxes[event.call.id] = steps.status(step_label(event.call), state="running", type="compact")
            case "tool.progress" if event.call_id in boxes:
                doing = label(tool_words(tools[event.call_id]).doing)
                boxes[event.call_id].update(label=f"{doing} · {label(event.message)}")
            case "tool.finished":
                box = boxes.get(event.call.id) or steps.status(step_label(event.call), type="compact")
                box.update(label=step_label(event.call), state=step_state(event.call))
                with box:
                    draw_evidence(event.call)
            case "beat":
                # Streamlit ends a script that nobody looks at only when it draws.
                pulse.empty()
        if text != drawn and (monotonic() - drawn_at >= REDRAW_SECONDS or event.kind != "text"):
            answer.markdown(markdown(text) + (" ▍" if event.kind != "ended" else ""), anchors=False)
            drawn, drawn_at = text, monotonic()
