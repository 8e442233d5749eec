"""Tool calls carried out for a turn: announced, run, recorded, and told to the model.

Reads that stand side by side run at once. A call runs after the worker's own commit of its `tool.started` was
acknowledged, and at most half a lease after that commit was sent.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from core.errors import RolltopError, Superseded, TooLarge
from core.log.facts import HookFailed, HookFailedContent, ResultContent, ToldContent, ToolFinished, ToolTold
from core.log.records import ToolCall
from core.tools import ToolContext
from core.turn.commands import Finished, Note, Start, Tell
from core.turn.decide import late
from core.turn.plan import MAX_STARTS
from core.values import CallStatus
from core.worker.claim import DESK, ClaimedTurn
from core.worker.history import tool_message
from core.worker.hooks import CallOutcome, CallView, RefusedByHook
from core.worker.run_tool import act, progress


async def run_tools(claimed: ClaimedTurn, call_ids: Sequence[str]) -> None:
    """Run these calls, all at once, and put each outcome on record as it comes.

    A call without a free thread is left for the next time; if that is all of them, the first one waits.
    """
    async with _threads(claimed, call_ids) as ready:
        allowed = [call_id for call_id in ready if await _allowed(claimed, call_id)]
        # Again, after hooks and a wait for a thread that may have taken long; the plan closes what is left out here.
        off = await claimed.off()
        if on := [call_id for call_id in allowed if claimed.call(call_id).tool not in off.tools]:
            await _run_all(claimed, on)


@asynccontextmanager
async def _threads(claimed: ClaimedTurn, call_ids: Sequence[str]) -> AsyncIterator[list[str]]:
    """Those of the calls that may begin, with a thread held for each that runs in one."""
    # Held before the call is announced: a call that waited for a thread after that would be `unknown` if its turn were
    # stopped, although it certainly had not begun.
    threads, tools = claimed.equipment.threads, claimed.equipment.tools
    held: list[tuple[str, str]] = []
    ready: list[str] = []
    try:
        for call_id in call_ids:
            if tools[claimed.call(call_id).tool].threaded:
                holder = (claimed.worker.nonce, call_id)
                with suppress(anyio.WouldBlock):
                    threads.acquire_on_behalf_of_nowait(holder)
                    held.append(holder)
                    ready.append(call_id)
            else:
                ready.append(call_id)
        first = (claimed.worker.nonce, call_ids[0])
        if not ready and await claimed.wait_for_thread(first):
            held.append(first)
            ready.append(call_ids[0])
        yield ready
    finally:
        for holder in held:
            threads.release_on_behalf_of(holder)


async def _run_all(claimed: ClaimedTurn, allowed: Sequence[str]) -> None:
    clock, tools = claimed.equipment.clock, claimed.equipment.tools
    claimed.expect(max(tools[claimed.call(call_id).tool].timeout for call_id in allowed))
    sent = clock.monotonic()
    facts = await claimed.journal.append(Start(worker=claimed.worker, calls=tuple(allowed)), by=DESK)
    started = [fact.call for fact in facts if fact.kind == "tool.started"]
    # Half a lease later another worker may hold the turn, and have given these calls a last status already: an effect
    # after that would contradict the record.
    too_late = clock.monotonic() - sent > claimed.equipment.options.lease / 2
    send, receive = anyio.create_memory_object_stream[Finished](len(started))
    fault: RolltopError | None = None
    with send, receive:
        async with anyio.create_task_group() as tasks:
            for call_id in started:
                tasks.start_soon(_run, claimed, call_id, too_late, send)
            try:
                for _ in started:
                    await _record(claimed, await receive.receive())
            except RolltopError as error:  # carried out of the group, which would wrap it; what still runs are reads
                fault = error
                tasks.cancel_scope.cancel()
    if fault:
        raise fault


async def tell(claimed: ClaimedTurn, call_id: str) -> None:
    """Let the hooks decide what the model is told of a call that ran, and put that on record before it is told."""
    call, equipment = claimed.call(call_id), claimed.equipment
    claimed.expect(equipment.options.hook_deadline)
    message = tool_message(call, claimed.journal.state.items, equipment.options)
    outcome = CallOutcome(status=call.status, result=call.result, error=call.error, told=message.content)
    text, failure = await equipment.hooked.tell(_view(claimed, call), outcome)
    if failure:
        await note_failure(claimed, "after_tool_call", call_id, failure)
    told = ToolTold(
        turn=claimed.turn_id,
        fence=claimed.fence,
        call=call_id,
        replaced=text is not None,
        content=ToldContent(text=text),
    )
    await claimed.journal.append(Tell(worker=claimed.worker, told=told), by=DESK)


async def note_failure(claimed: ClaimedTurn, hook: str, call: str, failure: str) -> None:
    """Put on record that a hook failed on a model or tool call."""
    fact = HookFailed(turn=claimed.turn_id, hook=hook, call=call, content=HookFailedContent(message=failure))
    await claimed.journal.append(Note(fact=fact), by=DESK)


async def _allowed(claimed: ClaimedTurn, call_id: str) -> bool:
    """Whether the hooks let a call run. A call that they deny is closed; a call that was started before has passed.

    Raises RefusedByHook.
    """
    call = claimed.call(call_id)
    if call.attempts:
        return True
    denial = await claimed.equipment.hooked.deny(_view(claimed, call))
    if denial is not None:
        await claimed.journal.append(_not_run(claimed, call_id, "denied", "denied_by_hook", str(denial)), by=DESK)
    if isinstance(denial, RefusedByHook):
        raise denial
    return denial is None


def _not_run(claimed: ClaimedTurn, call_id: str, status: CallStatus, code: str, error: str | None = None) -> Finished:
    finished = ToolFinished(
        turn=claimed.turn_id,
        fence=claimed.fence,
        call=call_id,
        status=status,
        code=code,
        content=ResultContent(error=error),
    )
    return Finished(worker=claimed.worker, finished=finished)


async def _run(claimed: ClaimedTurn, call_id: str, too_late: bool, send: MemoryObjectSendStream[Finished]) -> None:
    if too_late:
        await send.send(_not_run(claimed, call_id, "failed", "not_attempted"))
        return
    call, equipment = claimed.call(call_id), claimed.equipment
    tool = equipment.tools[call.tool]
    context = ToolContext(
        viewer=claimed.asker(),
        thread_id=claimed.thread_id,
        turn_id=claimed.turn_id,
        call_id=call_id,
        key=call_id,
        progress=progress(claimed.play(claimed.still_mine()), call_id),
    )
    outcome = await act(
        tool,
        call.arguments,
        context,
        worker=claimed.worker,
        fence=claimed.fence,
        clock=equipment.clock,
        seconds=claimed.left(tool.timeout),
    )
    await send.send(outcome)


async def _record(claimed: ClaimedTurn, outcome: Finished) -> None:
    finished = outcome.finished
    call = claimed.call(finished.call)
    may_retry = call.effect == "idempotent" and call.attempts < MAX_STARTS and claimed.left(1.0)
    if may_retry and finished.code == "timed_out":
        return  # still running on record: the plan starts it again, under the same key
    try:
        await claimed.journal.append(outcome, by=DESK)
    except TooLarge as error:
        # The tool has acted, and that must go on record: only the result can be left out.
        bare = finished.model_copy(update={"code": "unrecordable", "content": ResultContent(error=str(error))})
        await claimed.journal.append(Finished(worker=outcome.worker, finished=bare), by=DESK)
    except Superseded:
        await claimed.journal.load_turn(finished.turn)
        await claimed.journal.append(Note(fact=late(finished, outcome.search)), by=DESK)
        raise


def _view(claimed: ClaimedTurn, call: ToolCall) -> CallView:
    if call.effect is None:
        raise TypeError(f"call {call.id} names a tool that does not exist, and cannot run")
    return CallView(
        viewer=claimed.asker(),
        thread_id=call.thread,
        turn_id=call.turn,
        call_id=call.id,
        tool=call.tool,
        effect=call.effect,
        arguments=call.arguments,
    )
