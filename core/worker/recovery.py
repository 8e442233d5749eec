"""Recovery: finds the turns that have lost their worker, and brings each of them to its end.

It claims a turn that was released, or whose process is certainly dead, or whose live stream was sealed and left, or
that has been silent for longer than its lease by this observer's own clock; older turns first. A turn that waits for a
place in a living process is claimed after a lease, if there is a place here. A mistaken claim costs a second model call
and never a wrong record: safety lies in the fences.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import anyio

from core.clock import iso
from core.clock import moment as moment_of
from core.errors import RolltopError, Superseded
from core.live.stream import live_stream
from core.log.commit import read_blob
from core.log.facts import Erased, Sealed, fact
from core.log.records import OpenDeferred, OpenTurn, Turn, item
from core.server_log import reason_of
from core.store import In, Query, Range, Record, every, streams_of
from core.turn.commands import Claim, CloseDeferred, Note
from core.turn.decide import MAX_LOST
from core.turn.journal import Journal
from core.turn.plan import take_over
from core.values import OPEN_TURN, ClaimReason, TurnStatus
from core.worker.claim import DESK, Equipment
from core.worker.close_turn import close_turn
from core.worker.process import is_gone, is_here, lives, new_worker

log = logging.getLogger(__name__)

ABANDONED_LEASES = 10
"""After so many leases of silence any desk closes a turn, even without the turn's tools or models."""

SEAL_GRACE = 1.0
"""Seconds from the seal of a live stream in which its sealer may end the turn. A later sealer is taken for dead."""

_REPEATED_IN: Mapping[str, tuple[str, ...]] = {"tool.finished": ("tool.told", "late")}
"""Kinds of entry that repeat the content of another kind: they are erased with it."""

TOGETHER = 20
"""Live streams that are erased at once: one by one each costs a checkpoint, and with many live text would wait."""

LIVE_KEPT = timedelta(seconds=60)
"""How long a live stream outlasts its turn, for viewers that still read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What the recovery of a desk did, by this process's clock.

    The newest search ended at `at`; it looked at `threads`, of which `broken` could not be recovered. `taken_over`
    counts the turns that the recovery took over since the desk began; the last one at `took_over_at`, because it was
    `reason`.
    """

    at: datetime
    threads: int
    broken: int
    taken_over: int
    took_over_at: datetime | None
    reason: ClaimReason | None


@dataclass(slots=True)
class _Watch:
    """A turn's last sign of life, and when this observer first saw it."""

    thread_n: int
    live: str
    live_n: int
    sealed: bool
    since: float


