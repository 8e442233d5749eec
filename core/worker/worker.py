"""The worker of a turn: carries out what `plan` says, and puts the outcome on record.

It acts only after its own commit that announces the act was acknowledged. If the worker ends early (the store stays
away, another worker takes over, the process is killed), the log is in a state from which another worker can go on.
"""

import logging
from datetime import timedelta
from typing import Literal

import anyio

from core.clock import iso
from core.errors import Full, LimitReached, RolltopError, StoreRefused, Superseded, TooLarge, Unavailable
from core.live.stream import Shown, live_stream, seal
from core.log.facts import FailureContent
from core.log.fold import State
from core.log.records import OpenModelCall, OpenTurn
from core.retrieval.search import Found, find_answer, find_help
from core.retrieval.small_talk import small_talk
from core.retriever import Retriever
from core.server_log import log_event, log_fault, place
from core.turn.commands import Defer, Failed, GiveUp, Park, Release, Retrieved
from core.turn.decide import broken_off, lost_call, switched_off_call
from core.turn.journal import Journal
from core.turn.plan import Act, plan
from core.values import Worker
from core.worker.claim import DESK, ClaimedTurn, Equipment
from core.worker.hooks import HookFault, RefusedByHook
from core.worker.model_calls import ModelCalls, NoModel
from core.worker.side_calls import SideCalls
from core.worker.tool_calls import run_tools, tell


