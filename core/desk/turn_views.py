"""Turns together with all that was done for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from core.desk.lists import Lists
from core.desk.reviews import Reviews
from core.gate import Viewer
from core.log.pseudonyms import Pseudonyms
from core.log.record_ids import deferred_id
from core.log.records import (
    DeferredCall,
    HandoverRecord,
    ModelCall,
    Retrieval,
    Review,
    Summary,
    ToolCall,
    Turn,
    Version,
)
from core.store import Filter, In

Step: TypeAlias = Retrieval | ModelCall | ToolCall | Summary | HandoverRecord | DeferredCall


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnView:
    """A turn with its tool calls, model calls, searches, summaries and hand-overs, each in the order of the log.

    `deferred` says what became of those of its calls that wait, or waited, for an approver. `reports` is the deferred
    call whose decision the turn reports, None for a question. `versions` are the turns in its place of the thread,
    in the order of the log; [] if it is the only one.

    `review` are the verdicts on its answer; None without one, and for viewers that may not judge it.
    """

    turn: Turn
    calls: list[ToolCall]
    model_calls: list[ModelCall]
    retrievals: list[Retrieval]
    summaries: list[Summary]
    handovers: list[HandoverRecord]
    deferred: list[DeferredCall]
    reports: DeferredCall | None
    versions: list[Version]
    review: Review | None

    @property
    def version(self) -> int | None:
        """The turn's number among its `versions`, from 1; None if it is the only one."""
        return next((number for number, one in enumerate(self.versions, 1) if one.turn == self.turn.id), None)

    @property
    def steps(self) -> list[Step]:
        """All that was done for the turn, in the order of the log."""
        steps: list[Step] = [
            *self.retrievals,
            *self.model_calls,
            *self.calls,
            *self.deferred,
            *self.summaries,
            *self.handovers,
        ]
        return sorted(steps, key=lambda step: (step.at_n, getattr(step, "number", 0)))


class TurnViews:
    """Reads turns with all that was done for them. Its callers check that the viewer may read the turns."""

    def __init__(self, pseudonyms: Pseudonyms, reviews: Reviews) -> None:
        self._reviews = reviews
        self._pseudonyms = pseudonyms

    async def of(self, viewer: Viewer, lists: Lists, turns: Sequence[Turn], *, named: bool) -> list[TurnView]:
        """The views of these turns, at most 1,000, in the same order; with pseudonyms unless `named`.

        `lists` reads them, and says what comes of a record that cannot be read.
        """
        ids, shown = tuple(turn.id for turn in turns), self._pseudonyms.shown
        of_turns: dict[str, Filter] = {"turn": In(ids)}
        calls = await shown(await lists.all(ToolCall, of_turns), named=named)
        model_calls = await shown(await lists.all(ModelCall, of_turns), named=named)
        retrievals = await shown(await lists.all(Retrieval, of_turns), named=named)
        summaries = await shown(await lists.all(Summary, of_turns), named=named)
        handovers = await shown(await lists.all(HandoverRecord, of_turns), named=named)
        deferred: list[DeferredCall] = []
        if any(call.status == "deferred" for call in calls):
            deferred = await shown(await lists.all(DeferredCall, of_turns), named=named)
        reported: list[DeferredCall] = []
        if reports := tuple(deferred_id(turn.report) for turn in turns if turn.report):
            reported = await shown(await lists.all(DeferredCall, {"id": In(reports)}), named=named)
        versions = {turn.id: turn.versions for turn in turns}
        if elsewhere := {turn.original for turn in turns if turn.original} - versions.keys():
            originals = await lists.all(Turn, {"id": In(tuple(elsewhere))})
            versions |= {original.id: original.versions for original in originals}
        reviews = {} if named else await self._reviews.of(viewer, ids)
        return [
            TurnView(
                turn=turn,
                calls=[call for call in calls if call.turn == turn.id],
                model_calls=[call for call in model_calls if call.turn == turn.id],
                retrievals=[retrieval for retrieval in retrievals if retrieval.turn == turn.id],
                summaries=[summary for summary in summaries if summary.turn == turn.id],
                handovers=[handover for handover in handovers if handover.turn == turn.id],
                deferred=[call for call in deferred if call.turn == turn.id],
                reports=next((call for call in reported if call.call == turn.report), None),
                versions=versions.get(turn.original or turn.id, []),
                review=reviews.get(turn.id),
            )
            for turn in await shown(turns, named=named)
        ]
