"""Links from a figure to the list that it counts: the one place that knows the URL parameters of the lists."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from console.drawing.periods import same_period
from console.drawing.text import label
from console.format import counted

_ICON = ":material/arrow_forward:"


@dataclass(frozen=True, slots=True)
class ListLinks:
    """Links that cover the period chosen under `prefix`. `may_open` False: the counts are shown without a link."""

    prefix: str
    may_open: bool

    def threads(self, count: int, words: str = "", **filters: Sequence[str]) -> None:
        """`12 threads`, which opens them. `filters` are those of the Threads page, without their prefix."""
        text = f"{counted(count, 'thread')} {words}".strip()
        self._draw("threads", text, bool(count), same_period(self.prefix, "th"), filters)

    def threads_citing(self, title: str, **filters: Sequence[str]) -> None:
        """The threads that cite a handbook; the title is its text."""
        self._draw("threads", f"threads citing {label(title)}", True, same_period(self.prefix, "th"), filters)

    def calls(self, count: int, words: str = "", *, now: bool = False, **filters: Sequence[str]) -> None:
        """`3 calls`, which opens them: those of the period, or, if `now`, those of any time."""
        time = {"tc_time": "all"} if now else same_period(self.prefix, "tc")
        self._draw("tool_calls", f"{counted(count, 'call')} {words}".strip(), bool(count), time, filters)

    def _draw(
        self, page: str, text: str, any_there: bool, time: dict[str, str], filters: dict[str, Sequence[str]]
    ) -> None:
        if not (any_there and self.may_open):
            st.caption(text)
            return
        prefix = next(iter(time)).partition("_")[0]
        chosen = {f"{prefix}_{name}": list(values) for name, values in filters.items()}
        st.page_link(f"../pages/{page}.py", label=f"Open {text}", icon=_ICON, query_params={**time, **chosen})
