"""Drawing a turn's place among the versions of its question, for a reviewer: when each was shown, and which is now."""

from collections.abc import Callable

import streamlit as st

from console.drawing.text import when
from console.format import counted
from core.desk.turn_views import TurnView
from core.log.branches import is_shown
from core.log.records import Seen, Thread

_NEWEST = 3
"""The most times that are listed one by one."""


def draw_place(view: TurnView, thread: Thread, go: Callable[[str], None]) -> None:
    """Which version the turn is and when it was shown; nothing if it is the only one. `go` shows another turn."""
    turn = view.turn
    if not is_shown(thread.hidden, turn.first_n):
        st.markdown(":gray-badge[:material/visibility_off: Not on the branch that is shown now]")
    if view.version is None:
        return
    seen = seen_words(view.versions[view.version - 1].seen)
    st.caption(f"Version {view.version} of {len(view.versions)} of this question; {seen}.")
    with st.container(horizontal=True):
        for number, version in enumerate(view.versions, 1):
            if version.turn != turn.id:
                # No link: Streamlit does not follow one to the page on which it stands.
                st.button(
                    f"Version {number}",
                    key=f"version_{turn.id}_{number}",
                    icon=":material/alt_route:",
                    type="tertiary",
                    on_click=go,
                    args=(version.turn,),
                )


def seen_words(seen: list[Seen]) -> str:
    """When a version was the one shown: `shown 24 Nov 2026, 10:02 to 10:05 CET, and since 24 Nov 2026, 11:00 CET`."""
    earlier = len(seen) - _NEWEST
    times = [f"{counted(earlier, 'earlier time')}"] if earlier > 0 else []
    times += [_time(one) for one in seen[-_NEWEST:]]
    return f"shown {', and '.join(times)}"


def _time(seen: Seen) -> str:
    if seen.until is None:
        return f"since {when(seen.since)}"
    (day, begin), (last_day, end) = when(seen.since).split(", "), when(seen.until).split(", ")
    return f"{day}, {begin.split(' ')[0]} to {end}" if day == last_day else f"{day}, {begin} to {last_day}, {end}"
