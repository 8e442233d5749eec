"""Drawing what a turn ran with, as text: instructions, tools, options, handbook versions, output schema."""

from functools import partial

import streamlit as st

from console.drawing.evidence import draw_facts, draw_technical
from console.drawing.parts import draw_part
from console.drawing.text import label, shown
from console.format import counted
from core.desk.evidence import SHORT, Material, Produced


def draw_produced(produced: Produced | None, of: str) -> None:
    """Each part; one that is missing or erased is named, with the reason. `of` is the turn's id.

    `produced` is None for an imported turn. Call it inside a fragment.
    """
    if produced is None:
        st.caption("This was answered elsewhere. What it was made with is not on record here.")
        return
    draw_facts({"Models, in the order they are tried": ", ".join(produced.models)})
    if _part("Instructions", produced.instructions):
        st.text(shown(produced.instructions.value) or "None.")
    if _part("Tools", produced.tools):
        _draw_tools(produced.tools, of)
    if _part("Options", produced.options):
        _draw_table(produced.options, f"made_options_{of}")
    if _part("Handbooks in force", produced.handbooks):
        _draw_table(produced.handbooks, f"made_handbooks_{of}")
    if produced.output and _part("Schema of the answer", produced.output):
        st.code(shown(produced.output.value), language="json", wrap_lines=True)
    draw_technical(
        f"made_{of}",
        {
            "Instructions": produced.instructions.digest[:SHORT],
            "Tools": produced.tools.digest[:SHORT],
            "Options": produced.options.digest[:SHORT],
            "Handbooks": produced.handbooks.digest[:SHORT],
        }
        | ({"Schema of the answer": produced.output.digest[:SHORT]} if produced.output else {}),
    )


def _part(heading: str, material: Material) -> bool:
    """The heading; True if the value can be shown below it."""
    st.markdown(f"**{heading}**")
    if material.missing:
        st.warning(label(material.missing, 200), icon=":material/broken_image:")
    return material.missing is None


def _draw_tools(material: Material, of: str) -> None:
    tools = material.value if isinstance(material.value, list) else [material.value]
    if not tools:
        st.caption("None.")
    for place, tool in enumerate(tools):
        name = str(tool.get("name", "unnamed")) if isinstance(tool, dict) else "unnamed"
        schema = partial(st.code, shown(tool), language="json", wrap_lines=True)
        draw_part(label(name), f"made_tool_{of}_{place}", schema, icon=":material/build:")


def _draw_table(material: Material, key: str) -> None:
    values = material.value if isinstance(material.value, dict) else {"value": material.value}
    if not values:
        st.caption("None.")
        return
    facts = {name: shown(value) for name, value in values.items()}
    if len(facts) > 8:
        draw_part(counted(len(facts), "entry"), key, partial(draw_facts, facts))
    else:
        draw_facts(facts)
