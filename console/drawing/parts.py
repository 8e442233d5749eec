"""Parts of a page that open. A closed part is one element: what is in it is read and drawn once it is opened."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from core.errors import RolltopError


def draw_part(
    title: str,
    key: str,
    draw: Callable[[], object],
    *,
    icon: str | None = None,
    compact: bool = True,
) -> None:
    """A part that `draw` fills while it is open.

    Call it inside a fragment: to open it runs that fragment, and not the whole page.
    """
    part = st.expander(title, key=key, icon=icon, type="compact" if compact else "default", on_change="rerun")
    if part.open:
        with part, reading():
            draw()


@contextmanager
def reading() -> Iterator[None]:
    """Say so if what a fragment shows cannot be read."""
    # The entry script catches errors of the page only, and not those of a fragment's own run.
    try:
        yield
    except RolltopError:
        st.error("This cannot be read now. Reload the page.", icon=":material/error:")
