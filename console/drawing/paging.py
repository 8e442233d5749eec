"""Pages of a list: by cursor, with the first page again if the filters change, and by number for a list at hand."""

from collections.abc import Callable, Hashable, Sequence
from math import ceil
from typing import Generic, TypeVar

import streamlit as st

T = TypeVar("T")
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


def draw_numbered(
    items: Sequence[T], key: str, size: int, draw: Callable[[T], object], *, in_url: bool = False
) -> None:
    """Draw a page of the items, `size` at most, and the numbers of the pages if there are more.

    `key` names the page's number in the session and, if `in_url`, in the URL.
    """
    pages, place = ceil(len(items) / size), st.container()
    page = 1
    if pages > 1:
        page = st.pagination(pages, key=key, max_visible_pages=5, bind="query-params" if in_url else None)
    with place:
        for item in items[(page - 1) * size : page * size]:
            draw(item)
