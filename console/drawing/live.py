"""Drawing a turn while it runs.

`st.write_stream` cannot remove what it has written, but a new attempt at the model replaces the text. The text is
therefore one placeholder that is written again, at most twenty times a second. If the store does not answer, what is
drawn stays and the page says so. It then follows again from the first event, which brings the same text and boxes.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from time import monotonic, sleep

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.elements.lib.mutable_status_container import StatusContainer

from console.drawing.calls import draw_evidence, step_icon, step_label, step_state
from console.drawing.text import answer_markdown, label
from console.tool_words import tool_words
from core.errors import Unavailable
from core.live.events import Event, ToolFinishedEvent, ToolProgressEvent, ToolStartedEvent
from core.log.records import ToolCall

REDRAW_SECONDS = 0.05
ATTACH_SECONDS = 1.0
LOOKING = ":shimmer[Looking it up]"
AWAY = (
    "The store does not answer. Everything shown here is saved. The rest of the answer is shown once it can be saved, "
    "too; you do not have to do anything."
)


def draw_live(follow: Callable[[], AbstractContextManager[Iterator[Event]]], rest: Callable[[], None]) -> None:
    """Draw a turn's events until it ends or waits for approval.

    `rest` draws the rest of the page. It is called once: after the first words, or half a second without any.

    Leaving early, as a closed tab does, stops the drawing; the turn goes on.
    """
    drawing = _Drawing(rest)
    while True:
        try:
            with follow() as events:
                drawing.draw(events)
            return
        except Unavailable:
            drawing.wait()
            sleep(ATTACH_SECONDS)


class _Drawing:
    """A turn's place on the page, and what is drawn there."""

    def __init__(self, rest: Callable[[], None]) -> None:
        self._rest: Callable[[], None] | None = rest
        self._steps = st.container()
        self._answer = st.empty()
        self._below = st.empty()
        self._boxes: dict[str, StatusContainer] = {}
        self._finished: set[str] = set()
        self._tools: dict[str, str] = {}
        self._drawn = ""
        self._waits = False
        self._answer.markdown(LOOKING)

    def wait(self) -> None:
        """Say that the store does not answer."""
        self._below.warning(AWAY, icon=":material/cloud_off:")
        self._waits = True

    def draw(self, events: Iterator[Event]) -> None:
        """Draw the events of a turn, beginning with its first; what is drawn already stays as it is."""
        text, drawn_at = "", 0.0
        for event in events:
            if self._waits or event.kind == "beat":
                # Streamlit ends the script of a closed tab only when the script draws.
                self._below.empty()
                self._waits = False
            match event.kind:
                case "waiting":
                    self._answer.markdown(f":shimmer[{_place(event.ahead)}]")
                case "begun":
                    self._answer.markdown(LOOKING)
                case "text":
                    text += event.text
                case "attempt":
                    text = self._drawn = ""
                    self._answer.markdown(":shimmer[Trying again]")
                case "tool.started" | "tool.progress" | "tool.finished":
                    self._draw_step(event)
            # Followed again, a text grows from its start to where it is drawn already.
            known = text == self._drawn or (self._drawn.startswith(text) and event.kind != "beat")
            if not known and (monotonic() - drawn_at >= REDRAW_SECONDS or event.kind != "text"):
                self._answer.markdown(answer_markdown(text) + (" ▍" if event.kind != "ended" else ""), anchors=False)
                self._drawn, drawn_at = text, monotonic()
            # A beat tells that nothing has come for half a second.
            if text or event.kind not in ("waiting", "begun"):
                self._draw_rest()

    def _draw_rest(self) -> None:
        # Once, also if the store goes away meanwhile: a widget may not be drawn twice in a run.
        rest, self._rest = self._rest, None
        if rest is not None:
            rest()

    def _draw_step(self, event: ToolStartedEvent | ToolProgressEvent | ToolFinishedEvent) -> None:
        match event.kind:
            case "tool.started":
                self._tools[event.call.id] = event.call.tool
                if event.call.id not in self._boxes:
                    self._boxes[event.call.id] = self._steps.status(
                        step_label(event.call), state="running", type="compact"
                    )
            case "tool.progress" if event.call_id in self._boxes:
                doing = label(tool_words(self._tools[event.call_id]).doing)
                self._boxes[event.call_id].update(label=f"{doing} · {label(event.message)}")
            case "tool.finished" if event.call.id not in self._finished:
                self._finished.add(event.call.id)
                with self._finished_step(event.call):
                    draw_evidence(event.call)

    def _finished_step(self, call: ToolCall) -> DeltaGenerator:
        box = self._boxes.get(call.id)
        if box is None:  # it was never started
            return self._steps.expander(step_label(call), icon=step_icon(call), type="compact")
        box.update(label=step_label(call), state=step_state(call))
        return box


def _place(ahead: int | None) -> str:
    """How long the line is before a question that waits; None if another process knows."""
    if ahead is None:
        return "Waiting for a free place"
    return f"Waiting, {ahead} before you" if ahead else "Waiting, you are next"
