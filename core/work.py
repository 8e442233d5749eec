"""The worker of a turn: carries out what `plan` says, and puts on record what came of it.

Nothing acts before this worker's own commit that announces it was acknowledged. Whatever ends the worker early, be it a
store that stays away, a take-over or a kill, leaves a log from which somebody else can go on.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import anyio

from core.acting import act, progress
from core.asking import Asking
from core.canonical import canonical, digest
from core.clock import Clock, iso
from core.entries import Late, Passage, ResultContent, Worker
from core.errors import Full, RolltopError, Unavailable
from core.gate import Viewer
from core.history import as_json, earlier_messages, turn_messages, window
from core.journal import Journal
from core.live import LiveStream, LiveWriter, live_stream, seal
from core.model import Model, ModelRequest
from core.options import Options
from core.records import OpenTurn, ToolCall, Turn
from core.retrieval import Retriever
from core.store import Store
from core.tools import CallView, Hooks, Tool, ToolContext
from core.turn import Act, Superseded, late, lost_call, plan
from core.wishes import UNKNOWN_USAGE, Answered, Ask, Failed, Finished, GiveUp, Note, Park, Release, Retrieved, Start

log = logging.getLogger(__name__)

DESK = "desk"
"""Who `Entry.by` names when a worker writes."""

RETRIEVAL_SECONDS = 60.0
MAX_PASSAGE = 32 * 1024
_SLACK = 5.0
_LONGEST_DELAY = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What a desk gives every worker. `patience` is for how many seconds a commit is repeated."""

    store: Store
    clock: Clock
    live: LiveWriter
    model: Model
    tools: Mapping[str, Tool]
    retriever: Retriever | None
    options: Options
    hooks: Hooks


