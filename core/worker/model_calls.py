"""A turn's model calls: what a model is sent, which model is sent it, and what becomes of the answer.

Every physical request is on record before it goes out, and its outcome before the worker acts on it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import anyio

from core.canonical import Json
from core.errors import RolltopError, Superseded, TooLarge
from core.log.commit import read_blob
from core.log.facts import FailureContent, Late, ModelAsked, ModelFailed, ResultContent
from core.log.records import ModelCall, OpenTurn
from core.model import Model, ModelRequest, tuning_of
from core.server_log import log_fault
from core.tools import Tool
from core.turn.commands import Answered, Failed, Note, Request
from core.turn.decide import MAX_REPAIRS
from core.turn.plan import Act
from core.values import Usage
from core.worker.claim import DESK, ClaimedTurn
from core.worker.history import estimated_tokens, request_bytes, summary_messages, turn_messages
from core.worker.hooks import PARTS, ModelOutcome, ModelView
from core.worker.model_chain import tuned
from core.worker.model_request import RunningRequest
from core.worker.reservations import longest_answer, most_used
from core.worker.structured_output import Misfit, SchemaFailed, read_output, within
from core.worker.tool_calls import note_failure

_LONGEST_DELAY = 30.0
_NO_PAUSE = frozenset(("empty", "worker_left", "too_large", "adapted"))


class NoModel(RolltopError):
    """Each model is left alone for a while, because it failed often of late, or is switched off (`models_off`)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


