"""Places: a process works on a bounded number of turns, and the others wait in order.

Without a bound all turns would share the event loop, and in a crowd nobody would be answered early.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from core.values import Worker
from core.worker.process import end


class Place:
    """What a turn gets from `Places.ask`. It may be worked on once the place is `held`."""

    def __init__(self, places: "Places", *, held: bool) -> None:
        self.held = held
        self._places: Places | None = places

    def give_back(self) -> None:
        """The turn needs the place no longer, or does not want one after all. May be called twice."""
        places, self._places = self._places, None
        if places is not None:
            places.take_back(self)


Begin: TypeAlias = Callable[[Place], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """A turn that waits. Others leave the turn to its `worker` until that ends; None if it is another process's."""

    place: Place
    begin: Begin
    worker: Worker | None


class Places:
    """So many places, and the turns that wait for one: first those that were begun before, then the new ones.

    `start` runs a turn's `begin` in a task of its own. Turns of each kind are begun in the order in which they wait.
    """

    def __init__(self, count: int, start: Callable[[Begin, Place], None]) -> None:
        self._free = count
        self._start = start
        self._begun: OrderedDict[str, _Waiting] = OrderedDict()
        self._new: OrderedDict[str, _Waiting] = OrderedDict()
        self._asked = 0
        self._open = True

    @property
    def free(self) -> bool:
        """Whether the next turn that asks gets a place at once."""
        # A turn that was told to wait is not in a queue yet while its opening is committed. It still goes first.
        return self._free > 0 and not self._asked and not self._begun and not self._new

    def ask(self) -> Place:
        """A place. If it is not held yet, its turn calls `wait` once the wait is on record, or gives the place back."""
        place = Place(self, held=self.free)
        if place.held:
            self._free -= 1
        else:
            self._asked += 1
        return place

    def wait(self, place: Place, turn: str, begin: Begin, *, begun: bool, worker: Worker | None = None) -> None:
        """Call `begin` when the place is held. The worker ends if the turn stops waiting before that."""
        self._asked -= 1
        queue = self._begun if begun else self._new
        waiting = _Waiting(place=place, begin=begin, worker=worker)
        if not self._open:
            _end(waiting)
        elif turn not in queue:
            queue[turn] = waiting
        self._fill()

    def drop(self, turn: str) -> None:
        """The turn waits no longer."""
        for queue in (self._begun, self._new):
            if waiting := queue.pop(turn, None):
                _end(waiting)

    def ahead(self, turn: str) -> int | None:
        """How many waiting turns are begun before this one; None if the turn does not wait here."""
        return next((number for number, other in enumerate(chain(self._begun, self._new)) if other == turn), None)

    def close(self) -> None:
        """Begin no further turn. Those that wait are left to the next desk."""
        self._open = False
        for turn in [*self._begun, *self._new]:
            self.drop(turn)

    def take_back(self, place: Place) -> None:
        """As `Place.give_back`."""
        if place.held:
            self._free += 1
        else:
            self._asked -= 1
        self._fill()

    def _fill(self) -> None:
        while self._open and self._free and (queue := self._begun or self._new):
            _, waiting = queue.popitem(last=False)
            self._free -= 1
            waiting.place.held = True
            self._start(waiting.begin, waiting.place)


def _end(waiting: _Waiting) -> None:
    if waiting.worker:
        end(waiting.worker)
