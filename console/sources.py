"""Drawing sources: the passages an answer cites as chips, and all that were found, used or not, as evidence."""

import streamlit as st

from console.wording import counted, label, markdown, took
from core.entries import Citation, Passage
from core.records import Retrieval


def draw_sources(citations: list[Citation]) -> None:
    """A chip for each passage that is cited; it opens to what the handbook says there."""
    if not citations:
        return
    quotes: dict[int, list[Citation]] = {}
    for citation in citations:
        quotes.setdefault(citation.number, []).append(citation)
    st.caption("Sources")
    with st.container(horizontal=True, gap="xsmall"):
        for number, cited in sorted(quotes.items()):
            passage = cited[0].passage
            with st.popover(f"{number} · {label(passage.title, 40)}", icon=":material/menu_book:"):
                draw_passage(passage, [citation.quote for citation in cited])


def draw_passage(passage: Passage, quotes: list[str]) -> None:
    """Where it stands, since when it is in force, what is quoted, and the passage itself."""
    st.markdown(f"**{label(passage.title, 120)}**")
    if passage.section:
        st.caption(" / ".join(label(heading) for heading in passage.section))
    since = f" · in force since {passage.effective}" if passage.effective else ""
    st.caption(f"Version {label(passage.version)}{since}")
    for quote in dict.fromkeys(quotes):
        if quote.strip():
            st.info(markdown(quote), icon=":material/format_quote:")
    with st.container(height=260, border=True):
        st.markdown(markdown(passage.text), anchors=False)


def draw_retrieval(retrieval: Retrieval, cited: set[int]) -> None:
    """A search as an auditor reads it: the query, how long it took, every passage and whether it was cited."""
    st.caption(f"Handbook search · {counted(retrieval.count, 'passage')} · {took(retrieval.duration_ms)}")
    if retrieval.error:
        st.error(label(retrieval.error, 400))
    if retrieval.erased:
        st.caption("The passages have been erased.")
    for number, passage in enumerate(retrieval.passages, retrieval.first_number):
        used = ":green-badge[cited]" if number in cited else ""
        where = " / ".join([passage.title, *passage.section[-1:]])
        with st.expander(f"{number} · {label(where, 50)} {used}", type="compact"):
            draw_passage(passage, [])
