"""Threads as the rows of a table, for auditors and for handlers."""

from collections.abc import Sequence

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from console.drawing.status_words import CALL_WORDS, OUTCOME_SHORT, OUTCOME_WORDS, VERDICT_WORDS
from console.drawing.tables import Button, Cells, draw_table, moments
from console.drawing.text import titled
from console.format import cost
from console.tool_words import tool_words
from core.clock import moment
from core.desk.oversight import SealedThread, ThreadRow
from core.desk.snippets import Snippet
from core.log.records import Thread
from core.values import FAILED_CALL, Outcome

LEGEND = (
    "Click a question to open its thread, or press Shift+Space on its row. Answers: *Sourced* cite a handbook, "
    "*No handbook* are complete without one, *Not found* say that the handbooks do not answer. "
    "Sealed threads are open to handlers only."
)
_BEFORE = 24
"""The most characters of a snippet before the first of the words that were searched for: a cell shows its beginning."""


def draw_threads(key: str, rows: Sequence[ThreadRow | SealedThread], alt: str) -> tuple[str, str | None] | None:
    """Draw the rows. Returns the id of the thread that was opened, and of the turn of its hit, None without a hit."""
    cells = [_sealed(row) if isinstance(row, SealedThread) else _cells(row) for row in rows]
    chips = sorted({str(chip) for row in cells for chip in _list(row["Outcomes"])}, key=_urgency)
    columns: dict[str, Button | ColumnConfig] = {
        "Question": Button("Question", 290),
        "Hit": Button("Found in", 340),
        "Topic": st.column_config.TextColumn("Topic", width=130),
        "Outcomes": st.column_config.MultiselectColumn(
            "Answers", options=chips, color=[_color(chip) for chip in chips], width=160
        ),
        "When": moments("Last activity", 140),
        "Person": st.column_config.TextColumn("Person", width=120),
        "Tools": st.column_config.ListColumn("Tools", width=190),
        "Rating": st.column_config.TextColumn("Rating", width=80),
        "Verdicts": st.column_config.TextColumn("Verdicts", width=130),
        "Cost": st.column_config.TextColumn("Cost", width=90, alignment="right"),
    }
    shown = {name: column for name, column in columns.items() if any(name in row for row in cells)}
    clicked = draw_table(key, cells, shown, opens="Question", alt=alt)
    if clicked is None:
        return None
    row = rows[clicked[1]]
    if isinstance(row, SealedThread):
        st.toast("This thread is sealed: only handlers can open it.", icon=":material/lock:")
        return None
    return row.thread.id, row.hit.turn if row.hit else None


def _cells(row: ThreadRow) -> Cells:
    thread = row.thread
    counts = thread.outcome_counts
    open_turn = [outcome for outcome in thread.outcomes if outcome not in counts]
    chips = [f"{counts[outcome]} {text}" for outcome, text in OUTCOME_SHORT.items() if outcome in counts]
    cells: dict[str, object] = {
        "Question": " ".join(titled(thread).split()),
        "Outcomes": [OUTCOME_SHORT[outcome] for outcome in open_turn] + chips,
        "When": moment(thread.updated_at),
        "Person": thread.owner,
        "Tools": _tools(thread),
        "Rating": ", ".join(f"{thread.rating_counts[way]} {way}" for way in thread.ratings),
        "Verdicts": ", ".join(
            f"{row.verdicts[verdict]} {word.text.lower()}"
            for verdict, word in VERDICT_WORDS.items()
            if row.verdicts.get(verdict)
        ),
        "Cost": cost(thread.totals),
    }
    if row.hit:
        cells["Hit"] = _beginning(row.hit.snippet)
    if thread.sealed:
        cells["Topic"] = (thread.topic or "not known").replace("_", " ")
    return cells


def _beginning(found: Snippet) -> str:
    """The snippet from shortly before its first mark on."""
    first = found.marks[0][0] if found.marks else 0
    if first <= _BEFORE:
        return found.text
    return f"… {found.text[found.text.index(' ', first - _BEFORE) + 1 :]}"


def _sealed(row: SealedThread) -> Cells:
    # Empty texts, because a missing one is drawn as "None".
    empty = dict.fromkeys(("Person", "Rating", "Verdicts", "Cost"), "")
    return {**empty, "Question": f"Sealed · {row.id}", "Outcomes": [], "When": moment(row.updated_at), "Tools": []}


def _tools(thread: Thread) -> list[str]:
    """Each tool's words, what went wrong with its calls, and whether one waits for an approver."""
    names = [name for name in thread.tools if ":" not in name]
    troubles = {
        name: [CALL_WORDS[s].text.lower() for s in (*FAILED_CALL, "unknown", "denied") if f"{name}:{s}" in thread.tools]
        for name in names
    }
    for name in dict.fromkeys(item.tool for item in thread.deferred if item.decision is None):
        troubles.setdefault(name, []).append("waits for an approver")
    return [
        f"{tool_words(name).done}: {', '.join(words)}" if (words := troubles[name]) else tool_words(name).done
        for name in troubles
    ]


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _outcome(chip: str) -> Outcome:
    """The outcome of a chip such as `2 Failed`."""
    return next(outcome for outcome, text in OUTCOME_SHORT.items() if chip.endswith(text))


def _urgency(chip: str) -> tuple[int, str]:
    return list(OUTCOME_SHORT).index(_outcome(chip)), chip


def _color(chip: str) -> str:
    return OUTCOME_WORDS[_outcome(chip)].color
