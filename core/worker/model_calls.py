"""A turn's model consulted: what it is sent, which model is sent it, and what becomes of the answer.

Every physical request is on record before it goes out, and its outcome before anything acts on it.
"""

from dataclasses import replace

import anyio

from core.canonical import Json, digest
from core.errors import RolltopError, Superseded, TooLarge
from core.live.stream import LiveStream
from core.log.commit import read_blob
from core.log.facts import Late, ResultContent
from core.log.records import ModelCall, OpenTurn
from core.model import Model, ModelRequest
from core.turn.commands import UNKNOWN_USAGE, Answered, Ask, Failed, Note
from core.turn.decide import MAX_REPAIRS
from core.turn.plan import Act
from core.worker.claim import DESK, Holding
from core.worker.history import as_json, choose, earlier_messages, summary_messages, turn_messages
from core.worker.hooks import PARTS, ModelOutcome, ModelView
from core.worker.model_request import Asking
from core.worker.structured_output import read_output
from core.worker.tool_calls import note_failure
from core.worker.window import Choice

_LONGEST_DELAY = 30.0


class NoModel(RolltopError):
    """There is no model left to ask: those that could be have failed so often of late that they are left alone."""


class Consulting:
    """The model calls of one worker. `cancel` ends the one under way, with the code its failure is to have."""

    def __init__(self, holding: Holding, instructions: str, leaving: anyio.Event) -> None:
        self._holding = holding
        self._instructions = instructions
        self._leaving = leaving
        self._asking: Asking | None = None
        self._delay = 0.0
        self._schema: Json = None

    def cancel(self, code: str) -> None:
        if self._asking:
            self._asking.cancel(code)

    async def ask(self, open: OpenTurn, act: Act) -> None:
        """Ask the turn's model for its next answer. Raises NoModel where none may be asked."""
        if await self._wait():
            return
        holding, equipment, options = self._holding, self._holding.equipment, self._holding.equipment.options
        failed = self._failed(act.step)
        model = equipment.chain.choose(failed)
        if model is None:
            raise NoModel("each model has failed several times within a minute: ask again later")
        bad_calls = open.repairs.count("calls") > MAX_REPAIRS["calls"]
        with_tools = act.step <= options.max_steps and not bad_calls
        trimmed = any(call.code == "too_large" for call in failed)
        choice = await self.choice(open, trimmed=trimmed)
        earlier = await earlier_messages(equipment.store, choice.turns, options)
        own = turn_messages(holding.turn, holding.journal.state.items, options)
        request = ModelRequest(
            instructions=self._instructions,
            messages=(*summary_messages(choice.summary), *earlier, *own),
            tools=tuple(tool.schema for tool in equipment.tools.values()) if with_tools else (),
            settings=options.model_settings,
            output=await self._output(),
        )
        ask = Ask(
            worker=holding.worker,
            step=act.step,
            attempt=act.attempt,
            model="",
            with_tools=with_tools,
            window=choice.turns[0].first_n if choice.turns else open.first_n,
            request="",
            summary=choice.summary.id if choice.summary else None,
        )
        can_trim = not trimmed and bool(choice.turns)
        await self.consult(open, ask, request, model, failed=failed, can_trim=can_trim)

    async def consult(
        self,
        open: OpenTurn,
        ask: Ask,
        request: ModelRequest,
        model: Model,
        *,
        failed: tuple[ModelCall, ...],
        can_trim: bool = False,
    ) -> None:
        """One physical request: changed by the hooks, announced, made, and its outcome put on record."""
        holding, options = self._holding, self._holding.equipment.options
        view = ModelView(
            viewer=holding.asker(),
            thread_id=holding.thread_id,
            turn_id=holding.turn_id,
            step=ask.step,
            attempt=ask.attempt,
            model=model.name,
            purpose=ask.purpose,
        )
        known = {name: value for name, value in request.settings.items() if name in model.settings}
        request = replace(request, settings=known)
        changed = await holding.equipment.hooked.change(view, request)
        parts = tuple(part for part in PARTS if getattr(changed, part) != getattr(request, part))
        ask = replace(ask, model=model.name, request=digest(as_json(changed)), changed=parts)
        await holding.journal.append(ask, by=DESK)
        asked = holding.still_mine().model_call
        if asked is None:
            raise Superseded(holding.turn_id)
        holding.expect(options.model_call)
        assert holding.live
        asking = self._asking = Asking(
            call=asked.call,
            attempt=ask.attempt,
            worker=holding.worker,
            live=holding.live if ask.purpose == "answer" else None,
            model=model,
            tools=holding.equipment.tools,
            options=options,
            clock=holding.equipment.clock,
            seconds=holding.left(options.model_call),
            # Where JSON was asked for, `[1]` is a list; where nothing was searched, it is the writer's own.
            passages=open.passages if open.retrievals and request.output is None and ask.purpose == "answer" else None,
            said=holding.turn.text if ask.purpose == "answer" else "",
        )
        if self._leaving.is_set():  # since the commit began: `cancel` found nothing to cancel yet
            asking.cancel("worker_left")
        try:
            said = await _ask_unless_lost(asking, holding.live, changed, careful=open.passages > 0)
        finally:
            self._asking = None
        if isinstance(said, Failed) and holding.live.lost.is_set():
            raise Superseded(holding.turn_id)  # whoever sealed the stream keeps what was shown, and ends the turn
        said = self._judged(said, model, failed, changed, can_trim)
        said = await self._keep(said)
        self._delay = self._pause(said, ask.attempt, asking.retry_after)
        for failure in await holding.equipment.hooked.see(view, _outcome(said)):
            await note_failure(holding, "after_model_call", said.call, failure)

    def _judged(
        self,
        said: Answered | Failed,
        model: Model,
        failed: tuple[ModelCall, ...],
        request: ModelRequest,
        can_trim: bool,
    ) -> Answered | Failed:
        """What came, with all that decides how the turn goes on: does it fit, and is there anybody else to ask."""
        chain = self._holding.equipment.chain
        chain.heard(model.name, said.code if isinstance(said, Failed) else None)
        if isinstance(said, Answered):
            if request.output is None or said.calls or said.stop_reason != "end":
                return said
            output, misfit = read_output(said.text, request.output)
            return replace(said, output=output, misfit=misfit)
        if said.code == "too_large" and can_trim:
            return replace(said, retryable=True)
        others = [name for name in chain.able(failed) if name != model.name]
        tried = {call.model for call in failed}
        return replace(
            said, retryable=said.retryable or bool(others), untried=any(name not in tried for name in others)
        )

    async def _keep(self, said: Answered | Failed) -> Answered | Failed:
        """Put it on record; what then is."""
        holding, fence = self._holding, self._holding.fence
        try:
            await holding.journal.append(said, by=DESK)
        except TooLarge as error:
            if isinstance(said, Failed):
                raise
            return await self._keep(_unkept(said, str(error)))
        except Superseded:
            if said.cost is not None or said.usage != UNKNOWN_USAGE:
                bill = Late(
                    turn=holding.turn_id,
                    fence=fence,
                    call=said.call,
                    usage=said.usage,
                    cost=said.cost,
                    content=ResultContent(),
                )
                await holding.journal.append(Note(fact=bill), by=DESK)
            raise
        return said

    async def choice(self, open: OpenTurn, *, trimmed: bool = False) -> Choice:
        equipment, options = self._holding.equipment, self._holding.equipment.options
        if trimmed:
            options = options.model_copy(update={"window_tokens": max(1, options.window_tokens // 4)})
        return await choose(equipment.store, self._holding.thread_id, open.first_n, equipment.window, options)

    async def _output(self) -> Json:
        """The schema that the turn's answer is to fit, None for free text."""
        named = self._holding.turn.snapshot.output
        if named is not None and self._schema is None:
            self._schema = await read_blob(self._holding.equipment.store, named)
        return self._schema

    def _failed(self, step: int) -> tuple[ModelCall, ...]:
        """The failed calls of the step, oldest first."""
        return tuple(call for call in self.model_calls() if call.step == step and call.status == "failed")

    def model_calls(self) -> list[ModelCall]:
        """The turn's model calls, oldest first."""
        items = self._holding.journal.state.items.values()
        calls = [call for call in items if isinstance(call, ModelCall) and call.turn == self._holding.turn_id]
        return sorted(calls, key=lambda call: call.at_n)

    async def _wait(self) -> bool:
        """Let the pause between two attempts pass; whether the worker is to leave."""
        delay, self._delay = self._holding.left(self._delay), 0.0
        if not delay:
            return False
        self._holding.expect(delay)
        with anyio.move_on_after(delay):
            await self._leaving.wait()
            return True
        return False

    def _pause(self, said: Answered | Failed, attempt: int, retry_after: float | None) -> float:
        """Seconds to wait before the same is asked again: what the provider asks for, within reason, or ever longer."""
        if isinstance(said, Answered) or said.untried or said.code in ("empty", "worker_left", "too_large"):
            return 0.0
        equipment = self._holding.equipment
        chance = int(equipment.clock.token()[:4], 16) / 0xFFFF
        own = equipment.options.retry_delay * 2.0 ** (attempt - 1) * (0.5 + chance)
        return min(_LONGEST_DELAY, max(own, retry_after or 0.0))


async def _ask_unless_lost(
    asking: Asking, live: LiveStream, request: ModelRequest, *, careful: bool
) -> Answered | Failed:
    """Ask, and stop asking at once when the live stream is sealed: nobody would see the rest."""

    async def watch() -> None:
        await live.lost.wait()
        asking.cancel("superseded")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        said = await asking.run(request, careful=careful)
        tasks.cancel_scope.cancel()
    return said


def _unkept(said: Answered, message: str) -> Failed:
    """An answer that no commit can hold: what was shown of it, and its bill."""
    return Failed(
        worker=said.worker,
        call=said.call,
        code="answer_too_large",
        message=message,
        text=said.text,
        retryable=False,
        usage=said.usage,
        cost=said.cost,
        ttft_ms=said.ttft_ms,
        duration_ms=said.duration_ms,
        left_out=said.left_out,
    )


def _outcome(said: Answered | Failed) -> ModelOutcome:
    answered = isinstance(said, Answered)
    return ModelOutcome(
        call_id=said.call,
        status="answered" if answered else "failed",
        text=said.text,
        stop_reason=said.stop_reason if isinstance(said, Answered) else None,
        code=said.code if isinstance(said, Failed) else None,
        usage=said.usage,
        cost=said.cost,
    )
