"""Samples: scenes that a real desk has played on a store of their own, with the offline or a scripted model.

What is on record of a past is therefore what a desk writes, whatever happens in a turn.
"""

import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import count

import anyio
from anyio.to_thread import run_sync as blocking

from backends.care.opening import open_care
from backends.handbooks.opening import open_handbooks
from backends.models.offline.model import OfflineModel
from backends.models.scripted.model import ScriptedModel
from backends.stores.memory import MemoryStore
from console.demo.handover import DemoHandover
from console.demo.past.clock import SetClock
from console.demo.past.table import EVIDENCE, NOTE, REASONS, Records, Scene, Step
from console.demo.records import HrRecords
from console.demo.samples import CARDS, SAMPLES
from console.demo.tools import hr_tools
from console.keeper import DESK_KEEPER
from core.canonical import Json, canonical
from core.care import Care
from core.desk.desk import Desk
from core.errors import OutcomeUnknown
from core.gate import Viewer
from core.log.commit import read_blob
from core.log.facts import Snapshot
from core.log.records import Turn
from core.retriever import Retriever
from core.tools import Tool
from core.values import Entry

ASKER, AUDITOR, APPROVER = "e-1042", "e-2001", "e-3001"
_AUDITOR = Viewer(AUDITOR, {"auditor"}, purpose="a call with an unknown outcome")
_APPROVER = Viewer(APPROVER, {"approver", "employee"})

_THINKING = timedelta(hours=3, minutes=20)
"""How long people take to decide."""
_READING = timedelta(seconds=40)
"""How long they take to read an answer."""
_WINDOW = 0.25
_SHORT = 1.0
"""Seconds for a tool over slow records."""
_TOO_LONG = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A scene as it was recorded: its entries from the first `turn.opened` on, and the values of the blobs they name.

    `turn` is the first one, `shown` the one that is shown in its place at the end. `texts` has for each entry its shell
    and payload, as the JSON of a list. `day` is the day of the recording.
    """

    turn: Turn
    shown: Turn
    day: str
    entries: list[Entry]
    texts: list[str]
    blobs: dict[str, Json]

    @property
    def length(self) -> timedelta:
        """The time from the question to the last entry."""
        return self.entries[-1].at - self.entries[0].at


class _FailingRecords(HrRecords):
    """HR records behind a connection that breaks."""

    def balance(self, *_: object) -> dict[str, str | float]:
        raise ConnectionError("the HR system closed the connection")

    def book_leave(self, *_: object) -> dict[str, str | float]:
        raise OutcomeUnknown("the HR system took the request and did not confirm it")


class _SlowRecords(HrRecords):
    """HR records that answer too late."""

    def balance(self, *_: object) -> dict[str, str | float]:
        time.sleep(_TOO_LONG)
        return {}


_RECORDS: dict[Records, type[HrRecords]] = {
    "working": HrRecords,
    "failing": _FailingRecords,
    "slow": _SlowRecords,
}


class _ScratchStore(MemoryStore):
    """A store whose clock is the desk's."""

    def __init__(self, clock: SetClock) -> None:
        super().__init__()
        self._clock = clock

    async def now(self) -> datetime:
        return self._clock.now()


