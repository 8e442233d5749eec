"""The workers of a desk: their places, their tasks and signs of life, and the recovery of turns without a worker."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Literal

import anyio

from core.desk.snapshots import Snapshots
from core.errors import DeskClosed, RolltopError, StoreClosed, Superseded
from core.log.fold import State
from core.log.records import OpenDeferred, Thread, Turn
from core.server_log import log_fault, reason_of
from core.turn.commands import Approval, Claim, Command, ReportDecision
from core.turn.deferred import report_turn
from core.turn.journal import Journal
from core.values import Worker
from core.worker.claim import DESK, Equipment
from core.worker.places import Begin, Place, Places
from core.worker.process import begin, end, new_worker
from core.worker.recovery import Recovery
from core.worker.worker import TurnWorker

log = logging.getLogger(__name__)

SWEEP = 15.0
"""Seconds between two searches for turns without a worker."""

CLOSE_GRACE = 5.0
"""Seconds that `close` waits for the workers; recovery takes over a turn that is still running then."""


class Workers:
    """Has a worker for each turn that the desk works on.

    `journal` makes the journal of a thread. `sweeps` is what else is looked after with each search for open turns.
    `thread` is the one that is recovered, None for all.
    """

    def __init__(
        self,
        equipment: Equipment,
        journal: Callable[[str], Journal],
        snapshots: Snapshots,
        sweeps: Callable[[], Awaitable[None]],
    ) -> None:
        self._equipment = equipment
        self._journal = journal
        self._snapshots = snapshots
        self._sweeps = sweeps
        self._places = Places(equipment.options.turns_at_once, self._begin)
        self.recovery = Recovery(equipment, journal, self._adopt, lambda: self._places.free, self._report)
        self._works: dict[str, TurnWorker] = {}
        self.thread: str | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._tasks: anyio.abc.TaskGroup | None = None
        self._idle = anyio.Event()

    @property
    def started(self) -> bool:
        """Whether turns can be worked on: between `start` and `close`, and while the event loop runs."""
        return self._supervisor is not None and not self._supervisor.done()

    def check_started(self) -> None:
        """Raises DeskClosed unless turns can be worked on."""
        if not self.started:
            raise DeskClosed

    @property
    def idle(self) -> bool:
        """Whether the workers have left all their turns, and their places are free."""
        return not self._works and self._places.free

    async def start(self, thread_id: str | None) -> None:
        """Start in this event loop; all threads are recovered, or only `thread_id`. May be called twice."""
        if self._supervisor is not None:
            return
        self.thread = thread_id
        self._places = Places(self._equipment.options.turns_at_once, self._begin)
        ready = anyio.Event()
        # A task of the loop owns the workers: a task group must be left by the task that entered it, and a desk is
        # often started in one task and closed in another.
        self._supervisor = asyncio.get_running_loop().create_task(self._supervise(ready))
        await ready.wait()

    async def close(self) -> None:
        """Release or interrupt the running turns. May be called twice."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is None:
            return
        self._places.close()
        for work in self._works.values():
            work.leave()
        with anyio.move_on_after(CLOSE_GRACE, shield=True):
            while self._works:
                self._idle = anyio.Event()
                await self._idle.wait()
        self._tasks = None
        supervisor.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait([supervisor])

    @property
    def forgotten(self) -> bool:
        """Whether they were started and not closed; the end of their event loop, which cancels them, is no close."""
        return self._supervisor is not None and (not self._supervisor.done() or self._supervisor.cancelled())

    def abandon(self) -> None:
        """Close them as soon as their event loop can. May be called from any thread, as garbage collection is."""
        loop = self._supervisor.get_loop() if self._supervisor else None
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._begin_closing)

    def _begin_closing(self) -> None:
        self._closing = asyncio.get_running_loop().create_task(self.close())

    def ask_place(self) -> Place:
        """A place for a turn, held or to be waited for."""
        return self._places.ask()

    def ahead(self, turn_id: str) -> int | None:
        """How many turns go before a turn that waits here, None if it does not."""
        return self._places.ahead(turn_id)

    def state(self, turn_id: str) -> State | None:
        """The thread as this desk's worker on the turn has committed it last, None without one."""
        return next((work.state for work in self._works.values() if work.turn == turn_id), None)

    def leave(self, turn_id: str) -> None:
        """End this desk's work on a turn that another caller has ended."""
        self._equipment.schemas.pop(turn_id, None)
        self._places.drop(turn_id)
        for work in self._works.values():
            if work.turn == turn_id:
                work.supersede()

    async def see_to(self, turn: Turn) -> None:
        """Take over a turn that has no worker, without waiting for the next sweep."""
        if self._tasks is not None and self.state(turn.id) is None and self.ahead(turn.id) is None:
            await self.recovery.look_after(turn.thread)

    async def append(
        self,
        journal: Journal,
        command: Command | Callable[[State], Awaitable[Command]],
        worker: Worker,
        turn_id: str,
        place: Place,
        *,
        by: str,
    ) -> None:
        """Put the command on record and, if that gave this worker the turn, start the worker or let the turn wait."""
        # Before the claim is on record: another process that reads the claim must find this worker alive.
        begin(worker)
        try:
            # A caller who leaves now must not leave a turn on record without its worker; `patience` ends the wait.
            with anyio.CancelScope(shield=True):
                facts = await journal.append(command, by=by)
        except BaseException:
            end(worker)
            place.give_back()
            raise
        claimed = any(fact.kind == "turn.claimed" for fact in facts)
        open_turn = journal.state.open_turn if claimed and self._tasks else None
        if open_turn and open_turn.waiting:
            resume = partial(self._resume, journal, worker, turn_id)
            self._places.wait(place, turn_id, resume, begun=isinstance(command, Approval), worker=worker)
        elif self._tasks and open_turn and not open_turn.released:
            journal.patience = self._equipment.options.lease
            work = TurnWorker(self._equipment, journal, worker, turn_id)
            self._works[worker.nonce] = work
            self._tasks.start_soon(self._carry_out, work, worker, journal, place)
        else:
            end(worker)
            place.give_back()

    async def report_decisions(self, thread: Thread | None) -> None:
        """Report what was decided while a turn was open that has ended now; if this fails, the next sweep does it."""
        if self._tasks is None or thread is None or not any(one.decision for one in thread.deferred):
            return
        try:
            await self.recovery.look_after(thread.id)
        except RolltopError as error:
            log.error("thread %s: a decision could not be reported yet: %s", thread.id, reason_of(error))

    def _begin(self, begin_turn: Begin, place: Place) -> None:
        if self._tasks:
            self._tasks.start_soon(self._use, place, begin_turn)

    async def _use(self, place: Place, begin_turn: Begin) -> None:
        try:
            await begin_turn(place)
        except Superseded as error:
            log.info("turn %s: it has ended, or another worker took it over while it waited", error)
        except Exception as error:  # the boundary of a turn that waited: what breaks it must not stop the others
            place.give_back()
            log.error("a turn that waited could not be begun; recovery goes on from its log: %s", reason_of(error))

    async def _resume(self, journal: Journal, worker: Worker, turn_id: str, place: Place) -> None:
        """Claim a turn that waited here, unless it has ended or another process has taken it."""

        async def command(state: State) -> Claim:
            open_turn = state.open_turn
            if open_turn is None or not open_turn.waiting or open_turn.worker != worker:
                raise Superseded(turn_id)
            return Claim(turn=turn_id, worker=worker, reason="resumed", fence=open_turn.fence, n=state.n)

        await self.append(journal, command, worker, turn_id, place, by=DESK)

    async def _adopt(self, journal: Journal, claim: Claim) -> None:
        place = self._places.ask()
        if place.held:
            await self.append(journal, claim, claim.worker, claim.turn, place, by=DESK)
        else:
            self._places.wait(place, claim.turn, partial(self._recover, journal.thread_id), begun=True)

    async def _recover(self, thread_id: str, place: Place) -> None:
        """Take over a turn that had no place when it was found, if it still has no worker."""
        journal = self._journal(thread_id)
        if claim := await self.recovery.assess(journal):
            await self.append(journal, claim, claim.worker, claim.turn, place, by=DESK)
        else:
            place.give_back()

    async def _report(self, journal: Journal, deferred: OpenDeferred) -> None:
        """Open the turn that reports the decision on a deferred call, whose records the journal has."""
        snapshot, worker = await self._snapshots.take(journal), new_worker(self._equipment.clock)
        place = self.ask_place()
        release: Literal["waiting"] | None = None if place.held else "waiting"
        report = ReportDecision(call=deferred.call, worker=worker, snapshot=snapshot, release=release)
        turn, _ = report_turn(journal.thread_id, deferred.call)
        await self.append(journal, report, worker, turn, place, by=DESK)

    async def _carry_out(self, work: TurnWorker, worker: Worker, journal: Journal, place: Place) -> None:
        try:
            await work.run()
        except BaseException as error:  # the boundary of a worker: an error of its model or hook ends this turn only
            # Cancelled by the desk, or by the end of the event loop; a model or a hook may raise the same by itself.
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task and task.cancelling():
                raise
            log_fault("worker", error, thread_id=journal.thread_id, turn_id=work.turn)
        finally:
            end(worker)
            self._works.pop(worker.nonce, None)
            place.give_back()
            self._idle.set()
        turn = journal.state.items.get(work.turn)
        if isinstance(turn, Turn):
            if turn.ended_at is not None:
                self._equipment.schemas.pop(turn.id, None)
            self._equipment.earlier.add(turn.thread, turn, journal.state.items)
            try:
                await self.recovery.tidy(turn)
            except RolltopError as error:
                why = reason_of(error)
                log.error("turn %s: its payloads could not be erased yet; the next sweep tries again: %s", turn.id, why)
        if journal.state.open_turn is None:
            await self.report_decisions(journal.thread)

    async def _supervise(self, ready: anyio.Event) -> None:
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            tasks.start_soon(self._equipment.live.run)
            tasks.start_soon(self._beat)
            tasks.start_soon(self._sweep)
            ready.set()

    async def _beat(self) -> None:
        while True:
            await anyio.sleep(self._equipment.options.beat)
            for work in self._works.values():
                work.beat()

    async def _sweep(self) -> None:
        while True:
            try:
                await self.recovery.sweep(self.thread)
                if self.thread is None:
                    await self._sweeps()
            except StoreClosed as error:
                log.warning("recovery ends: %s", error)
                return
            except Exception as error:  # the boundary of the recovery loop: an error must not prevent the next sweep
                log.error("recovery failed; it runs again in %g s: %s", SWEEP, reason_of(error))
            await anyio.sleep(SWEEP)
