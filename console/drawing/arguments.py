"""Drawing the arguments of a call: in the order of the tool's schema, with its titles, and what a person changed."""

from collections import Counter
from collections.abc import Mapping

import streamlit as st

from console.drawing.forms import title_of
from console.drawing.text import label, shown
from console.format import day
from console.tool_words import parameters_of
from core.canonical import Json


def draw_arguments(tool: str, arguments: Json) -> None:
    """The arguments under a caption."""
    if arguments is None:
        st.caption("The arguments have been erased.")
    else:
        st.caption("Arguments" if arguments else "No arguments")
    draw_fields(tool, arguments)


def draw_fields(tool: str, arguments: Json) -> None:
    """Names and values, dates with their weekday; what the model wrote in the place of arguments as it is."""
    if isinstance(arguments, dict) and arguments:
        titles = titles_of(tool, arguments)
        rows = {label(title): label(plain(arguments[name]), 2_000) for name, title in titles.items()}
        st.table(rows, border="horizontal")
    elif arguments:
        st.code(shown(arguments), language="json", wrap_lines=True)


def draw_changes(tool: str, planned: Json, ran: Json) -> None:
    """The arguments that differ between what was asked for and what ran."""
    st.caption("Changed before it ran")
    rows = changes(tool, planned, ran)
    st.table(
        {
            "Argument": [label(title) for title, _, _ in rows],
            "Planned": [label(before, 400) for _, before, _ in rows],
            "Ran": [label(after, 400) for _, _, after in rows],
        },
        border="horizontal",
        hide_index=True,
    )


def changes(tool: str, planned: Json, ran: Json) -> list[tuple[str, str, str]]:
    """Title, old and new value of each argument that differs; an argument that is missing is `not set`."""
    before = planned if isinstance(planned, dict) else {"arguments": planned}
    after = ran if isinstance(ran, dict) else {"arguments": ran}
    return [
        (title, plain(before.get(name)), plain(after.get(name)))
        for name, title in titles_of(tool, {**before, **after}).items()
        if (name in before, before.get(name)) != (name in after, after.get(name))
    ]


def titles_of(tool: str, arguments: Mapping[str, Json]) -> dict[str, str]:
    """The title of each argument by its name, in the order of the tool's schema; unknown names follow, sorted."""
    properties: Mapping[str, Mapping[str, Json]] = parameters_of(tool).get("properties", {})
    names = [name for name in properties if name in arguments]
    titles = {name: title_of(name, properties.get(name)) for name in (*names, *sorted({*arguments} - {*names}))}
    # In a table of names and values, the second of two equal titles would take the place of the first.
    of = Counter(titles.values())
    return {name: title if of[title] == 1 else name for name, title in titles.items()}


def plain(value: Json) -> str:
    """A value as a person reads it."""
    match value:
        case None:
            return "not set"
        case bool():
            return "Yes" if value else "No"
        case str():
            return day(value)
        case _:
            return shown(value)
