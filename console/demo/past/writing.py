"""Threads written from samples: the sample's facts with other ids, people and times, chained and folded as always."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import TypeAlias

from console.demo.past.plan import Asker, PlannedThread, PlannedTurn
from console.demo.past.samples import APPROVER, ASKER, AUDITOR, Sample
from console.demo.past.table import Scene
from core.canonical import Json, canonical, digest
from core.clock import Clock, iso, milliseconds, moment
from core.log.commit import commit_surely
from core.log.entry import Draft, chain
from core.log.facts import FeedbackContent, FeedbackGiven, Renamed, ThreadContent, ThreadCreated, TitleContent, draft
from core.log.fold import State, fold_all
from core.log.records import Thread, Turn, record
from core.store import Store
from core.values import GENESIS, Entry

Samples: TypeAlias = Mapping[tuple[Scene, str], Sample]

_PATIENCE = 60.0
_AFTER_ANSWER = timedelta(seconds=9)
"""When an answer is rated, or a thread renamed."""
_QUIET = timedelta(minutes=20)
"""The time before now in which employees ask nothing: what others did afterwards must fit in."""
_STILL_WAITS = timedelta(days=5)
_COLLEAGUES = {AUDITOR: "e-2002", APPROVER: "e-3002"}
"""The people who act in place of those whose own request it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenThread:
    """A thread's head and its turns, oldest first."""

    head: Thread
    turns: list[Turn]


class _Log:
    """A stream's entries so far."""

    def __init__(self, stream: str, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock
        self.entries: list[Entry] = []

    def add(self, draft: Draft, *, by: str, at: datetime) -> None:
        prev = self.entries[-1].hash if self.entries else GENESIS
        salts = [self._clock.token()]
        self.entries += chain(self._stream, len(self.entries), prev, [draft], by=by, at=at, salts=salts)


async def write_thread(
    store: Store, clock: Clock, thread: PlannedThread, samples: Samples, now: datetime, days: int, draw: Random
) -> WrittenThread:
    """Write the thread, at a time within the days before `now`, in one commit."""
    entries = _entries(thread, samples, _begin(thread, samples, now, days, draw), clock)
    state = fold_all(State(), entries)
    assert state.thread
    records = [record(item) for item in state.items.values()]
    stream = f"thread:{thread.id}"
    await commit_surely(store, clock, stream, 0, entries, [*records, record(state.thread)], patience=_PATIENCE)
    return WrittenThread(head=state.thread, turns=[item for item in state.items.values() if isinstance(item, Turn)])


def _begin(thread: PlannedThread, samples: Samples, now: datetime, days: int, draw: Random) -> datetime:
    """When the thread is created: mostly on a working day, and so that it is quiet before `now`."""
    length = _QUIET
    for turn in thread.turns:
        length += timedelta(seconds=turn.pause) + samples[turn.scene, turn.country].length
    latest, earliest = now - length, now - timedelta(days=days)
    if thread.waits:
        earliest = max(earliest, latest - _STILL_WAITS)
    while True:
        begin = earliest + draw.random() * (latest - earliest)
        if draw.random() < _busy(begin):
            return milliseconds(begin)


def _busy(at: datetime) -> float:
    """How many questions are asked at such a time, compared with the busiest."""
    if at.weekday() >= 5:
        return 0.05
    return 1 if 7 <= at.hour < 16 else 0.2 if 5 <= at.hour < 20 else 0.03


def _entries(thread: PlannedThread, samples: Samples, at: datetime, clock: Clock) -> list[Entry]:
    owner = thread.owner.id
    log = _Log(f"thread:{thread.id}", clock)
    content = ThreadContent(title=None, metadata=thread.metadata, instructions="")
    log.add(draft(ThreadCreated(thread=thread.id, owner=owner, content=content)), by=owner, at=at)
    for turn in thread.turns:
        sample = samples[turn.scene, turn.country]
        at = milliseconds(at + timedelta(seconds=turn.pause))
        _add_turn(log, sample, thread, turn, at)
        at += sample.length
        if turn.rating and sample.turn.ended_at:
            rating, comment = turn.rating.of(sample.turn.outcome)
            fact = FeedbackGiven(turn=turn.id, rating=rating, content=FeedbackContent(comment=comment))
            log.add(draft(fact), by=owner, at=at + _AFTER_ANSWER)
    if thread.title:
        log.add(draft(Renamed(content=TitleContent(title=thread.title))), by=owner, at=at + _AFTER_ANSWER)
    return log.entries


def _add_turn(log: _Log, sample: Sample, thread: PlannedThread, turn: PlannedTurn, at: datetime) -> None:
    shift, first = at - sample.entries[0].at, len(log.entries) + 1 - sample.entries[0].n
    swaps = {
        sample.turn.thread: thread.id,
        sample.turn.id: turn.id,  # the ids of its calls and searches begin with it
        sample.turn.request_id: turn.request,
        sample.day: str(at.date()),
        ASKER: thread.owner.id,
        **{busy: other for busy, other in _COLLEAGUES.items() if busy == thread.owner.id},
    }
    for entry in sample.entries:
        if entry.kind == "handover.asked":
            swaps[entry.shell["handover"]] = digest([turn.id, "handover", turn.request])[:24]
    # All at once: an id that was put in must not be taken for one to replace.
    pattern = re.compile("|".join(map(re.escape, swaps)))
    for entry, text in zip(sample.entries, sample.texts, strict=True):
        shell, payload = json.loads(pattern.sub(lambda match: swaps[match[0]], text))
        _fit(entry.kind, shell, payload, thread.owner, first, shift)
        rewritten = Draft(kind=entry.kind, v=entry.v, shell=shell, payload=payload)
        log.add(rewritten, by=swaps.get(entry.by, entry.by), at=entry.at + shift)


def _fit(kind: str, shell: Json, payload: Json, owner: Asker, first: int, shift: timedelta) -> None:
    """Change what depends on the asker, the time, or the turn's place in the log."""
    match kind:
        case "turn.opened":
            shell["standing"]["country"] = owner.country
        case "model.asked":
            shell["window"] += first
        case "approval.asked":
            shell["expires"] = iso(moment(shell["expires"]) + shift)
        case "tool.finished" if shell["digest"] and not shell["cut"]:
            shell["digest"], shell["size"] = digest(payload["result"]), len(canonical(payload["result"]))