class ModelCalls:
    """The model calls of one worker. `cancel` ends the one under way, and all later ones before they are sent, with the
    code their failure is to have."""

    def __init__(self, claimed: ClaimedTurn, leaving: anyio.Event) -> None:
        self._claimed = claimed
        self._leaving = leaving
        self._running: RunningRequest | None = None
        self._cancelled: str | None = None
        self._delay = 0.0
        self._blobs: dict[str, Json] = {}

    def cancel(self, code: str) -> None:
        self._cancelled = code
        if self._running:
            self._running.cancel(code)

    async def request_answer(self, open_turn: OpenTurn, act: Act) -> None:
        """Request the turn's next answer. Raises NoModel if each model is out of order or switched off."""
        if await self._wait():
            return
        claimed, equipment, options = self._claimed, self._claimed.equipment, self._claimed.equipment.options
        failed = self._failed(act.step)
        off = await claimed.off()
        model = equipment.chain.choose(failed, off.models)
        if model is None and off.models.issuperset(equipment.chain.names):
            raise NoModel("models_off", "an administrator has switched the models off")
        if model is None:
            raise NoModel("model_unavailable", "each model that may be used has failed several times within a minute")
        tools = [tool for name, tool in equipment.tools.items() if name not in off.tools]
        bad_calls = open_turn.repairs.count("calls") > MAX_REPAIRS["calls"]
        with_tools = act.step <= options.max_steps and not bad_calls and options.tool_choice != "none"
        # Once: a model that must call a tool in each answer gives none in words.
        chooses = with_tools and not open_turn.calls and claimed.turn.report is None
        trimmed = any(call.code == "too_large" for call in failed)
        own = turn_messages(claimed.turn, claimed.journal.state.items, options)
        request = ModelRequest(
            instructions=str(await self._opened_with(open_turn.snapshot.instructions)),
            messages=tuple(own),
            tools=tuple(tool.schema for tool in tools) if with_tools else (),
            settings=options.model_settings,
            tool_choice=options.tool_choice if chooses and _can_choose(options.tool_choice, tools) else "auto",
            calls_at_once=options.calls_at_once,
            output=await self._output(),
            asked_at=claimed.turn.opened_at,
            country=open_turn.standing.country,
        )
        room = _room(model, request)
        choice = await equipment.earlier.choose(claimed.turn, trimmed=trimmed, room=room)
        earlier = await equipment.earlier.messages(claimed.turn, choice.turns)
        request = replace(request, messages=(*summary_messages(choice.summary), *earlier, *own))
        requested = ModelAsked(
            turn=open_turn.turn,
            fence=open_turn.fence,
            call="",
            step=act.step,
            attempt=act.attempt,
            model=model.name,
            with_tools=with_tools,
            window=choice.turns[0].first_n if choice.turns else open_turn.first_n,
            request="",
            summary=choice.summary.id if choice.summary else None,
        )
        can_trim = not trimmed and bool(choice.turns)
        await self.request(open_turn, requested, request, model, failed=failed, off=off.models, can_trim=can_trim)

    async def request(
        self,
        open_turn: OpenTurn,
        requested: ModelAsked,
        request: ModelRequest,
        model: Model,
        *,
        failed: tuple[ModelCall, ...] = (),
        off: frozenset[str] = frozenset(),
        can_trim: bool = False,
    ) -> None:
        """One physical request: changed by the hooks, announced, made, and its outcome put on record.

        `requested` is the announcement, still without the digest of the request and what hooks changed of it. `failed`
        and `off` are what the chain has chosen the model by.
        """
        claimed, options = self._claimed, self._claimed.equipment.options
        for_answer = requested.purpose == "answer"
        view = ModelView(
            viewer=claimed.asker(),
            thread_id=claimed.thread_id,
            turn_id=claimed.turn_id,
            step=requested.step,
            attempt=requested.attempt,
            model=model.name,
            purpose=requested.purpose,
        )
        options = tuned(options, model)
        supported = {name: value for name, value in request.settings.items() if name in model.settings}
        request = replace(request, settings={**supported, **tuning_of(model).settings})
        changed = await claimed.equipment.hooked.change(view, request)
        # Again, after hooks that may have taken long; the plan then goes on with another model, or without.
        if model.name in (await claimed.off()).models:
            return
        reservations = claimed.equipment.reservations
        parts = [part for part in PARTS if getattr(changed, part) != getattr(request, part)]
        changed = reservations.bounded(model, changed)
        sent = request_bytes(changed, claimed.equipment.earlier.encoded(claimed.thread_id))
        reserved = await reservations.reserve(
            view.viewer.id,
            claimed.thread_id,
            claimed.turn_id,
            f"{requested.purpose}-{requested.step}-{requested.attempt}",
            model,
            most_used(model, changed, len(sent)),
        )
        requested = requested.model_copy(update={"request": hashlib.sha256(sent).hexdigest(), "changed": parts})
        try:
            await claimed.journal.append(Request(worker=claimed.worker, requested=requested), by=DESK)
            announced = claimed.still_mine()
            open_call = announced.model_call
            if open_call is None:
                raise Superseded(claimed.turn_id)
        except RolltopError:
            await reservations.release(reserved)
            raise
        claimed.expect(options.model_call)
        live = claimed.play(announced)
        running = self._running = RunningRequest(
            turn=claimed.turn_id,
            call=open_call,
            worker=claimed.worker,
            live=live if for_answer else None,
            model=model,
            tools=claimed.equipment.tools,
            options=options,
            clock=claimed.equipment.clock,
            seconds=claimed.left(options.model_call),
            # In JSON `[1]` is a list, and in a turn without a search it is the writer's own: neither is a marker.
            passages=open_turn.passages if open_turn.retrievals and request.output is None and for_answer else None,
            earlier=claimed.turn.text if for_answer else "",
            first=all(call.code == "adapted" for call in failed),
        )
        if self._cancelled:  # since the commit began
            running.cancel(self._cancelled)
        live.on_lost = partial(running.cancel, "superseded")  # the rest of the answer could not be shown
        if live.lost:
            live.on_lost()
        try:
            outcome = await running.run(changed, careful=open_turn.foreign)
        finally:
            self._running = live.on_lost = None
        await reservations.book(reserved, model, outcome)
        if isinstance(outcome, Failed) and live.lost:
            # The worker or person that sealed the stream keeps what was shown, and ends the turn.
            raise Superseded(claimed.turn_id)
        outcome = await self._record(await self._judged(outcome, model, failed, off, changed, can_trim))
        self._delay = self._pause(outcome, requested.attempt, running.retry_after)
        for failure in await claimed.equipment.hooked.see(view, _model_outcome(outcome)):
            await note_failure(claimed, "after_model_call", open_call.call, failure)

    async def _judged(
        self,
        outcome: Answered | Failed,
        model: Model,
        failed: tuple[ModelCall, ...],
        off: frozenset[str],
        request: ModelRequest,
        can_trim: bool,
    ) -> Answered | Failed:
        """The outcome, with what decides how the turn goes on: whether an answer fits, or another model is left."""
        chain = self._claimed.equipment.chain
        chain.heard(model.name, outcome.failed.code if isinstance(outcome, Failed) else None)
        if isinstance(outcome, Answered):
            if request.output is None or outcome.calls or outcome.answered.stop_reason != "end":
                return outcome
            return await self._fitting(outcome, request.output)
        if outcome.failed.code == "too_large" and can_trim:
            return replace(outcome, retryable=True)
        others = [name for name in chain.able(failed, off) if name != model.name]
        tried = {call.model for call in failed}
        return replace(
            outcome, retryable=outcome.retryable or bool(others), untried=any(name not in tried for name in others)
        )

    async def _fitting(self, answer: Answered, schema: Mapping[str, Json]) -> Answered:
        """The answer with its JSON if that fits the schema, or else with what is wrong."""
        claimed = self._claimed
        seconds = claimed.left(claimed.equipment.options.hook_deadline)
        claimed.expect(seconds)
        given = claimed.equipment.schemas.get(claimed.turn_id)
        try:
            judge = partial(read_output, answer.answered.text, schema, given)
            return replace(answer, output=await within(seconds, judge))
        except Misfit as misfit:
            return replace(answer, misfit=str(misfit))
        except SchemaFailed as error:
            # The application's own error, if it is one, has the place.
            fault = error.__cause__ or error
            log_fault("schema", fault, thread_id=claimed.thread_id, turn_id=claimed.turn_id)
            return replace(answer, unjudged=str(error))

    async def _record(self, outcome: Answered | Failed) -> Answered | Failed:
        """Put the outcome on record, and return what is recorded: an answer that is too large is recorded as failed."""
        try:
            await self._claimed.journal.append(outcome, by=DESK)
        except TooLarge as error:
            if isinstance(outcome, Failed):
                raise
            return await self._record(_too_large(outcome, str(error)))
        except Superseded:
            fact = outcome.failed if isinstance(outcome, Failed) else outcome.answered
            if fact.cost is not None or fact.usage != Usage():
                bill = Late(
                    turn=fact.turn,
                    fence=fact.fence,
                    call=fact.call,
                    usage=fact.usage,
                    cost=fact.cost,
                    content=ResultContent(),
                )
                await self._claimed.journal.append(Note(fact=bill), by=DESK)
            raise
        return outcome

    async def _opened_with(self, name: str) -> Json:
        """The value that the turn's snapshot names. The thread's instructions, or its desk's, may be others by now."""
        if name not in self._blobs:
            self._blobs[name] = await read_blob(self._claimed.equipment.store, name)
        return self._blobs[name]

    async def _output(self) -> Json:
        """The schema that the turn's answer is to fit, None for free text."""
        snapshot = self._claimed.turn.snapshot
        return await self._opened_with(snapshot.output) if snapshot and snapshot.output is not None else None

    def _failed(self, step: int) -> tuple[ModelCall, ...]:
        """The failed calls of the step, oldest first."""
        return tuple(call for call in self.records() if call.step == step and call.status == "failed")

    def records(self) -> list[ModelCall]:
        """The turn's model calls on record, oldest first."""
        items = self._claimed.journal.state.items.values()
        calls = [call for call in items if isinstance(call, ModelCall) and call.turn == self._claimed.turn_id]
        return sorted(calls, key=lambda call: call.at_n)

    async def _wait(self) -> bool:
        """Let the pause between two attempts pass; whether the worker is to leave."""
        delay, self._delay = self._claimed.left(self._delay), 0.0
        if not delay:
            return False
        self._claimed.expect(delay)
        with anyio.move_on_after(delay):
            await self._leaving.wait()
            return True
        return False

    def _pause(self, outcome: Answered | Failed, attempt: int, retry_after: float | None) -> float:
        """Seconds before the next attempt: what the provider wants, at most _LONGEST_DELAY, or longer each time."""
        if isinstance(outcome, Answered) or outcome.untried or outcome.failed.code in _NO_PAUSE:
            return 0.0
        equipment = self._claimed.equipment
        chance = int(equipment.clock.token()[:4], 16) / 0xFFFF
        own = equipment.options.retry_delay * 2.0 ** (attempt - 1) * (0.5 + chance)
        return min(_LONGEST_DELAY, max(own, retry_after or 0.0))


