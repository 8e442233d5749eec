"""What auditors, a handler and a data protection officer did in the past: real looks and verdicts, each dated back."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import TypeAlias

from backends.models.offline.model import OfflineModel
from console.demo.past.clock import SetClock
from console.demo.past.plan import pick
from console.demo.past.table import AUDITS, CARE_PURPOSE, RIGHTS_PURPOSE, VERDICTS, WRONG
from console.demo.past.writing import WrittenThread
from core.clock import moment
from core.desk.desk import Desk
from core.desk.filters import ThreadFilter
from core.gate import Viewer
from core.store import Store

Act: TypeAlias = tuple[datetime, Callable[[], Awaitable[object]]]
"""When a person does something, and what."""
Tell: TypeAlias = Callable[[str, int, int], None]
"""Called with a noun for what is made, how many of them there are, and how many there will be."""

AUDITORS = ("e-2001", "e-2002")
HANDLER = "e-5001"
OFFICER = "e-6001"
_MOST_AUDITS = 12
_MOST_SEALED = 6
"""How often auditors search, and how many sealed threads the handler opens, if there are as many threads."""
_OPENED = 3
"""How many threads an auditor opens after a search."""
_MOST_JUDGED = 150
_JUDGED = 8
"""One of so many answers from handbooks is judged."""
_LOG_READ = 2
"""How often the data protection officer reads the audit log."""
_BETWEEN = timedelta(minutes=2)


class Overseers:
    """The people who look at the threads until `now`, some time after every thread's end."""

    def __init__(
        self, store: Store, clock: SetClock, threads: Sequence[WrittenThread], now: datetime, draw: Random
    ) -> None:
        self._clock = clock
        # It is never started: it works on no turn.
        self._desk = Desk(store, OfflineModel(), clock=clock)
        self._threads = threads
        self._open = [thread for thread in threads if not thread.head.sealed]
        self._now = now
        self._draw = draw

    async def act(self, tell: Tell) -> tuple[int, int]:
        """Do everything that was done, in the order of time; returns the numbers of looks and of verdicts."""
        looks, verdicts = [*self._audits(), *self._care(), *self._reads_of_the_audit_log()], list(self._verdicts())
        acts = sorted([*looks, *verdicts], key=lambda act: act[0])
        for done, (at, act) in enumerate(acts, 1):
            self._clock.set(at)
            await act()
            tell("look", done, len(acts))
        return len(looks), len(verdicts)

    def _audits(self) -> Iterator[Act]:
        """Searches of auditors, each with the threads that they open afterwards."""
        for _ in range(min(_MOST_AUDITS, len(self._open))):
            purpose, words = self._draw.choice(AUDITS)
            viewer = Viewer(self._draw.choice(AUDITORS), {"auditor"}, purpose=purpose)
            at = self._later(self._draw.choice(self._open))
            yield at, partial(self._desk.oversight.search_threads, viewer, ThreadFilter(words=words))
            ended = [thread for thread in self._open if moment(thread.head.updated_at) < at]
            for place, thread in enumerate(self._draw.sample(ended, min(_OPENED, len(ended))), 1):
                yield at + place * _BETWEEN, partial(self._desk.archive.transcript, viewer, thread.head.id)

    def _care(self) -> Iterator[Act]:
        """The looks of the handler at sealed threads."""
        viewer = Viewer(HANDLER, {"handler"}, purpose=CARE_PURPOSE)
        sealed = [thread for thread in self._threads if thread.head.sealed]
        for thread in self._draw.sample(sealed, min(_MOST_SEALED, len(sealed))):
            at = self._later(thread)
            yield at, partial(self._desk.oversight.sealed_threads, viewer)
            yield at + _BETWEEN, partial(self._desk.archive.transcript, viewer, thread.head.id)

    def _reads_of_the_audit_log(self) -> Iterator[Act]:
        viewer = Viewer(OFFICER, {"data_protection_officer"}, purpose=RIGHTS_PURPOSE)
        for _ in range(_LOG_READ):
            yield self._later(self._draw.choice(self._threads)), partial(self._desk.oversight.looks, viewer)

    def _verdicts(self) -> Iterator[Act]:
        """Verdicts of auditors on answers that are from handbooks, or that say that these have none."""
        answers = [
            (thread, turn)
            for thread in self._open
            for turn in thread.turns
            if turn.ended_at and turn.outcome in ("sourced", "not_found")
        ]
        for thread, turn in self._draw.sample(answers, min(_MOST_JUDGED, len(answers) // _JUDGED)):
            others = [auditor for auditor in AUDITORS if auditor != turn.owner]
            viewer = Viewer(self._draw.choice(others), {"auditor"}, purpose=AUDITS[0][0])
            verdict = pick(VERDICTS, self._draw)
            cause, note, corrected = self._draw.choice(WRONG) if verdict == "wrong" else (None, "", "")
            judge = partial(self._desk.judge, cause=cause, note=note, corrected=corrected)
            yield self._later(thread), partial(judge, viewer, turn.id, verdict)

    def _later(self, thread: WrittenThread) -> datetime:
        """A time between the thread's end and now, with room for what a person does next."""
        ended, latest = moment(thread.head.updated_at), self._now - (_OPENED + 1) * _BETWEEN
        return ended + self._draw.random() * (latest - ended)