class Recovery:
    """Looks after the open turns of a store. `recovered` is what it did last, None before the first search has ended.

    `adopt` puts a claim on record and starts its worker, or has the turn assessed again when there is a place for it.
    `has_place` says whether that is now. `report` opens the turn that reports the decision on a deferred call.
    """

    def __init__(
        self,
        equipment: Equipment,
        journal: Callable[[str], Journal],
        adopt: Callable[[Journal, Claim], Awaitable[None]],
        has_place: Callable[[], bool],
        report: Callable[[Journal, OpenDeferred], Awaitable[None]],
    ) -> None:
        self._equipment = equipment
        self._journal = journal
        self._adopt = adopt
        self._has_place = has_place
        self._report = report
        self._watches: dict[str, _Watch] = {}
        self._seen: set[str] = set()
        self._sweeping = anyio.Lock()
        self.recovered: Recovered | None = None
        self._taken_over = 0
        self._last: tuple[datetime, ClaimReason] | None = None

    async def sweep(self, only: str | None = None) -> None:
        """Look once at every open turn, deferred call, lagging record and finished live stream.

        With `only`, look at that thread alone.
        """
        # One at a time: a second one would take the turns that the first has not looked at yet for turns that are over,
        # and forget how long they have been silent.
        async with self._sweeping:
            threads = [only] if only else await self._unfinished()
            self._seen.clear()
            broken = 0
            for thread in threads:
                try:
                    await self.look_after(thread)
                except RolltopError as error:  # a broken thread must not keep the others from being recovered
                    broken += 1
                    log.error("thread %s cannot be recovered: %s", thread, reason_of(error))
            self._watches = {turn: watch for turn, watch in self._watches.items() if turn in self._seen}
            if only is None:
                await self._clear_live_streams()
            took_over_at, reason = self._last or (None, None)
            self.recovered = Recovered(
                at=self._equipment.clock.now(),
                threads=len(threads),
                broken=broken,
                taken_over=self._taken_over,
                took_over_at=took_over_at,
                reason=reason,
            )

    async def look_after(self, thread_id: str) -> None:
        """See to one thread: write records that lag, expire approvals, take over a turn, report a decision."""
        journal = self._journal(thread_id)
        if claim := await self.assess(journal):
            # The journal is the worker's now. While it works on the turn, a decision cannot be reported anyway.
            try:
                await self._adopt(journal, claim)
            except Superseded:
                log.info("turn %s: another worker took it over", claim.turn)
        else:
            await self._see_to_deferred(journal)

    async def assess(self, journal: Journal) -> Claim | None:
        """As `look_after`, but returns the claim by which the turn would be taken over, None if it is left alone."""
        await journal.load()
        open_turn = journal.state.open_turn
        if open_turn is None or open_turn.status != "running" or open_turn.released:
            await journal.repair()  # the records of a turn that is worked on are written when it ends
        if open_turn is None:
            return None
        if open_turn.status == "awaiting_approval":
            if open_turn.expires and moment_of(open_turn.expires) <= await self._equipment.store.now():
                await self._close(journal, open_turn, "expired", "cancelled", "approval_expired")
            return None
        watch = await self._watch(open_turn, journal.state.n)
        silent = self._equipment.clock.monotonic() - watch.since
        worker, lease = open_turn.worker, self._equipment.options.lease
        gone = worker is None or is_gone(worker)
        if watch.sealed and silent < SEAL_GRACE:
            return None  # the sealer is about to end the turn: a claim now would turn a stop into an interruption
        if open_turn.waiting and worker and not gone and (is_here(worker) or not self._has_place()):
            return None
        if await self.can_go_on(open_turn):
            if reason := take_over(open_turn, gone=gone, silent=silent > lease, sealed=watch.sealed):
                return await self._claim(journal, open_turn, reason)
        elif silent > ABANDONED_LEASES * lease and not (open_turn.waiting and worker and lives(worker)):
            await self._close(journal, open_turn, "lost", "failed", "no_worker")
        return None

    async def _see_to_deferred(self, journal: Journal) -> None:
        """Close the deferred calls whose time is over, then report a decision; the end of its turn reports the next."""
        if journal.thread is None:
            return
        for one in journal.thread.deferred:
            if moment_of(one.expires) <= await self._equipment.store.now():
                reason: Literal["expired", "tool_gone"] = "expired" if one.decision is None else "tool_gone"
                if reason == "expired" or not self._can_carry_out(one):
                    await journal.load_turn(one.turn)
                    await journal.append(CloseDeferred(call=one.call, reason=reason), by=DESK)
        # Another desk may have the tool of a call that this one cannot run.
        decided = [one for one in journal.thread.deferred if one.decision and self._can_carry_out(one)]
        if decided and journal.state.open_turn is None:
            await journal.load_turn(decided[0].turn)
            await self._report(journal, decided[0])  # with it the journal is the worker's

    def _can_carry_out(self, deferred: OpenDeferred) -> bool:
        return deferred.decision == "denied" or deferred.tool in self._equipment.tools

    async def tidy(self, turn: Turn) -> None:
        """Erase the content of an ended turn that the options forget, and put that on record."""
        kinds = sorted(set(self._equipment.options.forget) - set(turn.erased))
        if turn.ended_at is None or not kinds:
            return
        stream = f"thread:{turn.thread}"
        erased = sorted({one for kind in kinds for one in (kind, *_REPEATED_IN.get(kind, ()))})
        await self._equipment.store.erase(stream, after=turn.first_n - 1, upto=turn.last_n, kinds=erased)
        journal = self._journal(turn.thread)
        await journal.load(turn.id)
        await journal.append(Note(fact=Erased(turn=turn.id, kinds=kinds)), by=DESK)

    async def _unfinished(self) -> list[str]:
        """The threads with an open turn or lagging records, those with the oldest question first."""
        store = self._equipment.store
        threads: dict[str, str] = {}
        queries = (
            Query(kind="turn", where={"status": In(OPEN_TURN)}),
            Query(kind="deferred_call", where={"status": "decided"}),
            Query(kind="deferred_call", where={"status": "waiting", "expires": Range(lt=iso(await store.now()))}),
            streams_of("thread", dirty=True),
        )
        for query in queries:
            async for record in every(store, query):
                thread = record.id.partition(":")[2] if record.kind == "stream" else record.fields["thread"]
                threads.setdefault(thread, record.fields.get("opened_at", ""))
        return sorted(threads, key=threads.__getitem__)

    async def _watch(self, open_turn: OpenTurn, thread_n: int) -> _Watch:
        """The turn's last sign of life, as of now: `since` is when this observer first saw the turn as it is."""
        now = self._equipment.clock.monotonic()
        self._seen.add(open_turn.turn)
        stream = live_stream(open_turn.turn, open_turn.fence)
        watch = self._watches.get(open_turn.turn)
        if watch is None or watch.live != stream:
            watch = self._watches[open_turn.turn] = _Watch(thread_n, stream, 0, False, now)
        while entries := await self._equipment.store.read(stream, watch.live_n):
            watch.live_n, watch.since = entries[-1].n, now
            watch.sealed = isinstance(fact(entries[-1]), Sealed)
        if watch.thread_n != thread_n:
            watch.thread_n, watch.since = thread_n, now
        return watch

    async def can_go_on(self, open_turn: OpenTurn) -> bool:
        """Whether this desk has the models and the tools that the turn was opened with."""
        return not await self.lacking(open_turn)

    async def lacking(self, open_turn: OpenTurn) -> list[str]:
        """What the turn was opened with and this desk does not have, in words; [] if nothing."""
        models = open_turn.snapshot.models
        if models != tuple(self._equipment.chain.names):
            return [f"the model {' '.join(models)}"]
        tools = await read_blob(self._equipment.store, open_turn.snapshot.tools)
        return [f"the tool {tool['name']}" for tool in tools if tool["name"] not in self._equipment.tools]

    async def _claim(self, journal: Journal, open_turn: OpenTurn, reason: ClaimReason) -> Claim | None:
        if reason == "lost" and open_turn.lost >= MAX_LOST:
            await self._close(journal, open_turn, "lost", "failed", "worker_lost")
            return None
        worker = new_worker(self._equipment.clock)
        self._taken_over, self._last = self._taken_over + 1, (self._equipment.clock.now(), reason)
        return Claim(turn=open_turn.turn, worker=worker, reason=reason, fence=open_turn.fence, n=journal.state.n)

    async def _close(
        self,
        journal: Journal,
        open_turn: OpenTurn,
        reason: Literal["expired", "lost"],
        status: TurnStatus,
        code: str,
    ) -> None:
        store, clock, patience = self._equipment.store, self._equipment.clock, self._equipment.options.lease
        await close_turn(store, clock, journal, open_turn.turn, reason, status, code, by=DESK, patience=patience)

    async def _clear_live_streams(self) -> None:
        """Remove the live streams of turns that ended a while ago; a stale worker may have made one anew since."""
        store = self._equipment.store
        before = iso(await store.now() - LIVE_KEPT)
        live: dict[str, list[str]] = {}
        async for stream in every(store, streams_of("live")):
            live.setdefault(stream.id.split(":")[1], []).append(stream.id)
        turns, over = list(live), []
        for start in range(0, len(turns), 500):
            some = In(tuple(turns[start : start + 500]))
            async for record in every(store, Query(kind="turn", where={"id": some, "ended_at": Range(lt=before)})):
                if await self._forgot(record):
                    over += live[record.id]
        for start in range(0, len(over), TOGETHER):
            await self._erase(over[start : start + TOGETHER])

    async def _forgot(self, record: Record) -> bool:
        """Whether nothing is left to forget of an ended turn; if it failed, its live stream reminds the next sweep."""
        turn = item(record)
        try:
            if isinstance(turn, Turn):
                await self.tidy(turn)
        except RolltopError as error:  # a broken thread must not keep the others from being cleared
            log.error(
                "turn %s: its payloads could not be erased yet; the next sweep tries again: %s",
                record.id,
                reason_of(error),
            )
            return False
        return True

    async def _erase(self, streams: Sequence[str]) -> None:
        """Erase the live streams at once, which a store can do in one step. Raises the first error after all ended."""
        failed: list[RolltopError] = []

        async def erase(stream: str) -> None:
            try:
                await self._equipment.store.erase(stream, whole=True)
            except RolltopError as error:
                failed.append(error)

        async with anyio.create_task_group() as tasks:
            for stream in streams:
                tasks.start_soon(erase, stream)
        if failed:
            raise failed[0]
