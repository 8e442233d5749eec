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
from console.people import entity_in
from core.canonical import Json, canonical, digest
from core.clock import Clock, iso, milliseconds, moment
from core.log.branches import Hidden, without
from core.log.commit import commit_surely
from core.log.entry import Draft, chain
from core.log.facts import FeedbackContent, FeedbackGiven, Renamed, ThreadContent, ThreadCreated, TitleContent, draft
from core.log.fold import State, fold
from core.log.record_ids import turn_of_call
from core.log.records import Thread, Turn, record
from core.store import Store
from core.turn.deferred import report_turn
from core.values import Entry

Samples: TypeAlias = Mapping[tuple[Scene, str], Sample]

_PATIENCE = 60.0
_AFTER_ANSWER = timedelta(seconds=9)
"""When an answer is rated, or a thread renamed."""
_QUIET = timedelta(minutes=20)
"""The time before now in which employees ask nothing: what others did afterwards must fit in."""
_STILL_WAITS = timedelta(days=5)
_COLLEAGUES = {AUDITOR: "e-2002", APPROVER: "e-3002"}
"""By person the colleague that acts on their own requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenThread:
    """A thread's head and its turns, oldest first."""

    head: Thread
    turns: list[Turn]


class _Log:
    """A stream's entries so far, and what they come to."""

    def __init__(self, stream: str, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock
        self.entries: list[Entry] = []
        self.state = State()

    @property
    def head(self) -> Thread:
        assert self.state.thread
        return self.state.thread

    def add(self, draft: Draft, *, by: str, at: datetime) -> None:
        salts = [self._clock.token()]
        (entry,) = chain(self._stream, self.state.n, self.state.hash, [draft], by=by, at=at, salts=salts)
        self.entries.append(entry)
        self.state = fold(self.state, entry)


async def write_thread(
    store: Store, clock: Clock, thread: PlannedThread, samples: Samples, now: datetime, days: int, draw: Random
) -> WrittenThread:
    """Write the thread, at a time within the days before `now`, in one commit."""
    log = _written(thread, samples, _begin(thread, samples, now, days, draw), clock)
    items = log.state.items.values()
    records = [*map(record, items), record(log.head)]
    await commit_surely(store, clock, f"thread:{thread.id}", 0, log.entries, records, patience=_PATIENCE)
    return WrittenThread(head=log.head, turns=[item for item in items if isinstance(item, Turn)])


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


def _written(thread: PlannedThread, samples: Samples, at: datetime, clock: Clock) -> _Log:
    owner = thread.owner.id
    log = _Log(f"thread:{thread.id}", clock)
    content = ThreadContent(title=None, metadata=thread.metadata, instructions="")
    log.add(draft(ThreadCreated(thread=thread.id, owner=owner, content=content)), by=owner, at=at)
    for turn in thread.turns:
        sample = samples[turn.scene, turn.country]
        at = milliseconds(at + timedelta(seconds=turn.pause))
        ids = _ids(sample, thread.id, turn)
        _add_scene(log, sample, thread.owner, ids, at)
        at += sample.length
        if turn.rating and sample.shown.ended_at:
            rating, comment = turn.rating.of(sample.shown.outcome)
            content_of_rating = FeedbackContent(comment=comment)
            fact = FeedbackGiven(turn=ids[sample.shown.id], rating=rating, content=content_of_rating)
            log.add(draft(fact), by=owner, at=at + _AFTER_ANSWER)
    if thread.title:
        log.add(draft(Renamed(content=TitleContent(title=thread.title))), by=owner, at=at + _AFTER_ANSWER)
    return log


def _ids(sample: Sample, thread: str, planned: PlannedTurn) -> dict[str, str]:
    """The ids of a sample, and those that stand for them in the thread; others begin with the id of a turn."""
    ids = {
        sample.turn.thread: thread,
        sample.turn.id: planned.id,
        sample.turn.request_id: planned.request,
    }
    for entry in sample.entries[1:]:
        if entry.kind == "handover.asked":
            ids[entry.shell["handover"]] = digest([planned.id, "handover", planned.request])[:24]
        if entry.kind != "turn.opened":
            continue
        if report := entry.shell["report"]:
            call = report["deferred"]
            asked = turn_of_call(call)
            ids[entry.shell["turn"]], _ = report_turn(thread, call.replace(asked, ids[asked]))
        else:
            request = digest([planned.request, len(ids)])[:32]
            ids[entry.shell["request_id"]] = request
            ids[entry.shell["turn"]] = digest([thread, request])[:24]  # as a desk derives it
    return ids


def _add_scene(log: _Log, sample: Sample, owner: Asker, ids: Mapping[str, str], at: datetime) -> None:
    shift, first, before = at - sample.entries[0].at, log.state.n + 1 - sample.entries[0].n, log.head
    swaps = {
        **ids,
        sample.day: str(at.date()),
        ASKER: owner.id,
        **{busy: other for busy, other in _COLLEAGUES.items() if busy == owner.id},
    }
    # All at once: an id that was put in must not be taken for one to replace.
    pattern = re.compile("|".join(map(re.escape, swaps)))
    for entry, text in zip(sample.entries, sample.texts, strict=True):
        shell, payload = json.loads(pattern.sub(lambda match: swaps[match[0]], text))
        _fit(entry.kind, shell, payload, owner, first, shift, before)
        rewritten = Draft(kind=entry.kind, v=entry.v, shell=shell, payload=payload)
        log.add(rewritten, by=swaps.get(entry.by, entry.by), at=entry.at + shift)


def _fit(kind: str, shell: Json, payload: Json, owner: Asker, first: int, shift: timedelta, before: Thread) -> None:
    """Change what depends on the asker, the time, or the scene's place in the log; `before` is the head before it."""
    match kind:
        case "turn.opened":
            shell["standing"] |= {"country": owner.country, "entity": entity_in(owner.country)}
            if fork := shell["fork"]:
                fork["hidden"] = _hidden(before, fork["hidden"], first)
        case "branch.shown":
            shell["hidden"] = _hidden(before, shell["hidden"], first)
        case "model.asked":
            shell["window"] += first
        case "approval.asked" | "call.deferred":
            shell["expires"] = iso(moment(shell["expires"]) + shift)
        case "tool.finished" if shell["digest"] and not shell["cut"]:
            shell["digest"], shell["size"] = digest(payload["result"]), len(canonical(payload["result"]))


def _hidden(before: Thread, ranges: Hidden, first: int) -> list[tuple[int, int]]:
    """What a branch of the scene leaves out, with what the thread leaves out before the scene."""
    hidden = before.hidden
    for begin, end in ranges:
        hidden = without(hidden, begin + first, end + first)
    return hidden
