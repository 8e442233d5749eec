"""Walking through a list: from answer to answer of a thread, then to the list's next thread."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import streamlit as st

from core.desk.filters import ThreadFilter
from core.desk.turn_views import TurnView
from core.gate import Viewer
from core.log.records import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """The list that the viewer came from: the ids of its threads so far, in its order.

    `query` are the list's filters, `sealed` says that it is a handler's list of sealed threads. `cursor` fetches the
    next page, None on the last one.
    """

    ids: tuple[str, ...] = ()
    query: ThreadFilter = field(default_factory=ThreadFilter)
    sealed: bool = False
    cursor: str | None = None

    def longer(self, ids: Iterable[str], cursor: str | None) -> "Walk":
        """The walk with the next page. A thread that the list gives again stays in its first place."""
        return replace(self, ids=tuple(dict.fromkeys((*self.ids, *ids))), cursor=cursor)

    def place(self, thread_id: str) -> int | None:
        """The thread's place, from 1; None if it is not in the list."""
        return self.ids.index(thread_id) + 1 if thread_id in self.ids else None

    def next(self, thread_id: str) -> str | None:
        """The thread after this one; None if the list ends here, or if this one is not in it."""
        place = self.place(thread_id)
        return self.ids[place] if place and place < len(self.ids) else None

    def previous(self, thread_id: str) -> str | None:
        """The thread before this one; None if it is the first, or not in the list."""
        place = self.place(thread_id)
        return self.ids[place - 2] if place and place > 1 else None


def is_answer(turn: Turn) -> bool:
    """Whether the turn has an answer that can be judged."""
    return turn.ended_at is not None and bool(turn.text.strip())


class Steps:
    """Where a viewer stands on a thread's page: the open answer, the ways on and back.

    `views` are the answers of the page, in order. `earlier` shows the thread's page of earlier answers, None if these
    are all. `fetch` gives the walk with the next page of its list, or None if that cannot be read now.
    """

    def __init__(
        self,
        walk: Walk,
        thread_id: str,
        views: Sequence[TurnView],
        viewer: Viewer,
        earlier: Callable[[], None] | None,
        fetch: Callable[[Walk], Walk | None],
    ) -> None:
        self._walk = walk
        self._fetch = fetch
        self._thread = thread_id
        self._earlier = earlier
        answers = [view for view in views if is_answer(view.turn) and view.turn.owner != viewer.id]
        self._answers = [view.turn.id for view in answers]
        self._waiting = {view.turn.id for view in answers if not _has_judged(view, viewer)}
        if st.session_state.pop("jd_arrived", False):
            self._show(next(iter(turn for turn in self._answers if turn in self._waiting), None))

    @property
    def open(self) -> str | None:
        """The id of the turn whose answer is open, None if none of this page is."""
        turn: str | None = st.session_state.get("jd_open")
        return turn if turn in self._answers else None

    @property
    def ends(self) -> bool:
        """Whether neither an answer without a verdict of the viewer's nor a thread follows."""
        return not (self._next_answer or self._earlier or self._walk.next(self._thread) or self._goes_on)

    def toggle(self, turn_id: str) -> None:
        """Open the answer and close any other; or close it."""
        st.session_state.jd_open = None if self.open == turn_id else turn_id

    def on(self) -> None:
        """Go to the next answer without a verdict of the viewer's; after the last one to the list's next thread."""
        if answer := self._next_answer:
            self._show(answer)
        elif self._earlier:
            self._earlier()
            st.session_state.jd_arrived = True
        elif thread := self._walk.next(self._thread) or self._fetched():
            _go(thread)

    def back(self) -> None:
        """Go to the answer before, or else to the list's thread before."""
        if answer := self._previous_answer:
            self._show(answer)
        elif thread := self._walk.previous(self._thread):
            _go(thread)

    def draw(self) -> None:
        """The buttons to go on and back, and the thread's place in the list."""
        place = self._walk.place(self._thread)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Previous",
                key="jd_previous",
                icon=":material/chevron_left:",
                shortcut="P",
                disabled=not (self._previous_answer or self._walk.previous(self._thread)),
                on_click=self.back,
            )
            st.button(
                "Next",
                key="jd_next",
                icon=":material/chevron_right:",
                icon_position="right",
                shortcut="N",
                disabled=self.ends,
                on_click=self.on,
            )
            if place:
                more = " or more" if self._walk.cursor else ""
                st.caption(f"Thread {place} of {len(self._walk.ids)}{more}", width="content")
            if self.ends:
                self.draw_end()

    def draw_end(self) -> None:
        """Say that this was the last answer."""
        st.caption("The list ends here.")

    @property
    def _goes_on(self) -> bool:
        """Whether the list has a further page."""
        return self._walk.cursor is not None and self._walk.place(self._thread) is not None

    def _fetched(self) -> str | None:
        """The first thread of the list's next pages that is not in the walk yet; None if there is none."""
        while self._goes_on and (longer := self._fetch(self._walk)):
            st.session_state.th_walk = self._walk = longer
            if thread := longer.next(self._thread):
                return thread
        return None

    @property
    def _next_answer(self) -> str | None:
        after = self._answers.index(self.open) + 1 if self.open else 0
        return next((turn for turn in self._answers[after:] if turn in self._waiting), None)

    @property
    def _previous_answer(self) -> str | None:
        before = self._answers[: self._answers.index(self.open)] if self.open else []
        return before[-1] if before else None

    def _show(self, turn_id: str | None) -> None:
        st.session_state.jd_open = st.session_state.jd_scroll = turn_id


def _has_judged(view: TurnView, viewer: Viewer) -> bool:
    return view.review is not None and any(given.by == viewer.id for given in view.review.given)


def _go(thread_id: str) -> None:
    """Show the thread, with its first answer without a verdict of the viewer's open."""
    # All of them: a turn of this thread is not one of the next.
    st.query_params.from_dict({"tr_id": thread_id})
    st.session_state.jd_arrived = True