def _room(model: Model, request: ModelRequest) -> int | None:
    """How many tokens of history the model can hold beside the request; None if its window is not known."""
    tuning = tuning_of(model)
    if tuning.context_window is None:
        return None
    answer = longest_answer(tuning.settings, tuning.context_window)
    return max(1, tuning.context_window - answer - estimated_tokens(request))


def _can_choose(choice: str, tools: Sequence[Tool]) -> bool:
    """Whether a request with these tools may ask for this choice; the tool that it names may be switched off."""
    return choice in ("auto", "none", *(["required"] if tools else []), *(tool.name for tool in tools))


def _too_large(command: Answered, message: str) -> Failed:
    """An answer that is too large for a commit, as a failure: what was shown of it, and its bill."""
    answered = command.answered
    failed = ModelFailed(
        turn=answered.turn,
        fence=answered.fence,
        call=answered.call,
        code="answer_too_large",
        shown=bool(answered.text),
        usage=answered.usage,
        cost=answered.cost,
        ttft_ms=answered.ttft_ms,
        duration_ms=answered.duration_ms,
        left_out=answered.left_out,
        content=FailureContent(
            text=answered.text,
            message=message,
            reasoning_text=answered.content.reasoning_text if answered.content else "",
        ),
    )
    return Failed(worker=command.worker, failed=failed, retryable=False)


def _model_outcome(outcome: Answered | Failed) -> ModelOutcome:
    fact = outcome.failed if isinstance(outcome, Failed) else outcome.answered
    return ModelOutcome(
        call_id=fact.call,
        status="failed" if isinstance(outcome, Failed) else "answered",
        text=fact.text,
        stop_reason=None if isinstance(outcome, Failed) else outcome.answered.stop_reason,
        code=outcome.failed.code if isinstance(outcome, Failed) else None,
        usage=fact.usage,
        cost=fact.cost,
    )
