"""Drawing sources: the passages that an answer cites, as chips that open, and a whole search as evidence."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

import streamlit as st

from console.components.scripts import component
from console.drawing.dialogs import open_dialog
from console.drawing.marking import marked
from console.drawing.parts import draw_part, reading
from console.drawing.text import answer_markdown, label, markdown
from core.log.records import Retrieval
from core.values import Audience, Citation, Judgement, Passage

# A number of more digits is one of the text, such as a year.
_MARKER = re.compile(r"\[(\d{1,3})\]")
_QUOTE = re.compile(r"(?:^>[^\n]*\n?)+", re.MULTILINE)
_MORE = re.compile(
    r"\((\d+ (?:more (?:row|item)s?|weiterer? (?:Zeile|Punkt)|weitere (?:Zeilen|Punkte))) in (?:the|der) ", re.I
)

POLICY_ICON = ":material/menu_book:"

_markers = component("markers")

Section: TypeAlias = Callable[[Passage], Sequence[Passage]]
"""The passages of a passage's section, in order; [] if they are gone or do not apply to the viewer."""


def mount_markers() -> None:
    """Let a click on a `[n]` in an answer open source n, on this page from now on."""
    _markers(key="markers", height="content")


def draw_sources(
    text: str | None, citations: Sequence[Citation], retrievals: Sequence[Retrieval], section: Section, key: str
) -> None:
    """What the handbooks say: a chip for each passage that the text cites, by section under its document's title.

    A chip opens its passage; another one stands for the rows that a quote has left out. A text that cites nothing
    because the handbooks do not answer has a chip for the passage it names as the nearest. `key` sets these chips apart
    from others on the page. Call it inside a fragment: to open a passage runs that alone.
    """
    if not citations:
        _draw_nearest(text or "", retrievals, section, key)
        return
    passages = {passage.id: passage for retrieval in retrievals for passage in retrieval.passages}
    more = left_out(text or "")
    st.markdown(f":blue-badge[{POLICY_ICON} Policy says]")
    for title, numbered in by_document(citations).items():
        group = f"document_{key}_{min(numbered)}"
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=group):
            st.caption(label(title, 80), width="content")
            for number, cited in numbered.items():
                passage = cited[0].passage
                show = partial(_open, f"{number} · ", passage, [one.quote for one in cited], passages, section)
                name, whole = f"{number} · {label(_section(passage), 40)}", label(_trail(passage), 300)
                if st.button(name, key=f"source_{key}_{number}", icon=POLICY_ICON, help=whole):
                    show()
                if number in more and st.button(
                    more[number],
                    key=f"more_{key}_{number}",
                    icon=":material/unfold_more:",
                    help=f"Show all of source {number}",
                ):
                    show()


def by_document(citations: Sequence[Citation]) -> dict[str, dict[int, list[Citation]]]:
    """The citations by their documents' titles and their numbers, the lowest number first."""
    documents: dict[str, dict[int, list[Citation]]] = {}
    for citation in sorted(citations, key=lambda citation: citation.number):
        documents.setdefault(citation.passage.title, {}).setdefault(citation.number, []).append(citation)
    return documents


def left_out(text: str) -> dict[int, str]:
    """What the quotes of a text say they leave out, by the number of their passage: `7 more rows`."""
    notes: dict[int, str] = {}
    for quote in _QUOTE.findall(text):
        if (said := _MORE.findall(quote)) and (numbers := _MARKER.findall(quote)):
            notes[int(numbers[-1])] = ", ".join(said)
    return notes


def _draw_nearest(text: str, retrievals: Sequence[Retrieval], section: Section, key: str) -> None:
    if not any(retrieval.answers is False for retrieval in retrievals):
        return
    passages = {passage.id: passage for retrieval in retrievals for passage in retrieval.passages}
    named = [passage for passage in passages.values() if f"“{passage.title}”" in text]
    for passage in [passage for passage in named if " / ".join(passage.section) in text][:1]:
        st.caption("Nearest in the handbooks, not an answer")
        if st.button(
            label(passage.title, 40), key=f"nearest_{key}", icon=":material/search:", help=label(_trail(passage), 300)
        ):
            _open("", passage, [], passages, section)


def _open(mark: str, passage: Passage, quotes: list[str], passages: Mapping[str, Passage], section: Section) -> None:
    def draw() -> None:
        draw_passage(passage, quotes, passages, "open")
        around: Sequence[Passage] = ()
        with reading():
            around = section(passage)
        if len(around) > 1:
            whole = partial(draw_section, around, passage, quotes)
            icon = ":material/unfold_more:"
            draw_part("The whole section", f"section_{passage.id}", whole, icon=icon, compact=False)

    open_dialog(f"{mark}{label(passage.title, 120)}", POLICY_ICON, draw, aside=True)


