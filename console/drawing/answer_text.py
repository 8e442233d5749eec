"""An answer as plain text, to take along: its words, its sources and the records that were read for it."""

from console.drawing.records import own_records
from console.drawing.sources import by_document, passage_facts
from console.drawing.text import when
from console.tool_words import tool_words
from core.desk.turn_views import TurnView


def answer_text(view: TurnView) -> str:
    """The text as it is on record, then a line for each source and each record."""
    sources = [
        f"[{number}] "
        + ", ".join([cited[0].passage.title, *cited[0].passage.section, *passage_facts(cited[0].passage)])
        for numbered in by_document(view.turn.citations).values()
        for number, cited in numbered.items()
    ]
    records = [f"{tool_words(call.tool).done}, as of {when(call.finished_at)}" for call in own_records(view.calls)]
    parts = [view.turn.text, "\n".join(["Sources", *sources]), "\n".join(["Your records", *records])]
    return "\n\n".join(part for part, wanted in zip(parts, (True, sources, records), strict=True) if wanted)