class TurnWorker:
    """One worker on one turn, from its claim until the turn ends or parks, or another worker takes it over."""

    def __init__(self, equipment: Equipment, journal: Journal, worker: Worker, turn: str) -> None:
        self.turn = turn
        self._equipment = equipment
        self._journal = journal
        self._worker = worker
        self._leaving = anyio.Event()
        self._claimed = ClaimedTurn(equipment, journal, worker, turn)
        self._model_calls = ModelCalls(self._claimed, self._leaving)
        self._side_calls = SideCalls(self._claimed, self._model_calls)

    async def run(self) -> None:
        """Work until the turn ends, waits for a person or is another worker's. Raises only when cancelled."""
        try:
            await self._work()
        finally:
            self._claimed.let_go()

    @property
    def state(self) -> State:
        """The thread as of the worker's last commit, with the turn's records."""
        return self._journal.state

    def leave(self) -> None:
        """Release the turn as soon as the step under way is on record. Another worker may then go on with it."""
        self._leaving.set()
        self._claimed.stop_waiting(superseded=False)
        self._model_calls.cancel("worker_left")

    def supersede(self) -> None:
        """End the model call or the wait under way: another caller has ended the turn."""
        self._claimed.stop_waiting(superseded=True)
        self._model_calls.cancel("superseded")

    def beat(self) -> None:
        """Give a sign of life, while the step under way is within its own deadline."""
        # A worker that hangs past that deadline must look dead, or its turn would hang with it.
        live = self._claimed.live
        if live is None or self._equipment.clock.monotonic() > self._claimed.expected:
            return
        try:
            live.beat()
        except Superseded:
            self.supersede()

    async def _work(self) -> None:
        claimed = self._claimed
        try:
            while (open_turn := claimed.mine()) is not None:
                claimed.play(open_turn)
                idle = not open_turn.model_call and all(call.status != "running" for call in open_turn.calls)
                if self._leaving.is_set() and idle:
                    await self._journal.append(Release(worker=self._worker), by=DESK)
                    return
                if not claimed.left(1.0):
                    await self._give_up("turn_deadline", "the turn took longer than its deadline")
                    return
                if not await self._do(open_turn, await self._next(open_turn)):
                    return
        except HookFault as fault:
            await self._give_up("hook_failed", str(fault))
        except RefusedByHook as refusal:
            await self._give_up("refused_by_hook", str(refusal), status="refused")
        except LimitReached as error:
            await self._give_up("limit", str(error), until=iso(error.until) if error.until else None)
        except NoModel as error:
            await self._give_up(error.code, error.message)
        except Superseded:
            self._tell_leaving("superseded", logging.INFO)
        except TooLarge as error:
            await self._give_up("unrecordable", str(error))
        except (Unavailable, StoreRefused, Full) as error:
            # As if dead: the log says how far it went, and recovery, here or elsewhere, goes on from there.
            self._tell_leaving("not_recorded", logging.ERROR, error)
        except Exception as error:  # the boundary of a turn: a fault of ours must end it on record, not leave it open
            log_fault("turn", error, thread_id=self._claimed.thread_id, turn_id=self.turn)
            await self._give_up("internal", type(error).__name__)

    async def _give_up(
        self,
        code: str,
        message: str,
        *,
        status: Literal["failed", "refused"] = "failed",
        until: str | None = None,
    ) -> None:
        try:
            open_turn = self._claimed.mine()
            shown = await self._sealed(open_turn.model_call) if open_turn and open_turn.model_call else Shown()
            command = GiveUp(
                worker=self._worker,
                partial=shown.text,
                reasoning=shown.reasoning,
                code=code,
                message=message,
                status=status,
                until=until,
            )
            await self._journal.append(command, by=DESK)
        except RolltopError as error:
            self._tell_leaving("not_recorded", logging.WARNING, error)

    def _tell_leaving(self, code: str, level: int, error: RolltopError | None = None) -> None:
        """Write into the server's log that the worker leaves its turn to another one."""
        log_event(
            "turn.left",
            level,
            thread_id=self._claimed.thread_id,
            turn_id=self.turn,
            fence=self._claimed.fence or None,
            code=code,
            error=type(error).__name__ if error else None,
            at=place(error) if error else None,
        )

    async def _next(self, open_turn: OpenTurn) -> Act:
        equipment, options = self._equipment, self._equipment.options
        turn = self._claimed.turn
        searches_first = equipment.retriever is not None and options.passages > 0 and options.retrieve_first
        # A greeting that was searched would be on record as a question that the handbooks do not answer. "Help me" of a
        # person in need is none. Nor is a report of ours a question.
        return plan(
            open_turn,
            retrieves=searches_first
            and turn.report is None
            and (turn.concern is not None or small_talk(turn.question or "") is None),
            rewrites=await self._side_calls.rewrites(open_turn),
            summarizes=await self._side_calls.summarizes(open_turn),
            tells=equipment.hooked.tells,
            off=(await self._claimed.off()).tools,
        )

    async def _do(self, open_turn: OpenTurn, act: Act) -> bool:
        """Carry out one act; whether this worker goes on."""
        match act.kind:
            case "rewrite":
                await self._side_calls.rewrite(open_turn)
            case "retrieve" if self._equipment.retriever:
                await self._retrieve(open_turn, self._equipment.retriever)
            case "summarize":
                await self._side_calls.summarize(open_turn)
            case "request_model":
                await self._model_calls.request_answer(open_turn, act)
            case "run_tools":
                await run_tools(self._claimed, act.calls)
            case "tell":
                await tell(self._claimed, act.call)
            case "close_lost_call":
                await self._journal.append(lost_call(open_turn, act.call, self._worker), by=DESK)
            case "close_switched_off":
                await self._journal.append(switched_off_call(open_turn, act.call, self._worker), by=DESK)
            case "salvage" if open_turn.model_call:
                await self._salvage(open_turn.model_call)
            case "defer":
                deferred = Defer(worker=self._worker, calls=act.calls, expires=await self._expires())
                await self._journal.append(deferred, by=DESK)
            case "park":
                await self._journal.append(Park(worker=self._worker, expires=await self._expires()), by=DESK)
                return False
            case "none":
                return False
            case _:
                raise TypeError(f"this worker cannot carry out the act {act.kind}")
        return True

    async def _expires(self) -> str:
        """When a call that is asked for now stops waiting."""
        return iso(await self._equipment.store.now() + timedelta(days=self._equipment.options.approval_days))

    async def _retrieve(self, open_turn: OpenTurn, retriever: Retriever) -> None:
        equipment, clock = self._equipment, self._equipment.clock
        began = clock.monotonic()
        self._claimed.expect(equipment.options.search_deadline)
        concern, question = self._claimed.turn.concern, self._claimed.turn.question or ""
        queries = [question] if concern else await self._side_calls.queries(open_turn)
        search, error = Found(query=queries[0], passages=(), judgement=None), None
        try:
            with anyio.fail_after(self._claimed.left(equipment.options.search_deadline)):
                viewer, limit = self._claimed.asker(), equipment.options.passages
                if concern:
                    search = await find_help(retriever, question, viewer, limit, concern)
                else:
                    search = await find_answer(retriever, queries, viewer, limit)
        except Exception as fault:  # the boundary of a retriever: the turn goes on without, and says so
            log_fault("retriever", fault, thread_id=self._claimed.thread_id, turn_id=self.turn)
            error = type(fault).__name__
        took = round((clock.monotonic() - began) * 1000)
        retrieved = Retrieved(worker=self._worker, search=search, duration_ms=took, error=error)
        await self._journal.append(retrieved, by=DESK)

    async def _salvage(self, call: OpenModelCall) -> None:
        """Record a model call whose worker is gone as failed, with the text that was shown of it."""
        shown = await self._sealed(call)
        message = "the process that asked is gone"
        content = FailureContent(text=shown.text, message=message, reasoning_text=shown.reasoning)
        failed = broken_off(self.turn, self._claimed.fence, call, "worker_lost", content)
        await self._journal.append(Failed(worker=self._worker, failed=failed, retryable=True), by=DESK)

    async def _sealed(self, call: OpenModelCall) -> Shown:
        """What an open model call has shown. Its live stream is sealed first, so that this is final."""
        stream = live_stream(self.turn, call.fence)
        equipment = self._equipment
        return await seal(equipment.store, equipment.clock, stream, call.call, patience=equipment.options.lease)
