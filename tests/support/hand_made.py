"""Records made by hand: questions as a test wants them, and all that belongs to them, without a desk."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from core.clock import iso
from core.log.buckets import bucket
from core.log.facts import Snapshot
from core.log.records import Given, HandoverRecord, Item, ModelCall, Review, Thread, ToolCall, Totals, Turn, record
from core.store import Store
from core.values import GENESIS, CallStatus, Concern, Outcome, TurnStatus, Usage, Verdict

_SNAPSHOT = Snapshot(models=("m",), instructions="-", tools="-", options="-", handbooks="-")
_STATUSES: Mapping[Outcome, TurnStatus] = {
    "running": "running",
    "waiting": "awaiting_approval",
    "failed": "failed",
    "stopped": "cancelled",
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question. `tools` are its calls' tools and statuses, `costs` those of its model calls, None for a failed one.

    Of such a call the tokens are unknown too; the others have 1,000 in and 20 out.

    `seals`: its thread is sealed. `handed_over`: the matter has been sent to a person. `waits`: those of its calls that
    were passed to an approver still wait.
    """

    thread: str
    owner: str
    at: datetime
    outcome: Outcome = "sourced"
    rating: Literal["up", "down"] | None = None
    country: str | None = "austria"
    entity: str | None = None
    handbooks: Sequence[str] = ()
    wait: int | None = 400
    tools: Sequence[tuple[str, CallStatus]] = ()
    costs: Sequence[int | None] = (1_000,)
    model: str = "m"
    topic: str | None = None
    seals: bool = False
    handed_over: bool = False
    waits: bool = False
    verdicts: Sequence[Verdict] = ()


async def fill(store: Store, questions: Iterable[Asked]) -> None:
    """Write the records of these questions, and the heads of their threads."""
    threads: dict[str, list[Asked]] = {}
    for asked in questions:
        threads.setdefault(asked.thread, []).append(asked)
    for thread, of_thread in threads.items():
        items: list[Item | Review] = [_head(thread, of_thread)]
        for number, asked in enumerate(of_thread):
            items += _items(asked, number)
        await store.commit(f"thread:{thread}", 0, [], [record(item) for item in items], id=f"made-{thread}")


def _head(thread: str, questions: Sequence[Asked]) -> Thread:
    ratings = sorted({asked.rating for asked in questions if asked.rating})
    newest = max(questions, key=lambda asked: asked.at)
    return Thread(
        id=thread,
        n=1,
        hash=GENESIS,
        owner=newest.owner,
        title=thread,
        metadata={},
        instructions="",
        created_at=iso(min(asked.at for asked in questions)),
        updated_at=iso(newest.at),
        turns=len(questions),
        sealed=True if any(asked.seals for asked in questions) else None,
        outcomes=sorted({asked.outcome for asked in questions}),
        ratings=ratings,
        handbooks=sorted({one for asked in questions for one in asked.handbooks}),
        fold=2,
    )


def _usage(cost: int | None) -> Usage:
    return Usage() if cost is None else Usage(input=1_000, output=20)


def _totals(asked: Asked) -> Totals:
    totals = Totals(model_calls=len(asked.costs), tool_calls=len(asked.tools))
    for cost in asked.costs:
        totals = totals.billed(_usage(cost), cost)
    return totals


def _items(asked: Asked, number: int) -> list[Item | Review]:
    at, day, turn = iso(asked.at), iso(asked.at)[:10], f"{asked.thread}-q{number}"
    common: dict[str, Any] = {"n": 1, "thread": asked.thread, "owner": asked.owner}
    of_turn: dict[str, Any] = {**common, "turn": turn}
    items: list[Item | Review] = [
        Turn(
            **common,
            id=turn,
            request_id="r",
            snapshot=_SNAPSHOT,
            status=_STATUSES.get(asked.outcome, "completed"),
            question="?",
            concern=Concern(topic=asked.topic) if asked.topic else None,
            opened_at=at,
            first_n=number,
            last_n=number,
            rating=asked.rating,
            day=day,
            outcome=asked.outcome,
            country=asked.country,
            entity=asked.entity,
            models=[asked.model] if any(cost is not None for cost in asked.costs) else [],
            totals=_totals(asked),
            handbooks=list(asked.handbooks),
            first_text_ms=asked.wait,
            first_text_bucket=bucket(asked.wait),
        )
    ]
    items += [
        ToolCall(
            **of_turn,
            day=day,
            id=f"{turn}-t{i}",
            model_call="-",
            number=i,
            tool=tool,
            effect="read",
            status=status,
            waits=status == "awaiting_approval" or (status == "deferred" and asked.waits),
            digest="-",
            fence=1,
            planned_at=at,
            duration_bucket=bucket(asked.wait),
            at_n=number,
        )
        for i, (tool, status) in enumerate(asked.tools)
    ]
    items += [
        ModelCall(
            **of_turn,
            day=day,
            id=f"{turn}-m{i}",
            model=asked.model,
            step=1,
            attempt=1,
            fence=1,
            status="answered" if cost is not None else "failed",
            cost=cost,
            usage=_usage(cost),
            entity=asked.entity,
            request="-",
            window=1,
            asked_at=at,
            at_n=number,
        )
        for i, cost in enumerate(asked.costs)
    ]
    if asked.handed_over:
        items.append(
            HandoverRecord(
                **of_turn, id=f"{turn}-h", status="sent", attached="nothing", note=None, asked_at=at, at_n=number
            )
        )
    if asked.verdicts:
        given = [
            Given(by=f"a-{i}", at=at, verdict=verdict, cause=None, note=None, corrected=None)
            for i, verdict in enumerate(asked.verdicts)
        ]
        items.append(
            Review(
                **common,
                id=turn,
                hash=GENESIS,
                opened_at=at,
                given=given,
                verdicts=sorted({*asked.verdicts}),
            )
        )
    return items
