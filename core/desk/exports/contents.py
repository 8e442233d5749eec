"""What an export holds, before it is written in a format. People have pseudonyms, but for an owner's own export."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from core.desk.turn_views import TurnView
from core.log.branches import is_shown
from core.log.records import DeferredCall, Review, Thread, ToolCall
from core.values import Passage

ExportFormat: TypeAlias = Literal["csv", "jsonl", "html"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeThread:
    """A thread with all its turns, those of all branches, oldest first."""

    head: Thread
    turns: Sequence[TurnView]

    def shows(self, view: TurnView) -> bool:
        """Whether the turn is on the branch that the asker is shown."""
        return is_shown(self.head.hidden, view.turn.first_n)


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


def version_line(view: TurnView) -> str:
    """`2 of 3`: the turn's place among the versions of its question; "" if it is the only one."""
    return f"{view.version} of {len(view.versions)}" if view.version else ""


def seen_lines(view: TurnView) -> list[str]:
    """When the turn was the version that was shown, a line a time; [] if it is the only one."""
    seen = view.versions[view.version - 1].seen if view.version else []
    return [f"{one.since} to {one.until or 'now'}" for one in seen]


def request_line(call: DeferredCall) -> str:
    """A call that was passed to an approver: what became of it, by whom and when, and which call carries it out."""
    decision = call.decision
    return " | ".join(
        filter(
            None,
            (
                f"{call.tool}: {call.status}{f' ({call.closed})' if call.closed else ''}",
                f"asked at {call.asked_at}, expires at {call.expires}",
                f"{decision.outcome} by {decision.by} at {decision.at}" if decision else None,
                f"reason: {decision.reason}" if decision and decision.reason else None,
                call.carried_out_by and f"carried out by call {call.carried_out_by}",
            ),
        )
    )


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
