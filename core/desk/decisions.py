"""Decisions on calls that wait for a person, and calls taken back."""

import logging
from collections.abc import Callable, Mapping
from typing import Literal

from core.canonical import Json, canonical
from core.clock import iso
from core.desk.checked_records import CheckedRecords
from core.desk.snapshots import Snapshots
from core.desk.workers import Workers
from core.errors import InvalidInput
from core.gate import Owned, Viewer
from core.log.audit import AuditLog
from core.log.record_ids import deferred_id
from core.log.records import DeferredCall, ToolCall
from core.turn.commands import Approval, CloseDeferred
from core.turn.deferred import report_turn
from core.turn.journal import Journal
from core.worker.claim import Equipment
from core.worker.model_request import MAX_ARGUMENTS
from core.worker.process import new_worker

log = logging.getLogger(__name__)

MAX_REASON = 4000
"""The most characters of a reason."""


class Decisions:
    """Puts the decisions of a desk's viewers on record; the desk's workers go on from them."""

    def __init__(
        self,
        equipment: Equipment,
        journal: Callable[[str], Journal],
        snapshots: Snapshots,
        workers: Workers,
        checked: CheckedRecords,
        audit: AuditLog,
    ) -> None:
        self._equipment = equipment
        self._journal = journal
        self._snapshots = snapshots
        self._workers = workers
        self._checked = checked
        self._audit = audit

    async def decide(
        self,
        viewer: Viewer,
        call_id: str,
        decision: Literal["approve", "deny"],
        digest: str,
        arguments: Mapping[str, Json] | None,
        reason: str | None,
    ) -> ToolCall:
        """As `Desk.decide`."""
        call = (await self._checked.call(viewer, "call.decide", call_id)).item
        self._workers.check_started()
        if reason is not None and len(reason) > MAX_REASON:
            raise InvalidInput(f"a reason may have {MAX_REASON} characters")
        deferred = call.status == "deferred"
        # What a parked turn runs is judged by the desk that goes on with it, and it may be another one than this.
        runs_here = deferred and decision == "approve"
        tool = self._equipment.tools.get(call.tool)
        incomplete = decision == "approve" and tool is not None and tool.written is not None
        fitting = self._fitting(call, arguments) if runs_here or incomplete or arguments is not None else None
        journal = self._journal(call.thread)
        await journal.load(call.turn)
        worker, open_turn = new_worker(self._equipment.clock), journal.state.open_turn
        lacking = [] if deferred or open_turn is None else await self._workers.recovery.lacking(open_turn)
        now = iso(await self._equipment.store.now()) if deferred else ""
        snapshot = await self._snapshots.take(journal) if deferred else None
        place = self._workers.ask_place()
        approval = Approval(
            call=call_id,
            outcome=decision,
            digest=digest,
            arguments=None if arguments is None else fitting,
            reason=reason,
            worker=worker,
            release="left" if lacking else None if place.held else "waiting",
            now=now,
            snapshot=snapshot,
        )
        turn = report_turn(call.thread, call_id)[0] if deferred else call.turn
        await self._workers.append(journal, approval, worker, turn, place, by=viewer.id)
        if lacking and self._workers.thread is not None:
            # A desk of one chat: its caller now waits for the turn, and does not know for whom the turn waits.
            log.warning("turn %s waits for a desk that has %s: pass them to load_chat", turn, ", ".join(lacking))
        if call_id not in journal.state.items:
            # A journal lets go of the turns that are over. This one may be a worker's by now: it is not ours to change.
            journal = self._journal(call.thread)
            await journal.load(call.turn)
        decided = journal.state.item(ToolCall, call_id)
        if viewer.id != decided.owner and (decided.decision is None or decided.decision.by != viewer.id):
            # Another person decided first. So this viewer has only looked at the call, and that goes on record.
            await self._audit.record(viewer, "call.read", Owned(kind="call", id=decided.id, owner=decided.owner))
        return decided

    async def withdraw(self, viewer: Viewer, call_id: str) -> DeferredCall:
        """As `Desk.withdraw`."""
        call = (await self._checked.call(viewer, "call.withdraw", call_id)).item
        journal = self._journal(call.thread)
        await journal.load(call.turn)
        journal.state.item(DeferredCall, deferred_id(call_id))
        await journal.append(CloseDeferred(call=call_id, reason="withdrawn"), by=viewer.id)
        await journal.load_turn(call.turn)
        return journal.state.item(DeferredCall, deferred_id(call_id))

    def _fitting(self, call: ToolCall, arguments: Mapping[str, Json] | None) -> dict[str, Json]:
        """The arguments, those of the call if None, as its tool takes them. Raises InvalidInput."""
        tool = self._equipment.tools.get(call.tool)
        if tool is None:
            raise InvalidInput(f"tool {call.tool} is missing on this desk: the call can only be denied as it is")
        fitting = tool.validate(call.arguments if arguments is None else dict(arguments), completed=True)
        if tool.written and any(fitting.get(name) != value for name, value in call.arguments.items()):
            raise InvalidInput("what the model asked cannot be changed, only answered")
        if len(canonical(fitting)) > MAX_ARGUMENTS:
            raise InvalidInput(f"arguments may have {MAX_ARGUMENTS} bytes of JSON")
        return fitting
