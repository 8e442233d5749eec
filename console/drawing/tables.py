"""Tables whose cells open things: by a click on a button cell, or by a row's marker (Shift+Space on the keyboard)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from console.drawing.text import reader_zone

Cells: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True)
class Button:
    """A column whose cells are buttons."""

    label: str
    width: int | None = None
    align: Literal["left", "center", "right"] = "left"


def draw_table(
    key: str, rows: Sequence[Cells], columns: Mapping[str, Button | ColumnConfig], *, alt: str, opens: str | None = None
) -> tuple[str, int] | None:
    """Draw the rows. Returns the column and the row of a button that was clicked, in this run only.

    A row's marker stands for the column `opens`; rows have none if it is None. It stays chosen, so its column must lead
    to another page.
    """
    clicks = {name: f"{key}_{name}" for name, column in columns.items() if isinstance(column, Button)}
    st.dataframe(
        list(rows),
        key=key,
        height="content",
        hide_index=True,
        column_order=list(columns),
        column_config={
            name: st.column_config.ButtonColumn(
                column.label,
                width=column.width,
                alignment=column.align,
                type="tertiary",
                key=clicks[name],
            )
            if isinstance(column, Button)
            else column
            for name, column in columns.items()
        },
        on_select="rerun" if opens else "ignore",
        selection_mode="single-row",
        alt=alt,
    )
    for name, click in clicks.items():
        if (clicked := st.session_state.get(click)) is not None:
            return name, clicked.row
    marked = st.session_state[key].selection.rows if opens else []
    return (opens, marked[0]) if opens and marked else None


def moments(label: str, width: int) -> ColumnConfig:
    """A column of moments, in the reader's time zone."""
    zone = reader_zone().key
    return st.column_config.DatetimeColumn(label, format="D MMM YYYY, HH:mm", timezone=zone, width=width)