class Stage:
    """What all scenes share: the sample handbooks and care."""

    def __init__(self, retriever: Retriever, care: Care, instructions: str) -> None:
        self._retriever = retriever
        self._care = care
        self._instructions = instructions
        # Care has a deadline: on a busy machine it would pass for questions that are all read at once.
        self._reading = anyio.Lock()

    async def play(self, scene: Scene, country: str) -> Sample:
        """Let a desk play the scene with an employee who works in this country."""
        clock = SetClock()
        store = _ScratchStore(clock)
        records = _RECORDS[scene.records](":memory:")
        today = clock.now().date()
        first, last = days_ahead(today)
        asker = Viewer(ASKER, country=country)
        desk = Desk(
            store,
            ScriptedModel(scene.answers) if scene.answers else OfflineModel(),
            tools=_tools(records, scene.records),
            retriever=self._retriever,
            care=self._care,
            handover=DemoHandover(records),
            instructions=self._instructions,
            clock=clock,
            flush_seconds=_WINDOW,
        )
        async with desk:
            thread = await desk.create_thread(asker)
            async with self._reading:
                turn = await desk.submit(asker, thread.id, scene.text.format(start=first, end=last))
            await _follow(desk, asker, turn.id, to_text=scene.then[:1] == ("stop",))
            for step in scene.then:
                await _take(step, scene, desk, clock, asker, turn)
            turn = await desk.archive.turn(asker, turn.id)
            shown = [version.turn for version in turn.versions if version.seen[-1].until is None]
            shown_turn = await desk.archive.turn(asker, shown[0]) if shown else turn
        records.close()
        entries = await store.read(f"thread:{thread.id}", 1)
        return Sample(
            turn=turn,
            shown=shown_turn,
            day=str(today),
            entries=entries,
            texts=[canonical([entry.shell, entry.payload]).decode() for entry in entries],
            blobs={
                digest: await read_blob(store, digest) for digest in (_digests(turn.snapshot) if turn.snapshot else ())
            },
        )


@asynccontextmanager
async def open_stage(instructions: str) -> AsyncIterator[Stage]:
    """The stage, over the sample handbooks in memory; `instructions` are those of the desk."""
    async with open_handbooks(":memory:") as handbooks:
        await handbooks.ingest(DESK_KEEPER, SAMPLES)
        yield Stage(handbooks.retriever, await blocking(open_care, CARDS), instructions)


def days_ahead(today: date) -> tuple[date, date]:
    """Two working days, some weeks ahead, on which leave can be booked in every country."""
    tuesdays = (today + timedelta(days=22 - today.weekday() + 7 * week) for week in count())
    # In these months there are holidays, the company's own days off, or leave that the records hold already.
    first = next(day for day in tuesdays if day.month in (3, 9, 10, 11))
    return first, first + timedelta(days=1)


def _tools(records: HrRecords, state: Records) -> list[Tool]:
    tools = hr_tools(records)
    return [replace(tool, timeout=_SHORT) for tool in tools] if state == "slow" else tools


async def _follow(desk: Desk, asker: Viewer, turn: str, *, to_text: bool = False) -> None:
    """Follow the turn until it ends or waits, or `to_text`: until its first text is shown."""
    async with aclosing(desk.follow(asker, turn)) as events:
        async for event in events:
            if to_text and event.kind == "text":
                return


async def _take(step: Step, scene: Scene, desk: Desk, clock: SetClock, asker: Viewer, turn: Turn) -> None:
    """Do what a person does, or a clock. `turn` is the scene's first one."""
    call = next(iter((await desk.archive.turn_view(asker, turn.id)).calls), None)
    match step:
        case "stop":
            await desk.stop(asker, turn.id)
        case "expire":
            clock.ahead += timedelta(days=desk.options.approval_days)
            await desk.recover()
        case "hand_over":
            await desk.hand_over(asker, turn.id, attach="answer", note=NOTE)
        case "approve" | "deny":
            assert call
            assert call.digest
            assert call.approval
            clock.ahead += _THINKING
            decider = _APPROVER if call.approval == "approver" else asker
            reason = REASONS[call.approval] if step == "deny" else None
            await desk.decide(decider, call.id, step, call.digest, reason=reason)
            report = (await desk.archive.deferred_call(asker, call.id)).report if call.status == "deferred" else None
            await _follow(desk, asker, report or turn.id)
        case "withdraw":
            assert call
            clock.ahead += _READING
            await desk.withdraw(asker, call.id)
        case "resolve":
            assert call
            clock.ahead += _THINKING
            await desk.resolve(_AUDITOR, call.id, True, EVIDENCE)
        case "ask" | "regenerate" | "edit":
            clock.ahead += _READING
            text = scene.text if step == "regenerate" else scene.next
            replaced = None if step == "ask" else turn.id
            asked = await desk.submit(asker, turn.thread, text, replaces=replaced)
            await _follow(desk, asker, asked.id)
        case "back":
            clock.ahead += _READING
            await desk.show(asker, turn.id)


def _digests(snapshot: Snapshot) -> list[str]:
    return [snapshot.instructions, snapshot.tools, snapshot.options, snapshot.handbooks]
