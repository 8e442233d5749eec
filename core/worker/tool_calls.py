"""Tool calls carried out for a turn: announced, run, recorded, and told to the model.

Reads that stand side by side run at once. Nothing runs before this worker's own commit with its `tool.started` was
acknowledged, and not later than half a lease after that commit was sent: somebody may hold the turn by then, and
an effect would come after their verdict on it.
"""

from collections.abc import Sequence

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from core.errors import RolltopError, Superseded, TooLarge
from core.log.facts import HookFailed, HookFailedContent
from core.log.records import ToolCall
from core.tools import ToolContext
from core.turn.commands import Finished, Note, Start, Tell
from core.turn.decide import late
from core.turn.plan import MAX_STARTS
from core.worker.claim import DESK, Holding
from core.worker.history import tool_message
from core.worker.hooks import CallOutcome, CallView
from core.worker.run_tool import act, progress


async def run_tools(holding: Holding, ids: Sequence[str]) -> None:
    """Run these calls, at once where there are several, and put on record what came of each as it comes."""
    allowed = [id for id in ids if await _allowed(holding, id)]
    if not allowed:
        return
    clock, tools = holding.equipment.clock, holding.equipment.tools
    holding.expect(max(tools[holding.call(id).tool].timeout for id in allowed))
    sent = clock.monotonic()
    facts = await holding.journal.append(Start(worker=holding.worker, calls=tuple(allowed)), by=DESK)
    started = [fact.call for fact in facts if fact.kind == "tool.started"]
    late_by = clock.monotonic() - sent > holding.equipment.options.lease / 2
    send, receive = anyio.create_memory_object_stream[Finished](len(started))
    fault: RolltopError | None = None
    with send, receive:
        async with anyio.create_task_group() as tasks:
            for id in started:
                tasks.start_soon(_run, holding, id, late_by, send)
            try:
                for _ in started:
                    await _keep(holding, await receive.receive())
            except RolltopError as error:  # carried out of the group, which would wrap it; what still runs are reads
                fault = error
                tasks.cancel_scope.cancel()
    if fault:
        raise fault


async def tell(holding: Holding, id: str) -> None:
    """Let the hooks say what the model is told of a call that ran, and put that on record before it is told."""
    call, equipment = holding.call(id), holding.equipment
    holding.expect(equipment.options.hook_deadline)
    told = tool_message(call, holding.journal.state.items, equipment.options).content
    outcome = CallOutcome(status=call.status, result=call.result, error=call.error, told=told)
    text, failure = await equipment.hooked.tell(_view(holding, call), outcome)
    if failure:
        await note_failure(holding, "after_tool_call", id, failure)
    await holding.journal.append(Tell(worker=holding.worker, call=id, text=text), by=DESK)


async def note_failure(holding: Holding, hook: str, call: str, failure: str) -> None:
    """Put on record that a hook failed on a model or tool call."""
    fact = HookFailed(turn=holding.turn_id, hook=hook, call=call, content=HookFailedContent(message=failure))
    await holding.journal.append(Note(fact=fact), by=DESK)


async def _allowed(holding: Holding, id: str) -> bool:
    """Whether the hooks let a call run; one that they deny is closed. One started before has passed them."""
    call = holding.call(id)
    if call.attempts:
        return True
    denial = await holding.equipment.hooked.deny(_view(holding, call))
    if denial is not None:
        denied = Finished(worker=holding.worker, call=id, status="denied", code="denied_by_hook", error=denial)
        await holding.journal.append(denied, by=DESK)
    return denial is None


async def _run(holding: Holding, id: str, late_by: bool, send: MemoryObjectSendStream[Finished]) -> None:
    if late_by:
        await send.send(Finished(worker=holding.worker, call=id, status="failed", code="not_attempted"))
        return
    call, equipment = holding.call(id), holding.equipment
    assert holding.live
    tool = equipment.tools[call.tool]
    context = ToolContext(
        viewer=holding.asker(),
        thread_id=holding.thread_id,
        turn_id=holding.turn_id,
        call_id=id,
        key=id,
        progress=progress(holding.live, id),
    )
    seconds = holding.left(tool.timeout)
    await send.send(
        await act(tool, call.arguments, context, worker=holding.worker, clock=equipment.clock, seconds=seconds)
    )


async def _keep(holding: Holding, outcome: Finished) -> None:
    call = holding.call(outcome.call)
    if call.effect == "idempotent" and outcome.code == "timed_out" and call.attempts < MAX_STARTS and holding.left(1.0):
        return  # still running on record: the plan starts it again, under the same key
    fence = holding.fence
    try:
        await holding.journal.append(outcome, by=DESK)
    except TooLarge as error:
        # It ran, whatever becomes of its result: only that can be left out.
        bare = Finished(
            worker=outcome.worker,
            call=outcome.call,
            status=outcome.status,
            code="unrecordable",
            error=str(error),
            duration_ms=outcome.duration_ms,
            size=outcome.size,
            digest=outcome.digest,
        )
        await holding.journal.append(bare, by=DESK)
    except Superseded:
        await holding.journal.append(Note(fact=late(holding.turn_id, fence, outcome)), by=DESK)
        raise


def _view(holding: Holding, call: ToolCall) -> CallView:
    assert call.effect
    return CallView(
        viewer=holding.asker(),
        thread_id=call.thread,
        turn_id=call.turn,
        call_id=call.id,
        tool=call.tool,
        effect=call.effect,
        arguments=call.arguments,
    )
