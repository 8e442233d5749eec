"""What an export holds, before it is written in a format. People are named by their pseudonyms."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from core.desk.turn_views import TurnView
from core.log.records import Review, Thread, ToolCall
from core.values import Passage

ExportFormat: TypeAlias = Literal["csv", "jsonl", "html"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeThread:
    """A thread with all its turns, oldest first."""

    head: Thread
    turns: Sequence[TurnView]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What is exported: whole threads, or tool calls."""

    kind: Literal["threads", "calls"]
    threads: Sequence[WholeThread] = ()
    calls: Sequence[ToolCall] = ()

    def turns(self) -> Iterator[TurnView]:
        """The turns of all threads."""
        for thread in self.threads:
            yield from thread.turns


def dollars(nano_usd: int | None) -> str:
    """The exact amount in USD, with at least two decimals; "" if it is unknown."""
    if nano_usd is None:
        return ""
    decimals = f"{nano_usd % 10**9:09d}".rstrip("0").ljust(2, "0")
    return f"{nano_usd // 10**9}.{decimals}"


def passage_line(passage: Passage) -> str:
    """The title and the headings of a passage, with the version of its document."""
    return f"{' > '.join((passage.title, *passage.section))} (version {passage.version})"


def verdict_lines(review: Review | None) -> list[str]:
    """A line for each verdict: what, why, by whom and when, with the note and the corrected answer."""
    return [
        " | ".join(
            filter(
                None,
                (
                    f"{given.verdict}{f' ({given.cause})' if given.cause else ''} by {given.by} at {given.at}",
                    given.note and f"note: {given.note}",
                    given.corrected and f"should have been: {given.corrected}",
                ),
            )
        )
        for given in (review.given if review else ())
    ]
