"""The worker of a turn: carries out what `plan` says, and puts on record what came of it.

Nothing acts before this worker's own commit that announces it was acknowledged. Whatever ends the worker early, be it a
store that stays away, a take-over or a kill, leaves a log from which somebody else can go on.
"""

import logging
from datetime import timedelta

import anyio

from core.clock import iso
from core.errors import Full, RolltopError, StoreRefused, Superseded, TooLarge, Unavailable
from core.live.stream import live_stream, seal
from core.log.records import OpenTurn
from core.retrieval.search import SEARCH_SECONDS, Found, find_answer
from core.turn.commands import Failed, GiveUp, Park, Release, Retrieved
from core.turn.decide import lost_call
from core.turn.journal import Journal
from core.turn.plan import Act, plan
from core.values import Worker
from core.worker.claim import DESK, Equipment, Holding
from core.worker.hooks import HookFault
from core.worker.model_calls import Consulting, NoModel
from core.worker.side_calls import Asides
from core.worker.tool_calls import run_tools, tell

log = logging.getLogger(__name__)


class Work:
    """One worker on one turn, from its claim until the turn ends, parks, or is somebody else's."""

    def __init__(self, equipment: Equipment, journal: Journal, worker: Worker, turn: str, instructions: str) -> None:
        self.turn = turn
        self._equipment = equipment
        self._journal = journal
        self._worker = worker
        self._leaving = anyio.Event()
        self._holding = Holding(equipment, journal, worker, turn)
        self._consulting = Consulting(self._holding, instructions, self._leaving)
        self._asides = Asides(self._holding, self._consulting)

    async def run(self) -> None:
        """Work until there is nothing left for this worker to do. Raises nothing but cancellation."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._beat)
                await self._work()
                tasks.cancel_scope.cancel()
        finally:
            self._holding.let_go()

    def leave(self) -> None:
        """Let the turn go as soon as nothing is running: what was shown is kept, and anybody may go on."""
        self._leaving.set()
        self._consulting.cancel("worker_left")

    def supersede(self) -> None:
        """Somebody in this process has ended the turn: do not wait to find out."""
        self._consulting.cancel("superseded")

    async def _work(self) -> None:
        holding = self._holding
        try:
            while (open := holding.mine()) is not None:
                holding.play(open)
                if self._leaving.is_set() and not open.model_call and all(c.status != "running" for c in open.calls):
                    await self._journal.append(Release(worker=self._worker), by=DESK)
                    return
                if not holding.left(1.0):
                    await self._give_up("turn_deadline", "the turn took longer than its deadline")
                    return
                if not await self._do(open, await self._next(open)):
                    return
        except HookFault as fault:
            await self._give_up("hook_failed", str(fault))
        except NoModel as error:
            await self._give_up("model_unavailable", str(error))
        except Superseded:
            log.info("turn %s: superseded", self.turn)
        except TooLarge as error:
            log.exception("turn %s: what happened is more than a store takes", self.turn)
            await self._give_up("unrecordable", str(error))
        except (Unavailable, StoreRefused, Full):
            # As if dead: the log says how far it went, and recovery, here or elsewhere, goes on from there.
            log.exception("turn %s: the store does not take what happened; leaving it to recovery", self.turn)
        except Exception as error:  # the boundary of a turn: a fault of ours must end it on record, not leave it open
            log.exception("turn %s: failed", self.turn)
            await self._give_up("internal", type(error).__name__)

    async def _give_up(self, code: str, message: str) -> None:
        try:
            open = self._holding.mine()
            partial = await self._sealed(open) if open and open.model_call else ""
            wish = GiveUp(worker=self._worker, partial=partial, code=code, message=message)
            await self._journal.append(wish, by=DESK)
        except RolltopError:
            log.warning("turn %s: could not be ended here; leaving it to recovery", self.turn)

    async def _next(self, open: OpenTurn) -> Act:
        equipment, options = self._equipment, self._equipment.options
        return plan(
            open,
            retrieves=equipment.retriever is not None and options.passages > 0 and options.retrieve_first,
            rewrites=await self._asides.rewrites(open),
            summarizes=await self._asides.summarizes(open),
            tells=equipment.hooked.tells,
        )

    async def _do(self, open: OpenTurn, act: Act) -> bool:
        """Carry out one act; whether this worker goes on."""
        match act.kind:
            case "rewrite":
                await self._asides.rewrite(open)
            case "retrieve":
                await self._retrieve(open)
            case "summarize":
                await self._asides.summarize(open)
            case "ask_model":
                await self._consulting.ask(open, act)
            case "run_tools":
                await run_tools(self._holding, act.calls)
            case "tell":
                await tell(self._holding, act.call)
            case "close_lost_call":
                call = open.call(act.call)
                assert call
                await self._journal.append(lost_call(open, call, self._worker), by=DESK)
            case "salvage":
                await self._salvage(open)
            case "park":
                expires = await self._equipment.store.now() + timedelta(days=self._equipment.options.approval_days)
                await self._journal.append(Park(worker=self._worker, expires=iso(expires)), by=DESK)
                return False
            case "none":
                return False
        return True

    async def _retrieve(self, open: OpenTurn) -> None:
        equipment, clock = self._equipment, self._equipment.clock
        began = clock.monotonic()
        self._holding.expect(SEARCH_SECONDS)
        queries = await self._asides.queries(open)
        found, error = Found(query=queries[0], passages=(), judgement=None), None
        assert equipment.retriever
        try:
            with anyio.fail_after(self._holding.left(SEARCH_SECONDS)):
                found = await find_answer(
                    equipment.retriever, queries, self._holding.asker(), equipment.options.passages
                )
        except Exception as fault:  # the boundary of a retriever: the turn goes on without, and says so
            log.exception("turn %s: retrieval failed", self.turn)
            error = type(fault).__name__
        took = round((clock.monotonic() - began) * 1000)
        await self._journal.append(Retrieved(worker=self._worker, found=found, duration_ms=took, error=error), by=DESK)

    async def _salvage(self, open: OpenTurn) -> None:
        """The text of a model call whose worker is gone: sealed, so that it is all there ever will be, and kept."""
        assert open.model_call
        partial = await self._sealed(open)
        wish = Failed(
            worker=self._worker,
            call=open.model_call.call,
            code="worker_lost",
            message="the process that asked is gone",
            text=partial,
            retryable=True,
        )
        await self._journal.append(wish, by=DESK)

    async def _sealed(self, open: OpenTurn) -> str:
        """What the open model call has shown, and with the seal all that it ever will."""
        assert open.model_call
        equipment, asked = self._equipment, open.model_call
        stream = live_stream(self.turn, asked.fence)
        return await seal(equipment.store, equipment.clock, stream, asked.call, patience=equipment.options.lease)

    async def _beat(self) -> None:
        """Signs of life, while the step under way is within its own deadline: who hangs must look dead."""
        clock = self._equipment.clock
        while True:
            await anyio.sleep(self._equipment.options.beat)
            live = self._holding.live
            if live is None or clock.monotonic() > self._holding.expected:
                continue
            try:
                await live.beat()
            except Superseded:
                self.supersede()
