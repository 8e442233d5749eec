"""Pages of a listing by cursor: the current page, the way back, and the first page again if the filters change."""

from collections.abc import Hashable
from typing import Generic, TypeVar

import streamlit as st

Cursor = TypeVar("Cursor", str, int)


class Pages(Generic[Cursor]):
    """`key` names this listing in the session. Another `question`, that is other filters, begins at the first page."""

    def __init__(self, key: str, question: Hashable) -> None:
        self._key = key
        asked, cursors = st.session_state.get(key, (None, ()))
        self._question = question
        self._cursors: tuple[Cursor, ...] = cursors if asked == question else ()

    @property
    def cursor(self) -> Cursor | None:
        """The cursor of the page to show; None for the first."""
        return self._cursors[-1] if self._cursors else None

    def draw(self, following: Cursor | None) -> None:
        """The two buttons, if there is more than one page. `following` is the cursor that came with this page."""
        if not self._cursors and following is None:
            return
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="center"):
            st.button(
                "Previous",
                key=f"{self._key}_previous",
                icon=":material/chevron_left:",
                disabled=not self._cursors,
                on_click=self._go,
                args=(self._cursors[:-1],),
            )
            st.caption(f"Page {len(self._cursors) + 1}", width="content")
            st.button(
                "Next",
                key=f"{self._key}_next",
                icon=":material/chevron_right:",
                icon_position="right",
                disabled=following is None,
                on_click=self._go,
                args=((*self._cursors, following),),
            )

    def _go(self, cursors: tuple[Cursor, ...]) -> None:
        st.session_state[self._key] = (self._question, cursors)