def draw_section(pieces: Sequence[Passage], passage: Passage, quotes: Sequence[str]) -> None:
    """The passages of a section under their headings; the quotes are marked in the one that is cited."""
    trail = passage.section
    for piece in pieces:
        if piece.section != trail:
            trail = piece.section
            st.caption(" / ".join(label(heading) for heading in trail))
        st.markdown(marked(piece.text, quotes if piece.id == passage.id else [])[0], anchors=False)


def with_markers(text: str, citations: Sequence[Citation]) -> str:
    """Harmless Markdown of an answer, in which each `[n]` that cites a passage is a badge."""
    numbers = {str(citation.number) for citation in citations}
    return _MARKER.sub(
        lambda marker: f":blue-badge[{marker[1]}]" if marker[1] in numbers else marker[0], answer_markdown(text)
    )


def draw_passage(passage: Passage, quotes: Sequence[str], passages: Mapping[str, Passage], key: str) -> None:
    """The passage's section and facts, its text with the quotes marked, and the passages that contradict it.

    `passages` are those of the same search by id: the contradicting ones are among them. `key` sets their parts apart
    from others on the page. Call it inside a fragment.
    """
    if passage.section:
        st.caption(" / ".join(label(heading) for heading in passage.section))
    st.caption(label(" · ".join(passage_facts(passage)), 400))
    text, unmarked = marked(passage.text, quotes)
    for quote in unmarked:
        st.info(markdown(quote), icon=":material/format_quote:")
    with st.container(border=True):
        st.markdown(text, anchors=False)
    for other in (passages[other] for other in passage.conflicts if other in passages):
        draw_part(
            f"Contradicted by: {label(_trail(other), 90)}",
            f"against_{key}_{passage.id}_{other.id}",
            partial(_draw_text, other),
            icon=":material/compare_arrows:",
            compact=False,
        )


def _draw_text(passage: Passage) -> None:
    st.caption(label(" · ".join(passage_facts(passage)), 400))
    st.markdown(markdown(passage.text), anchors=False)


def _section(passage: Passage) -> str:
    """The heading right above the passage; the title for what stands before the first one."""
    return passage.section[-1] if passage.section else passage.title


def _trail(passage: Passage) -> str:
    return " / ".join([passage.title, *passage.section])


def passage_facts(passage: Passage) -> list[str]:
    """Page, version, dates and audience, as far as they are known; an audience of everybody is left out."""
    return [
        *([f"Page {passage.page}"] if passage.page else []),
        f"Version {passage.version}",
        *([f"in force since {passage.effective}"] if passage.effective else []),
        *([f"until {passage.until}"] if passage.until else []),
        *([f"for {audience}"] if (audience := audience_words(passage.audience)) else []),
    ]


def audience_words(audience: Audience) -> str:
    """`Austria or Germany, Larkfield Ltd, approver`; "" is everybody."""
    kinds = (audience.countries, audience.entities, audience.roles)
    return ", ".join(" or ".join(map(place, kind)) for kind in kinds if kind)


def place(word: str) -> str:
    """A casefolded name as people write it: `Austria`, `UK`."""
    return word.upper() if len(word) < 4 else word.replace("_", " ").title()


def draw_judgement(judgement: Judgement) -> None:
    """Whether the passages answer the question, and the figures behind that."""
    if judgement.doubtful:
        badge = ":orange-badge[may answer the question]"
    else:
        badge = (
            ":green-badge[answers the question]" if judgement.answers else ":orange-badge[no answer in the handbooks]"
        )
    sure = "" if judgement.sure is None else f", sure from {judgement.sure:.2f}"
    st.markdown(
        f"{badge} confidence {judgement.confidence:.2f}, threshold {judgement.threshold:.2f}{sure}",
        help=f"Calibration: {label(judgement.calibration, 200)}",
    )


def draw_legs(passage: Passage) -> None:
    """The searches that found the passage, their ranks and scores, and the reason for its final place."""
    legs = [f":gray-badge[{label(leg.name)} \\#{leg.rank} · {leg.score:.3g}]" for leg in passage.legs]
    st.markdown(
        " ".join([*legs, f":blue-badge[score {passage.score:.3g}]"]),
        help="Each kind of search with its rank and score, then the combined score.",
    )
    if passage.reason:
        st.caption(label(passage.reason, 400))
