"""Drawing the care card: what a person in need sees above any answer."""

from collections.abc import Callable, Sequence

import streamlit as st

from console.drawing.parts import draw_part
from console.drawing.text import label, markdown
from core.values import CareCard, CareLine, Concern, Passage

HandbookSection = Callable[[CareCard], Sequence[Passage]]
"""The passages of the handbook's section that a card names; [] if there are none for the viewer."""


def draw_care(
    concern: Concern, key: str, section: HandbookSection | None = None, person: Callable[[], None] | None = None
) -> None:
    """The card as it is on record.

    `section` reads the handbook's own section, `person` draws the way to a person; None leaves either out.
    """
    card = concern.card
    with st.container(border=True, key=f"care_{key}"):
        if card is None:
            st.markdown(":material/favorite: **You do not have to deal with this alone**")
            st.markdown("A person can help you with this better than this desk can.")
        else:
            st.markdown(f":material/favorite: **{label(card.title)}**")
            st.markdown(markdown(card.text))
            lines = [_line(line) for line in card.lines]
            if card.contact:
                lines.append(f":material/person: {label(card.contact, 300)}")
            st.markdown("  \n".join(lines))
            if section and card.document:
                _draw_section(card, section, key)
        if person:
            person()
        if concern.seals:
            st.caption("Closed to HR auditors. A handler may read this thread; each time is recorded.")


def _line(line: CareLine) -> str:
    hours = f" · {label(line.hours)}" if line.hours else ""
    return f":material/call: **{label(line.number)}** · {label(line.name)}{hours}"


@st.fragment
def _draw_section(card: CareCard, section: HandbookSection, key: str) -> None:
    def draw() -> None:
        passages = section(card)
        if not passages:
            st.caption("This section is not in the handbooks that apply to you now.")
        for passage in passages:
            st.caption(" / ".join(label(heading) for heading in (passage.title, *passage.section)))
            st.markdown(markdown(passage.text), anchors=False)

    # Most readers of the card need its first lines and no more.
    draw_part("What the handbook says", f"care_section_{key}", draw, icon=":material/menu_book:", compact=False)