class Work:
    """One worker on one turn, from its claim until the turn ends, parks, or is somebody else's."""

    def __init__(self, equipment: Equipment, journal: Journal, worker: Worker, turn: str, instructions: str) -> None:
        self.turn = turn
        self._equipment = equipment
        self._journal = journal
        self._worker = worker
        self._instructions = instructions
        self._live: LiveStream | None = None
        self._fence = 0
        self._asking: Asking | None = None
        self._leaving = anyio.Event()
        self._deadline = 0.0
        self._delay = 0.0

    async def run(self) -> None:
        """Work until there is nothing left for this worker to do. Raises nothing but cancellation."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._beat)
                await self._work()
                tasks.cancel_scope.cancel()
        finally:
            if self._live:
                self._equipment.live.close(self._live)

    def leave(self) -> None:
        """Let the turn go as soon as nothing is running: what was shown is kept, and anybody may go on."""
        self._leaving.set()
        if self._asking:
            self._asking.cancel("worker_left")

    def supersede(self) -> None:
        """Somebody in this process has ended the turn: do not wait to find out."""
        if self._asking:
            self._asking.cancel("superseded")

    async def _work(self) -> None:
        try:
            while (open := self._mine()) is not None:
                self._play(open)
                if self._leaving.is_set() and not open.model_call and all(c.status != "running" for c in open.calls):
                    await self._journal.append(Release(worker=self._worker), by=DESK)
                    return
                if not await self._do(open, plan(open, retrieves=self._retrieves())):
                    return
        except Superseded:
            log.info("turn %s: superseded", self.turn)
        except (Unavailable, Full):
            # As if dead: the log says how far it went, and recovery, here or elsewhere, goes on from there.
            log.exception("turn %s: the store does not take what happened; leaving it to recovery", self.turn)
        except Exception as error:  # the boundary of a turn: a fault of ours must end it on record, not leave it open
            log.exception("turn %s: failed", self.turn)
            await self._give_up(error)

    async def _give_up(self, error: Exception) -> None:
        try:
            open = self._mine()
            partial = await self._sealed(open) if open and open.model_call else ""
            wish = GiveUp(worker=self._worker, partial=partial, code="internal", message=type(error).__name__)
            await self._journal.append(wish, by=DESK)
        except RolltopError:
            log.warning("turn %s: could not be ended here; leaving it to recovery", self.turn)

    def _mine(self) -> OpenTurn | None:
        thread = self._journal.thread
        open = thread.open if thread else None
        if open is None or open.turn != self.turn or open.worker is None or open.worker.nonce != self._worker.nonce:
            return None
        return open

    def _play(self, open: OpenTurn) -> None:
        """A new fence has a live stream of its own: attempts are never spliced."""
        if self._live is None or self._fence != open.fence:
            if self._live:
                self._equipment.live.close(self._live)
            self._live = self._equipment.live.open(self.turn, open.fence)
            self._fence = open.fence

    async def _do(self, open: OpenTurn, act: Act) -> bool:
        """Carry out one act; whether this worker goes on."""
        match act.kind:
            case "retrieve":
                await self._retrieve()
            case "ask_model":
                await self._ask(open, act)
            case "run_tool":
                await self._run_tool(act.call)
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

    async def _retrieve(self) -> None:
        equipment = self._equipment
        question = self._turn().question or ""
        began = equipment.clock.monotonic()
        self._expect(RETRIEVAL_SECONDS)
        passages: list[Passage] = []
        error = None
        assert equipment.retriever
        try:
            with anyio.fail_after(RETRIEVAL_SECONDS):
                found = await equipment.retriever.search(question, self._asker(), equipment.options.passages)
                canonical([passage.model_dump(mode="json") for passage in found])
                passages = [p.model_copy(update={"text": p.text[:MAX_PASSAGE]}) for p in found]
        except Exception as fault:  # the boundary of a retriever: the turn goes on without, and says so
            log.exception("turn %s: retrieval failed", self.turn)
            error = type(fault).__name__
        wish = Retrieved(
            worker=self._worker,
            query=question,
            passages=tuple(passages),
            duration_ms=round((equipment.clock.monotonic() - began) * 1000),
            error=error,
        )
        await self._journal.append(wish, by=DESK)

    async def _ask(self, open: OpenTurn, act: Act) -> None:
        equipment, options = self._equipment, self._equipment.options
        if self._delay:
            delay, self._delay = self._delay, 0.0
            self._expect(delay)
            with anyio.move_on_after(delay):
                await self._leaving.wait()
                return
        with_tools = act.step <= options.max_steps
        turns = await window(equipment.store, self._thread(), open.first_n, options)
        earlier = await earlier_messages(equipment.store, turns, options)
        asked = ModelRequest(
            instructions=self._instructions,
            messages=(*earlier, *turn_messages(self._turn(), self._journal.state.items, options)),
            tools=tuple(tool.schema for tool in equipment.tools.values()) if with_tools else (),
            settings=options.model_settings,
        )
        wish = Ask(
            worker=self._worker,
            step=act.step,
            attempt=act.attempt,
            model=equipment.model.name,
            with_tools=with_tools,
            window=turns[0].first_n if turns else open.first_n,
            request=digest(as_json(asked)),
        )
        await self._journal.append(wish, by=DESK)
        now = self._mine()
        if now is None or now.model_call is None:
            raise Superseded(self.turn)
        self._expect(options.model_call)
        assert self._live
        self._asking = Asking(
            call=now.model_call.call,
            attempt=act.attempt,
            worker=self._worker,
            live=self._live,
            model=equipment.model,
            tools=equipment.tools,
            options=options,
            clock=equipment.clock,
        )
        if self._leaving.is_set():  # since the commit began: `leave` found nothing to cancel yet
            self._asking.cancel("worker_left")
        try:
            said = await self._ask_unless_lost(self._asking, asked, careful=open.passages > 0)
            if isinstance(said, Failed) and self._live.lost.is_set():
                raise Superseded(self.turn)  # whoever sealed the stream keeps what was shown, and ends the turn
            fence = self._fence
            try:
                await self._journal.append(said, by=DESK)
            except Superseded:
                if said.cost is not None or said.usage != UNKNOWN_USAGE:
                    bill = Late(
                        turn=self.turn,
                        fence=fence,
                        call=said.call,
                        usage=said.usage,
                        cost=said.cost,
                        content=ResultContent(),
                    )
                    await self._journal.append(Note(fact=bill), by=DESK)
                raise
            self._delay = self._pause(said, act.attempt, self._asking.retry_after)
        finally:
            self._asking = None

    async def _ask_unless_lost(self, asking: Asking, asked: ModelRequest, *, careful: bool) -> Answered | Failed:
        """Ask, and stop asking at once when the live stream is sealed: nobody would see the rest."""
        assert self._live
        live = self._live

        async def watch() -> None:
            await live.lost.wait()
            asking.cancel("superseded")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            said = await asking.run(asked, careful=careful)
            tasks.cancel_scope.cancel()
        return said

    def _pause(self, said: Answered | Failed, attempt: int, retry_after: float | None) -> float:
        """Seconds to wait before the same is asked again: what the provider asks for, within reason, or ever longer."""
        if isinstance(said, Answered) or said.code in ("empty", "worker_left"):
            return 0.0
        chance = int(self._equipment.clock.token()[:4], 16) / 0xFFFF
        own = self._equipment.options.retry_delay * 2.0 ** (attempt - 1) * (0.5 + chance)
        return min(_LONGEST_DELAY, max(own, retry_after or 0.0))

    async def _run_tool(self, id: str) -> None:
        equipment, clock = self._equipment, self._equipment.clock
        call = self._journal.state.items[id]
        assert isinstance(call, ToolCall)
        tool = equipment.tools[call.tool]
        if call.attempts == 0 and (denial := await self._denied(call)) is not None:
            denied = Finished(worker=self._worker, call=id, status="denied", code="denied_by_hook", error=denial)
            await self._journal.append(denied, by=DESK)
            return
        self._expect(tool.timeout)
        sent = clock.monotonic()
        await self._journal.append(Start(worker=self._worker, call=id), by=DESK)
        assert self._live
        if clock.monotonic() - sent > equipment.options.lease / 2:
            # Somebody may hold the turn by now: an effect this late could come after their verdict on it.
            outcome = Finished(worker=self._worker, call=id, status="failed", code="not_attempted")
        else:
            context = ToolContext(
                viewer=self._asker(),
                thread_id=self._thread(),
                turn_id=self.turn,
                call_id=id,
                key=id,
                progress=progress(self._live, id),
            )
            outcome = await act(tool, call.arguments, context, worker=self._worker, clock=clock)
        if tool.effect == "idempotent" and outcome.code == "timed_out" and self._starts(id) < 3:
            return  # still running on record: the plan starts it again, under the same key
        fence = self._fence
        try:
            await self._journal.append(outcome, by=DESK)
        except Superseded:
            await self._journal.append(Note(fact=late(self.turn, fence, outcome)), by=DESK)
            raise

    async def _denied(self, call: ToolCall) -> str | None:
        """Why the application's hook does not allow a call; None when it does. A hook that fails allows nothing."""
        hook = self._equipment.hooks.before_tool_call
        if hook is None:
            return None
        assert call.effect
        view = CallView(
            viewer=self._asker(),
            thread_id=call.thread,
            turn_id=call.turn,
            call_id=call.id,
            tool=call.tool,
            effect=call.effect,
            arguments=call.arguments,
        )
        try:
            said = await hook(view)
            return said if said is None else str(said).encode(errors="replace").decode()[:1000]
        except Exception as fault:  # the boundary of a hook: its fault must not let a call through
            log.exception("call %s: the hook before it failed", call.id)
            return f"The check before it failed ({type(fault).__name__})."

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
            if self._live is None or clock.monotonic() > self._deadline:
                continue
            try:
                await self._live.beat()
            except Superseded:
                self.supersede()

    def _expect(self, seconds: float) -> None:
        self._deadline = self._equipment.clock.monotonic() + seconds + _SLACK

    def _retrieves(self) -> bool:
        return self._equipment.retriever is not None and self._equipment.options.passages > 0

    def _turn(self) -> Turn:
        turn = self._journal.state.items[self.turn]
        assert isinstance(turn, Turn)
        return turn

    def _thread(self) -> str:
        assert self._journal.thread
        return self._journal.thread.id

    def _asker(self) -> Viewer:
        open = self._mine()
        if open is None:
            raise Superseded(self.turn)
        return Viewer(open.asker)

    def _starts(self, call: str) -> int:
        open = self._mine()
        found = open.call(call) if open else None
        return found.attempts if found else 0
