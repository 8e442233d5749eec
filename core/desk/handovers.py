"""Hand-overs: an employee's matter goes to a person, and what came of it goes on record."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Literal

import anyio

from core.canonical import digest
from core.clock import Clock, iso
from core.desk.checked_records import CheckedRecords
from core.errors import InvalidInput, OutcomeUnknown
from core.gate import Viewer
from core.handover import HANDOVER_SECONDS, HandedMessage, Handover, Ticket
from core.log.branches import newest_turns, shown_ranges
from core.log.facts import HandoverAsked, HandoverContent, HandoverEndContent, HandoverEnded
from core.log.records import HandoverRecord, Thread, Turn, item_of
from core.server_log import log_fault
from core.store import Query, Store, every
from core.turn.commands import HandOver
from core.turn.journal import Journal
from core.values import Attached
from core.worker.claim import DESK

log = logging.getLogger(__name__)

MAX_REFERENCE = 200
"""The most characters of the reference of a ticket."""

MAX_NOTE = 4000
"""The most characters of a note, and of what went wrong."""

MAX_TURNS = 200
"""The most turns that go along, the newest ones."""

GIVEN_UP = timedelta(seconds=3 * HANDOVER_SECONDS)
"""A hand-over that was asked for longer ago has lost its sender."""


class Handovers:
    """The hand-overs of a desk. `handover` None: the desk has nobody to hand over to."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        checked: CheckedRecords,
        journal: Callable[[str], Journal],
        handover: Handover | None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._checked = checked
        self._journal = journal
        self._handover = handover

    async def ask(
        self, viewer: Viewer, turn_id: str, attached: Attached, note: str, request_id: str | None
    ) -> HandoverRecord:
        """Put the request on record, send it, and put on record what came of it."""
        turn = (await self._checked.turn(viewer, "thread.write", turn_id)).item
        if self._handover is None:
            raise InvalidInput("this desk has nobody to hand over to: open it with Desk(..., handover=...)")
        if len(note) > MAX_NOTE:
            raise InvalidInput(f"a note may have {MAX_NOTE} characters; this one has {len(note)}")
        # Derived, as a turn's id is: a double click finds the hand-over that it has asked for already.
        handover_id = digest([turn_id, "handover", request_id or self._clock.token()])[:24]
        journal = self._journal(turn.thread)
        await journal.load(turn_id)
        content = HandoverContent(note=note.strip())
        asked = HandoverAsked(turn=turn_id, handover=handover_id, attached=attached, content=content)
        # What is on record as asked for must be sent, even if the caller leaves; its deadline ends the wait.
        with anyio.CancelScope(shield=True):
            if await journal.append(HandOver(fact=asked), by=viewer.id) and journal.thread:
                ended = await self._send(self._handover, asked, await self._ticket(journal.thread, turn, asked))
                await journal.append(HandOver(fact=ended), by=DESK)
        return journal.state.item(HandoverRecord, handover_id)

    async def close_lost(self) -> None:
        """Record the hand-overs whose sender is gone as `unknown`."""
        before = iso(await self._store.now() - GIVEN_UP)
        async for record in every(self._store, Query(kind="handover", where={"status": "asked"})):
            lost = item_of(HandoverRecord, record)
            if lost.asked_at < before:
                journal = self._journal(lost.thread)
                await journal.load(lost.turn)
                await journal.append(
                    HandOver(fact=_ended(lost.turn, lost.id, "unknown", message="the sender is gone")), by=DESK
                )

    async def _send(self, handover: Handover, asked: HandoverAsked, ticket: Ticket) -> HandoverEnded:
        try:
            with anyio.fail_after(HANDOVER_SECONDS):
                reference = await handover.send(ticket)
        except OutcomeUnknown as error:
            return _ended(asked.turn, asked.handover, "unknown", message=str(error))
        except TimeoutError:
            return _ended(asked.turn, asked.handover, "unknown", message=f"no answer within {HANDOVER_SECONDS:g} s")
        except Exception as error:  # the boundary of the application's hand-over: what it raises is its outcome
            log_fault("hand-over", error, turn_id=asked.turn)
            return _ended(asked.turn, asked.handover, "failed", message=str(error) or type(error).__name__)
        if not isinstance(reference, str) or not 1 <= len(reference) <= MAX_REFERENCE:
            # It was sent all the same. A reference that was cut would be another one.
            message = f"its reference is not kept: it must be a str of 1 to {MAX_REFERENCE} characters"
            log.warning("hand-over %s was sent, but %s", asked.handover, message)
            return _ended(asked.turn, asked.handover, "sent", message=message)
        return _ended(asked.turn, asked.handover, "sent", reference=reference)

    async def _ticket(self, thread: Thread, turn: Turn, asked: HandoverAsked) -> Ticket:
        return Ticket(
            key=asked.handover,
            person=turn.owner,
            thread_id=turn.thread,
            turn_id=turn.id,
            topic=turn.concern.topic if turn.concern else None,
            note=asked.content.note if asked.content else "",
            attached=asked.attached,
            messages=tuple(
                HandedMessage(role=role, text=text, at=at)
                for one in await self._attached(thread, turn, asked.attached)
                for role, text, at in _messages(one)
                if text
            ),
        )

    async def _attached(self, thread: Thread, turn: Turn, attached: Attached) -> list[Turn]:
        """The turns that go along, oldest first: of the branch that is shown."""
        if attached == "nothing":
            return []
        if attached == "answer":
            return [turn]
        ranges = shown_ranges(thread.hidden, turn.first_n if attached == "from_here" else 1, thread.n + 1)
        records = await newest_turns(self._store, thread.id, ranges, MAX_TURNS)
        return [item_of(Turn, record) for record in reversed(records)]


def _messages(turn: Turn) -> list[tuple[Literal["user", "assistant"], str | None, str]]:
    asker: Literal["user", "assistant"] = "assistant" if turn.report else "user"
    return [(asker, turn.question, turn.opened_at), ("assistant", turn.text, turn.ended_at or turn.opened_at)]


def _ended(
    turn: str,
    handover: str,
    status: Literal["sent", "failed", "unknown"],
    *,
    reference: str | None = None,
    message: str | None = None,
) -> HandoverEnded:
    content = HandoverEndContent(reference=reference, message=message[:MAX_NOTE] if message else None)
    return HandoverEnded(turn=turn, handover=handover, status=status, content=content)
